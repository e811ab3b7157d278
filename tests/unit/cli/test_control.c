/* SPDX-License-Identifier: Apache-2.0 */
/* Control commands against a scripted HTTP server on a unix socket: what is asked, and what becomes of the answers. */
#include "cli/cli_http.h"
#include "support_server.h"

static struct run_output out;

static void run_against(struct server *server, const char *line, const char *status, const char *body)
{
    server_run(server, &out, line, status, body);
}

static const char report[] = "{\"ok\":true,\"unchanged\":false,\"version\":7,\"previous\":6,\"name\":\"lifecycle\","
                             "\"hash\":\"1a2b3c4d5e\",\"rules\":{\"added\":[\"flood\"],\"removed\":[],\"changed\":"
                             "[\"retired\"]},\"state\":{\"kept\":[\"calls\"],\"reset\":[\"seen\"]},"
                             "\"tests\":{\"passed\":12,\"failed\":0},\"took_us\":{\"total\":9000}}";

static void a_reload_tells_what_changed(void **state)
{
    struct server *server = *state;
    run_against(server, "reload", "200 OK", report);
    assert_string_equal(out.text, "version 7 (lifecycle 1a2b3c4d) is active, before it 6; took 9.0 ms\n"
                                  "  rules: +flood ~retired\n"
                                  "  shared, kept: calls\n"
                                  "  shared, started fresh: seen\n"
                                  "  tests: 12 passed, 0 failed\n");
    assert_int_equal(out.exit_code, CLI_EXIT_OK);
    assert_non_null(strstr(server->asked, "POST /v1/reload HTTP/1.1\r\n"));
    assert_non_null(strstr(server->asked, "\r\n\r\n{}"));
    run_against(server, "reload --json", "200 OK", report);
    assert_non_null(strstr(out.text, "\"version\":7"));
    run_against(server, "reload", "200 OK",
                "{\"ok\":true,\"version\":8,\"tests\":{\"present\":false,\"passed\":0,\"failed\":0},"
                "\"save_error\":{\"text\":\"disk full\"}}");
    assert_says(&out, CLI_EXIT_OK, "tests: there is no test.lua\n  not kept as the last good version: disk full\n");
    run_against(server, "rollback", "200 OK", "{\"ok\":true,\"unchanged\":true,\"version\":6}");
    assert_says(&out, CLI_EXIT_OK, "version 6 is active; the policy is byte for byte the same");
}

static void a_refused_reload_says_where(void **state)
{
    struct server *server = *state;
    run_against(server, "reload", "422 Unprocessable Entity",
                "{\"ok\":false,\"error\":{\"text\":\"expected a table\",\"file\":\"policy.lua\",\"line\":12}}");
    assert_string_equal(out.text, "verdict reload: policy.lua:12: expected a table\n");
    assert_int_equal(out.exit_code, CLI_EXIT_FAILED);
    run_against(server, "reload", "502 Bad Gateway", "<html>");
    assert_says(&out, CLI_EXIT_FAILED, "HTTP 502 with no JSON in it");
}

static void a_policy_goes_as_a_whole_path(void **state)
{
    struct server *server = *state;
    char line[256];
    (void)snprintf(line, sizeof(line), "reload --policy %s/../%s", server->folder, server->folder + 5);
    run_against(server, line, "200 OK", report);
    char expected[128];
    (void)snprintf(expected, sizeof(expected), "{\"policy\":\"%s\"}", server->folder);
    assert_non_null(strstr(server->asked, expected));
    run_line(&out, "reload --policy /nonexistent", NULL);
    assert_says(&out, CLI_EXIT_FAILED, "--policy /nonexistent: expected a policy's folder or .lua file");
}

static void versions_and_status_are_laid_out(void **state)
{
    struct server *server = *state;
    run_against(
        server, "versions", "200 OK",
        "{\"versions\":[{\"version\":2,\"state\":\"active\",\"hash\":\"0011223344\",\"name\":\"hello\","
        "\"path\":\"policies/hello\",\"activated_ms\":1769860800000},{\"version\":1,\"state\":"
        "\"failed\",\"name\":\"\",\"path\":\"p\",\"failure\":{\"text\":\"why\",\"file\":\"f.lua\",\"line\":3}}]}");
    assert_says(&out, CLI_EXIT_OK, "2        active     00112233");
    assert_says(&out, CLI_EXIT_OK, "2026-01-31T12:00:00Z");
    assert_says(&out, CLI_EXIT_OK, "f.lua:3: why");
    run_against(server, "status", "200 OK",
                "{\"version\":2,\"draining\":false,\"listeners\":[\"udp:127.0.0.1:5060\",\"tcp:127.0.0.1:5060\"],"
                "\"acks\":{\"missing\":0,\"late\":null},\"workers\":[{\"calls\":1}],\"none\":[]}");
    assert_string_equal(out.text, "version: 2\n"
                                  "draining: no\n"
                                  "listeners: udp:127.0.0.1:5060, tcp:127.0.0.1:5060\n"
                                  "acks:\n"
                                  "  missing: 0\n"
                                  "  late: -\n"
                                  "workers:\n"
                                  "  -\n"
                                  "    calls: 1\n"
                                  "none: none\n");
    run_against(server, "drain --off", "200 OK", "{\"draining\":false}");
    assert_non_null(strstr(server->asked, "{\"on\":false}"));
}

static void edits_go_through_the_socket(void **state)
{
    struct server *server = *state;
    run_against(server, "directory retire +15550100 --cause 22 --by ops", "200 OK",
                "{\"ok\":true,\"seq\":5,\"record\":{\"key\":\"+15550100\",\"state\":\"gone\"}}");
    assert_says(&out, CLI_EXIT_OK, "+15550100: gone (change 5)");
    assert_non_null(strstr(server->asked, "{\"key\":\"+15550100\",\"by\":\"ops\",\"cause\":22}"));
    run_against(server, "directory show +15550100", "404 Not Found",
                "{\"error\":{\"text\":\"there is no such entry\"}}");
    assert_says(&out, CLI_EXIT_FAILED, "verdict directory show: +15550100: there is no such entry");
    assert_non_null(strstr(server->asked, "GET /v1/directory/show?key=%2B15550100 "));
    run_against(server, "directory backup some/where", "200 OK", "{\"ok\":true,\"path\":\"/x\"}");
    assert_non_null(strstr(server->asked, "/some/where\"}"));
    run_against(server, "directory verify", "200 OK", "{\"ok\":false,\"records\":1,\"damaged\":1,\"first\":\"bad\"}");
    assert_says(&out, CLI_EXIT_FAILED, "first: bad");
}

static void files_are_streamed(void **state)
{
    struct server *server = *state;
    run_against(server, "directory import --dry-run --merge --by ops", "200 OK",
                "{\"ok\":true,\"dry_run\":true,\"rows\":1,\"added\":1}");
    assert_says(&out, CLI_EXIT_OK, "dry run, nothing changed; 1 rows: 1 added");
    assert_non_null(strstr(server->asked, "POST /v1/directory/import?format=csv&merge=1&dry_run=1&by=ops "));
    assert_non_null(strstr(server->asked, "number,+15550100,active"));
    run_against(server, "directory import", "400 Bad Request", "{\"error\":{\"text\":\"no such kind\",\"line\":2}}");
    assert_says(&out, CLI_EXIT_FAILED, "standard input:2: no such kind");
    run_against(server, "directory export", "200 OK", "kind,key\nnumber,+1\n");
    assert_string_equal(out.text, "kind,key\nnumber,+1\n");
}

static void a_dead_socket_is_told(void **state)
{
    struct server *server = *state;
    (void)close(server->fd);
    run_line(&out, "status", NULL);
    assert_says(&out, CLI_EXIT_FAILED, "no engine listens on /tmp/verdict-cli-");
    assert_int_equal(unsetenv("VERDICT_CONTROL"), 0);
    run_line(&out, "status", NULL);
    assert_says(&out, CLI_EXIT_USAGE, "which engine? expected --control SOCKET or --data DIR");
    run_line(&out, "status --data /nonexistent", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reload_tells_what_changed),   TEST(a_refused_reload_says_where),
        TEST(a_policy_goes_as_a_whole_path), TEST(versions_and_status_are_laid_out),
        TEST(edits_go_through_the_socket),   TEST(files_are_streamed),
        TEST(a_dead_socket_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
