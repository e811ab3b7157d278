/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules can fit a request, without asking each: an index over what their `when` wants of each field.  A rule that
 * is left out has a condition that does not hold, so the first one that fits is the same as in a walk over the list. */
#include "policy/policy_priv.h"

#include "facts/facts_index.h"
#include "sip/sip_message.h"

/* Below, a walk costs less than the questions. */
enum { RULES_LEAST = 12 };

struct policy_index {
    struct facts_index *facts;
    unsigned count;                                                  /* dimensions */
    const struct policy_condition *asks[FACTS_INDEX_DIMENSIONS_MAX]; /* one that asks about this dimension */
    bool has_states;
    struct facts_items by_state[POLICY_STATE_COUNT];
};

static void index_done(void *bytes)
{
    facts_index_free(((struct policy_index *)bytes)->facts);
}

/* The dimension of what `condition` asks about. */
static enum err dimension_of(struct policy_index *index, const struct policy_condition *condition, unsigned *out)
{
    for (unsigned at = 0; at < index->count; at++) {
        const struct policy_condition *asks = index->asks[at];
        if (asks->field == condition->field && span_equal_nocase(asks->header, condition->header)) {
            *out = at;
            return OK;
        }
    }
    enum err err = facts_index_dimension(index->facts, out);
    if (err == OK)
        index->asks[index->count++] = condition;
    return err;
}

/* Enters what would let `match` hold; anything but OK: more than this index can say. */
static enum err enter(struct policy_index *index, unsigned dimension, unsigned rule, const struct policy_match *match)
{
    enum err err = OK;
    switch (match->op) {
    case POLICY_OP_EQUAL:
        return facts_index_text(index->facts, dimension, rule, match->text);
    case POLICY_OP_PREFIX:
        return facts_index_prefix(index->facts, dimension, rule, match->text);
    case POLICY_OP_FLAG:
        return facts_index_text(index->facts, dimension, rule, match->flag ? SPAN("true") : SPAN("false"));
    case POLICY_OP_CIDR:
        return facts_index_block(index->facts, dimension, rule, &match->cidr);
    case POLICY_OP_ANY:
        for (unsigned i = 0; err == OK && i < match->items.count; i++)
            err = enter(index, dimension, rule, &match->items.list[i]);
        return err;
    default:
        return ERR_INVALID;
    }
}

static bool is_indexed(const struct policy_condition *condition)
{
    enum policy_kind kind = policy_field_kind(condition->field);
    return kind != POLICY_KIND_HOURS && kind != POLICY_KIND_TIME && kind != POLICY_KIND_STATE &&
           condition->field <
               POLICY_FIELD_AUTHENTICATED_AS; /* credentials are judged for a rule that asks, not in advance */
}

/* The states that let `match` hold, as bits; false: it says more than that. */
static bool states_of(const struct policy_match *match, unsigned *bits)
{
    bool fine = match->op == POLICY_OP_STATES || match->op == POLICY_OP_ANY;
    if (match->op == POLICY_OP_STATES)
        *bits |= match->states;
    for (unsigned i = 0; match->op == POLICY_OP_ANY && fine && i < match->items.count; i++)
        fine = states_of(&match->items.list[i], bits);
    return fine;
}

static void enter_states(struct policy_index *index, unsigned rule, const struct policy_match *match)
{
    unsigned bits = 0;
    if (!states_of(match, &bits))
        return;
    index->has_states = true;
    for (unsigned state = 0; state < POLICY_STATE_COUNT; state++)
        if (!(bits >> state & 1))
            index->by_state[state].words[rule / 64] &= ~(UINT64_C(1) << rule % 64);
}

static void enter_rule(struct policy_index *index, unsigned rule, const struct policy_when *when)
{
    for (unsigned i = 0; i < when->count; i++) {
        const struct policy_condition *condition = &when->list[i];
        unsigned dimension;
        if (condition->field == POLICY_FIELD_STATE)
            enter_states(index, rule, &condition->match);
        else if (is_indexed(condition) && dimension_of(index, condition, &dimension) == OK &&
                 enter(index, dimension, rule, &condition->match) != OK)
            facts_index_open(index->facts, dimension, rule);
    }
}

enum err policy_index_make(struct policy *policy)
{
    if (policy->rule_count < RULES_LEAST)
        return OK;
    struct policy_index *index = policy_keep(policy, sizeof(*index), index_done);
    if (!index || facts_index_new((unsigned)policy->rule_count, &index->facts) != OK)
        return ERR_NOMEM;
    memset(index->by_state, 0xff, sizeof(index->by_state));
    for (unsigned rule = 0; rule < policy->rule_count; rule++)
        enter_rule(index, rule, &policy->rules[rule].when);
    policy->index = index;
    return OK;
}

/* What the request has in a dimension. */
static void add_values(struct policy *policy, unsigned dimension, struct facts_items *hits)
{
    const struct policy_index *index = policy->index;
    const struct policy_condition *asks = index->asks[dimension];
    const struct policy_request *request = policy->request;
    const struct sip_header *header = NULL;
    switch (policy_field_kind(asks->field)) {
    case POLICY_KIND_HEADER:
        while ((header = policy_next_header(policy, asks, header)))
            facts_index_add_text(index->facts, dimension, policy_header_value(policy, header), hits);
        break;
    case POLICY_KIND_SOURCE:
        facts_index_add_address(index->facts, dimension, request->source.address, request->source.family, hits);
        break;
    case POLICY_KIND_FLAG:
        facts_index_add_text(index->facts, dimension,
                             policy_field_flag(policy, asks->field) ? SPAN("true") : SPAN("false"), hits);
        break;
    default:
        facts_index_add_text(index->facts, dimension, policy_field_text(policy, asks->field), hits);
        break;
    }
}

void policy_index_ask(struct policy *policy, struct facts_items *out_rules)
{
    size_t left = policy->scan_left;
    memset(out_rules, 0xff, sizeof(*out_rules));
    policy->scan_left = SIZE_MAX; /* what is done here is bounded by the dimensions, and not the rules' to pay for */
    for (unsigned dimension = 0; policy->index && dimension < policy->index->count; dimension++) {
        struct facts_items hits;
        facts_index_hits(policy->index->facts, dimension, &hits);
        add_values(policy, dimension, &hits);
        facts_items_and(out_rules, &hits);
    }
    policy->scan_left = left;
}

void policy_index_narrow(const struct policy *policy, struct facts_items *rules)
{
    enum policy_state state = policy->lookup == POLICY_LOOKUP_FOUND ? policy->record.state : POLICY_STATE_NONE;
    /* Where the directory cannot be read, the first rule that asks it says so. */
    if (policy->index && policy->index->has_states && policy->lookup != POLICY_LOOKUP_UNREADABLE &&
        policy->lookup != POLICY_LOOKUP_NOT_ASKED)
        facts_items_and(rules, &policy->index->by_state[state]);
}
