/* SPDX-License-Identifier: Apache-2.0 */
/* One block of addresses. */
#pragma once

#include "util/span.h"

struct facts_block {
    unsigned char family; /* 4 or 6 */
    unsigned char bits;
    unsigned char address[16];
};

/* "192.0.2.0/24", "2001:db8::/32", or a bare address.  False when it is neither. */
bool facts_block_parse(struct span text, struct facts_block *out_block);
/* `address` has 4 or 16 bytes, by `family`. */
bool facts_block_has(const struct facts_block *block, unsigned family, const unsigned char *address);
