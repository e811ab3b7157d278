/* SPDX-License-Identifier: Apache-2.0 */
/* A map by address for finding, a list by last event for making room. */
#include "txn/txn_ledger.h"

#include "util/list.h"
#include "util/map.h"

#include <stdlib.h>

struct row {
    struct map_node node;
    struct list recent; /* latest first */
    struct txn_ledger_entry entry;
};

struct txn_ledger {
    struct map by_peer;
    struct list recent;
    struct siphash_key key;
    size_t cap;
    struct txn_ledger_entry totals;
};

static const char *const kind_texts[TXN_LEDGER_KIND_COUNT] = {
    [TXN_LEDGER_ACKNOWLEDGED] = "acknowledged", [TXN_LEDGER_LATE] = "late",
    [TXN_LEDGER_MISSING] = "missing",           [TXN_LEDGER_MISTAGGED] = "mistagged",
    [TXN_LEDGER_WRONG_CSEQ] = "wrong_cseq",     [TXN_LEDGER_STRAY] = "stray",
};

const char *txn_ledger_kind_text(enum txn_ledger_kind kind)
{
    return kind_texts[kind];
}

enum err txn_ledger_new(size_t cap, const struct siphash_key *key, struct txn_ledger **out_ledger)
{
    struct txn_ledger *ledger = calloc(1, sizeof(*ledger));
    if (!ledger)
        return ERR_NOMEM;
    if (map_init(&ledger->by_peer) != OK) {
        free(ledger);
        return ERR_NOMEM;
    }
    list_init(&ledger->recent);
    ledger->key = *key;
    ledger->cap = cap ? cap : 1;
    *out_ledger = ledger;
    return OK;
}

void txn_ledger_free(struct txn_ledger *ledger)
{
    if (!ledger)
        return;
    struct list *node;
    while ((node = list_first(&ledger->recent))) {
        list_remove(node);
        free(container_of(node, struct row, recent));
    }
    map_done(&ledger->by_peer);
    free(ledger);
}

static bool row_is_for(const struct map_node *node, const void *key)
{
    const struct row *row = (const void *)node; /* its first member */
    return net_address_equal(&row->entry.peer, key);
}

/* Memory for one more peer: new, or that of the peer that was quiet longest. */
static struct row *make_row(struct txn_ledger *ledger)
{
    if (ledger->by_peer.count < ledger->cap)
        return calloc(1, sizeof(struct row));
    struct row *row = container_of(ledger->recent.prev, struct row, recent);
    list_remove(&row->recent);
    map_remove(&ledger->by_peer, &row->node);
    *row = (struct row){0};
    return row;
}

static struct txn_ledger_entry *entry_of(struct txn_ledger *ledger, const struct net_address *peer)
{
    struct net_address host = *peer;
    host.port = 0;
    /* Most events come from the peer of the last one. */
    struct list *first = list_first(&ledger->recent);
    if (first && net_address_equal(&container_of(first, struct row, recent)->entry.peer, &host))
        return &container_of(first, struct row, recent)->entry;
    uint64_t hash = siphash(&ledger->key, &host, sizeof(host));
    struct map_node *node = map_find(&ledger->by_peer, hash, row_is_for, &host);
    struct row *row = node ? container_of(node, struct row, node) : make_row(ledger);
    if (!row)
        return NULL;
    if (node) {
        list_remove(&row->recent);
    } else {
        row->entry.peer = host;
        map_add(&ledger->by_peer, &row->node, hash);
    }
    list_push_front(&ledger->recent, &row->recent);
    return &row->entry;
}

static void count_in(struct txn_ledger_entry *entry, enum txn_ledger_kind kind, uint32_t resends, uint64_t now_ms)
{
    entry->last_ms = now_ms;
    entry->counts[kind]++;
    if (kind <= TXN_LEDGER_MISSING)
        entry->resends[resends < TXN_LEDGER_RESENDS ? resends : TXN_LEDGER_RESENDS - 1]++;
}

void txn_ledger_count(struct txn_ledger *ledger, const struct net_address *peer, enum txn_ledger_kind kind,
                      uint32_t resends, uint64_t now_ms)
{
    count_in(&ledger->totals, kind, resends, now_ms);
    struct txn_ledger_entry *entry = entry_of(ledger, peer);
    if (entry)
        count_in(entry, kind, resends, now_ms);
}

void txn_ledger_settle(struct txn_ledger *ledger, const struct net_address *peer, bool acknowledged, uint32_t resends,
                       uint64_t now_ms)
{
    enum txn_ledger_kind came = resends ? TXN_LEDGER_LATE : TXN_LEDGER_ACKNOWLEDGED;
    txn_ledger_count(ledger, peer, acknowledged ? came : TXN_LEDGER_MISSING, resends, now_ms);
}

const struct txn_ledger_entry *txn_ledger_totals(const struct txn_ledger *ledger)
{
    return &ledger->totals;
}

const struct txn_ledger_entry *txn_ledger_next(const struct txn_ledger *ledger, const struct txn_ledger_entry *entry)
{
    const struct list *at = ledger->recent.next;
    if (entry)
        at = ((const struct row *)(const void *)((const char *)entry - offsetof(struct row, entry)))->recent.next;
    if (at == &ledger->recent)
        return NULL;
    return &((const struct row *)(const void *)((const char *)at - offsetof(struct row, recent)))->entry;
}

size_t txn_ledger_size(const struct txn_ledger *ledger)
{
    return ledger->by_peer.count;
}
