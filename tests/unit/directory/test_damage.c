/* SPDX-License-Identifier: Apache-2.0 */
/* Kills, cut files, flipped bytes, full disks: old or new and never a mixture; an error and never "not found". */
#include "store/store_file.h"
#include "support/cmocka_all.h"
#include "support_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char old_text[] = "key,state,since\nsip:alice@x,active,2024-01-01\nsip:bob@x,gone,2024-01-01\n";
static const char new_text[] = "key,state,since\nsip:alice@x,gone,2025-01-01\nsip:carol@x,active,2025-01-01\n"
                               "+100-+199,gone,2025-01-01\n";

/* Runs `fn` in a process of its own that opens the directory itself; returns its wait status. */
static int in_child(struct place *place, int (*fn)(struct place *place, int arg), int arg)
{
    int status = 0;
    place_close(place);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL); /* not the test framework's handler */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        _exit(fn(place, arg));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

struct countdown {
    int left;
};

static void kill_at_zero(void *ctx, const char *step)
{
    struct countdown *countdown = ctx;
    (void)step;
    if (--countdown->left == 0)
        raise(SIGKILL);
}

static int import_until_killed(struct place *place, int steps)
{
    struct countdown countdown = {.left = steps};
    struct directory_import_options options = {.force = true, .step_fn = kill_at_zero, .step_ctx = &countdown};
    if (directory_open(place->path, NULL, &place->directory, NULL) != OK ||
        import_text(place, new_text, &options, NULL, NULL) != OK)
        return 1;
    return 0;
}

static void killed_at_every_step_an_import_is_whole_or_not_at_all(void **state)
{
    struct place *place = *state;
    int status = 0, kills = 0, news = 0;
    assert_int_equal(import_text(place, old_text, NULL, NULL, NULL), OK);
    char *old = export_text(place, ENTRY_CSV);
    for (int steps = 1; steps < 100; steps++) {
        status = in_child(place, import_until_killed, steps);
        if (!WIFSIGNALED(status))
            break;
        kills++;
        place_reopen(place);
        char *found = export_text(place, ENTRY_CSV);
        bool is_old = strcmp(found, old) == 0;
        bool is_new = !strstr(found, "bob") && strstr(found, "carol") && strstr(found, "+100-+199");
        assert_true(is_old != is_new);
        free(found);
        struct directory_verify_result verified;
        assert_int_equal(directory_verify(place->directory, NULL, NULL, &verified), OK);
        if (is_new) {
            news++;
            assert_int_equal(
                import_text(place, old_text, &(struct directory_import_options){.force = true}, NULL, NULL), OK);
            free(old);
            old = export_text(place, ENTRY_CSV);
        }
    }
    free(old);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(kills >= 7);
    assert_int_equal(news, 1);
    place_reopen(place);
    assert_int_equal(state_of(place, "+150"), ENTRY_GONE);
}

static int count_folders(const struct place *place)
{
    char command_path[128];
    int found = 0;
    for (int i = 0; i < 20; i++) {
        for (int new = 0; new < 2; new ++) {
            snprintf(command_path, sizeof(command_path), "%s/directory/gen-%d%s", place->path, i, new ? ".new" : "");
            found += access(command_path, F_OK) == 0;
        }
    }
    return found;
}

static void a_start_removes_what_a_kill_left(void **state)
{
    struct place *place = *state;
    assert_int_equal(import_text(place, old_text, NULL, NULL, NULL), OK);
    assert_true(WIFSIGNALED(in_child(place, import_until_killed, 3)));
    assert_int_equal(count_folders(place), 2);
    place_reopen(place);
    assert_int_equal(count_folders(place), 1);
}

static int edit_until_killed(struct place *place, int pipe_fd)
{
    if (directory_open(place->path, NULL, &place->directory, NULL) != OK)
        return 1;
    for (int i = 0;; i++) {
        char key[32];
        snprintf(key, sizeof(key), "sip:u%d@x", i);
        if (edit(place, DIRECTORY_OP_ADD, key, NULL) != OK || write(pipe_fd, &i, sizeof(i)) != sizeof(i))
            return 1;
    }
}

static void an_edit_that_was_answered_survives_a_kill(void **state)
{
    struct place *place = *state;
    int fds[2], told = -1, value;
    assert_int_equal(pipe(fds), 0);
    place_close(place);
    pid_t child = fork();
    if (child == 0)
        _exit(edit_until_killed(place, fds[1]));
    close(fds[1]);
    while (told < 50 && read(fds[0], &value, sizeof(value)) == sizeof(value))
        told = value;
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(fds[0], &value, sizeof(value)) == sizeof(value))
        told = value;
    close(fds[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(told >= 50);
    place_reopen(place);
    for (int i = 0; i <= told; i++) {
        char what[32];
        snprintf(what, sizeof(what), "u%d@x", i);
        assert_int_equal(state_of(place, what), ENTRY_ACTIVE);
    }
}

/* Opens as the daemon does: a handle always, and what it says. */
static void open_lenient(struct place *place, enum directory_status expected, enum err lookup)
{
    struct directory_options options = {.lenient = true};
    struct entry_record record;
    struct fault fault = {.err = OK};
    place_close(place);
    assert_int_equal(directory_open(place->path, &options, &place->directory, &fault), OK);
    assert_int_equal(directory_reader_open(place->directory, &place->reader), OK);
    assert_int_equal(directory_status(place->directory), expected);
    assert_int_equal(look(place, "alice@x", &record), lookup);
}

static void where_none_was_made_the_handle_says_so(void **state)
{
    struct place *place = *state;
    struct fault fault;
    struct directory_change change = {.op = DIRECTORY_OP_ADD, .key = SPAN("sip:alice@x")};
    assert_int_equal(directory_open(place->path, NULL, &place->directory, &fault), ERR_NOT_FOUND);
    open_lenient(place, DIRECTORY_NEVER_MADE, ERR_AGAIN);
    assert_int_equal(directory_edit(place->directory, &change, NULL, &fault), ERR_AGAIN);
    assert_int_equal(import_text(place, old_text, NULL, NULL, &fault), ERR_NOT_FOUND);
    assert_int_equal(directory_reopen(place->directory, &fault), ERR_NOT_FOUND);
    assert_int_equal(directory_ensure(place->directory, &fault), OK);
    assert_int_equal(directory_ensure(place->directory, &fault), OK);
    assert_int_equal(directory_status(place->directory), DIRECTORY_EMPTY);
    assert_int_equal(directory_edit(place->directory, &change, NULL, &fault), OK);
    assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
    assert_int_equal(directory_create(place->path, &fault), ERR_EXISTS);
}

static void half_made_is_never_made(void **state)
{
    struct place *place = *state;
    char path[256];
    snprintf(path, sizeof(path), "%s/directory.new", place->path);
    assert_int_equal(store_make_folder(path), OK);
    snprintf(path, sizeof(path), "%s/directory.new/gen-1", place->path);
    assert_int_equal(store_make_folder(path), OK);
    open_lenient(place, DIRECTORY_NEVER_MADE, ERR_AGAIN);
    assert_int_equal(directory_ensure(place->directory, NULL), OK);
}

static void what_is_missing_or_cut_is_unreadable(void **state)
{
    struct place *place = *state;
    char data[256], current[256], moved[300];
    struct directory_info info;
    assert_int_equal(import_text(place, old_text, NULL, NULL, NULL), OK);
    assert_int_equal(directory_info(place->directory, &info), OK);
    off_t used = (off_t)info.used_bytes;
    place_data_file(place, data);
    snprintf(current, sizeof(current), "%s/directory/current", place->path);
    snprintf(moved, sizeof(moved), "%s.moved", data);
    place_close(place);
    assert_int_equal(rename(data, moved), 0);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_non_null(strstr(info.reason, "missing"));
    place_close(place);
    assert_int_equal(rename(moved, data), 0);
    assert_int_equal(store_file_replace(current, SPAN("verdict directory 1\ngeneration x\n")), OK);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
    assert_int_equal(store_file_replace(current, SPAN("verdict directory 1\ngeneration 77\n")), OK);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
    assert_int_equal(unlink(current), 0);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
    assert_int_equal(directory_ensure(place->directory, NULL), ERR_CORRUPT); /* never made anew over it */
    assert_int_equal(store_file_replace(current, SPAN("verdict directory 1\ngeneration 2\n")), OK);
    assert_int_equal(truncate(data, used - 1), 0);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
    assert_int_equal(directory_info(place->directory, &info), OK);
    assert_non_null(strstr(info.reason, "cut short"));
    assert_int_equal(truncate(data, 0), 0);
    open_lenient(place, DIRECTORY_UNREADABLE, ERR_CORRUPT);
}

#ifdef __SANITIZE_THREAD__
enum { USERS = 1500, FLIPS = 20 }; /* each is a child process, which is slow to start there */
#else
enum { USERS = 1500, FLIPS = 400 };
#endif

static void user_name(int i, char out[32])
{
    snprintf(out, 32, "u%05d@example.com", i);
}

static int look_at_all(struct place *place, int arg)
{
    struct entry_record record;
    char what[32];
    (void)arg;
    if (directory_open(place->path, NULL, &place->directory, NULL) != OK)
        return 0; /* said at once */
    if (directory_reader_open(place->directory, &place->reader) != OK)
        return 1;
    for (int i = 0; i < USERS; i++) {
        user_name(i, what);
        enum err err = look(place, what, &record);
        if (err == ERR_NOT_FOUND)
            return 2;
        if (err == OK && (record.state != (i % 3 ? ENTRY_ACTIVE : ENTRY_GONE)))
            return 3;
        snprintf(what, sizeof(what), "v%05d@example.com", i);
        if (i % 50 == 0 && look(place, what, &record) == OK)
            return 4;
    }
    return 0;
}

/* One byte of the file changed, at many places: an existing user is found, or the error is another one; a process that ends by a
 * signal is left to the next start, which the engine tells of. */
static void a_flipped_byte_never_makes_a_user_unknown(void **state)
{
    struct place *place = *state;
    char data[256];
    uint64_t random = 99;
    int results[6] = {0}, signals = 0;
    char *text = malloc(USERS * 64);
    size_t len = (size_t)sprintf(text, "key,state\n");
    for (int i = 0; i < USERS; i++) {
        char name[32];
        user_name(i, name);
        len += (size_t)sprintf(text + len, "sip:%s,%s\n", name, i % 3 ? "active" : "gone");
    }
    assert_int_equal(import_text(place, text, NULL, NULL, NULL), OK);
    free(text);
    place_data_file(place, data);
    struct directory_info info;
    assert_int_equal(directory_info(place->directory, &info), OK);
    place_close(place);
    for (int i = 0; i < FLIPS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        off_t at = (off_t)((random >> 16) % info.used_bytes);
        unsigned char byte, other;
        int fd = open(data, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        other = byte ^ (unsigned char)(1 << (random >> 61));
        assert_int_equal(pwrite(fd, &other, 1, at), 1);
        int status = in_child(place, look_at_all, 0);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        if (WIFSIGNALED(status))
            signals++;
        else
            results[WEXITSTATUS(status) < 5 ? WEXITSTATUS(status) : 5]++;
    }
    print_message("of %d flips: %d harmless or said, %d ended the process\n", FLIPS, results[0], signals);
    assert_int_equal(results[1] + results[2] + results[3] + results[4] + results[5], 0);
}

static void verify_finds_a_flipped_byte(void **state)
{
    struct place *place = *state;
    struct directory_verify_result result;
    char data[256];
    char *bytes;
    struct stat file;
    struct directory_change change = {
        .op = DIRECTORY_OP_ADD, .key = SPAN("sip:alice@x"), .note = SPAN("a note that is easy to find")};
    assert_int_equal(directory_edit(place->directory, &change, NULL, NULL), OK);
    add(place, "sip:bob@x");
    place_data_file(place, data);
    place_close(place);
    int fd = open(data, O_RDWR | O_CLOEXEC);
    assert_int_equal(fstat(fd, &file), 0);
    bytes = malloc((size_t)file.st_size);
    assert_int_equal(pread(fd, bytes, (size_t)file.st_size, 0), file.st_size);
    for (off_t at = 0; at + 27 < file.st_size; at++) {
        if (memcmp(bytes + at, "a note that is easy to find", 27) == 0)
            assert_int_equal(pwrite(fd, "A", 1, at), 1);
    }
    free(bytes);
    close(fd);
    place_reopen(place);
    struct entry_record record;
    assert_int_equal(look(place, "alice@x", &record), ERR_CORRUPT);
    assert_int_equal(look(place, "bob@x", &record), OK);
    assert_int_equal(look(place, "aaa@x", &record), ERR_CORRUPT); /* its neighbour is damaged: no proof */
    assert_int_equal(directory_verify(place->directory, NULL, NULL, &result), ERR_CORRUPT);
    assert_true(result.damaged >= 2); /* the record and its journal row */
    assert_non_null(strstr(result.first, "sip:alice@x"));
    /* And nobody can edit it away unseen. */
    assert_int_equal(edit(place, DIRECTORY_OP_RETIRE, "sip:alice@x", NULL), ERR_CORRUPT);
}

/* A file may not grow: as a full disk does. */
static int fill_up(struct place *place, int import)
{
    struct rlimit limit = {.rlim_cur = 2 << 20, .rlim_max = 2 << 20};
    struct entry_record record;
    enum err err = OK;
    signal(SIGXFSZ, SIG_IGN);
    place_reopen(place);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    if (import) {
        char *text = malloc(40000 * 40);
        size_t len = (size_t)sprintf(text, "key\n");
        for (int i = 0; i < 40000; i++)
            len += (size_t)sprintf(text + len, "sip:new%06d@example.com\n", i);
        err = import_text(place, text, &(struct directory_import_options){.force = true}, NULL, NULL);
        free(text);
    }
    static char note[ENTRY_NOTE_MAX];
    memset(note, 'n', sizeof(note));
    for (int i = 0; !import && err == OK && i < 5000; i++) {
        char key[40];
        snprintf(key, sizeof(key), "sip:filler%d@x", i);
        struct directory_change change = {
            .op = DIRECTORY_OP_ADD, .key = span_of(key), .note = span_make(note, sizeof(note))};
        err = directory_edit(place->directory, &change, NULL, NULL);
    }
    if (err != ERR_FULL && err != ERR_IO)
        return 2;
    if (look(place, "alice@x", &record) != OK || look(place, "nobody@x", &record) != ERR_NOT_FOUND)
        return 3;
    place_close(place);
    return 0;
}

static void a_full_disk_is_said_and_the_old_state_stays(void **state)
{
    struct place *place = *state;
    add(place, "sip:alice@x");
    for (int import = 0; import < 2; import++) {
        int status = in_child(place, fill_up, import);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        place_reopen(place);
        assert_int_equal(state_of(place, "alice@x"), ENTRY_ACTIVE);
        assert_int_equal(count_folders(place), 1);
    }
    add(place, "sip:bob@x");
}

static void a_backup_is_a_data_folder_and_compacting_keeps_all(void **state)
{
    struct place *place = *state;
    struct place copy = {.directory = NULL};
    uint64_t before = 0, after = 0;
    for (int i = 0; i < 200; i++) {
        char key[32];
        snprintf(key, sizeof(key), "sip:u%d@x", i);
        add(place, key);
    }
    snprintf(copy.path, sizeof(copy.path), "%.50s/copy", place->path);
    assert_int_equal(directory_backup(place->directory, copy.path, NULL), OK);
    assert_int_equal(directory_backup(place->directory, copy.path, NULL), ERR_EXISTS);
    assert_int_equal(directory_compact(place->directory, &before, &after, NULL), OK);
    assert_true(after <= before);
    char *text = export_text(place, ENTRY_CSV);
    place_reopen(&copy);
    char *copied = export_text(&copy, ENTRY_CSV);
    assert_string_equal(text, copied);
    free(text);
    free(copied);
    place_close(&copy);
    add(place, "sip:one-more@x");
    place_reopen(place);
    assert_int_equal(state_of(place, "u199@x"), ENTRY_ACTIVE);
    assert_int_equal(edit(place, DIRECTORY_OP_SUSPEND, "sip:u199@x", NULL), OK);
    assert_int_equal(edit(place, DIRECTORY_OP_RESTORE, "sip:u199@x", NULL), OK); /* the journal came along */
    const atomic_bool go = false;
    (void)directory_warm(place->directory, &go);
}

static void two_handles_on_one_folder_are_refused(void **state)
{
    struct place *place = *state;
    struct directory *second = NULL;
    assert_int_equal(directory_open(place->path, NULL, &second, NULL), ERR_BUSY);
}

int main(void)
{
#define IN_PLACE(test)  cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, place_setup_bare, place_teardown)
    const struct CMUnitTest tests[] = {
        IN_PLACE(killed_at_every_step_an_import_is_whole_or_not_at_all),
        IN_PLACE(a_start_removes_what_a_kill_left),
        IN_PLACE(an_edit_that_was_answered_survives_a_kill),
        IN_FOLDER(where_none_was_made_the_handle_says_so),
        IN_FOLDER(half_made_is_never_made),
        IN_PLACE(what_is_missing_or_cut_is_unreadable),
        IN_PLACE(a_flipped_byte_never_makes_a_user_unknown),
        IN_PLACE(verify_finds_a_flipped_byte),
        IN_PLACE(a_full_disk_is_said_and_the_old_state_stays),
        IN_PLACE(a_backup_is_a_data_folder_and_compacting_keeps_all),
        IN_PLACE(two_handles_on_one_folder_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
