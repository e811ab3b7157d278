/* SPDX-License-Identifier: Apache-2.0 */
/* Tags: random ones for transactions, and the keyed hash of a request for refusals that keep no state.  The two never
 * meet: a random one begins with a hexadecimal digit, a stateless one with 's'. */
#include "txn/txn_priv.h"

/* Eight hexadecimal digits, the highest first, all at once: the halves are drawn apart until each has a byte of its own,
 * and those above 9 are moved on to the letters. */
static void put_hex8(char *at, uint32_t value)
{
    const uint64_t ones = 0x0101010101010101ULL;
    uint64_t x = value;
    x = (x << 16 | x) & 0x0000ffff0000ffffULL;
    x = (x << 8 | x) & 0x00ff00ff00ff00ffULL;
    x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0fULL;
    uint64_t letters = (x + 6 * ones) >> 4 & ones;
    x += '0' * ones + letters * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(at, &x, sizeof(x));
}

static void put_hex(char at[static TXN_TAG_LEN], uint64_t value)
{
    put_hex8(at, (uint32_t)(value >> 32));
    put_hex8(at + 8, (uint32_t)value);
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
    put_hex(out_tag, siphash(&table->tag_key, &count, sizeof(count)));
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
    put_hex(out_tag, siphash_end(&state));
    out_tag[0] = 's';
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
