/* SPDX-License-Identifier: Apache-2.0 */
/* The control API over its unix socket and the metrics over TCP: every endpoint, and what is refused. */
#include "release/release_report.h"
#include "support/cmocka_all.h"
#include "support_admin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_reload(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/reload", NULL);
    bench_expect(bench, 200, "\"version\":7");
    assert_string_equal(bench->reload_path, "-");
    bench_ask(bench, "POST", "/v1/reload", "{\"policy\":\"/etc/verdict/p\"}");
    bench_expect(bench, 200, "\"ok\":true");
    assert_string_equal(bench->reload_path, "/etc/verdict/p");
    bench->reload_err = ERR_SCRIPT;
    bench_ask(bench, "POST", "/v1/reload", "{\"policy\":null}");
    bench_expect(bench, 422, "\"error\":{\"text\":\"unexpected symbol\",\"file\":\"policy.lua\",\"line\":12}");
}

static void test_rollback(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/rollback", NULL);
    bench_expect(bench, 200, "\"rolled_back\":true");
    bench->reload_err = ERR_NOT_FOUND;
    bench_ask(bench, "POST", "/v1/rollback", NULL);
    bench_expect(bench, 409, "\"error\"");
}

static void test_certificates(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/reload/certificates", NULL);
    bench_expect(bench, 200, "{\"loaded\":true}");
    bench->certificates_broken = true;
    bench_ask(bench, "POST", "/v1/reload/certificates", NULL);
    bench_expect(bench, 400, "sip.pem");
}

static void test_the_others(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "GET", "/v1/versions", NULL);
    bench_expect(bench, 200, "{\"versions\":[{\"version\":1}]}");
    assert_non_null(strstr(bench->head, "Content-Type: application/json"));
    bench_ask(bench, "GET", "/v1/status", NULL);
    bench_expect(bench, 200, "{\"up\":true}");
    bench_ask(bench, "POST", "/v1/drain", NULL);
    bench_expect(bench, 200, "{\"draining\":true}");
    assert_true(bench->drained);
    bench_ask(bench, "POST", "/v1/drain", "{\"on\":false}");
    bench_expect(bench, 200, "{\"draining\":false}");
    assert_false(bench->drained);
    unsigned controls = bench->controls;
    bench_ask(bench, "GET", "/metrics", NULL);
    bench_expect(bench, 200, "verdict_up 1\n");
    assert_non_null(strstr(bench->head, "Content-Type: text/plain; version=0.0.4"));
    assert_int_equal(bench->controls, controls); /* the metrics wait for nobody */
}

static void test_an_engine_that_is_going(void **state)
{
    static const char *const asked[][2] = {{"POST", "/v1/reload"},
                                           {"POST", "/v1/rollback"},
                                           {"GET", "/v1/versions"},
                                           {"GET", "/v1/status"},
                                           {"POST", "/v1/drain"}};
    struct admin_bench *bench = *state;
    bench->going = true;
    for (size_t index = 0; index < sizeof(asked) / sizeof(asked[0]); index++) {
        bench_ask(bench, asked[index][0], asked[index][1], NULL);
        bench_expect(bench, 503, "it is ending");
    }
    bench_ask(bench, "GET", "/metrics", NULL);
    bench_expect(bench, 200, NULL);
}

static void test_bodies_that_are_refused(void **state)
{
    static const char *const bodies[][2] = {
        {"{", "not JSON"},
        {"[]", "expected a JSON object"},
        {"{\"policy\":1}", "\\\"policy\\\": expected a string"},
        {"{\"polcy\":\"x\"}", "is not known here; expected one of: policy"},
        {"{\"policy\":\"a\",\"policy\":\"b\"}", "not JSON"},
        {"{\"policy\":\"a\\u0000b\"}", "not JSON"},
    };
    struct admin_bench *bench = *state;
    for (size_t index = 0; index < sizeof(bodies) / sizeof(bodies[0]); index++) {
        bench_ask(bench, "POST", "/v1/reload", bodies[index][0]);
        bench_expect(bench, 400, bodies[index][1]);
    }
    assert_string_equal(bench->reload_path, "");
    bench_ask(bench, "POST", "/v1/drain", "{\"on\":\"yes\"}");
    bench_expect(bench, 400, "true or false");
}

static void test_a_body_over_its_cap(void **state)
{
    struct admin_bench *bench = *state;
    char *body = malloc(ADMIN_BODY_MAX + 2);
    memset(body, ' ', ADMIN_BODY_MAX + 1);
    body[ADMIN_BODY_MAX + 1] = '\0';
    bench_ask(bench, "POST", "/v1/reload", body);
    bench_expect(bench, 413, "over");
    body[ADMIN_BODY_MAX] = '\0';
    bench_ask(bench, "POST", "/v1/reload", body); /* white space alone is no body */
    bench_expect(bench, 200, NULL);
    free(body);
}

static void test_unknown_paths_and_methods(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "GET", "/", NULL);
    bench_expect(bench, 404, "there is no /");
    bench_ask(bench, "POST", "/v1/nothing", "{}");
    bench_expect(bench, 404, NULL);
    bench_ask(bench, "GET", "/v1/reload", NULL);
    bench_expect(bench, 405, "expected POST");
    assert_non_null(strstr(bench->head, "Allow: POST"));
    bench_ask(bench, "DELETE", "/metrics", NULL);
    bench_expect(bench, 405, "expected GET");
}

static void test_the_metrics_address(void **state)
{
    struct admin_bench *bench = *state;
    const char *address = admin_metrics_address(bench->admin);
    assert_int_equal(strncmp(address, "127.0.0.1:", 10), 0);
    bench_ask_on(bench, bench_connect_tcp(address), "GET", "/metrics", NULL);
    bench_expect(bench, 200, "verdict_up 1\n");
    bench_ask_on(bench, bench_connect_tcp(address), "GET", "/v1/status", NULL);
    bench_expect(bench, 404, "nothing but /metrics");
    bench_ask_on(bench, bench_connect_tcp(address), "POST", "/v1/reload", NULL);
    bench_expect(bench, 404, NULL);
    bench_ask_on(bench, bench_connect_tcp(address), "POST", "/metrics", "{}");
    bench_expect(bench, 405, NULL);
    assert_string_equal(bench->reload_path, "");
    bench_ask_on(bench, bench_connect_tcp(address), "HEAD", "/metrics", NULL);
    bench_expect(bench, 200, NULL);
    assert_string_equal(bench->answer, "");
}

static void test_no_directory(void **state)
{
    struct admin_bench *bench = *state;
    bench_ask(bench, "POST", "/v1/directory/add", "{\"key\":\"+15550100\"}");
    bench_expect(bench, 409, "--data DIR");
    bench_ask(bench, "GET", "/v1/directory/show?key=x", NULL);
    bench_expect(bench, 409, NULL);
    bench_ask(bench, "POST", "/v1/directory/import", "kind,key\n");
    bench_expect(bench, 409, NULL);
    bench_ask(bench, "GET", "/v1/directory/export", NULL);
    bench_expect(bench, 409, NULL);
    bench_ask(bench, "POST", "/v1/directory/verify", NULL);
    bench_expect(bench, 409, NULL);
    bench_ask(bench, "POST", "/v1/directory/compact", NULL);
    bench_expect(bench, 409, NULL);
}

static void test_many_one_after_another(void **state)
{
    struct admin_bench *bench = *state;
    for (int count = 0; count < 300; count++) {
        bench_ask(bench, "GET", "/v1/status", NULL);
        bench_expect(bench, 200, NULL);
    }
}

/* A client that says half and waits holds its own thread alone. */
static void test_slow_clients(void **state)
{
    struct admin_bench *bench = *state;
    int slow[ADMIN_CONNECTIONS_MAX / 2];
    for (size_t index = 0; index < sizeof(slow) / sizeof(slow[0]); index++) {
        slow[index] = bench_connect(bench);
        assert_int_equal(write(slow[index], "POST /v1/rel", 12), 12);
    }
    bench_ask(bench, "GET", "/metrics", NULL);
    bench_expect(bench, 200, NULL);
    bench_ask(bench, "POST", "/v1/reload", NULL);
    bench_expect(bench, 200, NULL);
    for (size_t index = 0; index < sizeof(slow) / sizeof(slow[0]); index++)
        close(slow[index]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reload),
        TEST(test_rollback),
        TEST(test_certificates),
        TEST(test_the_others),
        TEST(test_an_engine_that_is_going),
        TEST(test_bodies_that_are_refused),
        TEST(test_a_body_over_its_cap),
        TEST(test_unknown_paths_and_methods),
        TEST(test_the_metrics_address),
        TEST(test_no_directory),
        TEST(test_many_one_after_another),
        TEST(test_slow_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
