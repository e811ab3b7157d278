/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions include which. */
#include "authoring/authoring_cover.h"
#include "facts/facts_glob.h"

static bool same_items(const struct policy_match *a, const struct policy_match *b);

static bool same_match(const struct policy_match *a, const struct policy_match *b)
{
    if (a->op != b->op || a->nocase != b->nocase)
        return false;
    switch (a->op) {
    case POLICY_OP_EQUAL:
    case POLICY_OP_PREFIX:
        return a->nocase ? span_equal_nocase(a->text, b->text) : span_equal(a->text, b->text);
    case POLICY_OP_SET:
        return a->set == b->set;
    case POLICY_OP_STATES:
        return a->states == b->states;
    case POLICY_OP_FLAG:
        return a->flag == b->flag;
    case POLICY_OP_AFTER:
    case POLICY_OP_BEFORE:
        return a->at_ms == b->at_ms;
    case POLICY_OP_PRESENT:
        return true;
    case POLICY_OP_ANY:
    case POLICY_OP_ALL:
    case POLICY_OP_NOT:
        return same_items(a, b);
    default: /* wildcards, blocks, hours: written alike or not, nobody compares them */
        return false;
    }
}

static bool same_items(const struct policy_match *a, const struct policy_match *b)
{
    if (a->op != POLICY_OP_NOT && a->items.count != b->items.count)
        return false;
    for (unsigned i = 0; i < (a->op == POLICY_OP_NOT ? 1 : a->items.count); i++)
        if (!same_match(&a->items.list[i], &b->items.list[i]))
            return false;
    return true;
}

/* A value that equals a text is also prefixed by its beginning, and matched by what matches it. */
static bool text_implies(const struct policy_match *later, const struct policy_match *earlier)
{
    if (later->op != POLICY_OP_EQUAL)
        return false;
    if (earlier->op == POLICY_OP_GLOB)
        return earlier->glob->nocase == later->nocase && facts_glob_matches(earlier->glob, later->text);
    if (earlier->op != POLICY_OP_PREFIX || later->nocase != earlier->nocase)
        return false;
    struct span head = span_slice(later->text, 0, earlier->text.len);
    return later->nocase ? span_equal_nocase(head, earlier->text) : span_equal(head, earlier->text);
}

/* Whether what `later` matches, `earlier` matches too.  False where that is not known. */
static bool implies(const struct policy_match *later, const struct policy_match *earlier)
{
    if (same_match(later, earlier) || text_implies(later, earlier))
        return true;
    if (later->op == POLICY_OP_STATES && earlier->op == POLICY_OP_STATES)
        return (later->states & ~earlier->states) == 0;
    if (later->op == POLICY_OP_ANY) {
        for (unsigned i = 0; i < later->items.count; i++)
            if (!implies(&later->items.list[i], earlier))
                return false;
        return true;
    }
    for (unsigned i = 0; earlier->op == POLICY_OP_ANY && i < earlier->items.count; i++)
        if (implies(later, &earlier->items.list[i]))
            return true;
    return false;
}

bool authoring_cover_when(const struct policy_when *earlier, const struct policy_when *later)
{
    for (unsigned i = 0; i < earlier->count; i++) {
        const struct policy_condition *wants = &earlier->list[i];
        bool given = false;
        for (unsigned j = 0; j < later->count && !given; j++) {
            const struct policy_condition *has = &later->list[j];
            given = has->field == wants->field && span_equal_nocase(has->header, wants->header) &&
                    implies(&has->match, &wants->match);
        }
        if (!given)
            return false;
    }
    return true;
}
