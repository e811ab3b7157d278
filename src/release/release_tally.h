/* SPDX-License-Identifier: Apache-2.0 */
/* What two versions made of the same requests: pairs, counted.  A tally is one worker's, and needs no lock; those of all
 * workers are merged for a look.  Besides the pairs themselves it counts whom they were for and whence they came, each
 * once however often it calls: a caller who repeats one request does not become many. */
#pragma once

#include "policy/policy_decision.h"
#include "util/err.h"
#include "util/span.h"

struct json;

/* What can differ.  Each is a share of the pairs. */
enum release_measure {
    RELEASE_DIFF,     /* another answer: status, phrase, Contact, cause, any header */
    RELEASE_GONE,     /* 410 from the new version where the old one says something else */
    RELEASE_NOT_GONE, /* the reverse */
    RELEASE_ERRORS,   /* the new version fails (error, nonsense, a rule set aside) where the old one does not */
    RELEASE_KILLS,    /* the new version is killed (fuel, memory, clock) where the old one is not */
    RELEASE_MEASURE_COUNT
};

/* What one version answers, or would answer. */
struct release_answer {
    unsigned code;    /* after the guard; 0: nothing is sent */
    const char *rule; /* as struct policy_decision has it */
    enum policy_failure failure;
    uint64_t content; /* a hash of all that the answer says besides its code */
};

/* Texts are borrowed for the call. */
struct release_pair {
    struct release_answer old, new;
    uint64_t target, source; /* keyed hashes of whom it is for and where it came from */
    struct span method, aor, call_id;
};

enum {
    RELEASE_RULE_MAX = 65,
    RELEASE_KINDS_MAX = 48,    /* kinds of differences told apart; the rest is counted as one */
    RELEASE_EXAMPLES_MAX = 12, /* the first ones, kept whole */
    RELEASE_TARGETS_MAX = 8192,
    RELEASE_SOURCES_MAX = 1024
};

struct release_kind {
    unsigned from, to; /* status codes */
    char from_rule[RELEASE_RULE_MAX], to_rule[RELEASE_RULE_MAX];
    enum policy_failure from_failure, to_failure;
    uint64_t count;
};

struct release_example {
    uint16_t kind; /* index into kinds */
    char method[24];
    char aor[96];
    char call_id[96];
};

/* Distinct things, with what they took part in: a hash whose low bits are a bit a measure. */
struct release_voices {
    unsigned total;
    unsigned with[RELEASE_MEASURE_COUNT];
};

struct release_tally {
    uint64_t pairs;
    uint64_t skipped; /* requests of the sample that there was no time or room to decide twice */
    uint64_t with[RELEASE_MEASURE_COUNT];
    uint64_t other_rule; /* the same answer, by a rule of another name: no difference */
    struct release_voices targets, sources;
    uint64_t unnamed; /* differences of kinds beyond RELEASE_KINDS_MAX */
    unsigned kind_count, example_count;
    struct release_kind kinds[RELEASE_KINDS_MAX];
    struct release_example examples[RELEASE_EXAMPLES_MAX];
    uint64_t target_slots[RELEASE_TARGETS_MAX];
    uint64_t source_slots[RELEASE_SOURCES_MAX];
};

/* Starts as all zeroes; large: on the heap. */
void release_tally_add(struct release_tally *tally, const struct release_pair *pair);
/* Adds what `from` counted; a target that both saw stays one. */
void release_tally_merge(struct release_tally *tally, const struct release_tally *from);

/* "diff", "410", "lost 410", "errors", "kills". */
const char *release_measure_name(enum release_measure measure);

/* Members of an object that is open: "pairs", "skipped", "differences":{measure:count}, "targets", "sources", "kinds":[...],
 * the most frequent first, and "examples":[...]. */
void release_tally_json(const struct release_tally *tally, struct json *json);
