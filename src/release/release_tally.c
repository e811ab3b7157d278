/* SPDX-License-Identifier: Apache-2.0 */
/* Counting pairs: in all, by kind, and by distinct target and source. */
#include "release/release_tally.h"
#include "util/json.h"
#include <stdio.h>
#include <string.h>

enum { MEASURE_BITS = (1 << RELEASE_MEASURE_COUNT) - 1, PROBES_MAX = 32 };

const char *release_measure_name(enum release_measure measure)
{
    static const char *const names[RELEASE_MEASURE_COUNT] = {
        [RELEASE_DIFF] = "diff",     [RELEASE_GONE] = "410",    [RELEASE_NOT_GONE] = "lost 410",
        [RELEASE_ERRORS] = "errors", [RELEASE_KILLS] = "kills",
    };
    return names[measure];
}

static bool is_kill(enum policy_failure failure)
{
    return failure == POLICY_FAILED_FUEL || failure == POLICY_FAILED_MEMORY || failure == POLICY_FAILED_CLOCK;
}

static bool is_error(enum policy_failure failure)
{
    return failure == POLICY_FAILED_ERROR || failure == POLICY_FAILED_NONSENSE || failure == POLICY_FAILED_ASIDE;
}

/* A bit a measure.  A directory that cannot be read fails both alike and says nothing about either. */
static unsigned compare(const struct release_pair *pair)
{
    const struct release_answer *old = &pair->old, *new = &pair->new;
    unsigned bits = 0;
    if (old->code != new->code || old->content != new->content)
        bits |= 1u << RELEASE_DIFF;
    if (new->code == 410 && old->code != 410)
        bits |= 1u << RELEASE_GONE;
    if (old->code == 410 && new->code != 410)
        bits |= 1u << RELEASE_NOT_GONE;
    if (is_error(new->failure) && !is_error(old->failure))
        bits |= 1u << RELEASE_ERRORS;
    if (is_kill(new->failure) && !is_kill(old->failure))
        bits |= 1u << RELEASE_KILLS;
    return bits;
}

static void count(struct release_voices *voices, unsigned bits)
{
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        voices->with[i] += bits >> i & 1;
}

/* Notes `hash` with `bits`.  Where the table is crowded, a new voice is not heard: the shares are then those of the first
 * ones, which are a sample as good as any. */
static void hear(struct release_voices *voices, uint64_t *slots, size_t slot_count, uint64_t hash, unsigned bits)
{
    uint64_t key = (hash & ~(uint64_t)MEASURE_BITS) | (uint64_t)1 << 63; /* never 0 */
    for (size_t probe = 0; probe < PROBES_MAX; probe++) {
        uint64_t *slot = &slots[((hash >> 8) + probe) % slot_count];
        if (*slot == 0) {
            *slot = key | bits;
            voices->total++;
            count(voices, bits);
            return;
        }
        if ((*slot & ~(uint64_t)MEASURE_BITS) == key) {
            count(voices, bits & ~(unsigned)(*slot & MEASURE_BITS));
            *slot |= bits;
            return;
        }
    }
}

static bool is_kind(const struct release_kind *kind, const struct release_kind *wanted)
{
    return kind->from == wanted->from && kind->to == wanted->to && kind->from_failure == wanted->from_failure &&
           kind->to_failure == wanted->to_failure && strcmp(kind->from_rule, wanted->from_rule) == 0 &&
           strcmp(kind->to_rule, wanted->to_rule) == 0;
}

/* The index of the kind after counting it; RELEASE_KINDS_MAX when there is no room for another. */
static unsigned count_kind(struct release_tally *tally, const struct release_kind *kind)
{
    unsigned at = 0;
    while (at < tally->kind_count && !is_kind(&tally->kinds[at], kind))
        at++;
    if (at == RELEASE_KINDS_MAX) {
        tally->unnamed += kind->count;
        return at;
    }
    if (at == tally->kind_count) {
        tally->kinds[tally->kind_count++] = *kind;
        return at;
    }
    tally->kinds[at].count += kind->count;
    return at;
}

static void copy_cut(struct span text, char *out, size_t cap)
{
    (void)!span_copy(span_slice(text, 0, cap - 1), out, cap);
}

static void keep_example(struct release_tally *tally, unsigned kind, const struct release_pair *pair)
{
    if (kind == RELEASE_KINDS_MAX || tally->example_count == RELEASE_EXAMPLES_MAX)
        return;
    struct release_example *example = &tally->examples[tally->example_count++];
    example->kind = (uint16_t)kind;
    copy_cut(pair->method, example->method, sizeof(example->method));
    copy_cut(pair->aor, example->aor, sizeof(example->aor));
    copy_cut(pair->call_id, example->call_id, sizeof(example->call_id));
}

void release_tally_add(struct release_tally *tally, const struct release_pair *pair)
{
    unsigned bits = compare(pair);
    tally->pairs++;
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        tally->with[i] += bits >> i & 1;
    hear(&tally->targets, tally->target_slots, RELEASE_TARGETS_MAX, pair->target, bits);
    hear(&tally->sources, tally->source_slots, RELEASE_SOURCES_MAX, pair->source, bits);
    if (bits == 0) {
        tally->other_rule += strcmp(pair->old.rule, pair->new.rule) != 0;
        return;
    }
    struct release_kind kind = {.from = pair->old.code,
                                .to = pair->new.code,
                                .from_failure = pair->old.failure,
                                .to_failure = pair->new.failure,
                                .count = 1};
    snprintf(kind.from_rule, sizeof(kind.from_rule), "%s", pair->old.rule);
    snprintf(kind.to_rule, sizeof(kind.to_rule), "%s", pair->new.rule);
    keep_example(tally, count_kind(tally, &kind), pair);
}

static void merge_voices(struct release_voices *voices, uint64_t *slots, const uint64_t *from, size_t slot_count)
{
    for (size_t i = 0; i < slot_count; i++)
        if (from[i])
            hear(voices, slots, slot_count, from[i], (unsigned)(from[i] & MEASURE_BITS));
}

void release_tally_merge(struct release_tally *tally, const struct release_tally *from)
{
    tally->pairs += from->pairs;
    tally->skipped += from->skipped;
    tally->other_rule += from->other_rule;
    tally->unnamed += from->unnamed;
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        tally->with[i] += from->with[i];
    merge_voices(&tally->targets, tally->target_slots, from->target_slots, RELEASE_TARGETS_MAX);
    merge_voices(&tally->sources, tally->source_slots, from->source_slots, RELEASE_SOURCES_MAX);
    unsigned places[RELEASE_KINDS_MAX];
    for (unsigned i = 0; i < from->kind_count; i++)
        places[i] = count_kind(tally, &from->kinds[i]);
    for (unsigned i = 0; i < from->example_count && tally->example_count < RELEASE_EXAMPLES_MAX; i++) {
        struct release_example example = from->examples[i];
        example.kind = (uint16_t)places[example.kind];
        if (example.kind < RELEASE_KINDS_MAX)
            tally->examples[tally->example_count++] = example;
    }
}

/* ---- JSON ---- */

static void put_counts(struct json *json, const char *key, const struct release_voices *voices)
{
    json_key(json, key);
    json_object_begin(json);
    json_put_u64(json, "total", voices->total);
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        json_put_u64(json, release_measure_name((enum release_measure)i), voices->with[i]);
    json_object_end(json);
}

/* A failure's name stands for the rule's verdict: the answer is on_error's. */
static void put_side(struct json *json, const char *key, unsigned code, const char *rule, enum policy_failure failure)
{
    json_key(json, key);
    json_object_begin(json);
    json_put_u64(json, "code", code);
    json_put_text(json, "rule", rule);
    if (failure != POLICY_FAILED_NOT)
        json_put_text(json, "failure", policy_failure_name(failure));
    json_object_end(json);
}

static void put_sides(struct json *json, const struct release_kind *kind)
{
    put_side(json, "from", kind->from, kind->from_rule, kind->from_failure);
    put_side(json, "to", kind->to, kind->to_rule, kind->to_failure);
}

static void put_kinds(const struct release_tally *tally, struct json *json)
{
    bool told[RELEASE_KINDS_MAX] = {false};
    json_key(json, "kinds");
    json_array_begin(json);
    for (unsigned round = 0; round < tally->kind_count; round++) {
        unsigned most = RELEASE_KINDS_MAX;
        for (unsigned i = 0; i < tally->kind_count; i++)
            if (!told[i] && (most == RELEASE_KINDS_MAX || tally->kinds[i].count > tally->kinds[most].count))
                most = i;
        told[most] = true;
        json_object_begin(json);
        json_put_u64(json, "count", tally->kinds[most].count);
        put_sides(json, &tally->kinds[most]);
        json_object_end(json);
    }
    json_array_end(json);
    json_put_u64(json, "other_kinds", tally->unnamed);
}

void release_tally_json(const struct release_tally *tally, struct json *json)
{
    json_put_u64(json, "pairs", tally->pairs);
    json_put_u64(json, "skipped", tally->skipped);
    json_put_u64(json, "same_answer_other_rule", tally->other_rule);
    json_key(json, "differences");
    json_object_begin(json);
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        json_put_u64(json, release_measure_name((enum release_measure)i), tally->with[i]);
    json_object_end(json);
    put_counts(json, "targets", &tally->targets);
    put_counts(json, "sources", &tally->sources);
    put_kinds(tally, json);
    json_key(json, "examples");
    json_array_begin(json);
    for (unsigned i = 0; i < tally->example_count; i++) {
        const struct release_example *example = &tally->examples[i];
        json_object_begin(json);
        json_put_text(json, "method", example->method);
        json_put_text(json, "target", example->aor);
        json_put_text(json, "call_id", example->call_id);
        put_sides(json, &tally->kinds[example->kind]);
        json_object_end(json);
    }
    json_array_end(json);
}
