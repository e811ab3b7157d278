/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers' ledgers of ACKs say together, as JSON. */
#pragma once

#include "txn/txn_ledger.h"
#include "util/json.h"

/* Counts and the histogram, as members of the object that is being written. */
void daemon_ledger_put(const struct txn_ledger_entry *entry, struct json *json);
/* An object of one peer. */
void daemon_ledger_put_peer(const struct txn_ledger_entry *entry, struct json *json);
void daemon_ledger_add(struct txn_ledger_entry *sum, const struct txn_ledger_entry *entry);

/* A peer's calls are spread over the workers by their Call-IDs: its rows are put together.  Adds `entries` to the `have`
 * rows of `inout_peers`, which has room for `cap`; returns how many there are now. */
unsigned daemon_ledger_merge(const struct txn_ledger_entry *entries, unsigned count,
                             struct txn_ledger_entry *inout_peers, unsigned have, unsigned cap);
