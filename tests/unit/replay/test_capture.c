/* SPDX-License-Identifier: Apache-2.0 */
/* Whole captures, written by libpcap: what is found in them, what is damaged, and what a replay makes of them. */
#include "replay/replay.h"
#include "replay/replay_ledger.h"
#include "replay/replay_packet.h"
#include "support_replay.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char root[64], capture_path[96];

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/verdict-replay-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    snprintf(capture_path, sizeof(capture_path), "%s/a.pcap", root);
    write_file("old.lua", "return function(req) return not_found {} end");
    write_file("new.lua",
               "return policy { on_error = reject(500) {}, default = not_found {}, rules = {\n"
               "  { 'closed', when = { user = 'night' }, check = function() return now() % 86400 >= 18 * 3600 end,\n"
               "    verdict = unavailable {} },\n"
               "  { 'retired', when = { user = matches 'g*' }, verdict = gone {} } } }");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static pcap_t *dead;
static pcap_dumper_t *dumper;
static struct made made;
static long now_s = 1767225600;

static void open_capture(void)
{
    dead = pcap_open_dead(DLT_RAW, 65535);
    dumper = pcap_dump_open(dead, capture_path);
    assert_non_null(dumper);
}

static void close_capture(void)
{
    pcap_dump_close(dumper);
    pcap_close(dead);
}

static void dump(void)
{
    struct span frame = made_span(&made);
    struct pcap_pkthdr header = {.caplen = (unsigned)frame.len, .len = (unsigned)frame.len};
    header.ts.tv_sec = now_s;
    pcap_dump((unsigned char *)dumper, &header, (const unsigned char *)frame.at);
}

static char sip[4096];

static struct span request(const char *method, const char *user, unsigned number, const char *to_tag)
{
    int len = snprintf(sip, sizeof(sip),
                       "%s sip:%s@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
                       "Max-Forwards: 70\r\nFrom: <sip:x@example.com>;tag=1\r\nTo: <sip:%s@example.com>%s\r\n"
                       "Call-ID: c%u\r\nCSeq: 1 %s\r\nContact: <sip:x@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
                       method, user, number, user, to_tag, number, method);
    return span_make(sip, (size_t)len);
}

static struct span response(unsigned code, unsigned number)
{
    int len = snprintf(sip, sizeof(sip),
                       "SIP/2.0 %u Whatever\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
                       "From: <sip:x@example.com>;tag=1\r\nTo: <sip:y@example.com>;tag=2\r\n"
                       "Call-ID: c%u\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
                       code, number, number);
    return span_make(sip, (size_t)len);
}

static void datagram(struct span bytes, bool is_answer)
{
    made_start(&made, bytes);
    made_udp(&made, is_answer ? 5060 : 5070, is_answer ? 5070 : 5060);
    made_ip4(&made, REPLAY_PROTOCOL_UDP, is_answer ? 9 : 1, is_answer ? 1 : 9, 0);
    dump();
}

static char complaints[1024];

static void on_complaint(void *ctx, const char *text)
{
    (void)ctx;
    size_t len = strlen(complaints);
    snprintf(complaints + len, sizeof(complaints) - len, "%s\n", text);
}

static struct replay_result *replay(const char *policy, const char *against, const char *traffic, enum err expected)
{
    char policy_path[128], against_path[128];
    struct replay_result *result = NULL;
    struct fault fault = {0};
    snprintf(policy_path, sizeof(policy_path), "%s/%s", root, policy);
    snprintf(against_path, sizeof(against_path), "%s/%s", root, against ? against : "");
    complaints[0] = '\0';
    const struct replay_ask ask = {.policy = policy_path,
                                   .against = against ? against_path : NULL,
                                   .traffic = traffic,
                                   .examples = 3,
                                   .complain = on_complaint};
    enum err err = replay_run(&ask, &result, &fault);
    if (err != expected)
        fail_msg("%s: %s", err_text(err), fault.text);
    if (err != OK)
        snprintf(complaints, sizeof(complaints), "%s", fault.text);
    return result;
}

static void text_of(const struct replay_result *result, const char *against, char *out, size_t cap)
{
    struct buffer text = buffer_over(out, cap - 1);
    const struct replay_ask ask = {.policy = "new", .against = against, .traffic = "x"};
    replay_report_text(&ask, result, &text);
    out[text.len] = '\0';
    assert_false(text.overflow);
}

static void says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void against_the_answers_of_then(void **state)
{
    (void)state;
    char text[8192];
    open_capture();
    datagram(request("INVITE", "gone", 1, ""), false);
    datagram(request("INVITE", "gone", 1, ""), false); /* a retransmission */
    datagram(response(100, 1), true);
    datagram(response(404, 1), true);
    datagram(response(404, 1), true);
    datagram(request("ACK", "gone", 1, ";tag=2"), false);
    datagram(request("INVITE", "here", 2, ""), false);
    datagram(response(404, 2), true);
    datagram(request("BYE", "here", 3, ";tag=2"), false);
    datagram(request("INVITE", "lost", 4, ""), false);
    datagram(SPAN("\r\n\r\n"), false);
    datagram(SPAN("INVITE sip:x SIP/2.0\r\nnonsense\r\n\r\n"), false);
    datagram(SPAN("no SIP at all"), false);
    datagram(request("INVITE", "gone", 5, ""), false);
    datagram(response(404, 5), true);
    datagram(request("INVITE", "gone", 6, ""), false);
    datagram(response(487, 6), true);
    close_capture();
    struct replay_result *result = replay("new.lua", NULL, capture_path, OK);
    const struct replay_counters *counters = &result->counters;
    assert_int_equal(counters->decided, 5);
    assert_int_equal(counters->cancelled, 1);
    assert_int_equal(counters->retransmissions, 1);
    assert_int_equal(counters->acks, 1);
    assert_int_equal(counters->in_dialog, 1);
    assert_int_equal(counters->malformed, 1);
    assert_int_equal(counters->unanswered, 1);
    assert_int_equal(counters->responses, 6);
    assert_int_equal(counters->capture.other, 2);
    assert_int_equal(replay_tally_compared(result->tally), 3);
    assert_int_equal(replay_tally_differ(result->tally), 2);
    text_of(result, NULL, text, sizeof(text));
    says(text, "2 of 3 differ (66.7 %): 2 are 404 -> 410\n");
    says(text, "             2  404 -> 410  by \"retired\"\n");
    says(text, "2026-01-01T00:00:00.000Z  INVITE sip:gone@example.com from 192.0.2.1:5070 call_id=c1\n");
    says(text, "1 have no answer in the capture");
    says(text, "1 retransmissions, 1 within a dialog, 1 ACK or CANCEL, 1 no well-formed SIP, 2 packets without SIP");
    replay_result_free(result);
}

static void against_another_policy(void **state)
{
    (void)state;
    char text[8192];
    open_capture();
    for (unsigned i = 0; i < 1500; i++)
        datagram(request("INVITE", i % 3 ? "here" : "gone", i, ""), false);
    now_s += 19 * 3600; /* the time of the capture, not that of the replay */
    datagram(request("MESSAGE", "night", 2000, ""), false);
    now_s -= 8 * 3600;
    datagram(request("MESSAGE", "night", 2001, ""), false);
    now_s = 1767225600;
    close_capture();
    struct replay_result *result = replay("new.lua", "old.lua", capture_path, OK);
    text_of(result, "old", text, sizeof(text));
    says(text, "501 of 1,502 differ (33.4 %): 500 are 404 -> 410, 1 404 -> 480\n");
    says(text, "           500  404 -> 410  by no rule -> \"retired\"\n");
    says(text, "             1  404 -> 480  by no rule -> \"closed\"\n");
    size_t count;
    (void)replay_tally_examples(result->tally, &count);
    assert_int_equal(count, 3);
    replay_result_free(result);
    result = replay("new.lua", "new.lua", capture_path, OK);
    assert_int_equal(replay_tally_differ(result->tally), 0);
    assert_int_equal(replay_tally_compared(result->tally), 1502);
    replay_result_free(result);
}

/* Two runs of one policy give the same bytes, whatever tags, tokens and sessions an answer needs. */
static void every_method_is_answered_alike(void **state)
{
    (void)state;
    static const struct {
        const char *method, *more; /* headers behind To */
    } rows[] = {{"INVITE", ""},
                {"OPTIONS", ""},
                {"MESSAGE", ""},
                {"REGISTER", ""},
                {"SUBSCRIBE", "\r\nEvent: presence\r\nExpires: 60"},
                {"SUBSCRIBE", "\r\nEvent: nonsense"},
                {"PUBLISH", "\r\nEvent: presence"},
                {"REFER", "\r\nRefer-To: <sip:x@example.com>"},
                {"INVITE", "\r\nRequire: 100rel"},
                {"INFO", ""}};
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    write_file("ok.lua", "return function(req) return ok {} end");
    open_capture();
    for (unsigned i = 0; i < ROWS; i++)
        datagram(request(rows[i].method, "somebody", i, rows[i].more), false);
    close_capture();
    struct replay_result *result = replay("ok.lua", "ok.lua", capture_path, OK);
    char text[8192];
    text_of(result, "ok", text, sizeof(text));
    if (replay_tally_compared(result->tally) != ROWS || replay_tally_differ(result->tally))
        fail_msg("%s", text);
    replay_result_free(result);
}

/* An INVITE over TCP in three segments out of order, and one over UDP in fragments. */
static void over_tcp_and_in_fragments(void **state)
{
    (void)state;
    static char big[4096];
    open_capture();
    struct span bytes = request("INVITE", "gone", 1, "");
    static const unsigned order[3] = {1, 0, 2};
    size_t third = bytes.len / 3;
    for (int i = 0; i < 3; i++) {
        size_t from = order[i] * third, to = order[i] == 2 ? bytes.len : from + third;
        made_start(&made, span_slice(bytes, from, to));
        if (i == 0) {
            struct made kept = made;
            made_start(&made, SPAN(""));
            made_tcp(&made, 5070, 5060, 99, MADE_SYN);
            made_ip6(&made, REPLAY_PROTOCOL_TCP, 1, 9);
            dump();
            made = kept;
        }
        made_tcp(&made, 5070, 5060, 100 + (unsigned)from, 0);
        made_ip6(&made, REPLAY_PROTOCOL_TCP, 1, 9);
        dump();
    }
    bytes = request("INVITE", "gone", 2, "");
    made_start(&made, bytes);
    made_udp(&made, 5070, 5060);
    struct span whole = made_span(&made);
    size_t len = whole.len;
    memcpy(big, whole.at, len);
    made_start(&made, span_make(big + 104, len - 104));
    made_ip4(&made, REPLAY_PROTOCOL_UDP, 1, 9, 13);
    dump();
    made_start(&made, span_make(big, 104));
    made_ip4(&made, REPLAY_PROTOCOL_UDP, 1, 9, 0x2000);
    dump();
    close_capture();
    struct replay_result *result = replay("new.lua", "old.lua", capture_path, OK);
    assert_int_equal(result->counters.decided, 2);
    assert_int_equal(replay_tally_differ(result->tally), 2);
    replay_result_free(result);
}

/* Every end and every damaged byte: what comes before it is replayed, nothing is read beyond. */
static void a_damaged_capture(void **state)
{
    (void)state;
    static char bytes[8192];
    open_capture();
    for (unsigned i = 0; i < 4; i++)
        datagram(request("MESSAGE", "gone", i, ""), false);
    close_capture();
    FILE *file = fopen(capture_path, "r");
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    struct replay_result *result;
    for (size_t cut = 25; cut < len; cut += 61) {
        file = fopen(capture_path, "w");
        fwrite(bytes, 1, cut, file);
        fclose(file);
        result = replay("new.lua", "old.lua", capture_path, OK);
        assert_true(result->counters.decided < 4);
        assert_true(result->damage[0] != '\0');
        says(complaints, "truncated dump file");
        replay_result_free(result);
    }
    for (size_t at = 40; at < len; at += 7) {
        char kept = bytes[at];
        bytes[at] ^= 0x55;
        file = fopen(capture_path, "w");
        fwrite(bytes, 1, len, file);
        fclose(file);
        bytes[at] = kept;
        result = replay("new.lua", "old.lua", capture_path, OK);
        assert_true(result->counters.decided <= 4);
        replay_result_free(result);
    }
    write_file("a.pcap", "");
    assert_null(replay("new.lua", NULL, capture_path, ERR_INVALID));
    says(complaints, "is empty");
    write_file("a.pcap", "neither a capture nor a log");
    assert_null(replay("new.lua", NULL, capture_path, ERR_IO));
    says(complaints, "unknown file format");
    assert_null(replay("new.lua", NULL, "/nonexistent/x", ERR_IO));
    says(complaints, "No such file");
}

static void a_damaged_log(void **state)
{
    (void)state;
    char text[8192], line[4096], whole[16384] = "";
    for (unsigned i = 0; i < 3; i++) {
        snprintf(line, sizeof(line),
                 "{\"time\":\"2026-01-31T12:00:00.000Z\",\"event\":\"decision\",\"source\":\"192.0.2.1:5060\","
                 "\"status\":%u,\"rule\":\"was\",\"verdict\":\"not_found\",\"transport\":\"UDP\",\"request\":"
                 "\"MESSAGE sip:gone@example.com SIP/2.0\\r\\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\\r\\n"
                 "Max-Forwards: 70\\r\\nFrom: <sip:x@y>;tag=1\\r\\nTo: <sip:y@y>\\r\\nCall-ID: %u\\r\\nCSeq: 1 MESSAGE"
                 "\\r\\n\\r\\n\"}\n",
                 i == 2 ? 410u : 404u, i, i);
        strcat(whole, line);
    }
    strcat(whole,
           "{\"event\":\"ack\",\"status\":410}\n\n{\"event\":\"decision\",\"status\":404}\nrubbish\n{\"event\":");
    write_file("a.jsonl", whole);
    snprintf(line, sizeof(line), "%s/a.jsonl", root);
    struct replay_result *result = replay("new.lua", NULL, line, OK);
    assert_int_equal(result->counters.decided, 3);
    assert_int_equal(result->counters.no_request, 1);
    assert_int_equal(result->counters.bad_lines, 2);
    says(complaints, "a.jsonl:7: no JSON object, or one that was cut; passed over");
    text_of(result, NULL, text, sizeof(text));
    says(text, "2 of 3 differ (66.7 %): 2 are 404 -> 410\n             2  404 -> 410  by \"was\" -> \"retired\"\n");
    replay_result_free(result);
}

static void the_ledger_forgets_the_oldest(void **state)
{
    (void)state;
    static struct sip_message message;
    struct replay_ledger *ledger;
    assert_int_equal(replay_ledger_new(&ledger), OK);
    message.via.branch = SPAN("z9hG4bK1");
    message.cseq_method_text = SPAN("INVITE");
    char id[16];
    message.call_id = span_make(id, sizeof(id));
    memset(id, 0, sizeof(id));
    for (uint64_t i = 0; i < REPLAY_LEDGER_MAX + 1000u; i++) {
        memcpy(id, &i, sizeof(i));
        assert_non_null(replay_ledger_add(ledger, &message, 0));
        assert_null(replay_ledger_add(ledger, &message, 1));
    }
    assert_int_equal(replay_ledger_unanswered(ledger), REPLAY_LEDGER_MAX + 1000);
    uint64_t last = REPLAY_LEDGER_MAX + 999u, first = 0;
    memcpy(id, &last, sizeof(last));
    assert_non_null(replay_ledger_settle(ledger, &message, 2));
    assert_null(replay_ledger_settle(ledger, &message, 3)); /* once */
    assert_null(replay_ledger_add(ledger, &message, REPLAY_LEDGER_MS + 3));
    assert_non_null(replay_ledger_add(ledger, &message, 3 * REPLAY_LEDGER_MS)); /* another transaction */
    memcpy(id, &first, sizeof(first));
    assert_null(replay_ledger_settle(ledger, &message, 2)); /* it made room */
    replay_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(against_the_answers_of_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(against_another_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_method_is_answered_alike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(over_tcp_and_in_fragments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_capture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_log, set_up, tear_down),
        cmocka_unit_test(the_ledger_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
