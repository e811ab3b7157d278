/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates `when`.  Searching text is charged to a budget of bytes: many rules against a large header end in time. */
#include "policy/policy_match.h"
#include "policy/policy_priv.h"

#include "facts/facts_set.h"
#include "sip/sip_message.h"
#include "sip/sip_text.h"

static const struct {
    const char *name;
    enum policy_kind kind;
    bool nocase;
} fields[POLICY_FIELD_COUNT] = {
#define X(name, constant, kind, nocase) {name, kind, nocase},
    POLICY_FIELD_TABLE(X)
#undef X
};

static const char *const field_names[POLICY_FIELD_COUNT] = {
#define X(name, constant, kind, nocase) name,
    POLICY_FIELD_TABLE(X)
#undef X
};

const char *policy_field_name(enum policy_field field)
{
    return fields[field].name;
}

enum policy_kind policy_field_kind(enum policy_field field)
{
    return fields[field].kind;
}

bool policy_field_nocase(enum policy_field field)
{
    return fields[field].nocase;
}

const char *const *policy_field_names(void)
{
    return field_names;
}

bool policy_field_parse(const char *name, enum policy_field *out_field)
{
    for (unsigned i = 0; i < POLICY_FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            *out_field = (enum policy_field)i;
            return true;
        }
    }
    return false;
}

/* In bytes searched: what looking at a value at least costs, a byte that is made anew (an AOR escaped, a fold removed), an address
 * as text. */
enum { LEAF_BYTES = 16, MADE_BYTES = 4, ADDRESS_BYTES = 64, FIELD_BYTES = 8 };

/* Bytes searched are paid for; an exhausted budget makes everything false and the decision a failure. */
static bool charge(struct policy *policy, size_t bytes)
{
    if (bytes > policy->scan_left) {
        policy->scan_left = 0;
        policy->scan_exceeded = true;
        return false;
    }
    policy->scan_left -= bytes;
    return true;
}

static bool starts_with(struct span text, struct span prefix, bool nocase)
{
    if (text.len < prefix.len)
        return false;
    text.len = prefix.len;
    return nocase ? span_equal_nocase(text, prefix) : span_equal(text, prefix);
}

static bool set_holds(struct policy *policy, const struct facts_set *set, struct span text)
{
    bool holds = !span_is_empty(text) && charge(policy, facts_set_cost(set, text.len)) && facts_set_has(set, text);
    if (policy->trace)
        policy_trace_set(policy, set, text, holds);
    return holds;
}

static struct span paid_aor(struct policy *policy)
{
    const struct policy_target *target = &policy->request->target;
    if (!charge(policy, MADE_BYTES * (target->user.len + target->host.len)))
        return (struct span){NULL, 0};
    return policy_aor_text(policy->request, policy->scratch, sizeof(policy->scratch));
}

static bool charge_compared(struct policy *policy, struct span text, struct span other)
{
    return charge(policy, text.len < other.len ? text.len : other.len);
}

/* One text against one leaf. */
static bool text_holds(struct policy *policy, const struct policy_match *match, struct span text)
{
    switch (match->op) {
    case POLICY_OP_EQUAL:
        if (!charge_compared(policy, text, match->text))
            return false;
        return match->nocase ? span_equal_nocase(text, match->text) : span_equal(text, match->text);
    case POLICY_OP_PREFIX:
        return charge_compared(policy, text, match->text) && starts_with(text, match->text, match->nocase);
    case POLICY_OP_GLOB:
        return charge(policy, text.len) && facts_glob_matches(match->glob, text);
    case POLICY_OP_SET:
        return set_holds(policy, match->set, text);
    case POLICY_OP_PRESENT:
        return !span_is_empty(text);
    case POLICY_OP_TARGET:
        return !span_is_empty(text) && span_equal(text, paid_aor(policy));
    default:
        return false;
    }
}

static struct span user_of(struct policy *policy, const struct sip_uri *uri)
{
    struct span user = uri->user;
    size_t len = 0;
    if (span_find(user, '%') == user.len)
        return user;
    if (!charge(policy, MADE_BYTES * user.len))
        return (struct span){NULL, 0};
    return sip_uri_unescape(user, policy->scratch, sizeof(policy->scratch), &len) ? span_make(policy->scratch, len)
                                                                                  : user;
}

/* A value without its folds; one that is longer than the scratch stays as it is. */
struct span policy_header_value(struct policy *policy, const struct sip_header *header)
{
    if (!header->unclean)
        return header->value;
    if (!charge(policy, MADE_BYTES * header->value.len))
        return (struct span){NULL, 0};
    struct buffer buffer = buffer_over(policy->scratch, sizeof(policy->scratch));
    sip_text_unfold(&buffer, header->value);
    return buffer.overflow ? header->value : buffer_span(&buffer);
}

static struct span first_value(struct policy *policy, enum sip_header_id id)
{
    const struct sip_header *header = sip_message_header(policy->request->message, id);
    return header ? policy_header_value(policy, header) : (struct span){NULL, 0};
}

struct span policy_aor_text(const struct policy_request *request, char *out, size_t cap)
{
    struct buffer buffer = buffer_over(out, cap);
    buffer_add_literal(&buffer, "sip:");
    if (!span_is_empty(request->target.user)) {
        sip_uri_escape_user(&buffer, request->target.user);
        buffer_add_byte(&buffer, '@');
    }
    struct span host = request->target.host;
    sip_host_add(&buffer, host, host.len && host.at[0] == '[' ? SIP_HOST_NAME : sip_host_kind_of(host));
    return buffer.overflow ? (struct span){NULL, 0} : buffer_span(&buffer);
}

struct span policy_field_text(struct policy *policy, enum policy_field field)
{
    const struct policy_request *request = policy->request;
    switch (field) {
    case POLICY_FIELD_METHOD:
        return request->message->method_text;
    case POLICY_FIELD_USER:
        return request->target.user;
    case POLICY_FIELD_HOST:
        return request->target.host;
    case POLICY_FIELD_NUMBER:
        return request->target.number;
    case POLICY_FIELD_AOR:
        return paid_aor(policy);
    case POLICY_FIELD_USER_AGENT:
        return first_value(policy, SIP_HEADER_USER_AGENT);
    case POLICY_FIELD_FROM_USER:
        return user_of(policy, &request->message->from.uri);
    case POLICY_FIELD_FROM_HOST:
        return request->message->from.uri.host;
    case POLICY_FIELD_TO_USER:
        return user_of(policy, &request->message->to.uri);
    case POLICY_FIELD_TO_HOST:
        return request->message->to.uri.host;
    case POLICY_FIELD_CALL_ID:
        return request->message->call_id;
    case POLICY_FIELD_IDENTITY:
        return request->source.identity;
    case POLICY_FIELD_AUTHENTICATED_AS: {
        struct span aor;
        (void)policy_identify(policy, &aor); /* policy_when_holds looked whether it can be known */
        return aor;
    }
    case POLICY_FIELD_TRANSPORT:
        return span_of(request->source.transport ? request->source.transport : "udp");
    case POLICY_FIELD_BODY_TYPE: {
        struct span type = first_value(policy, SIP_HEADER_CONTENT_TYPE);
        return span_trim(span_slice(type, 0, span_find(type, ';')));
    }
    default:
        return (struct span){NULL, 0};
    }
}

bool policy_field_flag(struct policy *policy, enum policy_field field)
{
    if (field == POLICY_FIELD_AUTHENTICATED)
        return policy_field_text(policy, POLICY_FIELD_AUTHENTICATED_AS).len > 0;
    return field == POLICY_FIELD_TRUSTED ? policy->request->source.trusted : policy->request->in_dialog;
}

/* The next field of the condition's name, known to the header table or not. */
const struct sip_header *policy_next_header(struct policy *policy, const struct policy_condition *condition,
                                            const struct sip_header *after)
{
    const struct sip_message *message = policy->request->message;
    bool known = condition->header_id != SIP_HEADER_OTHER;
    if (!charge(policy, FIELD_BYTES * (known ? 1u : message->header_count)))
        return NULL;
    if (!known)
        return sip_message_find(message, condition->header, after);
    if (!after)
        return sip_message_header(message, (enum sip_header_id)condition->header_id);
    return sip_message_header_next(message, after);
}

/* A certificate may be for several domains: any of them counts. */
static bool names_hold(struct policy *policy, const struct policy_match *match, const struct policy_peer *source)
{
    for (unsigned i = 0; i < source->name_count; i++)
        if (text_holds(policy, match, source->names[i]))
            return true;
    return false;
}

static bool leaf_holds(struct policy *policy, const struct policy_condition *condition,
                       const struct policy_match *match)
{
    const struct policy_request *request = policy->request;
    switch (match->op) {
    case POLICY_OP_CIDR:
        return facts_block_has(&match->cidr, request->source.family, request->source.address);
    case POLICY_OP_FLAG:
        return match->flag == policy_field_flag(policy, condition->field);
    case POLICY_OP_HOURS:
        return facts_hours_open(match->hours, policy->wall_ms);
    case POLICY_OP_AFTER:
        return policy->wall_ms >= match->at_ms;
    case POLICY_OP_BEFORE:
        return policy->wall_ms < match->at_ms;
    case POLICY_OP_STATES:
        return (match->states >> policy_record_state(policy)) & 1;
    default:
        break;
    }
    if (condition->field == POLICY_FIELD_SOURCE) {
        char text[POLICY_IP_TEXT_MAX];
        if (!charge(policy, ADDRESS_BYTES))
            return false;
        return text_holds(policy, match, policy_peer_text(&request->source, text));
    }
    if (condition->field == POLICY_FIELD_IDENTITY && request->source.name_count)
        return names_hold(policy, match, &request->source);
    if (condition->field != POLICY_FIELD_HEADER)
        return text_holds(policy, match, policy_field_text(policy, condition->field));
    const struct sip_header *header = NULL;
    while ((header = policy_next_header(policy, condition, header))) {
        if (text_holds(policy, match, policy_header_value(policy, header)))
            return true;
    }
    return false;
}

/* Depth is bounded by the compiler (POLICY_MATCH_DEPTH_MAX). */
static bool match_holds(struct policy *policy, const struct policy_condition *condition,
                        const struct policy_match *match)
{
    if (match->op == POLICY_OP_NOT)
        return !match_holds(policy, condition, match->items.list);
    if (match->op != POLICY_OP_ANY && match->op != POLICY_OP_ALL)
        return charge(policy, LEAF_BYTES) && leaf_holds(policy, condition, match);
    bool any = match->op == POLICY_OP_ANY;
    for (unsigned i = 0; i < match->items.count && !policy->scan_exceeded; i++) {
        if (match_holds(policy, condition, &match->items.list[i]) == any)
            return any;
    }
    return !any;
}

enum err policy_when_holds(struct policy *policy, const struct policy_when *when, bool *out_holds)
{
    bool holds = true;
    for (unsigned i = 0; holds && i < when->count; i++) {
        const struct policy_condition *condition = &when->list[i];
        if (condition->field == POLICY_FIELD_STATE && policy_record_state(policy) == POLICY_STATE_COUNT)
            return ERR_IO; /* no rule may take "cannot be read" for "none" */
        struct span who;
        if (condition->field >= POLICY_FIELD_AUTHENTICATED_AS && condition->field != POLICY_FIELD_STATE &&
            !policy_identify(policy, &who))
            return ERR_IO;
        holds = match_holds(policy, condition, &condition->match);
        if (policy->trace)
            policy_trace_condition(policy, condition, i, holds);
    }
    if (policy->scan_exceeded)
        return ERR_FULL;
    *out_holds = holds;
    return OK;
}
