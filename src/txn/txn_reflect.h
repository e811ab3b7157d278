/* SPDX-License-Identifier: Apache-2.0 */
/* Caps on what a forged source address can make us send: answers that nobody has acknowledged, and BYEs for missing ACKs.
 * Counters in fixed arrays indexed by a keyed hash of the source, two rows a source: memory is constant, nothing is
 * evicted while it counts, and a collision can only make a cap bite early. */
#pragma once

#include "net/net_address.h"
#include "util/siphash.h"

struct txn_reflect;

/* `cap`: unacknowledged answers to INVITE a source (an IPv4 address, an IPv6 /64). */
MUST_CHECK enum err txn_reflect_new(uint32_t cap, const struct siphash_key *key, struct txn_reflect **out_reflect);
void txn_reflect_free(struct txn_reflect *reflect);

/* Whether one more answer that must be acknowledged may go to `source`.  The engine asks this before it opens a
 * transaction for an INVITE from an untrusted source; where the answer is no, a 503 without state is left. */
bool txn_reflect_may_answer(struct txn_reflect *reflect, const struct net_address *source);
/* Refusals so far: how often may_answer said no. */
uint64_t txn_reflect_refused(const struct txn_reflect *reflect);

/* Transactions and calls keep the count themselves: one answer is out, and was acknowledged or given up. */
void txn_reflect_answered(struct txn_reflect *reflect, const struct net_address *source);
void txn_reflect_settled(struct txn_reflect *reflect, const struct net_address *source);
/* The present count, at least; for tests and `status`. */
uint32_t txn_reflect_outstanding(struct txn_reflect *reflect, const struct net_address *source);

/* BYEs for missing ACKs, a destination: a burst of TXN_REFLECT_BURST, then one every TXN_REFLECT_GAP_MS.  Returns for
 * how many milliseconds this one has to wait (0: it may go now) and books its place. */
enum { TXN_REFLECT_BURST = 64, TXN_REFLECT_GAP_MS = 20, TXN_REFLECT_WAIT_MAX_MS = 64000 };
/* UINT32_MAX: the wait would be over TXN_REFLECT_WAIT_MAX_MS, it is not to be sent at all. */
uint32_t txn_reflect_bye_wait_ms(struct txn_reflect *reflect, const struct net_address *destination, uint64_t now_ms);
