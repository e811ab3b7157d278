/* SPDX-License-Identifier: Apache-2.0 */
/* The directory's commands on a data folder that no daemon holds. */
#include "store/store_lock.h"
#include "support_run.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static struct run_output out;

static int setup(void **state)
{
    char *folder = strdup("/tmp/verdict-cli-XXXXXX");
    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("VERDICT_DATA", folder, 1), 0);
    assert_int_equal(unsetenv("VERDICT_CONTROL"), 0);
    *state = folder;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    assert_int_equal(nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(*state);
    return 0;
}

static void say(const char *line, int exit_code, const char *part)
{
    run_line(&out, line, NULL);
    assert_says(&out, exit_code, part);
}

static void an_entry_lives_and_ends(void **state)
{
    (void)state;
    say("directory show +15550100", CLI_EXIT_FAILED, "no directory was ever made in");
    say("directory add +15550100 --note first", CLI_EXIT_OK, "+15550100: active (change 1)");
    say("directory add +15550100", CLI_EXIT_FAILED, "+15550100:");
    say("directory suspend +15550100 --by ops", CLI_EXIT_OK, "+15550100: suspended");
    say("directory restore +15550100", CLI_EXIT_OK, "+15550100: active");
    say("directory move +15550100 sip:bob@example.net", CLI_EXIT_OK, "+15550100: moved to sip:bob@example.net");
    say("directory retire +15550100 --cause 22 --since 2026-01-31", CLI_EXIT_OK, "+15550100: gone");
    say("directory show +15550100", CLI_EXIT_OK, "since: 2026-01-31T00:00:00Z\ncause: 22\n");
    say("directory show +15550100 --json", CLI_EXIT_OK, "{\"record\":{\"kind\":\"number\",\"key\":\"+15550100\"");
    say("directory history +15550100", CLI_EXIT_OK, "suspended -> active");
    say("directory history", CLI_EXIT_OK, "by ops");
    say("directory remove +15550100", CLI_EXIT_OK, "+15550100: removed");
    say("directory show +15550100", CLI_EXIT_FAILED, "the directory is empty");
    say("directory add example.com", CLI_EXIT_OK, "example.com: active");
    say("directory show +15550100", CLI_EXIT_FAILED, "there is no such entry");
}

static void misuse_is_told_before_anything_is_opened(void **state)
{
    (void)state;
    say("directory add", CLI_EXIT_USAGE, "expected KEY");
    say("directory add +15550100 --since yesterday", CLI_EXIT_USAGE,
        "--since yesterday: expected 2026-01-31T12:00:00Z");
    say("directory add +15550100 --state dead", CLI_EXIT_USAGE, "expected active|suspended|moved|gone");
    say("directory add +15550100 --cause 200", CLI_EXIT_USAGE, "expected a number from 1 to 127");
    say("directory retire not@@a@key", CLI_EXIT_USAGE, "verdict directory retire: ");
    say("directory show +15550100 --data /nonexistent/x", CLI_EXIT_FAILED, "there is no data folder /nonexistent/x");
    assert_int_equal(unsetenv("VERDICT_DATA"), 0);
    say("directory show +15550100", CLI_EXIT_FAILED, "expected --control SOCKET or --data DIR");
}

static void a_file_becomes_the_directory(void **state)
{
    (void)state;
    run_line(&out, "directory import", "kind,key,state\nnumber,+15550100,active\nnumber,+15550101,gone\n");
    assert_says(&out, CLI_EXIT_OK, "2 rows: 2 added, 0 changed (0 retired), 0 removed, 0 unchanged");
    run_line(&out, "directory import --dry-run --json",
             "{\"kind\":\"number\",\"key\":\"+15550100\",\"state\":\"active\"}\n"
             "{\"kind\":\"number\",\"key\":\"+15550101\",\"state\":\"gone\"}\n");
    assert_says(&out, CLI_EXIT_OK, "\"dry_run\":true,\"rows\":2,\"added\":0");
    run_line(&out, "directory import", "kind,key,state\nnumber,+15550100,active\n");
    assert_says(&out, CLI_EXIT_FAILED, "--force");
    run_line(&out, "directory import", "kind,key,state\nnumber,+15550100,actve\n");
    assert_says(&out, CLI_EXIT_FAILED, "standard input:2: ");
    run_line(&out, "directory import --merge", "kind,key,state\nnumber,+15550102,active\n");
    assert_says(&out, CLI_EXIT_OK, "1 added");
    say("directory export", CLI_EXIT_OK, "number,+15550101,gone");
    say("directory verify", CLI_EXIT_OK, "3 entries, ");
    say("directory compact", CLI_EXIT_OK, "bytes before");
    say("directory import /nonexistent.csv", CLI_EXIT_FAILED, "/nonexistent.csv: No such file");
}

static void an_export_is_whole_or_absent(void **state)
{
    char line[256];
    char path[128];
    struct stat info;
    say("directory add example.com", CLI_EXIT_OK, "example.com: active");
    (void)snprintf(path, sizeof(path), "%s/out.jsonl", (const char *)*state);
    (void)snprintf(line, sizeof(line), "directory export %s", path);
    say(line, CLI_EXIT_OK, "");
    assert_true(stat(path, &info) == 0 && info.st_size > 0);
    (void)snprintf(line, sizeof(line), "directory import %s", path); /* by its name: JSON lines */
    say(line, CLI_EXIT_OK, "1 unchanged");
    say("directory export /nonexistent/out.csv", CLI_EXIT_FAILED, "/nonexistent/out.csv: No such file");
    (void)snprintf(path, sizeof(path), "%s/other", (const char *)*state);
    (void)snprintf(line, sizeof(line), "directory backup %s", path);
    say(line, CLI_EXIT_OK, "backed up to");
    (void)snprintf(line, sizeof(line), "directory show example.com --data %s", path);
    say(line, CLI_EXIT_OK, "state: active");
}

static void a_daemon_that_holds_the_folder_is_asked(void **state)
{
    struct store_lock *lock = NULL;
    struct fault fault = {0};
    char socket[128];
    (void)snprintf(socket, sizeof(socket), "%s/control.sock", (const char *)*state);
    /* Nobody listens on the socket: that the command went there shows in what it says. */
    assert_int_equal(store_lock_take(*state, socket, &lock, NULL, &fault), OK);
    say("directory add +15550100", CLI_EXIT_FAILED, "no engine listens on");
    say("directory import", CLI_EXIT_FAILED, "no engine listens on");
    say("status", CLI_EXIT_FAILED, "no engine listens on");
    store_lock_release(lock);
    say("status", CLI_EXIT_FAILED, "no engine runs on the data folder");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_lives_and_ends),
        TEST(misuse_is_told_before_anything_is_opened),
        TEST(a_file_becomes_the_directory),
        TEST(an_export_is_whole_or_absent),
        TEST(a_daemon_that_holds_the_folder_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
