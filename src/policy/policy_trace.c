/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a trace what happens.  Makes nothing in Lua: a traced decision has the fuel of one that is not. */
#include "policy/policy_trace.h"
#include "policy/policy_lua_object.h"

#include "facts/facts_set.h"
#include "sip/sip_message.h"

void policy_trace_rule(const struct policy *policy, enum policy_tried tried)
{
    const struct policy_trace *trace = policy->trace;
    if (trace->rule && policy->rule)
        trace->rule(trace->ctx, (size_t)(policy->rule - policy->rules), tried);
}

/* What the request has where a condition looks, as text. */
static struct span condition_value(struct policy *policy, const struct policy_condition *condition,
                                   char text[POLICY_IP_TEXT_MAX])
{
    const struct policy_request *request = policy->request;
    switch (policy_field_kind(condition->field)) {
    case POLICY_KIND_TEXT:
        return policy_field_text(policy, condition->field);
    case POLICY_KIND_HEADER: {
        const struct sip_header *header = sip_message_find(request->message, condition->header, NULL);
        return header ? header->value : (struct span){NULL, 0};
    }
    case POLICY_KIND_SOURCE:
        return policy_peer_text(&request->source, text);
    case POLICY_KIND_FLAG:
        return policy_field_flag(policy, condition->field) ? SPAN("true") : SPAN("false");
    case POLICY_KIND_STATE: {
        enum policy_state state = policy_record_state(policy);
        return state == POLICY_STATE_COUNT ? SPAN("unreadable") : span_of(policy_state_name(state));
    }
    default:
        snprintf(text, POLICY_IP_TEXT_MAX, "%lld", (long long)(policy->wall_ms / 1000));
        return span_of(text);
    }
}

void policy_trace_condition(struct policy *policy, const struct policy_condition *condition, unsigned index, bool holds)
{
    const struct policy_trace *trace = policy->trace;
    char text[POLICY_IP_TEXT_MAX];
    char field[128];
    if (!trace->condition || !policy->rule)
        return;
    int len = snprintf(field, sizeof(field), "%s%s%.*s", policy_field_name(condition->field),
                       condition->header.len ? " " : "", SPAN_ARG(condition->header));
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(field) ? (size_t)len : sizeof(field) - 1;
    size_t left = policy->scan_left;
    bool exceeded = policy->scan_exceeded;
    policy->scan_left = SIZE_MAX; /* what is told is not the decision's to pay for */
    trace->condition(trace->ctx, (size_t)(policy->rule - policy->rules), index, span_make(field, used),
                     condition_value(policy, condition, text), holds);
    policy->scan_left = left;
    policy->scan_exceeded = exceeded;
}

/* The value at the top of the stack, without lua_tolstring on a number, which would make a string. */
static struct span value_text(lua_State *L, char *text, size_t cap)
{
    struct span value = {NULL, 0};
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        value.at = lua_tolstring(L, -1, &value.len);
        return value;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            snprintf(text, cap, "%lld", (long long)lua_tointeger(L, -1));
        else
            snprintf(text, cap, "%.14g", lua_tonumber(L, -1));
        return span_of(text);
    case LUA_TBOOLEAN:
        return lua_toboolean(L, -1) ? SPAN("true") : SPAN("false");
    default:
        return span_of(luaL_typename(L, -1));
    }
}

void policy_trace_read(lua_State *L, const struct policy_object *object, struct span field)
{
    const struct policy_trace *trace = object->policy->trace;
    char text[48];
    if (trace->read)
        trace->read(trace->ctx, policy_part_path(object->part), field, value_text(L, text, sizeof(text)));
}

void policy_trace_lookup(const struct policy *policy, const char *what, struct span key, struct span result)
{
    const struct policy_trace *trace = policy->trace;
    if (trace->lookup)
        trace->lookup(trace->ctx, what, key, result);
}

void policy_trace_set(const struct policy *policy, const struct facts_set *set, struct span key, bool has)
{
    const struct policy_program *program = policy->program;
    for (size_t i = 0; i < program->data_count; i++) {
        if (program->data[i].set == set)
            policy_trace_lookup(policy, program->data[i].name, key, has ? SPAN("has it") : SPAN("has it not"));
    }
}

void policy_trace_directory(const struct policy *policy)
{
    char aor[512];
    struct span key = policy_aor_text(policy->request, aor, sizeof(aor));
    struct span result = policy->lookup == POLICY_LOOKUP_FOUND  ? span_of(policy_state_name(policy->record.state))
                         : policy->lookup == POLICY_LOOKUP_NONE ? SPAN("no entry")
                                                                : SPAN("cannot be read");
    policy_trace_lookup(policy, "directory", key, result);
}
