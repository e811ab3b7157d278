/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts_block.h"

#include <arpa/inet.h>

bool facts_block_parse(struct span text, struct facts_block *out_block)
{
    struct facts_block block = {0};
    char address[64];
    size_t slash = span_find(text, '/');
    if (!span_copy(span_slice(text, 0, slash), address, sizeof(address)))
        return false;
    if (inet_pton(AF_INET, address, block.address) == 1)
        block.family = 4;
    else if (inet_pton(AF_INET6, address, block.address) == 1)
        block.family = 6;
    else
        return false;
    uint32_t most = block.family == 4 ? 32 : 128;
    uint32_t bits = most;
    if (slash < text.len && (!span_to_u32(span_slice(text, slash + 1, text.len), &bits) || bits > most))
        return false;
    block.bits = (unsigned char)bits;
    *out_block = block;
    return true;
}

bool facts_block_has(const struct facts_block *block, unsigned family, const unsigned char *address)
{
    unsigned whole = block->bits / 8u, rest = block->bits % 8u;
    if (block->family != family || memcmp(block->address, address, whole) != 0)
        return false;
    return rest == 0 || ((block->address[whole] ^ address[whole]) >> (8u - rest)) == 0;
}
