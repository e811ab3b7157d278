/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: random ones for transactions, and the keyed hash of a request for refusals that keep no state.  The two never
 * meet: a random one begins with a hexadecimal digit, a stateless one with 's'. */
#include "txn/txn_priv.h"

static void add_hex(char *at, uint64_t value, unsigned digits)
{
    static const char hex[] = "0123456789abcdef";
    while (digits--) {
        at[digits] = hex[value & 15];
        value >>= 4;
    }
}

void txn_table_give_tag(struct txn_table *table, struct span tag)
{
    table->has_given_tag = tag.len == TXN_TAG_LEN;
    if (table->has_given_tag)
        memcpy(table->given_tag, tag.at, TXN_TAG_LEN);
}

void txn_tag_new(struct txn_table *table, char out_tag[static TXN_TAG_LEN])
{
    if (table->has_given_tag) {
        memcpy(out_tag, table->given_tag, TXN_TAG_LEN);
        return;
    }
    uint64_t count = ++table->tag_count;
    add_hex(out_tag, siphash(&table->tag_key, &count, sizeof(count)), TXN_TAG_LEN);
}

void txn_branch_new(struct txn_table *table, char out_branch[static TXN_BRANCH_LEN])
{
    memcpy(out_branch, "z9hG4bK", 7);
    txn_tag_new(table, out_branch + 7);
}

void txn_stateless_tag(const struct txn_table *table, const struct sip_message *request,
                       char out_tag[static TXN_TAG_LEN])
{
    if (table->has_given_tag) {
        memcpy(out_tag, table->given_tag, TXN_TAG_LEN);
        return;
    }
    uint64_t cseq = request->cseq;
    struct siphash_state state;
    siphash_begin(&state, &table->stateless_key);
    siphash_add(&state, span_make((const char *)&cseq, sizeof(cseq)));
    siphash_add(&state, request->via.branch);
    siphash_add(&state, request->from.tag);
    siphash_add(&state, request->call_id);
    out_tag[0] = 's';
    add_hex(out_tag + 1, siphash_end(&state), TXN_TAG_LEN - 1);
}

bool txn_is_stateless_ack(const struct txn_table *table, const struct sip_message *ack)
{
    struct span tag = ack->to.tag;
    if (tag.len != TXN_TAG_LEN || tag.at[0] != 's')
        return false;
    char ours[TXN_TAG_LEN];
    txn_stateless_tag(table, ack, ours);
    return memcmp(ours, tag.at, TXN_TAG_LEN) == 0;
}
