/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share.  Each target is one file with LLVMFuzzerTestOneInput: libFuzzer and AFL++ call it with
 * inputs of their own making, replay.c with those of the corpus. */
#pragma once

#include "util/buffer.h"
#include "util/invariant.h"
#include "util/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Whether `part` lies inside `whole`: every span that a parser gives out must. */
static inline bool fuzz_within(struct span part, struct span whole)
{
    return !part.len || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

/* Reads every byte, so that a span into the wrong place is met by the sanitizer. */
static inline void fuzz_touch(struct span part)
{
    volatile unsigned char sum = 0;
    for (size_t at = 0; at < part.len; at++)
        sum = (unsigned char)(sum + (unsigned char)part.at[at]);
}
