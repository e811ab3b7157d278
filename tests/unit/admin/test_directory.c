/* SPDX-License-Identifier: Apache-2.0 */
/* The directory over the control API: edits, show, history, import, export, care, on a real directory. */
#include "support/cmocka_all.h"
#include "support_admin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER "kind,key,state,forward,since,cause,by,reassign_after,note\n"

static int setup(void **state)
{
    int failed = bench_setup(state);
    if (!failed)
        bench_with_directory(*state);
    return failed;
}

static void test_a_life(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/directory/retire", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 409, NULL); /* none was ever made */
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"+15550100\",\"by\":\"ann\",\"note\":\"first\"}");
    bench_expect(bench, 200, "\"state\":\"active\"");
    assert_non_null(strstr(bench->answer, "\"seq\":1"));
    bench_ask(bench, "POST", "/v1/directory/retire",
              "{\"key\":\"+15550100\",\"cause\":22,\"since\":\"2026-01-31\",\"reassign_after\":1900000000}");
    bench_expect(bench, 200, "\"state\":\"gone\"");
    assert_non_null(strstr(bench->answer, "2026-01-31T00:00:00Z"));
    assert_non_null(strstr(bench->answer, "\"cause\":22"));
    bench_ask(bench, "POST", "/v1/directory/restore", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 200, "\"state\":\"active\"");
    bench_ask(bench, "POST", "/v1/directory/suspend", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 200, "\"state\":\"suspended\"");
    bench_ask(bench, "POST", "/v1/directory/restore", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 200, NULL);
    bench_ask(bench, "POST", "/v1/directory/move", "{\"key\":\"+15550100\",\"forward\":\"sip:x@example.net\"}");
    bench_expect(bench, 200, "\"forward\":\"sip:x@example.net\"");
    bench_ask(bench, "GET", "/v1/directory/show?key=%2B15550100", NULL);
    bench_expect(bench, 200, "\"state\":\"moved\"");
    bench_ask(bench, "GET", "/v1/directory/show?key=+15550100", NULL); /* a blank, says HTTP; a plus, says the user */
    bench_expect(bench, 200, "\"state\":\"moved\"");
    bench_ask(bench, "GET", "/v1/directory/history?key=+15550100&limit=3", NULL);
    bench_expect(bench, 200, "\"op\":\"move\"");
    assert_null(strstr(bench->answer, "\"op\":\"add\""));
    bench_ask(bench, "GET", "/v1/directory/history?after=1", NULL);
    bench_expect(bench, 200, "\"op\":\"retire\"");
    assert_null(strstr(bench->answer, "\"op\":\"add\""));
    bench_ask(bench, "POST", "/v1/directory/remove", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 200, "\"ok\":true");
    bench_ask(bench, "GET", "/v1/directory/show?key=+15550100", NULL);
    bench_expect(bench, 409, "the directory: empty"); /* one that holds nobody knows nothing */
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"+15550101\"}");
    bench_expect(bench, 200, NULL);
    bench_ask(bench, "GET", "/v1/directory/show?key=+15550100", NULL);
    bench_expect(bench, 404, "no such entry");
}

static void test_edits_that_are_refused(void **state)
{
    static const struct {
        const char *verb, *body;
        int status;
        const char *part;
    } rows[] = {
        {"add", "{}", 400, "\\\"key\\\" is missing"},
        {"add", "{\"key\":\"\"}", 400, ""},
        {"add", "{\"key\":\"+15550100\",\"state\":\"lost\"}", 400, "expected active, suspended, moved or gone"},
        {"add", "{\"key\":\"+15550100\",\"kind\":\"fish\"}", 400, "expected account, number, range or domain"},
        {"add", "{\"key\":\"+15550100\",\"cause\":128}", 400, "Q.850"},
        {"add", "{\"key\":\"+15550100\",\"since\":\"tomorrow\"}", 400, "a time"},
        {"add", "{\"key\":\"+15550100\",\"since\":-1}", 400, "a time"},
        {"add", "{\"key\":\"+15550100\",\"force\":1}", 400, "true or false"},
        {"add", "{\"key\":\"+15550001\"}", 409, ""},
        {"retire", "{\"key\":\"+15559999\"}", 404, ""},
        {"move", "{\"key\":\"+15550001\"}", 400, ""},
    };
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"+15550001\"}");
    bench_expect(bench, 200, NULL);
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        char path[64];
        snprintf(path, sizeof(path), "/v1/directory/%s", rows[index].verb);
        bench_ask(bench, "POST", path, rows[index].body);
        bench_expect(bench, rows[index].status, rows[index].part);
    }
    bench_ask(bench, "GET", "/v1/directory/show", NULL);
    bench_expect(bench, 400, "?key=KEY");
    bench_ask(bench, "GET", "/v1/directory/show?key=+1555&kind=fish", NULL);
    bench_expect(bench, 400, NULL);
    bench_ask(bench, "GET", "/v1/directory/history?after=x", NULL);
    bench_expect(bench, 400, "expected a number");
}

static void test_import_and_export(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/directory/import?format=csv&dry_run=1", HEADER "number,+15550100,active,,,,,,\n");
    bench_expect(bench, 409, "ever made");
    bench_ask(bench, "POST", "/v1/directory/import?format=csv&by=ann",
              HEADER "number,+15550100,active,,,,,,\nnumber,+15550101,gone,,,22,,,\n");
    bench_expect(bench, 200, "\"added\":2");
    bench_ask(bench, "POST", "/v1/directory/import?format=jsonl&merge",
              "{\"kind\":\"domain\",\"key\":\"example.com\",\"state\":\"gone\"}\n");
    bench_expect(bench, 200, "\"after\":3");
    bench_ask(bench, "GET", "/v1/directory/export", NULL);
    bench_expect(bench, 200, "number,+15550101,gone");
    assert_non_null(strstr(bench->head, "text/csv"));
    bench_ask(bench, "GET", "/v1/directory/export?format=jsonl", NULL);
    bench_expect(bench, 200, "\"key\":\"example.com\"");
    bench_ask(bench, "GET", "/v1/directory/export?format=fish", NULL);
    bench_expect(bench, 400, "csv or jsonl");
}

static void test_imports_that_are_refused(void **state)
{
    struct admin_bench *bench = *state;
    char path[400];
    bench_ask(bench, "POST", "/v1/directory/import?format=csv", HEADER "number,+15550100,active,,,,,,\n");
    bench_expect(bench, 200, NULL);
    bench_ask(bench, "POST", "/v1/directory/import?format=csv",
              HEADER "number,+15550100,active,,,,,,\nnumber,x,gone,,,,,,\n");
    bench_expect(bench, 400, "\"line\":3");
    bench_ask(bench, "POST", "/v1/directory/import?format=csv", HEADER "number,+15550101,active,,,,,,\n");
    bench_expect(bench, 409, "force");
    bench_ask(bench, "POST", "/v1/directory/import?format=csv&dry_run=true&force=1",
              HEADER "number,+15550101,active,,,,,,\n");
    bench_expect(bench, 200, "\"dry_run\":true");
    bench_ask(bench, "GET", "/v1/directory/show?key=+15550101", NULL);
    bench_expect(bench, 404, NULL);
    bench_ask(bench, "POST", "/v1/directory/import?format=csv&force=0", HEADER "number,+15550101,active,,,,,,\n");
    bench_expect(bench, 409, NULL);
    bench_ask(bench, "POST", "/v1/directory/import?format=fish", HEADER);
    bench_expect(bench, 400, "csv or jsonl");
    snprintf(path, sizeof(path), "/v1/directory/import?by=%0200d", 0);
    bench_ask(bench, "POST", path, HEADER);
    bench_expect(bench, 400, "at most");
}

/* The client goes in the middle of the file: what it had sent is no file, and nothing is left of it. */
static void test_an_import_that_breaks_off(void **state)
{
    struct admin_bench *bench = *state;
    static const char half[] =
        "POST /v1/directory/import?format=csv HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" HEADER
        "number,+15550100,active,,,,,,\n";
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"+15550001\"}");
    bench_expect(bench, 200, NULL);
    for (int count = 0; count < 5; count++) {
        int fd = bench_connect(bench);
        assert_int_equal(send(fd, half, sizeof(half) - 1, 0), sizeof(half) - 1);
        shutdown(fd, SHUT_WR);
        char rest[64];
        while (recv(fd, rest, sizeof(rest), 0) > 0)
            continue;
        close(fd);
    }
    bench_ask(bench, "GET", "/v1/directory/show?key=+15550100", NULL);
    bench_expect(bench, 404, NULL);
    bench_ask(bench, "POST", "/v1/directory/import?format=csv&force=1", HEADER "number,+15550100,active,,,,,,\n");
    bench_expect(bench, 200, NULL); /* the way is free */
}

/* More than any socket's buffer holds, to a client that goes after the first bytes. */
static void test_an_export_that_nobody_takes(void **state)
{
    struct admin_bench *bench = *state;
    enum { ROWS = 20000 };
    char *body = malloc(ROWS * 64);
    size_t len = (size_t)snprintf(body, sizeof(HEADER), HEADER);
    for (int row = 0; row < ROWS; row++)
        len += (size_t)snprintf(body + len, 64, "number,+1555%07d,gone,,,,,,\n", row);
    bench_ask(bench, "POST", "/v1/directory/import?format=csv", body);
    bench_expect(bench, 200, "\"added\":20000");
    free(body);
    for (int count = 0; count < 3; count++) {
        int fd = bench_connect(bench);
        static const char request[] = "GET /v1/directory/export HTTP/1.1\r\nHost: x\r\n\r\n";
        char first[64];
        assert_int_equal(send(fd, request, sizeof(request) - 1, 0), sizeof(request) - 1);
        assert_true(recv(fd, first, sizeof(first), 0) > 0);
        close(fd);
    }
    bench_ask(bench, "GET", "/v1/directory/export", NULL);
    bench_expect(bench, 200, "number,+15550019999,gone");
}

static void test_care(void **state)
{
    struct admin_bench *bench = *state;
    char body[400];
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"sip:alice@example.com\"}");
    bench_expect(bench, 200, "\"kind\":\"account\"");
    bench_ask(bench, "POST", "/v1/directory/verify", NULL);
    bench_expect(bench, 200, "\"ok\":true,\"records\":1");
    bench_ask(bench, "POST", "/v1/directory/compact", NULL);
    bench_expect(bench, 200, "\"after_bytes\":");
    bench_ask(bench, "POST", "/v1/directory/backup", "{\"path\":\"relative\"}");
    bench_expect(bench, 400, "from the root");
    snprintf(body, sizeof(body), "{\"path\":\"%s/backup\"}", bench->folder);
    bench_ask(bench, "POST", "/v1/directory/backup", body);
    bench_expect(bench, 200, "\"ok\":true");
    bench_ask(bench, "POST", "/v1/directory/backup", body);
    bench_expect(bench, 409, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_life),
        TEST(test_edits_that_are_refused),
        TEST(test_import_and_export),
        TEST(test_imports_that_are_refused),
        TEST(test_an_import_that_breaks_off),
        TEST(test_an_export_that_nobody_takes),
        TEST(test_care),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
