/* SPDX-License-Identifier: Apache-2.0 */
/* The userdata through which a script reads a request.  An object holds no data of its own: it names a part, and every
 * read goes to the policy's present request, so nothing that was freed can be reached. */
#pragma once

#include "policy/policy_priv.h"

enum policy_part {
    POLICY_PART_REQUEST,
    POLICY_PART_URI,  /* the Request-URI */
    POLICY_PART_FROM, /* address */
    POLICY_PART_FROM_URI,
    POLICY_PART_TO,
    POLICY_PART_TO_URI,
    POLICY_PART_CONTACT,
    POLICY_PART_CONTACT_URI,
    POLICY_PART_TARGET,
    POLICY_PART_SOURCE,
    POLICY_PART_RECORD,
    POLICY_PART_COUNT
};

struct policy_object {
    struct policy *policy;
    uint64_t generation; /* 0: whatever request is there; else that one alone */
    enum policy_part part;
};

/* Defines a field's function, for those that are one call. */
#define POLICY_LUA_FIELD(function, ...)                                                                                \
    static void function(lua_State *L, const struct policy_object *object)                                             \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }

/* A named field: pushes its value (one, or nil). */
typedef void (*policy_field_fn)(lua_State *L, const struct policy_object *object);

struct policy_lua_field {
    const char *name;
    policy_field_fn push;
};

/* What a class of objects can do.  `methods` may be NULL; `parts` are fields that are objects themselves. */
struct policy_lua_part {
    const char *name;
    enum policy_part part;
};

struct policy_lua_type {
    const char *name;                      /* in messages: "req", "req.uri", ... */
    const struct policy_lua_field *fields; /* all three end with a NULL name */
    const struct policy_lua_part *parts;
    const luaL_Reg *methods;
    policy_field_fn text; /* tostring(); NULL: the name */
};

extern const struct policy_lua_type policy_lua_request_type, policy_lua_uri_type, policy_lua_address_type,
    policy_lua_target_type, policy_lua_source_type, policy_lua_record_type;

/* "req.from.uri": how a script gets at a part. */
const char *policy_part_path(enum policy_part part);
/* Pushes a string, or nil where there is none (at == NULL); cut at what a Lua string may hold. */
void policy_lua_push_text(lua_State *L, struct span text);
/* For a method: the object at 1, which must be of this type and of the present decision. */
const struct policy_object *policy_lua_self(lua_State *L, const struct policy_lua_type *type);
