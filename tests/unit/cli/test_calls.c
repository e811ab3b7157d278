/* SPDX-License-Identifier: Apache-2.0 */
/* calls, call show and peers against a scripted server: what is asked, and how the answers are laid out. */
#include "support_server.h"

static struct run_output out;

static void calls_newest_first(void **state)
{
    struct server *server = *state;
    server_run(
        server, &out, "calls", "200 OK",
        "{\"total\":3,\"shown\":2,\"calls\":["
        "{\"call_id\":\"old@x\",\"state\":\"up\",\"age_ms\":65000,\"ack\":\"acknowledged\",\"retransmissions\":2,"
        "\"peer\":\"192.0.2.1:5070\",\"transport\":\"tcp\"},"
        "{\"call_id\":\"new@x\",\"state\":\"answered\",\"age_ms\":1250,\"ack\":\"awaited\",\"retransmissions\":0,"
        "\"peer\":\"[2001:db8::1]:5060\",\"transport\":\"udp\"}]}");
    assert_string_equal(out.text, "3 calls\n"
                                  "state          age s  ACK           again  over peer                   Call-ID\n"
                                  "answered         1.2  awaited           0  udp  [2001:db8::1]:5060     new@x\n"
                                  "up              65.0  acknowledged      2  tcp  192.0.2.1:5070         old@x\n"
                                  "1 more not shown\n");
    assert_int_equal(out.exit_code, CLI_EXIT_OK);
    assert_non_null(strstr(server->asked, "GET /v1/calls?limit=100 "));
    server_run(server, &out, "calls --limit 5", "200 OK", "{\"total\":0,\"shown\":0,\"calls\":[]}");
    assert_string_equal(out.text, "0 calls\n");
    assert_non_null(strstr(server->asked, "GET /v1/calls?limit=5 "));
    server_run(server, &out, "calls --json", "200 OK", "{\"total\":0,\"shown\":0,\"calls\":[]}");
    assert_string_equal(out.text, "{\"total\":0,\"shown\":0,\"calls\":[]}\n");
    run_line(&out, "calls --limit 0", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

/* Names come from the network: they neither steer the terminal nor make up lines of their own. */
static void a_stranger_s_name_is_only_a_name(void **state)
{
    struct server *server = *state;
    static const char bindings[] =
        "{\"total\":2,\"users\":1,\"bindings\":[{\"aor\":\"a\\u001b[2J\\nroot\\u0000@x\",\"expires_s\":60,"
        "\"contact\":\"sip:\\u009b2J\\u007f\\u00e9\"}]}";
    server_run(server, &out, "bindings", "200 OK", bindings);
    assert_non_null(strstr(out.text, "a [2J root @x "));
    assert_null(strchr(out.text, '\033'));
    assert_null(strstr(out.text, "\nroot"));
    assert_null(strstr(out.text, "\xc2\x9b"));
    server_run(server, &out, "bindings --json", "200 OK", bindings);
    assert_non_null(strstr(out.text, "a\\u001b[2J\\nroot\\u0000@x"));
    server_run(server, &out, "subscriptions", "200 OK",
               "{\"total\":1,\"publications\":0,\"subscriptions\":[{\"user\":\"\\u001b]0;t\\u0007\\r@x\"}]}");
    assert_non_null(strstr(out.text, " ]0;t  @x"));
}

static void watching_ends_with_the_engine(void **state)
{
    struct server *server = *state;
    server_run(server, &out, "calls --watch", "503 Service Unavailable", "{\"error\":{\"text\":\"it is ending\"}}");
    assert_says(&out, CLI_EXIT_FAILED, "verdict calls: it is ending");
}

static void a_ladder_of_what_is_kept(void **state)
{
    struct server *server = *state;
    server_run(server, &out, "call show a&b@x", "200 OK",
               "{\"call_id\":\"a&b@x\",\"keeps\":true,\"calls\":[{\"state\":\"up\",\"age_ms\":2000,\"ack\":"
               "\"acknowledged\",\"retransmissions\":1,\"from\":\"<sip:f@x>\",\"to\":\"<sip:t@x>\"}],\"messages\":["
               "{\"time_us\":5000000,\"direction\":\"in\",\"peer\":\"192.0.2.1:5070\",\"local\":\"192.0.2.2:5060\","
               "\"text\":\"INVITE sip:t@x SIP/2.0\\r\\n\\r\\n\\u0000\"},"
               "{\"time_us\":5000400,\"direction\":\"out\",\"text\":\"SIP/2.0 200 OK\\r\\n\\r\\n\"},"
               "{\"time_us\":5500400,\"direction\":\"out\",\"text\":\"SIP/2.0 200 OK\\r\\n\\r\\n\"},"
               "{\"time_us\":4999999,\"direction\":\"in\",\"text\":\"ACK sip:t@x SIP/2.0\\r\\n\\r\\n\"}]}");
    assert_string_equal(out.text, "up for 2.0 s, ACK acknowledged, 200 sent again 1 times\n"
                                  "  from <sip:f@x>\n"
                                  "  to <sip:t@x>\n"
                                  "     192.0.2.1:5070                           192.0.2.2:5060\n"
                                  "            |                                        |\n"
                                  "     0.0 ms |----------- INVITE sip:t@x ------------>|\n"
                                  "     0.4 ms |<--------------- 200 OK ----------------|\n"
                                  "   500.4 ms |<--------------- 200 OK ----------------| again (1)\n"
                                  "     0.0 ms |------------- ACK sip:t@x ------------->|\n");
    assert_int_equal(out.exit_code, CLI_EXIT_OK);
    assert_non_null(strstr(server->asked, "GET /v1/calls/show?call_id=a%26b%40x "));
}

static void what_is_not_known_is_said(void **state)
{
    struct server *server = *state;
    server_run(server, &out, "call show x", "200 OK",
               "{\"call_id\":\"x\",\"keeps\":true,\"calls\":[],\"messages\":[]}");
    assert_string_equal(out.text, "no live call\nits messages have made room for later ones\n");
    server_run(server, &out, "call show x", "200 OK",
               "{\"call_id\":\"x\",\"keeps\":false,\"calls\":[{\"state\":\"up\"}],\"messages\":[]}");
    assert_says(&out, CLI_EXIT_OK, "no messages are kept: the setting trace_bytes is 0\n");
    server_run(server, &out, "call show x", "404 Not Found", "{\"error\":{\"text\":\"nothing\"}}");
    assert_says(&out, CLI_EXIT_FAILED, "verdict call show: nothing");
    run_line(&out, "call show", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
    run_line(&out, "call", NULL);
    assert_int_equal(out.exit_code, CLI_EXIT_USAGE);
}

static void peers_as_a_table(void **state)
{
    struct server *server = *state;
    server_run(server, &out, "peers", "200 OK",
               "{\"peers\":[{\"peer\":\"192.0.2.1\",\"acknowledged\":12,\"late\":3,\"missing\":1,\"mistagged\":0,"
               "\"wrong_cseq\":2,\"stray\":4}],\"total\":{\"acknowledged\":20,\"late\":3,\"missing\":1,\"stray\":4}}");
    assert_string_equal(
        out.text,
        "peer                                     acknowledged     late  missing mistagged wrong CSeq    stray\n"
        "192.0.2.1                                          12        3        1         0          2        4\n"
        "all                                                20        3        1         0          0        4\n");
    assert_non_null(strstr(server->asked, "GET /v1/peers "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_newest_first),       TEST(a_stranger_s_name_is_only_a_name), TEST(watching_ends_with_the_engine),
        TEST(a_ladder_of_what_is_kept), TEST(what_is_not_known_is_said),        TEST(peers_as_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
