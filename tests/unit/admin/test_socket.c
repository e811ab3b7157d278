/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket as a file: its mode, who may replace it, when it goes; and addresses for the metrics. */
#include "support/cmocka_all.h"
#include "support_admin.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct admin *start(struct admin_bench *bench, const char *path, const char *metrics, enum err *out_err,
                           struct fault *fault)
{
    struct admin *admin = NULL;
    struct admin_options options = {.socket_path = path, .metrics = metrics, .world = bench->world};
    *fault = (struct fault){0};
    *out_err = admin_start(&options, &admin, fault);
    return admin;
}

static void refused(struct admin_bench *bench, const char *path, const char *metrics, enum err wanted, const char *part)
{
    enum err err;
    struct fault fault;
    assert_null(start(bench, path, metrics, &err, &fault));
    assert_int_equal(err, wanted);
    if (!strstr(fault.text, part))
        fail_msg("expected '%s' in '%s'", part, fault.text);
}

static void test_the_mode(void **state)
{
    struct admin_bench *bench = *state;
    struct stat stat;
    assert_int_equal(lstat(bench->socket_path, &stat), 0);
    assert_true(S_ISSOCK(stat.st_mode));
    assert_int_equal(stat.st_mode & 0777, 0600);
}

static void test_a_living_one_is_not_replaced(void **state)
{
    struct admin_bench *bench = *state;
    refused(bench, bench->socket_path, NULL, ERR_BUSY, "running process");
    bench_ask(bench, "GET", "/v1/status", NULL);
    bench_expect(bench, 200, NULL);
}

static void test_a_dead_one_is_replaced(void **state)
{
    struct admin_bench *bench = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct fault fault;
    enum err err;
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/dead.sock", bench->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd); /* the file stays, as after kill -9 */
    struct admin *admin = start(bench, address.sun_path, NULL, &err, &fault);
    assert_int_equal(err, OK);
    assert_non_null(admin);
    admin_stop(admin);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
}

static void test_a_file_is_left_alone(void **state)
{
    struct admin_bench *bench = *state;
    char path[400];
    snprintf(path, sizeof(path), "%s/notes.txt", bench->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    refused(bench, path, NULL, ERR_EXISTS, "no socket");
    assert_int_equal(access(path, F_OK), 0);
}

static void test_paths_that_cannot_be(void **state)
{
    struct admin_bench *bench = *state;
    char path[400];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    refused(bench, path, NULL, ERR_TOO_LONG, "107 bytes");
    snprintf(path, sizeof(path), "%s/missing/control.sock", bench->folder);
    refused(bench, path, NULL, ERR_IO, "No such file");
}

/* The second daemon took the path over: the first one's end must not take its socket away. */
static void test_only_our_own_file_is_removed(void **state)
{
    struct admin_bench *bench = *state;
    struct fault fault;
    enum err err;
    char moved[400];
    snprintf(moved, sizeof(moved), "%s/moved.sock", bench->folder);
    assert_int_equal(rename(bench->socket_path, moved), 0);
    struct admin *second = start(bench, bench->socket_path, NULL, &err, &fault);
    assert_int_equal(err, OK);
    admin_stop(bench->admin);
    bench->admin = second;
    assert_int_equal(access(bench->socket_path, F_OK), 0);
    bench_ask(bench, "GET", "/v1/status", NULL);
    bench_expect(bench, 200, NULL);
    unlink(moved);
}

static void test_metrics_addresses(void **state)
{
    struct admin_bench *bench = *state;
    refused(bench, NULL, "nonsense", ERR_SYNTAX, "ADDR:PORT");
    refused(bench, NULL, "192.0.2.77:0", ERR_IO, "192.0.2.77");
    refused(bench, NULL, admin_metrics_address(bench->admin), ERR_BUSY, "in use");
    char path[400];
    snprintf(path, sizeof(path), "%s/other.sock", bench->folder);
    refused(bench, path, "nonsense", ERR_SYNTAX, "ADDR:PORT");
    assert_int_not_equal(access(path, F_OK), 0); /* nothing is left of a start that failed */
}

static void test_nothing_asked_for(void **state)
{
    struct admin_bench *bench = *state;
    struct fault fault;
    enum err err;
    struct admin *admin = start(bench, NULL, NULL, &err, &fault);
    assert_int_equal(err, OK);
    assert_string_equal(admin_metrics_address(admin), "");
    admin_stop(admin);
    admin_stop(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_mode),
        TEST(test_a_living_one_is_not_replaced),
        TEST(test_a_dead_one_is_replaced),
        TEST(test_a_file_is_left_alone),
        TEST(test_paths_that_cannot_be),
        TEST(test_only_our_own_file_is_removed),
        TEST(test_metrics_addresses),
        TEST(test_nothing_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
