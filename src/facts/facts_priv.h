/* SPDX-License-Identifier: Apache-2.0 */
/* The two structures that sets are made of: a table of texts and a list of ranges.  Both are filled, closed once, and then
 * only read. */
#pragma once

#include "facts/facts_set.h"
#include "util/siphash.h"

/* --- texts: an open-addressed table of offsets into one run of bytes --- */
struct facts_texts {
    uint64_t *slots; /* 24 bits of the hash, 40 of the offset + 1; 0: free */
    size_t mask;
    char *bytes; /* a length byte and the text, again and again */
    size_t used;
    size_t cap;
    struct siphash_key key;
};

/* Room for `count` texts of `bytes` bytes in all. */
MUST_CHECK enum err facts_texts_init(struct facts_texts *texts, size_t count, size_t bytes);
void facts_texts_done(struct facts_texts *texts);
/* Never more than was asked for at init, each of 1 to FACTS_ENTRY_MAX bytes; one that is there already adds nothing. */
void facts_texts_add(struct facts_texts *texts, struct span text);
bool facts_texts_has(const struct facts_texts *texts, struct span text);
size_t facts_texts_bytes(const struct facts_texts *texts);

/* --- ranges of keys of one or two words, the higher word first --- */
struct facts_ranges {
    unsigned words;
    size_t count;
    size_t cap;
    uint64_t *pairs; /* low, high, low, high, ...; each `words` long */
    uint64_t
        *index; /* the lows of every FACTS_RANGES_STRIDE-th range, so that the first steps of a search stay in cache */
    size_t index_count;
};

enum { FACTS_RANGES_STRIDE = 256 };

void facts_ranges_init(struct facts_ranges *ranges, unsigned words);
void facts_ranges_done(struct facts_ranges *ranges);
/* low <= high, each of `words` words.  ERR_NOMEM. */
MUST_CHECK enum err facts_ranges_add(struct facts_ranges *ranges, const uint64_t *low, const uint64_t *high);
/* Sorts and joins; after it only facts_ranges_has. */
MUST_CHECK enum err facts_ranges_close(struct facts_ranges *ranges);
bool facts_ranges_has(const struct facts_ranges *ranges, const uint64_t *key);
size_t facts_ranges_bytes(const struct facts_ranges *ranges);

/* --- one entry of text as keys; each returns NULL, or what was expected --- */
enum { FACTS_NUMBER_DIGITS = 15 }; /* E.164 */

/* A key of one word that keeps the number's length: "0155" and "155" differ. */
bool facts_number_key(struct span text, uint64_t *out_key);
/* "+1555", "+15550100-+15550199" or "+1555*": adds one range or several. */
const char *facts_number_add(struct facts_ranges *ranges, struct span entry, enum err *out_err);

/* Two words; IPv4 as an IPv4-mapped address. */
bool facts_address_key(struct span text, uint64_t out_key[2]);
const char *facts_cidr_add(struct facts_ranges *ranges, struct span entry, enum err *out_err);

/* The name in lower case without a dot at its end; false when it is no domain. */
bool facts_domain_key(struct span text, char out[FACTS_ENTRY_MAX + 1], size_t *out_len);
