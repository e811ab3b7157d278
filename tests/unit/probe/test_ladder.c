/* SPDX-License-Identifier: Apache-2.0 */
/* Ladders: what is drawn for a call, retransmissions, hostile and long start lines, the cap. */
#include "probe/probe_ladder.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static struct probe_ladder *make(void)
{
    struct probe_ladder *ladder = malloc(sizeof(*ladder));
    assert_non_null(ladder);
    probe_ladder_init(ladder, "127.0.0.1:41234", "127.0.0.1:5060");
    return ladder;
}

static char *draw(const struct probe_ladder *ladder)
{
    struct buffer out = buffer_heap(1 << 20);
    probe_ladder_draw(ladder, &out);
    buffer_add_byte(&out, '\0');
    assert_false(out.overflow);
    return out.at;
}

static void a_call_is_drawn(void **state)
{
    (void)state;
    struct probe_ladder *ladder = make();
    probe_ladder_add(ladder, 0, PROBE_SENT, SPAN("INVITE sip:+15550100@127.0.0.1 SIP/2.0\r\nVia: x\r\n\r\n"));
    probe_ladder_add(ladder, 412, PROBE_RECEIVED, SPAN("SIP/2.0 410 Gone\r\n\r\n"));
    probe_ladder_add(ladder, 500, PROBE_SENT, SPAN("ACK sip:+15550100@127.0.0.1 SIP/2.0\r\n\r\n"));
    assert_int_equal(probe_ladder_add(ladder, 500500, PROBE_RECEIVED, SPAN("SIP/2.0 410 Gone\r\n\r\n")), 2);
    char *text = draw(ladder);
    assert_string_equal(text, "     127.0.0.1:41234                          127.0.0.1:5060\n"
                              "            |                                        |\n"
                              "     0.0 ms |--- INVITE sip:+15550100@127.0.0.1 ---->|\n"
                              "     0.4 ms |<-------------- 410 Gone ---------------|\n"
                              "     0.5 ms |----- ACK sip:+15550100@127.0.0.1 ----->|\n"
                              "   500.5 ms |<-------------- 410 Gone ---------------| again (1)\n");
    free(text);
    free(ladder);
}

static void no_start_line_breaks_the_frame(void **state)
{
    (void)state;
    struct probe_ladder *ladder = make();
    char line[600];
    (void)snprintf(line, sizeof(line), "OPTIONS sip:%0500d@x SIP/2.0\r\n\r\n", 1);
    probe_ladder_add(ladder, 0, PROBE_SENT, span_of(line));
    probe_ladder_add(ladder, 1, PROBE_RECEIVED, SPAN("SIP/2.0 200 \x1b[31mred\n\r\n"));
    probe_ladder_add(ladder, 1, PROBE_RECEIVED, span_make(NULL, 0));
    char *text = draw(ladder);
    assert_non_null(strstr(text, "..")); /* cut */
    assert_null(strchr(text, 0x1b));
    assert_non_null(strstr(text, "200 ?[31mred"));
    size_t rails = 0;
    for (const char *at = text; *at; at++)
        rails += *at == '|';
    assert_int_equal(rails, 2 * 4);
    free(text);
    free(ladder);
}

static void directions_are_told_apart(void **state)
{
    (void)state;
    struct probe_ladder *ladder = make();
    assert_int_equal(probe_ladder_add(ladder, 0, PROBE_SENT, SPAN("X")), 1);
    assert_int_equal(probe_ladder_add(ladder, 0, PROBE_RECEIVED, SPAN("X")), 1);
    assert_int_equal(probe_ladder_add(ladder, 0, PROBE_SENT, SPAN("X")), 2);
    free(ladder);
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    struct probe_ladder *ladder = make();
    for (unsigned i = 0; i < PROBE_LADDER_MAX + 3; i++)
        probe_ladder_add(ladder, i, PROBE_SENT, SPAN("A b SIP/2.0"));
    assert_int_equal(ladder->count, PROBE_LADDER_MAX);
    char *text = draw(ladder);
    assert_non_null(strstr(text, "3 more not shown"));
    free(text);
    free(ladder);
}

static void json_says_the_same(void **state)
{
    (void)state;
    struct probe_ladder *ladder = make();
    probe_ladder_add(ladder, 0, PROBE_SENT, SPAN("OPTIONS sip:x SIP/2.0\r\n"));
    probe_ladder_add(ladder, 1500, PROBE_RECEIVED, SPAN("SIP/2.0 200 OK\r\n"));
    struct buffer out = buffer_heap(1 << 16);
    struct json json = json_into(&out);
    probe_ladder_json(ladder, &json);
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.at, "[{\"ms\":0,\"direction\":\"sent\",\"message\":\"OPTIONS sip:x\",\"copy\":1},"
                                "{\"ms\":1.5,\"direction\":\"received\",\"message\":\"200 OK\",\"copy\":1}]");
    buffer_done(&out);
    free(ladder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_drawn),           cmocka_unit_test(no_start_line_breaks_the_frame),
        cmocka_unit_test(directions_are_told_apart), cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(json_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
