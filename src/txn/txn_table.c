/* SPDX-License-Identifier: Apache-2.0 */
/* The table: what it owns, its caps, and a transaction's way in and out. */
#include "txn/txn_priv.h"

#include "util/random.h"

#include <stdlib.h>

enum { CAP_DEFAULT = 1000000, LEDGER_DEFAULT = 4096, REFLECT_DEFAULT = 256, T1_DEFAULT_MS = 500 };

static struct siphash_key derive(const struct siphash_key *key, struct span purpose)
{
    struct siphash_key flipped = {key->k1, key->k0};
    return (struct siphash_key){siphash(key, purpose.at, purpose.len), siphash(&flipped, purpose.at, purpose.len)};
}

static void fill_in(struct txn_options *options)
{
    struct txn_timers *timers = &options->timers;
    timers->t1_ms = timers->t1_ms ? timers->t1_ms : T1_DEFAULT_MS;
    timers->t2_ms = timers->t2_ms ? timers->t2_ms : 8 * timers->t1_ms;
    timers->t4_ms = timers->t4_ms ? timers->t4_ms : 10 * timers->t1_ms;
    options->cap = options->cap ? options->cap : CAP_DEFAULT;
    options->ledger_cap = options->ledger_cap ? options->ledger_cap : LEDGER_DEFAULT;
    options->reflect_cap = options->reflect_cap ? options->reflect_cap : REFLECT_DEFAULT;
}

static enum err make_keys(struct txn_table *table)
{
    const struct siphash_key *key = &table->options.key;
    table->merge_key = derive(key, SPAN("merge"));
    table->stateless_key = derive(key, SPAN("stateless"));
    /* Tags must differ from worker to worker, and from one start to the next, though the key is shared. */
    if (table->options.seed) {
        table->tag_key = (struct siphash_key){table->options.seed, key->k0};
        return OK;
    }
    return random_system(&table->tag_key, sizeof(table->tag_key));
}

static enum err make_parts(struct txn_table *table)
{
    struct siphash_key key = derive(&table->options.key, SPAN("peer"));
    enum err err = txn_index_init(&table->by_key);
    if (err == OK)
        err = txn_index_init(&table->by_merge);
    if (err == OK)
        err = txn_slab_new(0, &table->slab);
    if (err == OK)
        err = txn_ledger_new(table->options.ledger_cap, &key, &table->ledger);
    if (err == OK)
        err = txn_reflect_new(table->options.reflect_cap, &key, &table->reflect);
    if (err != OK)
        return err;
    table->scratch = calloc(1, sizeof(*table->scratch));
    return table->scratch ? make_keys(table) : ERR_NOMEM;
}

enum err txn_table_new(const struct txn_options *options, struct txn_table **out_table)
{
    struct txn_table *table = calloc(1, sizeof(*table));
    if (!table)
        return ERR_NOMEM;
    table->options = *options;
    fill_in(&table->options);
    enum err err = make_parts(table);
    if (err != OK) {
        txn_table_free(table);
        return err;
    }
    *out_table = table;
    return OK;
}

/* What a transaction holds; its links are another matter. */
static void give_back(struct txn *txn)
{
    struct txn_table *table = txn->table;
    wheel_cancel(table->options.wheel, &txn->timer);
    if (txn->is_counted)
        txn_reflect_settled(table->reflect, &txn->flow.remote);
    txn_bytes_clear(table, &txn->kept);
    txn_bytes_clear(table, &txn->held);
    table->live[txn->kind][txn->state]--;
    if (txn_is_client(txn))
        table->clients--;
    else
        table->servers--;
    txn_slab_give(table->slab, txn, sizeof(*txn));
}

enum err txn_table_forget(struct txn_table *table)
{
    struct txn_link *link;
    table->sorted.request = NULL;
    if (table->by_key.count == 0)
        return OK;
    while ((link = txn_index_empty_next(&table->by_key)))
        give_back(container_of(link, struct txn, link));
    txn_index_done(&table->by_key);
    txn_index_done(&table->by_merge);
    table->by_key = table->by_merge = (struct txn_index){0};
    enum err err = txn_index_init(&table->by_key);
    return err == OK ? txn_index_init(&table->by_merge) : err;
}

void txn_table_free(struct txn_table *table)
{
    if (!table)
        return;
    struct txn_link *link;
    while ((link = txn_index_empty_next(&table->by_key)))
        give_back(container_of(link, struct txn, link));
    txn_index_done(&table->by_key);
    txn_index_done(&table->by_merge);
    txn_slab_free(table->slab);
    txn_ledger_free(table->ledger);
    txn_reflect_free(table->reflect);
    free(table->scratch);
    free(table);
}

struct txn *txn_take(struct txn_table *table, enum txn_kind kind, enum txn_state state)
{
    struct txn *txn = txn_slab_take(table->slab, sizeof(*txn));
    if (!txn)
        return NULL;
    *txn = (struct txn){.table = table, .kind = (uint8_t)kind, .state = (uint8_t)state};
    txn->repeat_ms = txn->end_ms = txn->trying_ms = TXN_NEVER;
    txn->began_ms = table->options.clock->mono_ms;
    timer_init(&txn->timer, txn_timer);
    table->live[kind][state]++;
    if (txn_is_client(txn))
        table->clients++;
    else
        table->servers++;
    return txn;
}

void txn_drop(struct txn *txn)
{
    const struct txn_handlers *handlers = &txn->table->options.handlers;
    if (!txn_is_client(txn) && handlers->on_end)
        handlers->on_end(handlers->ctx, txn);
    txn_index_remove(&txn->table->by_key, &txn->link);
    if (txn->merged.hash)
        txn_index_remove(&txn->table->by_merge, &txn->merged);
    give_back(txn);
}

void txn_set_state(struct txn *txn, enum txn_state state)
{
    txn->table->live[txn->kind][txn->state]--;
    txn->table->live[txn->kind][state]++;
    txn->state = (uint8_t)state;
}

void txn_bytes_clear(struct txn_table *table, struct txn_bytes *bytes)
{
    txn_slab_give(table->slab, bytes->at, bytes->len);
    *bytes = (struct txn_bytes){0};
}

bool txn_bytes_set(struct txn_table *table, struct txn_bytes *out, struct span bytes)
{
    char *at = txn_slab_take(table->slab, bytes.len);
    if (at)
        memcpy(at, bytes.at, bytes.len); /* before the old ones go, which `bytes` may lie in */
    txn_bytes_clear(table, out);
    if (!at)
        return false;
    *out = (struct txn_bytes){at, (uint32_t)bytes.len};
    return true;
}

void txn_table_census(const struct txn_table *table, struct txn_census *out_census)
{
    *out_census = (struct txn_census){.servers = table->servers, .clients = table->clients};
    memcpy(out_census->live, table->live, sizeof(table->live));
    out_census->memory = txn_slab_memory(table->slab);
}

size_t txn_table_unfinished(const struct txn_table *table)
{
    return table->live[TXN_INVITE_SERVER][TXN_PROCEEDING] + table->live[TXN_INVITE_SERVER][TXN_COMPLETED] +
           table->live[TXN_SERVER][TXN_TRYING] + table->live[TXN_SERVER][TXN_PROCEEDING];
}

const struct txn_counters *txn_table_counters(const struct txn_table *table)
{
    return &table->counters;
}

struct txn_ledger *txn_table_ledger(struct txn_table *table)
{
    return table->ledger;
}

struct txn_reflect *txn_table_reflect(struct txn_table *table)
{
    return table->reflect;
}

struct txn_slab *txn_table_slab(struct txn_table *table)
{
    return table->slab;
}

const struct txn_timers *txn_table_timers(const struct txn_table *table)
{
    return &table->options.timers;
}

const struct clock *txn_table_clock(const struct txn_table *table)
{
    return table->options.clock;
}

struct wheel *txn_table_wheel(struct txn_table *table)
{
    return table->options.wheel;
}

enum err txn_table_send(struct txn_table *table, const struct net_flow *flow, struct span bytes)
{
    return table->options.wire.send(table->options.wire.ctx, flow, bytes);
}
