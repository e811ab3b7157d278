/* SPDX-License-Identifier: Apache-2.0 */
/* What a row of the directory's journal asks of the workers: to look at whom it may concern, and to end what the directory's
 * state of that moment does not allow any more.  An order names whom to look at and never what to do, so that carrying it
 * out late, or twice, harms nobody who has been restored meanwhile. */
#pragma once

#include "directory/directory_journal.h"
#include "policy/policy_request.h"

enum retirement_scope {
    RETIREMENT_OWNER,  /* one account, or one number at every host */
    RETIREMENT_DOMAIN, /* everybody at a host */
    RETIREMENT_RANGE,  /* every number between two */
    RETIREMENT_ALL     /* everybody: the rows that would have told are not kept any more */
};

enum { RETIREMENT_KEY_MAX = 1024 };

struct retirement_order {
    enum retirement_scope scope;
    bool removed;      /* the entry is no more: whoever is unknown now ends too, and may come back */
    unsigned digits;   /* RANGE: of its numbers */
    uint64_t from, to; /* RANGE: inclusive */
    size_t key_len;
    char key[RETIREMENT_KEY_MAX]; /* OWNER: "alice@example.com" or "+15550100"; DOMAIN: the host */
};

static inline struct span retirement_order_key(const struct retirement_order *order)
{
    return span_make(order->key, order->key_len);
}

/* False: the row ends nothing (it adds, suspends or restores, or sets a password). */
bool retirement_order_of(const struct directory_row *row, struct retirement_order *out_order);
/* The order that looks at everybody. */
void retirement_order_all(struct retirement_order *out_order);

/* An address-of-record "user@host" as whom to look up; spans point into `aor`. */
struct policy_target retirement_target(struct span aor);
/* By what the owner of `aor` among the workers is found: engine_target.owner_key. */
struct span retirement_owner_key(struct span aor);
/* Whether the order looks at this user. */
bool retirement_covers(const struct retirement_order *order, struct span aor);
