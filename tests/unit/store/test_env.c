/* SPDX-License-Identifier: Apache-2.0 */
/* Opening environments that are well, missing, cut, emptied, foreign, or open already; reading and copying. */
#include "store/store_file.h"
#include "store/store_reader.h"
#include "store/store_write.h"
#include "support/cmocka_all.h"
#include "support_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_rows(struct store *store, uint64_t from, uint64_t count)
{
    struct store_txn *txn;
    assert_int_equal(store_write_begin(store, &txn), OK);
    for (uint64_t i = from; i < from + count; i++) {
        char key[32];
        int len = snprintf(key, sizeof(key), "key-%08llu", (unsigned long long)i);
        assert_int_equal(store_put(txn, 0, span_make(key, (size_t)len), SPAN("value"), STORE_PUT_REPLACE), OK);
        assert_int_equal(store_put(txn, 1, store_key_u64(&i), SPAN("number"), STORE_PUT_APPEND), OK);
    }
    assert_int_equal(store_write_commit(txn), OK);
}

static enum err open_again(const struct store_folder *folder, bool create, struct fault *fault)
{
    struct store_options options = store_test_options();
    struct store *store = NULL;
    options.create = create;
    enum err err = store_open(folder->env, &options, &store, fault);
    store_close(store);
    return err;
}

static void data_file(const struct store_folder *folder, char path[STORE_PATH_MAX])
{
    assert_int_equal(store_path(path, folder->env, "data.mdb"), OK);
}

static void missing_is_not_found_and_create_makes_it(void **state)
{
    struct store_folder *folder = *state;
    struct fault fault;
    assert_int_equal(open_again(folder, false, &fault), ERR_NOT_FOUND);
    assert_int_equal(open_again(folder, true, &fault), OK);
    assert_int_equal(open_again(folder, false, &fault), OK);
}

static void rows_are_read_back(void **state)
{
    struct store *store = store_test_open(*state);
    struct store_reader *reader;
    struct store_txn *txn;
    struct span value;
    bool fresh = false;
    uint64_t count, number = 7;
    put_rows(store, 1, 10);
    assert_int_equal(store_reader_open(store, &reader), OK);
    assert_int_equal(store_reader_begin(reader, &txn, &fresh), OK);
    assert_true(fresh);
    assert_int_equal(store_reader_begin(reader, &txn, &fresh), OK);
    assert_false(fresh);
    assert_int_equal(store_get(txn, 0, SPAN("key-00000003"), &value), OK);
    assert_true(span_equal(value, SPAN("value")));
    assert_int_equal(store_get(txn, 0, SPAN("key"), &value), ERR_NOT_FOUND);
    assert_int_equal(store_get(txn, 1, store_key_u64(&number), &value), OK);
    assert_int_equal(store_count(txn, 0, &count), OK);
    assert_int_equal(count, 10);
    store_reader_end(reader);
    store_reader_end(reader);
    store_reader_close(reader);
    store_reader_close(NULL);
    store_close(store);
}

static void a_turn_sees_what_was_committed_before_it(void **state)
{
    struct store *store = store_test_open(*state);
    struct store_reader *reader;
    struct store_txn *txn;
    struct span value;
    put_rows(store, 1, 1);
    assert_int_equal(store_reader_open(store, &reader), OK);
    assert_int_equal(store_reader_begin(reader, &txn, NULL), OK);
    uint64_t before = store_txn_id(txn);
    put_rows(store, 2, 1);
    assert_int_equal(store_get(txn, 0, SPAN("key-00000002"), &value), ERR_NOT_FOUND);
    store_reader_end(reader);
    assert_int_equal(store_reader_begin(reader, &txn, NULL), OK);
    assert_true(store_txn_id(txn) > before);
    assert_int_equal(store_get(txn, 0, SPAN("key-00000002"), &value), OK);
    store_reader_close(reader);
    store_close(store);
}

static void cursors_walk_both_ways(void **state)
{
    struct store *store = store_test_open(*state);
    struct store_reader *reader;
    struct store_txn *txn;
    struct store_cursor *cursor;
    struct span key, value;
    put_rows(store, 1, 3);
    assert_int_equal(store_reader_open(store, &reader), OK);
    assert_int_equal(store_reader_begin(reader, &txn, NULL), OK);
    assert_int_equal(store_cursor_open(txn, 0, &cursor), OK);
    assert_int_equal(store_cursor_move(cursor, STORE_LAST, &key, &value), OK);
    assert_true(span_equal(key, SPAN("key-00000003")));
    assert_int_equal(store_cursor_move(cursor, STORE_NEXT, &key, &value), ERR_NOT_FOUND);
    assert_int_equal(store_cursor_move(cursor, STORE_FIRST, &key, &value), OK);
    assert_int_equal(store_cursor_move(cursor, STORE_PREV, &key, &value), ERR_NOT_FOUND);
    key = SPAN("key-000000015");
    assert_int_equal(store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value), OK);
    assert_true(span_equal(key, SPAN("key-00000002")));
    assert_int_equal(store_cursor_move(cursor, STORE_NEXT, &key, &value), OK);
    store_reader_end(reader);
    assert_int_equal(store_reader_begin(reader, &txn, NULL), OK);
    assert_int_equal(store_cursor_renew(cursor, txn), OK);
    assert_int_equal(store_cursor_move(cursor, STORE_FIRST, &key, &value), OK);
    store_cursor_close(cursor);
    store_reader_close(reader);
    store_close(store);
}

static void writes_say_what_is_wrong(void **state)
{
    struct store *store = store_test_open(*state);
    struct store_txn *txn;
    char longest[STORE_KEY_MAX + 1] = {1};
    uint64_t number = 0;
    assert_int_equal(store_write_begin(store, &txn), OK);
    assert_int_equal(store_put(txn, 0, span_make(longest, sizeof(longest)), SPAN("x"), STORE_PUT_REPLACE),
                     ERR_TOO_LONG);
    assert_int_equal(store_put(txn, 0, span_make(longest, 0), SPAN("x"), STORE_PUT_REPLACE), ERR_TOO_LONG);
    assert_int_equal(store_put(txn, 0, span_make(longest, STORE_KEY_MAX), SPAN("x"), STORE_PUT_NEW), OK);
    assert_int_equal(store_put(txn, 0, span_make(longest, STORE_KEY_MAX), SPAN("x"), STORE_PUT_NEW), ERR_EXISTS);
    assert_int_equal(store_put(txn, 0, SPAN("\0"), SPAN("x"), STORE_PUT_APPEND), ERR_EXISTS);
    assert_int_equal(store_delete(txn, 0, SPAN("nobody")), ERR_NOT_FOUND);
    assert_int_equal(store_delete(txn, 0, span_make(longest, STORE_KEY_MAX)), OK);
    assert_false(store_key_to_u64(SPAN("123"), &number));
    store_write_abort(txn);
    store_write_abort(NULL);
    store_close(store);
}

static void open_twice_is_busy(void **state)
{
    struct store_folder *folder = *state;
    struct fault fault;
    struct store *store = store_test_open(folder);
    assert_int_equal(open_again(folder, true, &fault), ERR_BUSY);
    store_close(store);
    assert_int_equal(open_again(folder, true, &fault), OK);
}

static void a_file_cut_anywhere_is_corrupt(void **state)
{
    struct store_folder *folder = *state;
    struct fault fault;
    char path[STORE_PATH_MAX];
    struct store_stat stat_of;
    struct store *store = store_test_open(folder);
    put_rows(store, 1, 2000);
    assert_int_equal(store_stat(store, &stat_of), OK);
    store_close(store);
    data_file(folder, path);
    assert_int_equal(truncate(path, (off_t)stat_of.used_bytes), 0);
    assert_int_equal(open_again(folder, true, &fault), OK);
    for (off_t size = (off_t)stat_of.used_bytes - 1; size > 0; size = size > 8192 ? size - 4096 : size / 2) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(open_again(folder, true, &fault), ERR_CORRUPT);
    }
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(open_again(folder, true, &fault), ERR_CORRUPT); /* never made anew */
    assert_non_null(strstr(fault.text, "empty"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_again(folder, true, &fault), ERR_CORRUPT);
    assert_non_null(strstr(fault.text, "missing"));
}

static void an_older_file_is_taken_over_where_it_can_be_read(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct store *store = NULL;
    struct fault fault = {0};
    store_close(store_test_open(folder));
    options.format = 5;
    options.format_least = 3;
    for (int again = 0; again < 2; again++) { /* as format 3, then as 5 */
        assert_int_equal(store_open(folder->env, &options, &store, &fault), OK);
        store_close(store);
    }
    options = store_test_options();
    assert_int_equal(store_open(folder->env, &options, &store, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "another version"));
}

static void a_file_of_another_sort_is_refused(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct store *store = NULL;
    struct fault fault;
    char path[STORE_PATH_MAX];
    store_close(store_test_open(folder));
    options.format = 4;
    assert_int_equal(store_open(folder->env, &options, &store, &fault), ERR_UNSUPPORTED);
    options = store_test_options();
    options.format_least = 4; /* what is there is older still */
    options.format = 5;
    assert_int_equal(store_open(folder->env, &options, &store, &fault), ERR_UNSUPPORTED);
    options = store_test_options();
    options.kind = "other";
    assert_int_equal(store_open(folder->env, &options, &store, &fault), ERR_CORRUPT);
    data_file(folder, path);
    assert_int_equal(store_file_replace(path, SPAN("not LMDB at all, but long enough to be read as its first page: "
                                                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")),
                     OK);
    assert_int_equal(open_again(folder, true, &fault), ERR_CORRUPT);
    assert_null(store);
}

static void damaged_meta_pages_are_corrupt(void **state)
{
    struct store_folder *folder = *state;
    struct fault fault;
    char path[STORE_PATH_MAX];
    store_close(store_test_open(folder));
    data_file(folder, path);
    static const off_t places[] = {16, 20, 32 + 7, 40, 136 + 7, 4096 + 16, 4096 + 40};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char byte, other;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
        other = (char)(byte ^ 0x5a);
        assert_int_equal(pwrite(fd, &other, 1, places[i]), 1);
        assert_int_equal(open_again(folder, false, &fault), ERR_CORRUPT);
        assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
        close(fd);
    }
    assert_int_equal(open_again(folder, false, &fault), OK);
}

static void a_full_map_is_full_and_nothing_is_lost(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct store *store = NULL;
    struct store_txn *txn;
    char big[2000] = {0};
    enum err err = OK;
    options.map_bytes = 1 << 20;
    assert_int_equal(store_open(folder->env, &options, &store, NULL), OK);
    assert_int_equal(store_write_begin(store, &txn), OK);
    for (uint64_t i = 1; err == OK && i < 1000; i++)
        err = store_put(txn, 1, store_key_u64(&i), span_make(big, sizeof(big)), STORE_PUT_APPEND);
    assert_int_equal(err, ERR_FULL);
    store_write_abort(txn);
    put_rows(store, 1, 10);
    store_close(store);
}

static void a_copy_is_whole(void **state)
{
    struct store_folder *folder = *state;
    struct store_folder copy = *folder;
    struct store *store = store_test_open(folder);
    struct store_stat stat_of;
    put_rows(store, 1, 5000);
    for (int compact = 0; compact < 2; compact++) {
        snprintf(copy.env, sizeof(copy.env), "%s/copy%d", folder->path, compact);
        assert_int_equal(store_copy(store, copy.env, compact), OK);
        struct store *other = store_test_open(&copy);
        assert_int_equal(store_stat(other, &stat_of), OK);
        assert_true(stat_of.used_bytes > 5000 * 20);
        assert_true(stat_of.file_bytes >= stat_of.used_bytes);
        store_close(other);
    }
    assert_int_equal(store_copy(store, "/nowhere/at/all", false), ERR_NOT_FOUND);
    assert_int_not_equal(store_copy(store, copy.env, false), OK); /* there is one already */
    const atomic_bool go = false, stop = true;
    assert_int_equal(store_stat(store, &stat_of), OK);
    assert_true(store_warm(store, &go) >=
                (stat_of.used_bytes < stat_of.file_bytes ? stat_of.used_bytes : stat_of.file_bytes));
    assert_int_equal(store_warm(store, &stop), 0);
    store_close(store);
}

static void slots_of_dead_readers_are_freed(void **state)
{
    struct store_folder *folder = *state;
    struct store_options options = store_test_options();
    struct store *store = NULL;
    int freed = -1;
    options.max_readers = 2;
    assert_int_equal(store_open(folder->env, &options, &store, NULL), OK);
    struct store_reader *readers[3] = {NULL};
    assert_int_equal(store_reader_open(store, &readers[0]), OK);
    assert_int_equal(store_reader_open(store, &readers[1]), OK);
    assert_int_equal(store_reader_open(store, &readers[2]), ERR_FULL);
    store_reader_close(readers[0]);
    assert_int_equal(store_reader_open(store, &readers[0]), OK);
    assert_int_equal(store_reader_check(store, &freed), OK);
    assert_int_equal(freed, 0);
    store_reader_close(readers[0]);
    store_reader_close(readers[1]);
    store_close(store);
}

/* Random puts and deletes: whatever LMDB leaves unwritten at the end, the file is as long as its last page says. */
static void the_file_always_reaches_its_last_page(void **state)
{
    struct store_folder *folder = *state;
    struct fault fault;
    struct store *store = store_test_open(folder);
    struct store_stat stat_of;
    uint64_t random = 42;
    char value[9000] = {0};
    for (int round = 0; round < 300; round++) {
        struct store_txn *txn;
        assert_int_equal(store_write_begin(store, &txn), OK);
        for (int i = 0; i < 40; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint64_t key = (random >> 33) % 300;
            if (random >> 63)
                assert_int_equal(
                    store_put(txn, 1, store_key_u64(&key), span_make(value, (random >> 20) % 9000), STORE_PUT_REPLACE),
                    OK);
            else
                assert_int_not_equal(store_delete(txn, 1, store_key_u64(&key)), ERR_CORRUPT);
        }
        assert_int_equal(store_write_commit(txn), OK);
        assert_int_equal(store_stat(store, &stat_of), OK);
        assert_true(stat_of.file_bytes >= stat_of.used_bytes);
    }
    store_close(store);
    assert_int_equal(open_again(folder, false, &fault), OK);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(missing_is_not_found_and_create_makes_it),
        IN_FOLDER(rows_are_read_back),
        IN_FOLDER(a_turn_sees_what_was_committed_before_it),
        IN_FOLDER(cursors_walk_both_ways),
        IN_FOLDER(writes_say_what_is_wrong),
        IN_FOLDER(open_twice_is_busy),
        IN_FOLDER(a_file_cut_anywhere_is_corrupt),
        IN_FOLDER(an_older_file_is_taken_over_where_it_can_be_read),
        IN_FOLDER(a_file_of_another_sort_is_refused),
        IN_FOLDER(damaged_meta_pages_are_corrupt),
        IN_FOLDER(a_full_map_is_full_and_nothing_is_lost),
        IN_FOLDER(a_copy_is_whole),
        IN_FOLDER(slots_of_dead_readers_are_freed),
        IN_FOLDER(the_file_always_reaches_its_last_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
