/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines of a set's file say: numbers and ranges of them, addresses and blocks of them, domains. */
#include "facts/facts_priv.h"
#include <arpa/inet.h>
#include <ctype.h>

enum { LENGTH_SHIFT = 56, V4_BITS = 32, V6_BITS = 128, LABEL_MAX = 63, DOMAIN_MAX = 253 };

static const char NUMBER_EXPECTED[] =
    "expected a number \"+15550100\", a range \"+15550100-+15550199\" or a prefix \"+1555*\" of at most 15 digits";
static const char CIDR_EXPECTED[] = "expected an address or a block as \"192.0.2.0/24\" or \"2001:db8::/32\"";

bool facts_number_key(struct span text, uint64_t *out_key)
{
    if (text.len && text.at[0] == '+')
        text = span_slice(text, 1, text.len);
    uint64_t value;
    if (text.len == 0 || text.len > FACTS_NUMBER_DIGITS || !span_to_u64(text, &value))
        return false;
    *out_key = (uint64_t)text.len << LENGTH_SHIFT | value;
    return true;
}

/* All numbers of any length that begin with the digits of `low`. */
static enum err add_prefix(struct facts_ranges *ranges, uint64_t low)
{
    const uint64_t step = (uint64_t)1 << LENGTH_SHIFT;
    uint64_t length = low / step, first = low % step, last = first;
    for (; length <= FACTS_NUMBER_DIGITS; length++) {
        const uint64_t from = length * step | first, to = length * step | last;
        enum err err = facts_ranges_add(ranges, &from, &to);
        if (err != OK)
            return err;
        first *= 10;
        last = last * 10 + 9;
    }
    return OK;
}

const char *facts_number_add(struct facts_ranges *ranges, struct span entry, enum err *out_err)
{
    uint64_t low, high;
    size_t dash = span_find(entry, '-');
    bool prefix = entry.len && entry.at[entry.len - 1] == '*';
    if (prefix) {
        if (!facts_number_key(span_slice(entry, 0, entry.len - 1), &low))
            return NUMBER_EXPECTED;
        *out_err = add_prefix(ranges, low);
        return NULL;
    }
    if (!facts_number_key(span_trim(span_slice(entry, 0, dash)), &low))
        return NUMBER_EXPECTED;
    high = low;
    if (dash < entry.len && !facts_number_key(span_trim(span_slice(entry, dash + 1, entry.len)), &high))
        return NUMBER_EXPECTED;
    if (low >> LENGTH_SHIFT != high >> LENGTH_SHIFT)
        return "expected both ends of the range to have the same number of digits";
    if (low > high)
        return "expected the range to begin with its lower end";
    *out_err = facts_ranges_add(ranges, &low, &high);
    return NULL;
}

static uint64_t read_word(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | bytes[i];
    return word;
}

/* Also how many bits the address has. */
static bool parse_address(struct span text, uint64_t out_key[2], unsigned *out_bits)
{
    char terminated[INET6_ADDRSTRLEN + 1];
    unsigned char bytes[16] = {[10] = 0xff, [11] = 0xff};
    if (!span_copy(text, terminated, sizeof(terminated)))
        return false;
    if (inet_pton(AF_INET, terminated, bytes + 12) == 1)
        *out_bits = V4_BITS;
    else if (inet_pton(AF_INET6, terminated, bytes) == 1)
        *out_bits = V6_BITS;
    else
        return false;
    out_key[0] = read_word(bytes);
    out_key[1] = read_word(bytes + 8);
    return true;
}

bool facts_address_key(struct span text, uint64_t out_key[2])
{
    unsigned bits;
    return parse_address(text, out_key, &bits);
}

/* All ones below the first `bits` of 128. */
static void host_mask(unsigned bits, uint64_t out_mask[2])
{
    out_mask[0] = bits >= 64 ? 0 : UINT64_MAX >> bits;
    out_mask[1] = bits >= 128 ? 0 : bits <= 64 ? UINT64_MAX : UINT64_MAX >> (bits - 64);
}

const char *facts_cidr_add(struct facts_ranges *ranges, struct span entry, enum err *out_err)
{
    size_t slash = span_find(entry, '/');
    uint64_t low[2], high[2], mask[2];
    unsigned bits;
    if (!parse_address(span_slice(entry, 0, slash), low, &bits))
        return CIDR_EXPECTED;
    uint32_t prefix = bits;
    if (slash < entry.len && (!span_to_u32(span_slice(entry, slash + 1, entry.len), &prefix) || prefix > bits))
        return CIDR_EXPECTED;
    host_mask(prefix + V6_BITS - bits, mask);
    if ((low[0] & mask[0]) || (low[1] & mask[1]))
        return "expected no bits set behind the prefix";
    for (int i = 0; i < 2; i++)
        high[i] = low[i] | mask[i];
    *out_err = facts_ranges_add(ranges, low, high);
    return NULL;
}

bool facts_domain_key(struct span text, char out[FACTS_ENTRY_MAX + 1], size_t *out_len)
{
    if (text.len && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > DOMAIN_MAX)
        return false;
    size_t label = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (c == '.' && (i == 0 || text.at[i - 1] == '.')))
            return false;
        if (c != '.' && c != '-' && c != '_' && !(c < 128 && isalnum(c)))
            return false;
        out[i] = (char)tolower(c);
    }
    out[text.len] = '\0';
    *out_len = text.len;
    return true;
}
