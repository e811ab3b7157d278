/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged messages: whatever the parser lets through must neither break a call nor draw a broken answer, and leaves
 * nothing behind. */
#include "unit/call/support_call.h"
#include "util/random.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { ROUNDS = 3000 };
#else
enum { ROUNDS = 20000 };
#endif

struct damage {
    struct random random;
    char text[16384];
    size_t len;
};

static size_t below(struct damage *damage, size_t bound)
{
    return (size_t)random_below(&damage->random, bound ? bound : 1);
}

static void change_once(struct damage *damage)
{
    static const char *const words[] = {"\r\n",
                                        ";",
                                        ",",
                                        "<",
                                        ">",
                                        "\"",
                                        " ",
                                        ":",
                                        "@",
                                        "tag=",
                                        "sip:",
                                        "%00",
                                        "=",
                                        "\t",
                                        "99999",
                                        "0",
                                        "\r\n \t",
                                        ";lr",
                                        "z9hG4bK",
                                        "*",
                                        "[::1]",
                                        "tel:+",
                                        "m=x",
                                        "a=sendrecv",
                                        "Via: ",
                                        "Contact: *\r\n",
                                        "Require: 100rel\r\n"};
    size_t at = below(damage, damage->len);
    size_t len = below(damage, 12);
    if (len > damage->len - at)
        len = damage->len - at;
    switch (below(damage, 4)) {
    case 0: /* another byte */
        damage->text[at] = (char)(32 + below(damage, 95));
        break;
    case 1: /* some bytes less */
        memmove(damage->text + at, damage->text + at + len, damage->len - at - len);
        damage->len -= len;
        break;
    case 2: /* a word more */ {
        const char *word = words[below(damage, sizeof(words) / sizeof(*words))];
        size_t more = strlen(word);
        memmove(damage->text + at + more, damage->text + at, damage->len - at);
        memcpy(damage->text + at, word, more);
        damage->len += more;
        break;
    }
    default: /* a piece twice */
        memmove(damage->text + at + len, damage->text + at, damage->len - at);
        damage->len += len;
        break;
    }
}

/* The request as bytes, damaged or not; false when the parser refuses it. */
static bool prepare(struct damage *damage, struct call_bench *bench, struct sip_ask ask, bool is_whole)
{
    struct sip_problem problem;
    const struct sip_message *message = sip_ask(&bench->asked, ask);
    damage->len = message->bytes.len;
    memcpy(damage->text, message->bytes.at, damage->len);
    if (!is_whole) {
        for (size_t i = 1 + below(damage, 3); i; i--)
            change_once(damage);
    }
    return sip_message_parse(&bench->asked.message, span_make(damage->text, damage->len), SIP_DATAGRAM, &problem) == OK;
}

static void open_call(struct call_bench *bench, struct damage *damage)
{
    const struct sip_message *invite = &bench->asked.message;
    struct txn *txn = NULL;
    const char *why;
    if (!invite->is_request || txn_receive(bench->txns, invite, &bench->udp).class != TXN_NEW)
        return;
    if (txn_server_new(bench->txns, invite, &bench->udp, &txn) != OK)
        return;
    struct call_accept accept = bench_accept(bench);
    accept.rings = below(damage, 2);
    accept.ring_ms = (uint32_t)below(damage, 1000);
    memcpy(bench->tag, txn_tag(txn).at, TXN_TAG_LEN);
    if (invite->method != SIP_METHOD_INVITE || invite->to.tag.at ||
        call_new(bench->calls, txn, invite, &accept, &bench->call, &why) != OK)
        txn_absorb(txn);
}

static void dispatch(struct call_bench *bench)
{
    const struct sip_message *request = &bench->asked.message;
    if (!request->is_request) {
        txn_receive_response(bench->txns, request);
        return;
    }
    struct txn_arrival arrival = txn_receive(bench->txns, request, &bench->udp);
    enum err err = OK;
    if (arrival.class == TXN_ACK_FOR_CALL)
        call_receive_ack(bench->calls, request, &bench->udp);
    else if (arrival.class == TXN_CANCEL_MATCHED || arrival.class == TXN_CANCEL_UNMATCHED)
        err = call_cancel(bench->calls, request, arrival.txn, &bench->udp, &bench->udp.remote);
    else if (arrival.class == TXN_NEW)
        err = call_receive(bench->calls, request, &bench->udp, &bench->udp.remote);
    assert_int_equal(err, OK);
}

/* Whatever left must be something that a parser takes. */
static void check_sent(struct call_bench *bench)
{
    static struct sip_message message;
    for (size_t i = 0; i < bench->wire.count; i++) {
        struct sip_problem problem;
        if (sip_message_parse(&message, bench->wire.sent[i].bytes, SIP_DATAGRAM, &problem) != OK)
            fail_msg("%s in: %s", problem.reason ? problem.reason : "?", bench->wire.sent[i].bytes.at);
    }
    fake_wire_clear(&bench->wire);
}

static void one_round(struct call_bench *bench, struct damage *damage, unsigned round)
{
    static const char *const methods[] = {"ACK",     "UPDATE", "INVITE", "PRACK", "INFO",
                                          "OPTIONS", "REFER",  "CANCEL", "BYE"};
    char call_id[24], branch[32];
    snprintf(call_id, sizeof(call_id), "call-%u", round);
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", round);
    struct sip_ask ask = {.call_id = call_id,
                          .branch = branch,
                          .body = below(damage, 4) ? BENCH_OFFER : NULL,
                          .extra =
                              "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com>\r\nSupported: 100rel\r\n"};
    if (prepare(damage, bench, ask, below(damage, 2)))
        open_call(bench, damage);
    for (unsigned i = 0, count = (unsigned)below(damage, 6); i < count; i++) {
        ask.method = methods[below(damage, sizeof(methods) / sizeof(*methods))];
        snprintf(branch, sizeof(branch), "z9hG4bK-%u-%u", round, i);
        ask.cseq = ask.method[0] == 'A' ? 1 : i + 2;
        ask.to_tag = *bench->tag ? bench->tag : NULL;
        ask.extra = "RAck: 1 1 INVITE\r\n";
        if (prepare(damage, bench, ask, below(damage, 2)))
            dispatch(bench);
        fake_clock_pass(&bench->fake, below(damage, 800));
    }
    check_sent(bench);
}

static void test_damaged_messages(void **state)
{
    struct call_bench *bench = *state;
    static struct damage damage;
    const char *seed = getenv("MUTATE_SEED");
    random_seed(&damage.random, seed ? strtoull(seed, NULL, 10) : 11);
    for (unsigned round = 0; round < ROUNDS; round++)
        one_round(bench, &damage, round);
    call_table_shutdown(bench->calls);
    fake_clock_pass(&bench->fake, 200000);
    check_sent(bench);
    assert_true(call_table_counters(bench->calls)->started > ROUNDS / 10);
    bench_assert_empty(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damaged_messages, bench_setup, bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
