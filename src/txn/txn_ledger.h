/* SPDX-License-Identifier: Apache-2.0 */
/* What became of the answers to INVITE, peer by peer: acknowledged, late, missing, mis-tagged, with a histogram of
 * retransmissions.  A bounded table: the peer that was quiet longest makes room; the totals stay. */
#pragma once

#include "net/net_address.h"
#include "util/siphash.h"

enum txn_ledger_kind {
    TXN_LEDGER_ACKNOWLEDGED, /* before anything was sent again */
    TXN_LEDGER_LATE,         /* after at least one retransmission */
    TXN_LEDGER_MISSING,      /* never, in 64*T1 */
    TXN_LEDGER_MISTAGGED,    /* an ACK whose tags fit no answer of ours */
    TXN_LEDGER_WRONG_CSEQ,   /* an ACK in a call that does not wait for this CSeq */
    TXN_LEDGER_STRAY,        /* an ACK for no call and no transaction */
    TXN_LEDGER_KIND_COUNT
};
/* Histogram: answers that were sent again 0, 1, 2, ... times; the last bucket holds the rest. */
enum { TXN_LEDGER_RESENDS = 12 };

struct txn_ledger_entry {
    struct net_address peer; /* port 0; family NONE in the totals */
    uint64_t last_ms;        /* monotonic */
    uint64_t counts[TXN_LEDGER_KIND_COUNT];
    uint64_t resends[TXN_LEDGER_RESENDS]; /* of acknowledged, late and missing ones */
};

struct txn_ledger;

/* At most `cap` peers.  ERR_NOMEM. */
MUST_CHECK enum err txn_ledger_new(size_t cap, const struct siphash_key *key, struct txn_ledger **out_ledger);
void txn_ledger_free(struct txn_ledger *ledger);
/* Counts one event; `resends` counts for ACKNOWLEDGED, LATE and MISSING.  When no memory is left for a new peer, only
 * the totals know. */
void txn_ledger_count(struct txn_ledger *ledger, const struct net_address *peer, enum txn_ledger_kind kind,
                      uint32_t resends, uint64_t now_ms);
/* An ACK that came in time or late, or, with `acknowledged` false, did not come. */
void txn_ledger_settle(struct txn_ledger *ledger, const struct net_address *peer, bool acknowledged, uint32_t resends,
                       uint64_t now_ms);
/* All peers together, those that made room included. */
const struct txn_ledger_entry *txn_ledger_totals(const struct txn_ledger *ledger);
/* From the latest to the one that was quiet longest: start with NULL, ends with NULL.  No event may come in between. */
const struct txn_ledger_entry *txn_ledger_next(const struct txn_ledger *ledger, const struct txn_ledger_entry *entry);
size_t txn_ledger_size(const struct txn_ledger *ledger);
/* "acknowledged", "late", ...; for metrics' labels and JSON. */
const char *txn_ledger_kind_text(enum txn_ledger_kind kind);
