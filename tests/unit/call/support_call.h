/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions and calls on a fake clock and wire, with the few lines of dispatch that an engine would have. */
#pragma once

#include "call/call_priv.h"
#include "sdp/sdp_answer.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_wire.h"
#include "support/sip_ask.h"

struct call_bench {
    struct fake_clock fake;
    struct fake_wire wire;
    struct txn_table *txns;
    struct call_table *calls;
    struct net_flow udp, tcp;
    struct sip_asked asked, heard;
    struct call *call; /* the last one that was accepted */
    char tag[TXN_TAG_LEN + 1];
    unsigned starts, acks, missing, ends, requests, errors;
    unsigned last_code;
    struct call_ack last_ack;
    enum call_end last_end;
    enum err last_err;
    bool hangs_up_on_ack, hangs_up_on_missing;
};

static inline void bench_on_start(void *ctx, struct call *call)
{
    (void)call;
    ((struct call_bench *)ctx)->starts++;
}

static inline void bench_on_ack(void *ctx, struct call *call, const struct call_ack *ack)
{
    struct call_bench *bench = ctx;
    bench->acks++;
    bench->last_ack = *ack;
    if (bench->hangs_up_on_ack)
        call_hangup(call, span_make(NULL, 0));
}

static inline void bench_on_ack_missing(void *ctx, struct call *call, const struct call_ack *ack)
{
    struct call_bench *bench = ctx;
    bench->missing++;
    bench->last_ack = *ack;
    if (bench->hangs_up_on_missing)
        call_hangup(call, SPAN("too late"));
}

static inline void bench_on_end(void *ctx, struct call *call, enum call_end end)
{
    struct call_bench *bench = ctx;
    bench->ends++;
    bench->last_end = end;
    if (bench->call == call)
        bench->call = NULL;
}

static inline void bench_on_request(void *ctx, struct call *call, const struct sip_message *request, unsigned code)
{
    (void)call;
    (void)request;
    struct call_bench *bench = ctx;
    bench->requests++;
    bench->last_code = code;
}

static inline struct call_options bench_call_options(struct call_bench *bench, size_t cap)
{
    return (struct call_options){.txns = bench->txns,
                                 .cap = cap,
                                 .handlers = {.ctx = bench,
                                              .on_start = bench_on_start,
                                              .on_ack = bench_on_ack,
                                              .on_ack_missing = bench_on_ack_missing,
                                              .on_end = bench_on_end,
                                              .on_request = bench_on_request}};
}

static inline struct call_bench *bench_new(size_t cap)
{
    struct call_bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    fake_clock_init(&bench->fake, NULL);
    bench->wire.clock = &bench->fake.clock;
    bench->udp = sip_ask_flow(NET_UDP, "192.0.2.9:5060");
    bench->tcp = sip_ask_flow(NET_TCP, "192.0.2.9:40000");
    struct txn_options options = {.clock = &bench->fake.clock,
                                  .wheel = &bench->fake.wheel,
                                  .wire = {&bench->wire, fake_wire_send},
                                  .key = {1, 2},
                                  .seed = 7};
    assert_int_equal(txn_table_new(&options, &bench->txns), OK);
    struct call_options call_options = bench_call_options(bench, cap);
    assert_int_equal(call_table_new(&call_options, &bench->calls), OK);
    return bench;
}

static inline int bench_setup(void **state)
{
    *state = bench_new(0);
    return 0;
}

static inline int bench_teardown(void **state)
{
    struct call_bench *bench = *state;
    call_table_free(bench->calls);
    txn_table_free(bench->txns);
    fake_wire_done(&bench->wire);
    free(bench);
    return 0;
}

#define BENCH_OFFER                                                                                                    \
    "v=0\r\no=alice 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"                                    \
    "m=audio 49170 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n"

static inline struct call_accept bench_accept(const struct call_bench *bench)
{
    return (struct call_accept){.contact = SPAN("<sip:verdict@192.0.2.1:5060>"),
                                .media_address = SPAN("192.0.2.1"),
                                .source = bench->udp.remote};
}

/* Accepts the INVITE that bench->asked holds. */
static inline enum err bench_answer(struct call_bench *bench, const struct net_flow *flow,
                                    const struct call_accept *accept)
{
    struct txn *txn = NULL;
    const char *why = "";
    assert_int_equal(txn_receive(bench->txns, &bench->asked.message, flow).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->txns, &bench->asked.message, flow, &txn), OK);
    memcpy(bench->tag, txn_tag(txn).at, TXN_TAG_LEN);
    enum err err = call_new(bench->calls, txn, &bench->asked.message, accept, &bench->call, &why);
    if (err != OK)
        txn_absorb(txn);
    return err;
}

/* An INVITE that is accepted as usual; ask.body NULL: no offer. */
static inline void bench_invite(struct call_bench *bench, const struct net_flow *flow, struct sip_ask ask)
{
    struct call_accept accept = bench_accept(bench);
    sip_ask(&bench->asked, ask);
    assert_int_equal(bench_answer(bench, flow, &accept), OK);
}

/* What an engine does with a request that has a To tag, or is an ACK or a CANCEL. */
static inline enum txn_class bench_request(struct call_bench *bench, const struct net_flow *flow, struct sip_ask ask)
{
    const struct sip_message *request = sip_ask(&bench->asked, ask);
    struct txn_arrival arrival = txn_receive(bench->txns, request, flow);
    bench->last_err = OK;
    if (arrival.class == TXN_ACK_FOR_CALL)
        call_receive_ack(bench->calls, request, flow);
    else if (arrival.class == TXN_CANCEL_MATCHED || arrival.class == TXN_CANCEL_UNMATCHED)
        bench->last_err = call_cancel(bench->calls, request, arrival.txn, flow, &flow->remote);
    else if (arrival.class == TXN_NEW)
        bench->last_err = call_receive(bench->calls, request, flow, &flow->remote);
    return arrival.class;
}

static inline void bench_ack(struct call_bench *bench, const struct net_flow *flow)
{
    struct sip_ask ack = {.method = "ACK", .branch = "z9hG4bK-ack", .to_tag = bench->tag};
    assert_int_equal(bench_request(bench, flow, ack), TXN_ACK_FOR_CALL);
}

/* A request in the dialog, numbered and with a branch of its own. */
static inline struct sip_ask bench_in_dialog(struct call_bench *bench, const char *method, unsigned cseq)
{
    static char branches[8][32];
    static unsigned next;
    char *branch = branches[next++ % 8];
    snprintf(branch, sizeof(branches[0]), "z9hG4bK-%s-%u", method, cseq);
    return (struct sip_ask){.method = method, .cseq = cseq, .to_tag = bench->tag, .branch = branch};
}

/* The caller answers the last thing that we sent, which must be a BYE. */
static inline void bench_answer_bye(struct call_bench *bench, unsigned code)
{
    const char *bye = fake_wire_text(&bench->wire, -1);
    assert_memory_equal(bye, "BYE ", 4);
    assert_true(txn_receive_response(bench->txns, sip_ask_answer(&bench->heard, bye, code)));
}

/* The status of message `index`, 0 for a request. */
static inline unsigned bench_status(const struct call_bench *bench, int index)
{
    unsigned status = 0;
    const char *text = fake_wire_text(&bench->wire, index);
    return sscanf(text, "SIP/2.0 %u ", &status) == 1 ? status : 0;
}

/* How many of what was sent begins like this. */
static inline unsigned bench_sent(const struct call_bench *bench, const char *begin)
{
    unsigned count = 0;
    for (size_t i = 0; i < bench->wire.count; i++)
        count += strncmp(bench->wire.sent[i].bytes.at, begin, strlen(begin)) == 0;
    return count;
}

static inline bool bench_has(const struct call_bench *bench, int index, const char *what)
{
    return strstr(fake_wire_text(&bench->wire, index), what) != NULL;
}

static inline uint64_t bench_ledger(const struct call_bench *bench, enum txn_ledger_kind kind)
{
    return txn_ledger_totals(txn_table_ledger(bench->txns))->counts[kind];
}

/* No call, no transaction, no block, no timer, no unacknowledged answer is left. */
static inline void bench_assert_empty(const struct call_bench *bench)
{
    struct txn_census census;
    txn_table_census(bench->txns, &census);
    assert_int_equal(call_table_count(bench->calls), 0);
    assert_int_equal(call_table_open(bench->calls), 0);
    assert_int_equal(census.servers, 0);
    assert_int_equal(census.clients, 0);
    assert_int_equal(txn_slab_blocks(txn_table_slab(bench->txns)), 0);
    assert_int_equal(bench->fake.wheel.armed, 0);
    assert_int_equal(txn_reflect_outstanding(txn_table_reflect(bench->txns), &bench->udp.remote), 0);
}
