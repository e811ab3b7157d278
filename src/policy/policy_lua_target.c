/* SPDX-License-Identifier: Apache-2.0 */
/* req.target, req.source, req.record; and the call that an event is told. */
#include "policy/policy_lua_object.h"

static const struct policy_target *target_of(const struct policy_object *object)
{
    return &object->policy->request->target;
}

/* Always a string, so that req.target.user:sub(1, 3) works for every request. */
static void push_always(lua_State *L, struct span text)
{
    policy_lua_push_text(L, text.at ? text : SPAN(""));
}

static void push_some(lua_State *L, struct span text)
{
    policy_lua_push_text(L, text.len > 0 ? text : (struct span){NULL, 0});
}

POLICY_LUA_FIELD(push_user, push_always(L, target_of(object)->user))
POLICY_LUA_FIELD(push_host, push_always(L, target_of(object)->host))
POLICY_LUA_FIELD(push_number, push_some(L, target_of(object)->number))

static void push_aor(lua_State *L, const struct policy_object *object)
{
    struct policy *policy = object->policy;
    push_always(L, policy_aor_text(policy->request, policy->scratch, sizeof(policy->scratch)));
}

static const struct policy_lua_field target_fields[] = {
    {"user", push_user}, {"host", push_host}, {"number", push_number}, {"aor", push_aor}, {NULL, NULL},
};

const struct policy_lua_type policy_lua_target_type = {.name = "req.target", .fields = target_fields, .text = push_aor};

static const struct policy_peer *source_of(const struct policy_object *object)
{
    return &object->policy->request->source;
}

static void push_ip(lua_State *L, const struct policy_object *object)
{
    char text[POLICY_IP_TEXT_MAX];
    policy_lua_push_text(L, policy_peer_text(source_of(object), text));
}

POLICY_LUA_FIELD(push_port, lua_pushinteger(L, source_of(object)->port))
POLICY_LUA_FIELD(push_transport, lua_pushstring(L, source_of(object)->transport ? source_of(object)->transport : "udp"))
POLICY_LUA_FIELD(push_trusted, lua_pushboolean(L, source_of(object)->trusted))
POLICY_LUA_FIELD(push_identity, push_some(L, source_of(object)->identity))

/* At most as many as one certificate has (16). */
static void push_identities(lua_State *L, const struct policy_object *object)
{
    const struct policy_peer *source = source_of(object);
    lua_createtable(L, (int)source->name_count, 0);
    for (unsigned i = 0; i < source->name_count; i++) {
        policy_lua_push_text(L, source->names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    if (source->name_count || !source->identity.len)
        return;
    policy_lua_push_text(L, source->identity);
    lua_rawseti(L, -2, 1);
}

static const struct policy_lua_field source_fields[] = {
    {"ip", push_ip},
    {"port", push_port},
    {"transport", push_transport},
    {"trusted", push_trusted},
    {"identity", push_identity},
    {"identities", push_identities},
    {NULL, NULL},
};

const struct policy_lua_type policy_lua_source_type = {.name = "req.source", .fields = source_fields};

/* A record that was kept past its decision may meet a target that has none. */
static const struct policy_record *record_of(lua_State *L, const struct policy_object *object)
{
    enum policy_state state = policy_record_state(object->policy);
    if (state == POLICY_STATE_COUNT)
        luaL_error(L, "the directory cannot be read");
    if (state == POLICY_STATE_NONE)
        luaL_error(L, "req.record: there is no record for this target");
    return &object->policy->record;
}

static void push_integer_or_nil(lua_State *L, int64_t value)
{
    if (value == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, value);
}

POLICY_LUA_FIELD(push_record_state, lua_pushstring(L, policy_state_name(record_of(L, object)->state)))
POLICY_LUA_FIELD(push_kind, lua_pushstring(L, record_of(L, object)->kind))
POLICY_LUA_FIELD(push_key, push_some(L, record_of(L, object)->key))
POLICY_LUA_FIELD(push_forward, push_some(L, record_of(L, object)->forward))
POLICY_LUA_FIELD(push_since, push_integer_or_nil(L, record_of(L, object)->since_s))
POLICY_LUA_FIELD(push_reassign_after, push_integer_or_nil(L, record_of(L, object)->reassign_after))
POLICY_LUA_FIELD(push_cause, push_integer_or_nil(L, record_of(L, object)->cause))
POLICY_LUA_FIELD(push_by, push_some(L, record_of(L, object)->by))

static const struct policy_lua_field record_fields[] = {
    {"state", push_record_state},
    {"kind", push_kind},
    {"key", push_key},
    {"forward", push_forward},
    {"since", push_since},
    {"cause", push_cause},
    {"by", push_by},
    {"reassign_after", push_reassign_after},
    {NULL, NULL},
};

const struct policy_lua_type policy_lua_record_type = {.name = "req.record", .fields = record_fields};

static void set_text(lua_State *L, const char *name, struct span text)
{
    policy_lua_push_text(L, text);
    lua_setfield(L, -2, name);
}

void policy_lua_call_push(lua_State *L, const struct policy_call *call)
{
    char ip[POLICY_IP_TEXT_MAX];
    lua_createtable(L, 0, 11);
    set_text(L, "id", call->id);
    set_text(L, "method", call->method);
    set_text(L, "from", call->from);
    set_text(L, "to", call->to);
    set_text(L, "target", call->target);
    set_text(L, "reason", call->reason);
    set_text(L, "body", call->body);
    set_text(L, "body_type", call->body_type);
    lua_pushinteger(L, call->code);
    lua_setfield(L, -2, "code");
    lua_pushnumber(L, (lua_Number)call->age_ms / 1000);
    lua_setfield(L, -2, "age");
    lua_createtable(L, 0, 3);
    set_text(L, "ip", policy_peer_text(&call->source, ip));
    lua_pushinteger(L, call->source.port);
    lua_setfield(L, -2, "port");
    lua_pushstring(L, call->source.transport ? call->source.transport : "udp");
    lua_setfield(L, -2, "transport");
    lua_setfield(L, -2, "source");
}
