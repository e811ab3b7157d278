/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction table on a fake clock and wire, and handlers that count. */
#pragma once

#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_wire.h"
#include "support/sip_ask.h"
#include "txn/txn_priv.h"

struct txn_bench {
    struct fake_clock fake;
    struct fake_wire wire;
    struct txn_table *table;
    struct net_flow udp, tcp;
    struct sip_asked asked;
    unsigned acks, no_acks, transport_errors, ends;
    unsigned finals, provisionals, timeouts, client_errors;
    struct txn_ack last_ack;
    enum err last_err;
};

static inline void bench_on_ack(void *ctx, struct txn *txn, const struct txn_ack *ack)
{
    (void)txn;
    struct txn_bench *bench = ctx;
    bench->acks++;
    bench->last_ack = *ack;
}

static inline void bench_on_no_ack(void *ctx, struct txn *txn, const struct txn_ack *ack)
{
    (void)txn;
    struct txn_bench *bench = ctx;
    bench->no_acks++;
    bench->last_ack = *ack;
}

static inline void bench_on_transport_error(void *ctx, struct txn *txn, enum err err)
{
    (void)txn;
    struct txn_bench *bench = ctx;
    bench->transport_errors++;
    bench->last_err = err;
}

static inline void bench_on_end(void *ctx, struct txn *txn)
{
    (void)txn;
    ((struct txn_bench *)ctx)->ends++;
}

static inline void bench_on_provisional(void *user, struct txn *txn, const struct sip_message *response)
{
    (void)txn;
    (void)response;
    ((struct txn_bench *)user)->provisionals++;
}

static inline void bench_on_final(void *user, struct txn *txn, const struct sip_message *response)
{
    (void)txn;
    (void)response;
    ((struct txn_bench *)user)->finals++;
}

static inline void bench_on_timeout(void *user, struct txn *txn)
{
    (void)txn;
    ((struct txn_bench *)user)->timeouts++;
}

static inline void bench_on_client_error(void *user, struct txn *txn, enum err err)
{
    (void)txn;
    ((struct txn_bench *)user)->client_errors++;
    ((struct txn_bench *)user)->last_err = err;
}

static const struct txn_client_handlers bench_client_handlers = {
    .on_provisional = bench_on_provisional,
    .on_final = bench_on_final,
    .on_timeout = bench_on_timeout,
    .on_transport_error = bench_on_client_error,
};

static inline struct txn_options bench_options(struct txn_bench *bench)
{
    return (struct txn_options){
        .clock = &bench->fake.clock,
        .wheel = &bench->fake.wheel,
        .wire = {bench, NULL},
        .key = {1, 2},
        .seed = 7,
        .handlers = {.ctx = bench,
                     .on_ack = bench_on_ack,
                     .on_no_ack = bench_on_no_ack,
                     .on_transport_error = bench_on_transport_error,
                     .on_end = bench_on_end},
    };
}

static inline struct txn_bench *bench_new(size_t cap)
{
    struct txn_bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    fake_clock_init(&bench->fake, NULL);
    bench->wire.clock = &bench->fake.clock;
    bench->udp = sip_ask_flow(NET_UDP, "192.0.2.9:5060");
    bench->tcp = sip_ask_flow(NET_TCP, "192.0.2.9:40000");
    struct txn_options options = bench_options(bench);
    options.wire = (struct txn_wire){&bench->wire, fake_wire_send};
    options.cap = cap;
    assert_int_equal(txn_table_new(&options, &bench->table), OK);
    return bench;
}

static inline int bench_setup(void **state)
{
    *state = bench_new(0);
    return 0;
}

static inline int bench_teardown(void **state)
{
    struct txn_bench *bench = *state;
    txn_table_free(bench->table);
    fake_wire_done(&bench->wire);
    free(bench);
    return 0;
}

static inline struct txn_arrival bench_receive(struct txn_bench *bench, const struct net_flow *flow, struct sip_ask ask)
{
    return txn_receive(bench->table, sip_ask(&bench->asked, ask), flow);
}

/* Receives what must be new, and opens its transaction. */
static inline struct txn *bench_open(struct txn_bench *bench, const struct net_flow *flow, struct sip_ask ask)
{
    struct txn *txn = NULL;
    assert_int_equal(bench_receive(bench, flow, ask).class, TXN_NEW);
    assert_int_equal(txn_server_new(bench->table, &bench->asked.message, flow, &txn), OK);
    return txn;
}

/* Answers with bytes that name the code; the machine looks no further. */
static inline enum err bench_reply(struct txn *txn, unsigned code)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "SIP/2.0 %u Answer\r\n\r\n", code);
    return txn_reply(txn, code, span_make(text, (size_t)len));
}

/* The ACK of the answer to `bench_open(...INVITE...)`, with the transaction's tag. */
static inline enum txn_class bench_ack(struct txn_bench *bench, const struct net_flow *flow, const char *branch,
                                       const char *to_tag)
{
    return bench_receive(bench, flow, (struct sip_ask){.method = "ACK", .branch = branch, .to_tag = to_tag}).class;
}

/* Everything is given back and no timer runs. */
static inline void bench_assert_empty(const struct txn_bench *bench)
{
    struct txn_census census;
    txn_table_census(bench->table, &census);
    assert_int_equal(census.servers, 0);
    assert_int_equal(census.clients, 0);
    for (unsigned kind = 0; kind < TXN_KIND_COUNT; kind++) {
        for (unsigned state = 0; state < TXN_STATE_COUNT; state++)
            assert_int_equal(census.live[kind][state], 0);
    }
    assert_int_equal(bench->table->by_key.count, 0);
    assert_int_equal(bench->table->by_merge.count, 0);
    assert_int_equal(txn_slab_blocks(bench->table->slab), 0);
    assert_int_equal(bench->fake.wheel.armed, 0);
}
