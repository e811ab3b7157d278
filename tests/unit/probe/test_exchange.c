/* SPDX-License-Identifier: Apache-2.0 */
/* The probe against a scripted server: what it sends, when it sends it again, and what it concludes. */
#include "probe/probe_exchange.h"
#include "support/cmocka_all.h"
#include "support_uas.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct uas uas;
    struct probe_options options;
    struct probe_exchange *exchange;
    char target[64];
    char verdict[2048];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->exchange = calloc(1, sizeof(*fixture->exchange));
    assert_non_null(fixture->exchange);
    fixture->options = (struct probe_options){.method = "INVITE", .count = 1, .t1_ms = 500};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    probe_wire_close(&fixture->exchange->wire);
    buffer_done(&fixture->exchange->request);
    buffer_done(&fixture->exchange->ack);
    buffer_done(&fixture->exchange->bye);
    free(fixture->exchange);
    free(fixture);
    return 0;
}

/* Runs one exchange against a server that follows `plan`; the server has ended when this returns. */
static const struct probe_result *probe(struct fixture *fixture, const struct uas_plan *plan)
{
    struct probe_exchange *exchange = fixture->exchange;
    struct fault fault = {0};
    const char *reason = NULL;
    uas_start(&fixture->uas, plan);
    (void)snprintf(fixture->target, sizeof(fixture->target), "sip:+15550100@127.0.0.1:%u", fixture->uas.port);
    fixture->options.target = fixture->target;
    exchange->options = &fixture->options;
    exchange->request = exchange->ack = exchange->bye = buffer_heap(0);
    assert_int_equal(sip_uri_parse(span_of(fixture->target), &exchange->target, &reason), OK);
    assert_int_equal(probe_wire_open(&exchange->wire, plan->is_stream, "127.0.0.1", fixture->uas.port, &fault), OK);
    assert_int_equal(probe_names(exchange, &fault), OK);
    assert_int_equal(probe_build_request(exchange, &fault), OK);
    probe_ladder_init(&exchange->ladder, exchange->wire.local, exchange->wire.remote);
    probe_call(exchange);
    uas_stop(&fixture->uas);
    struct buffer out = buffer_over(fixture->verdict, sizeof(fixture->verdict) - 1);
    probe_verdict(exchange, &out);
    fixture->verdict[out.len] = '\0';
    return &exchange->result;
}

static unsigned count_sent(const struct probe_exchange *exchange, const char *method)
{
    unsigned count = 0;
    for (unsigned i = 0; i < exchange->ladder.count; i++) {
        const struct probe_rung *rung = &exchange->ladder.rungs[i];
        count += rung->direction == PROBE_SENT && strncmp(rung->label, method, strlen(method)) == 0;
    }
    return count;
}

static void a_410_is_acknowledged_in_its_transaction(void **state)
{
    struct fixture *fixture = *state;
    const struct probe_result *result =
        probe(fixture, &(struct uas_plan){.code = 410, .says_trying = true, .header = "Reason: Q.850;cause=22\r\n"});
    assert_int_equal(result->err, OK);
    assert_int_equal(result->code, 410);
    assert_true(result->acknowledged);
    assert_int_equal(fixture->uas.acks, 1);
    assert_int_equal(fixture->uas.byes, 0);
    assert_non_null(strstr(fixture->uas.last_ack, fixture->exchange->branch));
    assert_non_null(strstr(fixture->uas.last_ack, "tag=uas"));
    assert_string_equal(fixture->verdict, "410 Gone: once existed here, no forwarding address, permanent\n"
                                          "  Reason: Q.850;cause=22\n");
}

static void a_200_is_acknowledged_and_hung_up_along_the_route(void **state)
{
    struct fixture *fixture = *state;
    const struct probe_result *result =
        probe(fixture, &(struct uas_plan){.code = 200,
                                          .header = "Contact: <sip:me@192.0.2.7>\r\n"
                                                    "Record-Route: <sip:a;lr>, <sip:b;lr>\r\n"});
    assert_int_equal(result->err, OK);
    assert_true(result->acknowledged && result->bye_answered);
    assert_int_equal(fixture->uas.acks, 1);
    assert_int_equal(fixture->uas.byes, 1);
    assert_non_null(strstr(fixture->uas.last_ack, "ACK sip:me@192.0.2.7 SIP/2.0"));
    assert_null(strstr(fixture->uas.last_ack, fixture->exchange->branch)); /* a transaction of its own */
    const char *b = strstr(fixture->uas.last_bye, "<sip:b;lr>");
    const char *a = strstr(fixture->uas.last_bye, "<sip:a;lr>");
    assert_true(a && b && b < a);
    assert_non_null(strstr(fixture->uas.last_bye, "CSeq: 2 BYE"));
}

static void a_200_said_again_is_acknowledged_again(void **state)
{
    struct fixture *fixture = *state;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.code = 200, .repeats = 2});
    assert_int_equal(result->finals, 3);
    assert_int_equal(fixture->uas.acks, 3);
    assert_true(result->bye_answered);
    assert_non_null(strstr(fixture->verdict, "the final answer came 3 times"));
}

static void without_ack_it_listens_until_the_bye(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.no_ack = true;
    const struct probe_result *result =
        probe(fixture, &(struct uas_plan){.code = 200, .repeats = 10, .hangs_up = true});
    assert_int_equal(result->err, OK);
    assert_int_equal(result->finals, 11);
    assert_int_equal(fixture->uas.acks, 0);
    assert_int_equal(fixture->uas.answers, 1); /* 200 to the BYE */
    assert_true(result->bye_received);
    assert_non_null(strstr(fixture->verdict, "the other side hung up: SIP;cause=408;text=\"ACK timeout\""));
}

static void without_ack_and_bye_it_says_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.no_ack = true;
    fixture->options.t1_ms = 2;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.code = 200});
    assert_int_equal(result->err, OK);
    assert_non_null(strstr(fixture->verdict, "no BYE came"));
}

static void an_invite_is_repeated_seven_times_in_all(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.t1_ms = 5;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.is_silent = true});
    assert_int_equal(result->err, ERR_TIMEOUT);
    assert_int_equal(result->code, 0);
    assert_int_equal(fixture->uas.invites, 7); /* at 0, 1, 3, 7, 15, 31 and 63 T1 */
    assert_non_null(strstr(fixture->verdict, "no final answer: lost"));
}

static void another_request_is_repeated_eleven_times_in_all(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.t1_ms = 5;
    fixture->options.method = "OPTIONS";
    (void)probe(fixture, &(struct uas_plan){.is_silent = true});
    assert_int_equal(fixture->uas.others, 11); /* at 0, 1, 3, 7, 15, 23, ... 63 T1 */
}

static void a_1xx_ends_the_repeating_of_an_invite(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.t1_ms = 40;
    fixture->options.timeout_ms = 300;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.says_trying = true});
    assert_int_equal(result->err, ERR_TIMEOUT);
    assert_int_equal(fixture->uas.invites, 1);
    assert_non_null(strstr(fixture->verdict, "still being worked on"));
}

static void what_is_lost_is_said_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.t1_ms = 10;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.code = 404, .ignores_first = 3});
    assert_int_equal(result->code, 404);
    assert_in_range(count_sent(fixture->exchange, "INVITE"), 4, 7);
}

static void a_bye_without_an_answer_is_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.t1_ms = 5;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.code = 200, .ignores_bye = true});
    assert_int_equal(result->err, OK);
    assert_false(result->bye_answered);
    assert_non_null(strstr(fixture->verdict, "our BYE was not answered"));
}

static void over_tcp_nothing_is_repeated(void **state)
{
    struct fixture *fixture = *state;
    const struct probe_result *result = probe(fixture, &(struct uas_plan){.is_stream = true, .code = 200});
    assert_int_equal(result->err, OK);
    assert_true(result->bye_answered);
    assert_int_equal(fixture->uas.invites, 1);
    assert_int_equal(fixture->uas.byes, 1);
    assert_non_null(strstr(fixture->uas.last_ack, "SIP/2.0/TCP"));
}

static void a_redirection_names_its_contact(void **state)
{
    struct fixture *fixture = *state;
    (void)probe(fixture, &(struct uas_plan){.code = 301, .header = "Contact: <sip:alice@example.net>\r\n"});
    assert_string_equal(fixture->verdict, "301 Moved Permanently: moved for good; update what you have stored\n"
                                          "  Contact: sip:alice@example.net\n");
}

static void json_has_the_same(void **state)
{
    struct fixture *fixture = *state;
    fixture->options.method = "OPTIONS";
    (void)probe(fixture, &(struct uas_plan){.code = 503, .header = "Retry-After: 5\r\n"});
    struct buffer out = buffer_heap(1 << 16);
    struct json json = json_into(&out);
    probe_json(fixture->exchange, &json);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.at, "\"code\":503"));
    assert_non_null(strstr(out.at, "\"retry_after\":\"5\""));
    assert_non_null(strstr(out.at, "\"direction\":\"received\""));
    buffer_done(&out);
}

static void a_port_without_a_server_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct fault fault = {0};
    /* A port that was bound a moment ago and is free now. */
    uas_start(&fixture->uas, &(struct uas_plan){.is_silent = true});
    uas_stop(&fixture->uas);
    struct probe_wire *wire = &fixture->exchange->wire;
    assert_int_equal(probe_wire_open(wire, false, "127.0.0.1", fixture->uas.port, &fault), OK);
    assert_int_equal(probe_wire_send(wire, SPAN("OPTIONS"), &fault), OK);
    struct span message;
    assert_int_equal(probe_wire_receive(wire, UINT64_MAX, &message, &fault), ERR_CLOSED);
    assert_non_null(strstr(fault.text, "nobody listens on 127.0.0.1:"));
    probe_wire_close(wire);
    assert_int_equal(probe_wire_open(wire, true, "127.0.0.1", fixture->uas.port, &fault), ERR_IO);
    assert_non_null(strstr(fault.text, "by tcp: Connection refused"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_410_is_acknowledged_in_its_transaction),
        TEST(a_200_is_acknowledged_and_hung_up_along_the_route),
        TEST(a_200_said_again_is_acknowledged_again),
        TEST(without_ack_it_listens_until_the_bye),
        TEST(without_ack_and_bye_it_says_so),
        TEST(an_invite_is_repeated_seven_times_in_all),
        TEST(another_request_is_repeated_eleven_times_in_all),
        TEST(a_1xx_ends_the_repeating_of_an_invite),
        TEST(what_is_lost_is_said_again),
        TEST(a_bye_without_an_answer_is_told),
        TEST(over_tcp_nothing_is_repeated),
        TEST(a_redirection_names_its_contact),
        TEST(json_has_the_same),
        TEST(a_port_without_a_server_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
