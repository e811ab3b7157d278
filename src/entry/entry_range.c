/* SPDX-License-Identifier: Apache-2.0 */
/* The stored name of a range: 'r' COUNT-OF-DIGITS TO(8, big-endian) ~FROM(8), so that among ranges with one end the narrowest
 * comes first. */
#include "entry/entry_name.h"

enum { RANGE_NAME_LEN = 18 };

static void put_big_endian(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (56 - 8 * i));
}

static uint64_t get_big_endian(const char *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | (unsigned char)at[i];
    return value;
}

void entry_range_name(unsigned digits, uint64_t from, uint64_t to, struct entry_name *out_name)
{
    out_name->bytes[0] = entry_kind_bytes[ENTRY_RANGE];
    out_name->bytes[1] = (unsigned char)digits;
    put_big_endian(out_name->bytes + 2, to);
    put_big_endian(out_name->bytes + 10, ~from);
    out_name->len = RANGE_NAME_LEN;
}

unsigned entry_range_bounds(struct span name, uint64_t *out_from, uint64_t *out_to)
{
    if (entry_name_kind(name) != ENTRY_RANGE || name.len != RANGE_NAME_LEN)
        return 0;
    *out_to = get_big_endian(name.at + 2);
    *out_from = ~get_big_endian(name.at + 10);
    unsigned digits = (unsigned char)name.at[1];
    return digits <= ENTRY_NUMBER_DIGITS && *out_from <= *out_to ? digits : 0;
}
