/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards: `*` is any run of bytes, `?` any one byte, everything else itself.  Matching takes one step a byte of the
 * subject whatever the pattern, so no header can make a rule slow. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { GLOB_PARTS_MAX = 8, GLOB_PART_LEN_MAX = 64 };

/* A run between two stars. */
struct facts_glob_part {
    unsigned len;
    char text[GLOB_PART_LEN_MAX]; /* folded to lower case where `nocase`; '\1' stands for `?` */
    uint64_t *masks;              /* 256 words, only for a part with a star on both sides */
};

struct facts_glob {
    bool nocase;
    bool open_head; /* starts with a star */
    bool open_tail;
    unsigned count;
    struct facts_glob_part parts[GLOB_PARTS_MAX];
};

/* At most 8 runs of at most 64 bytes; no control bytes. */
MUST_CHECK enum err facts_glob_compile(struct facts_glob *glob, struct span pattern, bool nocase);
void facts_glob_done(struct facts_glob *glob);
bool facts_glob_matches(const struct facts_glob *glob, struct span subject);
