/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions on a fake clock and wire, with the few lines of dispatch that an engine would have, and a package of the
 * tests' own that numbers its documents. */
#pragma once

#include "notifier/notifier_priv.h"
#include "sip/sip_reply.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_wire.h"
#include "support/sip_ask.h"

enum { BENCH_FLOWS = 4 };

struct bench {
    struct fake_clock fake;
    struct fake_wire wire;
    struct txn_table *txns;
    struct notifier_table *table;
    struct net_flow udp, tcp;
    struct sip_asked asked, answered;
    char tag[TXN_TAG_LEN + 1]; /* of the latest subscription */
    unsigned code;             /* of the latest answer */
    struct notifier_refusal refusal;
    struct notifier_grant grant;
    unsigned branch;
    bool is_trusted;
    /* The package "count". */
    uint64_t state;    /* which it reports */
    bool says_nothing; /* where nothing changed */
    enum err build_err;
    size_t body_len; /* padding */
    unsigned builds, unwatched;
    char unwatched_aor[64];
    bool registered;
    struct net_flow opened;
    unsigned opens;
    enum err open_err;
};

/* "full version=0 state=3" or "partial ...". */
static inline enum err bench_build(void *ctx, struct notifier_view *view, struct buffer *out)
{
    struct bench *bench = ctx;
    bench->builds++;
    if (bench->build_err != OK)
        return bench->build_err;
    if (bench->says_nothing && !view->full && !view->last && view->mark == bench->state)
        return ERR_NOT_FOUND;
    buffer_addf(out, "%s version=%u seen=%u state=%u%s%s", view->full ? "full" : "partial", view->version,
                (unsigned)view->mark, (unsigned)bench->state, view->last ? " last=" : "",
                view->last ? notifier_reason_text(view->reason) : "");
    for (size_t i = 0; i < bench->body_len; i++)
        buffer_add_byte(out, 'x');
    view->mark = bench->state;
    return OK;
}

static inline void bench_unwatched(void *ctx, struct span aor)
{
    struct bench *bench = ctx;
    bench->unwatched++;
    assert_true(span_copy(aor, bench->unwatched_aor, sizeof(bench->unwatched_aor)));
}

static const struct notifier_package bench_package = {.name = "count",
                                                      .media_type = "text/plain",
                                                      .is_published = false,
                                                      .build = bench_build,
                                                      .unwatched = bench_unwatched};

static inline bool bench_is_registered(void *ctx, struct span aor)
{
    struct bench *bench = ctx;
    return bench->registered && span_equal(aor, SPAN("bob@example.com"));
}

static inline bool bench_is_open(void *ctx, const struct net_flow *flow)
{
    (void)ctx;
    (void)flow;
    return true;
}

static inline enum err bench_open(void *ctx, const struct locate_hop *hop, struct span name, struct net_flow *out_flow)
{
    struct bench *bench = ctx;
    (void)name;
    bench->opens++;
    if (bench->open_err != OK)
        return bench->open_err;
    *out_flow = bench->udp;
    out_flow->transport = hop->transport;
    out_flow->remote = hop->address;
    out_flow->slot = 7;
    out_flow->generation = 9;
    bench->opened = *out_flow;
    return OK;
}

static inline struct notifier_options bench_options(struct bench *bench)
{
    return (struct notifier_options){
        .txns = bench->txns,
        .key = {3, 4},
        .worker = 5,
        .interval_ms = 1000,
        .ctx = bench,
        .is_registered = bench_is_registered,
        .ways = {.ctx = bench, .is_open = bench_is_open, .open = bench_open},
    };
}

static inline void bench_table(struct bench *bench, const struct notifier_options *options)
{
    notifier_table_free(bench->table);
    assert_int_equal(notifier_table_new(options, &bench->table), OK);
    assert_int_equal(notifier_add_package(bench->table, &bench_package, bench), OK);
}

static inline int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
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
    struct notifier_options notifier = bench_options(bench);
    bench_table(bench, &notifier);
    *state = bench;
    return 0;
}

static inline int bench_teardown(void **state)
{
    struct bench *bench = *state;
    notifier_table_free(bench->table);
    txn_table_free(bench->txns);
    fake_wire_done(&bench->wire);
    free(bench);
    return 0;
}

/* ---- as an engine would ---- */

static inline void bench_reply(struct bench *bench, struct txn *txn, const struct sip_message *request, unsigned code,
                               struct span tag)
{
    char memory[4096];
    struct buffer out = buffer_over(memory, sizeof(memory));
    struct sip_reply_via via = {0};
    sip_reply_begin(&out, request, code, SPAN(""), &via, tag);
    sip_reply_end(&out, SPAN(""), SPAN(""));
    assert_int_equal(txn_reply(txn, code, buffer_span(&out)), OK);
    bench->code = code;
}

static inline void bench_begin(struct bench *bench, struct txn *txn, const struct sip_message *request,
                               struct notifier_subscription *subscription)
{
    bench_reply(bench, txn, request, 200, notifier_tag(subscription));
    assert_true(span_copy(notifier_tag(subscription), bench->tag, sizeof(bench->tag)));
    notifier_begin(subscription);
}

static inline enum err bench_subscribed(struct bench *bench, struct txn *txn, const struct sip_message *request,
                                        const struct net_flow *flow, const struct notifier_accept *accept)
{
    struct notifier_subscription *subscription = notifier_find(bench->table, request);
    enum err err;
    if (subscription)
        err = notifier_refresh(subscription, request, flow, &bench->refusal);
    else
        err = notifier_subscribe(bench->table, request, flow, accept, &subscription, &bench->refusal);
    if (err == OK)
        bench_begin(bench, txn, request, subscription);
    return err;
}

/* Receives a request; bench->code is its answer. */
static inline void bench_receive(struct bench *bench, struct sip_ask ask, const struct net_flow *flow)
{
    char branch[32];
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", ++bench->branch);
    ask.branch = branch;
    const struct sip_message *request = sip_ask(&bench->asked, ask);
    struct notifier_accept accept = {.aor = SPAN("bob@example.com"),
                                     .contact = SPAN("<sip:192.0.2.1:5060>"),
                                     .source = flow->remote,
                                     .is_trusted = bench->is_trusted,
                                     .expires_s = -1};
    struct txn *txn;
    assert_int_equal(txn_receive(bench->txns, request, flow).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->txns, request, flow, &txn), OK);
    enum err err = OK;
    if (request->to.tag.at && !notifier_find(bench->table, request)) {
        bench->refusal = (struct notifier_refusal){.code = 481};
        err = ERR_NOT_FOUND;
    } else if (!request->to.tag.at && notifier_refuses(bench->table, request, &bench->refusal)) {
        err = ERR_INVALID;
    } else if (request->method == SIP_METHOD_PUBLISH) {
        err = notifier_publish(bench->table, request, &accept, &bench->grant, &bench->refusal);
        if (err == OK)
            bench_reply(bench, txn, request, 200, txn_tag(txn));
    } else {
        err = bench_subscribed(bench, txn, request, flow, &accept);
    }
    if (err != OK)
        bench_reply(bench, txn, request, bench->refusal.code, txn_tag(txn));
}

/* The answer's code. */
static inline unsigned bench_subscribe(struct bench *bench, const char *call_id, const char *extra)
{
    bench_receive(bench, (struct sip_ask){.method = "SUBSCRIBE", .call_id = call_id, .extra = extra}, &bench->udp);
    return bench->code;
}

static inline unsigned bench_refresh(struct bench *bench, const char *call_id, unsigned cseq, const char *extra)
{
    bench_receive(
        bench,
        (struct sip_ask){.method = "SUBSCRIBE", .call_id = call_id, .cseq = cseq, .extra = extra, .to_tag = bench->tag},
        &bench->udp);
    return bench->code;
}

/* Answers the request that was sent as message `index` (negative: from the end). */
static inline void bench_answer_with(struct bench *bench, int index, unsigned code)
{
    const struct sip_message *response = sip_ask_answer(&bench->answered, fake_wire_text(&bench->wire, index), code);
    assert_true(txn_receive_response(bench->txns, response));
}

/* Answers the latest NOTIFY 200 and forgets all that was sent. */
static inline void bench_take(struct bench *bench)
{
    bench_answer_with(bench, -1, 200);
    fake_wire_clear(&bench->wire);
}

#define assert_sent(bench, index, text)     assert_non_null(strstr(fake_wire_text(&(bench)->wire, (index)), (text)))
#define assert_not_sent(bench, index, text) assert_null(strstr(fake_wire_text(&(bench)->wire, (index)), (text)))

#define COUNT    "Event: count\r\nExpires: 600\r\n"
#define PRESENCE "Event: presence\r\nExpires: 600\r\n"
