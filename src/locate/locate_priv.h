/* SPDX-License-Identifier: Apache-2.0 */
/* Private to locate: answers that live as long as somebody needs them, questions, searches. */
#pragma once

#include "locate/locate_table.h"
#include "util/list.h"
#include "util/map.h"
#include "util/random.h"

/* An answer, or the question as long as there is none: the cache, the searches that use it and the resolver each hold it.
 */
struct locate_entry {
    struct map_node node; /* by type and name; first */
    struct list recent;   /* in the cache, the least recently used first; unlinked: not kept */
    uint64_t id;          /* of the question under way; 0: it is answered */
    uint64_t expires_ms;
    unsigned holders; /* searches, and one for the map */
    bool in_map;
    uint8_t type;
    struct locate_answer answer; /* its records and names are in `memory` */
    void *memory;
    size_t name_len;
    char name[LOCATE_NAME_MAX];
};

enum { LOCATE_ENTRIES_MAX = 48 /* a search */, LOCATE_URI_MAX = 1024 };

struct locate_search {
    struct list node;
    struct locate_table *table;
    struct timer timer;
    struct locate_request request; /* its URI is in `uri` */
    uint64_t seed;
    uint64_t deadline_ms;
    locate_found_fn found;
    void *user;
    bool is_late;  /* what is not known by now counts as timed out */
    bool is_woken; /* an answer came since the last run */
    unsigned count;
    struct locate_entry *entries[LOCATE_ENTRIES_MAX];
    char uri[LOCATE_URI_MAX];
};

struct locate_avoided {
    struct locate_hop hop;
    uint64_t until_ms;
};

struct locate_table {
    struct locate_options options; /* defaults filled in */
    struct map entries;
    struct list recent;
    struct list searches;
    unsigned search_count, question_count, cache_count;
    uint64_t next_id;
    struct random random;
    struct locate_avoided avoided[LOCATE_AVOID_MAX];
    struct locate_counters counters;
};

/* The entry for a question: from the cache, or under way, or new and asked.  Held for the caller.  NULL: out of memory, or
 * too many questions are under way. */
struct locate_entry *locate_entry_get(struct locate_table *table, enum locate_type type, struct span name);
void locate_entry_release(struct locate_table *table, struct locate_entry *entry);
/* Takes the answer in: kept, when it may be, and the cache's least recently used one goes for it. */
void locate_entry_fill(struct locate_table *table, struct locate_entry *entry, const struct locate_answer *answer);
struct locate_entry *locate_entry_by_id(struct locate_table *table, uint64_t id);
/* Gives all back, whoever holds it. */
void locate_entries_free(struct locate_table *table);
