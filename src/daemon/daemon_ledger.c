/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers of ACKs, put together; `verdict peers`. */
#include "daemon/daemon_ledger.h"
#include "daemon/daemon_priv.h"
#include <stdlib.h>

enum { PEERS_MAX = 1000 };

struct worker_peers {
    struct txn_ledger_entry totals;
    unsigned count;
    struct txn_ledger_entry peers[PEERS_MAX];
};

void daemon_ledger_put(const struct txn_ledger_entry *entry, struct json *json)
{
    for (int kind = 0; kind < TXN_LEDGER_KIND_COUNT; kind++)
        json_put_u64(json, txn_ledger_kind_text((enum txn_ledger_kind)kind), entry->counts[kind]);
    json_key(json, "retransmissions");
    json_array_begin(json);
    for (int i = 0; i < TXN_LEDGER_RESENDS; i++)
        json_u64(json, entry->resends[i]);
    json_array_end(json);
}

void daemon_ledger_put_peer(const struct txn_ledger_entry *entry, struct json *json)
{
    char text[NET_ADDRESS_TEXT_MAX];
    struct buffer ip = buffer_over(text, sizeof(text));
    net_address_format_ip(&entry->peer, &ip);
    json_object_begin(json);
    json_put_span(json, "peer", buffer_span(&ip));
    daemon_ledger_put(entry, json);
    json_object_end(json);
}

void daemon_ledger_add(struct txn_ledger_entry *sum, const struct txn_ledger_entry *entry)
{
    for (int kind = 0; kind < TXN_LEDGER_KIND_COUNT; kind++)
        sum->counts[kind] += entry->counts[kind];
    for (int i = 0; i < TXN_LEDGER_RESENDS; i++)
        sum->resends[i] += entry->resends[i];
    if (entry->last_ms > sum->last_ms)
        sum->last_ms = entry->last_ms;
}

unsigned daemon_ledger_merge(const struct txn_ledger_entry *entries, unsigned count,
                             struct txn_ledger_entry *inout_peers, unsigned have, unsigned cap)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned at = 0;
        while (at < have && !net_address_equal(&inout_peers[at].peer, &entries[i].peer))
            at++;
        if (at == cap)
            continue;
        if (at == have)
            inout_peers[have++] = (struct txn_ledger_entry){.peer = entries[i].peer};
        daemon_ledger_add(&inout_peers[at], &entries[i]);
    }
    return have;
}

static void on_worker_peers(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    struct worker_peers *out = &((struct worker_peers *)arg)[worker_index(worker)];
    struct txn_ledger *ledger = txn_table_ledger(self->core->txns);
    out->totals = *txn_ledger_totals(ledger);
    const struct txn_ledger_entry *entry = txn_ledger_next(ledger, NULL);
    for (; entry && out->count < PEERS_MAX; entry = txn_ledger_next(ledger, entry))
        out->peers[out->count++] = *entry;
}

static int latest_first(const void *a, const void *b)
{
    const struct txn_ledger_entry *one = a, *other = b;
    return (one->last_ms < other->last_ms) - (one->last_ms > other->last_ms);
}

void daemon_peers_json(struct daemon *daemon, struct buffer *out)
{
    unsigned workers = worker_group_count(daemon->group), count = 0;
    struct worker_peers *found = calloc(workers, sizeof(*found));
    struct txn_ledger_entry total = {0}, *peers = calloc(PEERS_MAX, sizeof(*peers));
    if (!found || !peers || worker_run_wait_all(daemon->group, on_worker_peers, found) != OK)
        workers = 0;
    for (unsigned i = 0; i < workers; i++) {
        daemon_ledger_add(&total, &found[i].totals);
        count = daemon_ledger_merge(found[i].peers, found[i].count, peers, count, PEERS_MAX);
    }
    if (count)
        qsort(peers, count, sizeof(*peers), latest_first);
    struct json json = json_into(out);
    json_object_begin(&json);
    json_key(&json, "peers");
    json_array_begin(&json);
    for (unsigned i = 0; i < count; i++)
        daemon_ledger_put_peer(&peers[i], &json);
    json_array_end(&json);
    json_key(&json, "total");
    json_object_begin(&json);
    daemon_ledger_put(&total, &json);
    json_object_end(&json);
    json_object_end(&json);
    free(found);
    free(peers);
}
