/* SPDX-License-Identifier: Apache-2.0 */
/* Immutable sets that policies ask: loaded off the call path, one copy for all workers, shared by reference, safe to
 * read from any thread.  Membership costs a microsecond or less at ten million entries. */
#pragma once

#include "source/source.h"
#include "util/err.h"
#include "util/span.h"

/* One entry a line; blank lines and lines that begin with '#' are skipped, white space around an entry is dropped, and
 * what follows a comma is a remark (`strings` and `prefixes` know no remark: a comma is part of the entry). */
enum facts_set_kind {
    FACTS_STRINGS, /* any text; matched whole, by bytes */
    FACTS_RANGES, /* numbers: "+15550100", "+15550100-+15550199" (same length), "+1555*" (all that begin so, to 15 digits) */
    FACTS_CIDRS,   /* "192.0.2.0/24", "2001:db8::/32", or a bare address */
    FACTS_DOMAINS, /* "example.com": itself and all below it; "*.example.com": only those below; without regard to case */
    FACTS_PREFIXES, /* texts; matches what begins with one of them */
    FACTS_SET_KIND_COUNT
};

enum {
    FACTS_ENTRY_MAX = 255,           /* bytes of one entry */
    FACTS_SET_MAX = 50 * 1000 * 1000 /* entries of one set */
};

struct facts_set;

/* "strings", "ranges", "cidrs", "domains", "prefixes". */
const char *facts_set_kind_name(enum facts_set_kind kind);

/* Builds a set from text with one entry a line; `file` names it in errors.  The result is counted once (facts_set_unref).
 * ERR_SYNTAX with file, line and what was expected; ERR_FULL over FACTS_SET_MAX; ERR_NOMEM. */
MUST_CHECK enum err facts_set_from_memory(enum facts_set_kind kind, const char *file, struct span text,
                                          struct facts_set **out_set, struct fault *fault);
/* The same from a file, read once; ERR_IO when it cannot be read. */
MUST_CHECK enum err facts_set_from_file(enum facts_set_kind kind, const char *path, struct facts_set **out_set,
                                        struct fault *fault);
/* The same from a policy's file: made once of the same bytes, however many versions, checks and tests ask for it. */
MUST_CHECK enum err facts_set_from_source(enum facts_set_kind kind, const struct source *source,
                                          const struct source_file *file, struct facts_set **out_set,
                                          struct fault *fault);
/* Counts are atomic; the last unref frees.  Both accept NULL. */
struct facts_set *facts_set_ref(struct facts_set *set);
void facts_set_unref(struct facts_set *set);

enum facts_set_kind facts_set_kind(const struct facts_set *set);
/* Entries read (repetitions included). */
size_t facts_set_count(const struct facts_set *set);
/* Bytes of memory that it holds. */
size_t facts_set_bytes(const struct facts_set *set);

/* What a lookup of a key of `len` bytes costs at most, counted in bytes looked at once: a name with many dots, or a key that
 * may have many prefixes, is looked up in as many pieces. */
size_t facts_set_cost(const struct facts_set *set, size_t len);
/* Whether `key` is in the set.  A key that is no number, address or domain is in no set of that kind.  Numbers may carry
 * '+' or not: "+15550100" and "15550100" are the same. */
bool facts_set_has(const struct facts_set *set, struct span key);
