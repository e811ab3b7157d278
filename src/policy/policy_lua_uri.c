/* SPDX-License-Identifier: Apache-2.0 */
/* req.uri, and the addresses req.from, req.to, req.contact with their URIs. */
#include "policy/policy_lua_object.h"

#include "sip/sip_address.h"
#include "sip/sip_message.h"
#include "sip/sip_text.h"

static const struct sip_uri *uri_of(const struct policy_object *object)
{
    const struct sip_message *message = object->policy->request->message;
    switch (object->part) {
    case POLICY_PART_FROM:
    case POLICY_PART_FROM_URI:
        return &message->from.uri;
    case POLICY_PART_TO:
    case POLICY_PART_TO_URI:
        return &message->to.uri;
    case POLICY_PART_CONTACT:
    case POLICY_PART_CONTACT_URI:
        return &message->contact.uri;
    default:
        return &message->uri;
    }
}

static const struct sip_address *address_of(const struct policy_object *object)
{
    const struct sip_message *message = object->policy->request->message;
    return object->part == POLICY_PART_FROM ? &message->from
           : object->part == POLICY_PART_TO ? &message->to
                                            : &message->contact;
}

/* The contact's fields are only set where there is one. */
static bool is_there(const struct policy_object *object)
{
    bool contact = object->part == POLICY_PART_CONTACT || object->part == POLICY_PART_CONTACT_URI;
    const struct sip_address *first = &object->policy->request->message->contact;
    return !contact || (first->text.at && !first->star);
}

static void push_span(lua_State *L, const struct policy_object *object, struct span text)
{
    policy_lua_push_text(L, is_there(object) ? text : (struct span){NULL, 0});
}

/* With %HH resolved: scripts compare users, not their spelling. */
static void push_user(lua_State *L, const struct policy_object *object)
{
    struct policy *policy = object->policy;
    struct span user = uri_of(object)->user;
    size_t len = 0;
    if (is_there(object) && user.at && span_find(user, '%') < user.len &&
        sip_uri_unescape(user, policy->scratch, sizeof(policy->scratch), &len))
        user = span_make(policy->scratch, len);
    push_span(L, object, user);
}

POLICY_LUA_FIELD(push_host, push_span(L, object, uri_of(object)->host))
POLICY_LUA_FIELD(push_scheme, push_span(L, object, uri_of(object)->scheme_text))

static void push_port(lua_State *L, const struct policy_object *object)
{
    if (!is_there(object) || uri_of(object)->port == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, uri_of(object)->port);
}

POLICY_LUA_FIELD(push_uri_text, push_span(L, object, uri_of(object)->text))

/* tostring() must be a string, also of a Contact that is not there. */
static void push_string(lua_State *L, const struct policy_object *object)
{
    push_uri_text(L, object);
    if (lua_isnil(L, -1))
        lua_pushliteral(L, "");
}

static const struct policy_lua_field uri_fields[] = {
    {"scheme", push_scheme}, {"user", push_user},     {"host", push_host},
    {"port", push_port},     {"text", push_uri_text}, {NULL, NULL},
};

/* uri:param "x": its value, true when it has none, nil when it is not there. */
static int uri_param(lua_State *L)
{
    const struct policy_object *object = policy_lua_self(L, &policy_lua_uri_type);
    struct span name = {NULL, 0};
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "expected a parameter's name, as in req.uri:param \"transport\"");
    name.at = lua_tolstring(L, 2, &name.len);
    vm_charge(L, 4 + uri_of(object)->params.len / 8);
    if (!is_there(object) || !sip_uri_has_param(uri_of(object), name)) {
        lua_pushnil(L);
        return 1;
    }
    struct span value = sip_uri_param(uri_of(object), name);
    if (value.at)
        policy_lua_push_text(L, value);
    else
        lua_pushboolean(L, true);
    return 1;
}

static const luaL_Reg uri_methods[] = {{"param", uri_param}, {NULL, NULL}};

const struct policy_lua_type policy_lua_uri_type = {
    .name = "uri", .fields = uri_fields, .methods = uri_methods, .text = push_string};

static void push_display(lua_State *L, const struct policy_object *object)
{
    struct span raw = address_of(object)->display;
    if (!is_there(object) || span_is_empty(raw)) {
        lua_pushnil(L);
        return;
    }
    struct policy *policy = object->policy;
    struct buffer buffer = buffer_over(policy->scratch, sizeof(policy->scratch));
    sip_text_display(&buffer, raw);
    policy_lua_push_text(L, buffer.overflow ? raw : buffer_span(&buffer));
}

POLICY_LUA_FIELD(push_tag, push_span(L, object, address_of(object)->tag))

static const struct policy_lua_field address_fields[] = {
    {"display", push_display}, {"tag", push_tag},       {"user", push_user},
    {"host", push_host},       {"text", push_uri_text}, {NULL, NULL},
};

static const struct policy_lua_part address_parts[] = {{"uri", POLICY_PART_FROM_URI}, {NULL, POLICY_PART_COUNT}};

const struct policy_lua_type policy_lua_address_type = {
    .name = "address", .fields = address_fields, .parts = address_parts, .text = push_string};
