/* SPDX-License-Identifier: Apache-2.0 */
/* Three small tables by open addressing: rules, answers, groups.  What does not fit is counted in one place. */
#include "replay/replay_tally.h"
#include "util/siphash.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 2 * REPLAY_GROUPS_MAX };

struct index {
    uint16_t slots[SLOTS]; /* entry + 1; 0: free */
};

struct replay_tally {
    uint64_t compared, differ, ungrouped;
    size_t rule_count, answer_count, group_count;
    unsigned example_count, example_max;
    struct index rules, answers, groups;
    char names[REPLAY_RULES_MAX][REPLAY_RULE_MAX];
    struct replay_answer answer_list[REPLAY_GROUPS_MAX];
    struct replay_group group_list[REPLAY_GROUPS_MAX];
    struct replay_answer sorted_answers[REPLAY_GROUPS_MAX];
    struct replay_group sorted_groups[REPLAY_GROUPS_MAX];
    struct replay_example *examples;
};

static uint64_t hash_of(const void *bytes, size_t len)
{
    static const struct siphash_key fixed = {5, 6};
    return siphash(&fixed, bytes, len);
}

enum err replay_tally_new(unsigned examples, struct replay_tally **out_tally)
{
    struct replay_tally *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    self->example_max = examples;
    self->examples = calloc(examples + 1, sizeof(*self->examples));
    self->rule_count = 2; /* the empty name, and the one for all that found no place */
    (void)snprintf(self->names[1], REPLAY_RULE_MAX, "(others)");
    if (!self->examples) {
        replay_tally_free(self);
        return ERR_NOMEM;
    }
    *out_tally = self;
    return OK;
}

void replay_tally_free(struct replay_tally *self)
{
    if (self)
        free(self->examples);
    free(self);
}

uint16_t replay_tally_rule(struct replay_tally *self, struct span name)
{
    if (!name.len)
        return 0;
    name = span_slice(name, 0, REPLAY_RULE_MAX - 1);
    size_t at = hash_of(name.at, name.len) % SLOTS;
    for (; self->rules.slots[at]; at = (at + 1) % SLOTS)
        if (span_equal(span_of(self->names[self->rules.slots[at] - 1]), name))
            return (uint16_t)(self->rules.slots[at] - 1);
    if (self->rule_count == REPLAY_RULES_MAX)
        return 1;
    (void)span_copy(name, self->names[self->rule_count], REPLAY_RULE_MAX);
    self->rules.slots[at] = (uint16_t)(self->rule_count + 1);
    return (uint16_t)self->rule_count++;
}

const char *replay_tally_rule_name(const struct replay_tally *self, uint16_t rule)
{
    return self->names[rule];
}

void replay_tally_answer(struct replay_tally *self, const struct replay_outcome *now)
{
    uint16_t key[2] = {now->code, now->rule};
    size_t at = hash_of(key, sizeof(key)) % SLOTS;
    for (; self->answers.slots[at]; at = (at + 1) % SLOTS) {
        struct replay_answer *answer = &self->answer_list[self->answers.slots[at] - 1];
        if (answer->code == now->code && answer->rule == now->rule) {
            answer->count++;
            return;
        }
    }
    if (self->answer_count == REPLAY_GROUPS_MAX)
        return;
    self->answer_list[self->answer_count++] = (struct replay_answer){now->code, now->rule, 1};
    self->answers.slots[at] = (uint16_t)self->answer_count;
}

static struct replay_group *find_group(struct replay_tally *self, const struct replay_outcome *then,
                                       const struct replay_outcome *now)
{
    uint16_t key[4] = {then->code, then->rule, now->code, now->rule};
    size_t at = hash_of(key, sizeof(key)) % SLOTS;
    for (; self->groups.slots[at]; at = (at + 1) % SLOTS) {
        struct replay_group *group = &self->group_list[self->groups.slots[at] - 1];
        if (group->then.code == then->code && group->then.rule == then->rule && group->now.code == now->code &&
            group->now.rule == now->rule)
            return group;
    }
    if (self->group_count == REPLAY_GROUPS_MAX)
        return NULL;
    struct replay_group *group = &self->group_list[self->group_count++];
    *group = (struct replay_group){.then = {.code = then->code, .rule = then->rule},
                                   .now = {.code = now->code, .rule = now->rule},
                                   .same_code = then->code == now->code};
    self->groups.slots[at] = (uint16_t)self->group_count;
    return group;
}

static void keep_example(struct replay_tally *self, const struct replay_group *group, int64_t wall_ms, const char *text)
{
    struct replay_example *example = &self->examples[self->example_count++];
    example->group = *group;
    example->wall_ms = wall_ms;
    (void)snprintf(example->text, sizeof(example->text), "%s", text);
}

void replay_tally_compare(struct replay_tally *self, const struct replay_outcome *then,
                          const struct replay_outcome *now, int64_t wall_ms, const char *text)
{
    self->compared++;
    bool same_bytes = then->print == now->print || !then->print || !now->print;
    if (then->code == now->code && same_bytes)
        return;
    self->differ++;
    struct replay_group *group = find_group(self, then, now);
    if (!group) {
        self->ungrouped++;
        return;
    }
    group->count++;
    if (self->example_count < self->example_max)
        keep_example(self, group, wall_ms, text);
}

uint64_t replay_tally_compared(const struct replay_tally *self)
{
    return self->compared;
}

uint64_t replay_tally_differ(const struct replay_tally *self)
{
    return self->differ;
}

uint64_t replay_tally_ungrouped(const struct replay_tally *self)
{
    return self->ungrouped;
}

static int by_group_count(const void *a, const void *b)
{
    const struct replay_group *first = a, *second = b;
    return first->count != second->count ? (first->count < second->count ? 1 : -1) : 0;
}

static int by_answer_count(const void *a, const void *b)
{
    const struct replay_answer *first = a, *second = b;
    return first->count != second->count ? (first->count < second->count ? 1 : -1) : 0;
}

const struct replay_group *replay_tally_groups(struct replay_tally *self, size_t *out_count)
{
    *out_count = self->group_count;
    memcpy(self->sorted_groups, self->group_list, self->group_count * sizeof(*self->group_list));
    qsort(self->sorted_groups, self->group_count, sizeof(*self->sorted_groups), by_group_count);
    return self->sorted_groups;
}

const struct replay_answer *replay_tally_answers(struct replay_tally *self, size_t *out_count)
{
    *out_count = self->answer_count;
    memcpy(self->sorted_answers, self->answer_list, self->answer_count * sizeof(*self->answer_list));
    qsort(self->sorted_answers, self->answer_count, sizeof(*self->sorted_answers), by_answer_count);
    return self->sorted_answers;
}

const struct replay_example *replay_tally_examples(const struct replay_tally *self, size_t *out_count)
{
    *out_count = self->example_count;
    return self->examples;
}
