/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of subscriptions: random, and with the worker's index in them, because a subscription lives where its AOR is
 * owned and not where its Call-ID leads. */
#pragma once

#include "txn/txn_table.h"

enum { NOTIFIER_WORKERS_MAX = 256 };

/* 'n', two digits of `worker`, the rest of a random tag.  The 'n' is no hexadecimal digit: no other tag of ours has it. */
void notifier_tag_new(struct txn_table *txns, unsigned worker, char out_tag[static TXN_TAG_LEN]);
