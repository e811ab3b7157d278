/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay found: how many requests, what was answered by which rule, what differs in which way, the first examples.
 * Bounded, however much is replayed. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { REPLAY_RULE_MAX = 96, REPLAY_RULES_MAX = 4096, REPLAY_GROUPS_MAX = 8192, REPLAY_EXAMPLE_MAX = 320 };

/* What one policy answered, or what was answered once. */
struct replay_outcome {
    uint16_t code;  /* 0: nothing was sent */
    uint16_t rule;  /* from replay_tally_rule */
    uint64_t print; /* of the answer's bytes; 0: not known, the code has to do */
};

/* Requests whose outcomes changed in the same way. */
struct replay_group {
    struct replay_outcome then, now; /* prints are zero */
    bool same_code;                  /* another answer with the same code */
    uint64_t count;
};

/* An answer given by a rule. */
struct replay_answer {
    uint16_t code, rule;
    uint64_t count;
};

struct replay_example {
    struct replay_group group;
    int64_t wall_ms;
    char text[REPLAY_EXAMPLE_MAX];
};

struct replay_tally;

/* Keeps the first `examples` differences. */
MUST_CHECK enum err replay_tally_new(unsigned examples, struct replay_tally **out_tally);
void replay_tally_free(struct replay_tally *tally); /* NULL is fine */

/* A number for a rule's name; names beyond the table's end share one.  0 is the empty name: no rule. */
uint16_t replay_tally_rule(struct replay_tally *tally, struct span name);
const char *replay_tally_rule_name(const struct replay_tally *tally, uint16_t rule);

/* Counts what the policy answers. */
void replay_tally_answer(struct replay_tally *tally, const struct replay_outcome *now);
/* Counts two outcomes of one request; `text` says which request it is. */
void replay_tally_compare(struct replay_tally *tally, const struct replay_outcome *then,
                          const struct replay_outcome *now, int64_t wall_ms, const char *text);

uint64_t replay_tally_compared(const struct replay_tally *tally);
uint64_t replay_tally_differ(const struct replay_tally *tally);
/* Sorted by how often; valid until the next count. */
const struct replay_group *replay_tally_groups(struct replay_tally *tally, size_t *out_count);
const struct replay_answer *replay_tally_answers(struct replay_tally *tally, size_t *out_count);
const struct replay_example *replay_tally_examples(const struct replay_tally *tally, size_t *out_count);
/* Differences of kinds that found no place any more. */
uint64_t replay_tally_ungrouped(const struct replay_tally *tally);
