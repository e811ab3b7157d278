/* SPDX-License-Identifier: Apache-2.0 */
/* req: the request as a script sees it. */
#include "policy/policy_lua_object.h"

#include "sip/sip_message.h"
#include "sip/sip_text.h"

enum { HEADER_LIST_MAX = 64 };

static const struct sip_message *message_of(const struct policy_object *object)
{
    return object->policy->request->message;
}

/* A header's value without its folds, which only the typed readers understand. */
static void push_value(lua_State *L, const struct policy_object *object, const struct sip_header *header)
{
    struct policy *policy = object->policy;
    if (!header || !header->unclean) {
        policy_lua_push_text(L, header ? header->value : (struct span){NULL, 0});
        return;
    }
    struct buffer buffer = buffer_over(policy->scratch, sizeof(policy->scratch));
    sip_text_unfold(&buffer, header->value);
    policy_lua_push_text(L, buffer.overflow ? header->value : buffer_span(&buffer));
}

POLICY_LUA_FIELD(push_method, policy_lua_push_text(L, message_of(object)->method_text))
POLICY_LUA_FIELD(push_call_id, policy_lua_push_text(L, message_of(object)->call_id))
POLICY_LUA_FIELD(push_cseq, lua_pushinteger(L, message_of(object)->cseq))
POLICY_LUA_FIELD(push_user_agent, push_value(L, object, sip_message_header(message_of(object), SIP_HEADER_USER_AGENT)))

static void push_body(lua_State *L, const struct policy_object *object)
{
    struct span body = message_of(object)->body;
    policy_lua_push_text(L, body.len > 0 ? body : (struct span){NULL, 0});
}

POLICY_LUA_FIELD(push_body_length, lua_pushinteger(L, (lua_Integer)message_of(object)->body.len))

static void push_body_type(lua_State *L, const struct policy_object *object)
{
    struct span type = sip_message_value(message_of(object), SIP_HEADER_CONTENT_TYPE);
    if (type.at)
        type = span_trim(span_slice(type, 0, span_find(type, ';')));
    policy_lua_push_text(L, type);
}

static void push_max_forwards(lua_State *L, const struct policy_object *object)
{
    if (message_of(object)->max_forwards < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, message_of(object)->max_forwards);
}

POLICY_LUA_FIELD(push_in_dialog, lua_pushboolean(L, object->policy->request->in_dialog))

static void push_authenticated_as(lua_State *L, const struct policy_object *object)
{
    struct span aor;
    if (!policy_identify(object->policy, &aor))
        luaL_error(L, "the directory cannot be read");
    policy_lua_push_text(L, aor);
}

static void push_state(lua_State *L, const struct policy_object *object)
{
    enum policy_state state = policy_record_state(object->policy);
    if (state == POLICY_STATE_COUNT)
        luaL_error(L, "the directory cannot be read");
    lua_pushstring(L, policy_state_name(state));
}

static const struct policy_lua_field request_fields[] = {
    {"method", push_method},       {"call_id", push_call_id},
    {"cseq", push_cseq},           {"user_agent", push_user_agent},
    {"body", push_body},           {"body_length", push_body_length},
    {"body_type", push_body_type}, {"max_forwards", push_max_forwards},
    {"in_dialog", push_in_dialog}, {"authenticated_as", push_authenticated_as},
    {"state", push_state},         {NULL, NULL},
};

/* Where a request has no Contact, req.contact's fields are nil. */
static const struct policy_lua_part request_parts[] = {
    {"uri", POLICY_PART_URI},         {"from", POLICY_PART_FROM},     {"to", POLICY_PART_TO},
    {"contact", POLICY_PART_CONTACT}, {"target", POLICY_PART_TARGET}, {"source", POLICY_PART_SOURCE},
    {"record", POLICY_PART_RECORD},   {NULL, POLICY_PART_COUNT},
};

static struct span header_name(lua_State *L)
{
    struct span name = {NULL, 0};
    if (lua_type(L, 2) != LUA_TSTRING)
        luaL_error(L, "expected a header's name, as in req:header \"Subject\", got %s", luaL_typename(L, 2));
    name.at = lua_tolstring(L, 2, &name.len);
    return name;
}

/* req:header "X": the first value, or nil. */
static int request_header(lua_State *L)
{
    const struct policy_object *object = policy_lua_self(L, &policy_lua_request_type);
    struct span name = header_name(L);
    vm_charge(L, 4 + message_of(object)->header_count);
    push_value(L, object, sip_message_find(message_of(object), name, NULL));
    if (object->policy->trace)
        policy_trace_read(L, object, name);
    return 1;
}

/* req:headers "X": a list of all values, empty when there is none. */
static int request_headers(lua_State *L)
{
    const struct policy_object *object = policy_lua_self(L, &policy_lua_request_type);
    struct span name = header_name(L);
    const struct sip_header *header = NULL;
    lua_createtable(L, 1, 0);
    for (lua_Integer i = 1; i <= HEADER_LIST_MAX; i++) {
        vm_charge(L, 4 + message_of(object)->header_count);
        header = sip_message_find(message_of(object), name, header);
        if (!header)
            break;
        push_value(L, object, header);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

static const luaL_Reg request_methods[] = {
    {"header", request_header},
    {"headers", request_headers},
    {NULL, NULL},
};

const struct policy_lua_type policy_lua_request_type = {
    .name = "req", .fields = request_fields, .parts = request_parts, .methods = request_methods};
