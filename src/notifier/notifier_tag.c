/* SPDX-License-Identifier: Apache-2.0 */
#include "notifier/notifier_tag.h"
#include "notifier/notifier.h"
#include "util/invariant.h"

static const char digits[] = "0123456789abcdef";

void notifier_tag_new(struct txn_table *txns, unsigned worker, char out_tag[static TXN_TAG_LEN])
{
    invariant(worker < NOTIFIER_WORKERS_MAX);
    txn_tag_new(txns, out_tag);
    if (out_tag[0] == 'n') /* given, of an answer that is made again */
        return;
    out_tag[0] = 'n';
    out_tag[1] = digits[worker >> 4];
    out_tag[2] = digits[worker & 15];
}

static int value_of(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool notifier_tag_worker(struct span tag, unsigned *out_worker)
{
    if (tag.len != TXN_TAG_LEN || tag.at[0] != 'n')
        return false;
    for (size_t i = 1; i < TXN_TAG_LEN; i++)
        if (value_of(tag.at[i]) < 0)
            return false;
    *out_worker = (unsigned)(value_of(tag.at[1]) << 4 | value_of(tag.at[2]));
    return true;
}
