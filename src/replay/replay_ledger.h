/* SPDX-License-Identifier: Apache-2.0 */
/* The transactions of a capture: a retransmission is not decided again, and the answer that was given then is found for
 * the request that it belongs to (RFC 3261 17.1.3, 17.2.3).  So many of them; the oldest makes room. */
#pragma once

#include "sip/sip_message.h"

enum {
    REPLAY_LEDGER_MAX = 1 << 18,
    REPLAY_LEDGER_MS = 32000 /* 64*T1 behind its last message, the same key is another transaction */
};

struct replay_ledger;

/* One request until its answer shows, and for its retransmissions. */
struct replay_entry {
    uint64_t key;
    int64_t wall_ms; /* of its last message; for one without an answer, any later one is its own */
    uint32_t at;     /* its place, below REPLAY_LEDGER_MAX: where the caller keeps what it knows of it */
    bool answered;
    bool used;
};

MUST_CHECK enum err replay_ledger_new(struct replay_ledger **out_ledger);
void replay_ledger_free(struct replay_ledger *ledger); /* NULL is fine */

/* Enters a request.  NULL: it is a retransmission.  What the entry evicts, if it had no answer, is counted. */
struct replay_entry *replay_ledger_add(struct replay_ledger *ledger, const struct sip_message *request,
                                       int64_t wall_ms);
/* The entry of the request that a final response answers, when it is the first one; else NULL. */
struct replay_entry *replay_ledger_settle(struct replay_ledger *ledger, const struct sip_message *response,
                                          int64_t wall_ms);
/* Requests without an answer, so far. */
uint64_t replay_ledger_unanswered(const struct replay_ledger *ledger);
