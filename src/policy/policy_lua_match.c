/* SPDX-License-Identifier: Apache-2.0 */
/* The constructors of a policy's declarations: policy{}, the matchers of `when`, data sets, shared tables.  They only
 * note what was said; policy_schema.c and policy_when.c read it at load. */
#include "policy/policy_priv.h"

enum { UP_NAME = 1, UP_CLASS };

static void require_loading(lua_State *L, const char *name)
{
    if (!vm_is_loading(vm_of(L)))
        luaL_error(L, "%s: only while the policy is loaded, not in a decision", name);
}

/* Leaves a new object { op = name, <argument at 1> as `value` } at the top. */
static int make_object(lua_State *L)
{
    const char *name = lua_tostring(L, lua_upvalueindex(UP_NAME));
    require_loading(L, name);
    if (lua_gettop(L) != 1)
        return luaL_error(L, "%s: expected one argument, got %d", name, lua_gettop(L));
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, lua_upvalueindex(UP_NAME));
    lua_setfield(L, -2, "op");
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "value");
    vm_class_set(L, (unsigned)lua_tointeger(L, lua_upvalueindex(UP_CLASS)));
    return 1;
}

/* Constructors that take one string. */
static int make_of_string(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING)
        return luaL_error(L, "%s: expected a string, as in %s \"text\", got %s",
                          lua_tostring(L, lua_upvalueindex(UP_NAME)), lua_tostring(L, lua_upvalueindex(UP_NAME)),
                          luaL_typename(L, 1));
    return make_object(L);
}

static int make_of_table(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1))
        return luaL_error(L, "%s: expected a plain table, as in %s { ... }, got %s",
                          lua_tostring(L, lua_upvalueindex(UP_NAME)), lua_tostring(L, lua_upvalueindex(UP_NAME)),
                          luaL_typename(L, 1));
    return make_object(L);
}

static int make_of_both(lua_State *L)
{
    return lua_type(L, 1) == LUA_TSTRING ? make_of_string(L) : make_of_table(L);
}

static int make_policy(lua_State *L)
{
    require_loading(L, "policy");
    if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TTABLE)
        return luaL_error(L, "policy: expected one table, as in policy { ... }");
    if (lua_getmetatable(L, 1))
        return luaL_error(L, "policy: expected a plain table");
    vm_class_set(L, POLICY_CLASS_POLICY);
    return 1;
}

static const struct {
    const char *name;
    enum policy_class class;
    lua_CFunction function;
} constructors[] = {
    {"matches", POLICY_CLASS_MATCH, make_of_string}, {"prefix", POLICY_CLASS_MATCH, make_of_string},
    {"in_set", POLICY_CLASS_MATCH, make_of_string},  {"in_ranges", POLICY_CLASS_MATCH, make_of_string},
    {"any_of", POLICY_CLASS_MATCH, make_of_table},   {"all_of", POLICY_CLASS_MATCH, make_of_table},
    {"not_", POLICY_CLASS_MATCH, make_object},       {"hours", POLICY_CLASS_MATCH, make_of_both},
    {"ranges", POLICY_CLASS_DATA, make_of_both},     {"strings", POLICY_CLASS_DATA, make_of_both},
    {"cidrs", POLICY_CLASS_DATA, make_of_both},      {"domains", POLICY_CLASS_DATA, make_of_both},
    {"prefixes", POLICY_CLASS_DATA, make_of_both},   {"counter", POLICY_CLASS_SHARED, make_of_table},
    {"map", POLICY_CLASS_SHARED, make_of_table},     {"bucket", POLICY_CLASS_SHARED, make_of_table},
};

void policy_lua_match_open(lua_State *L)
{
    for (size_t i = 0; i < sizeof(constructors) / sizeof(constructors[0]); i++) {
        lua_pushstring(L, constructors[i].name);
        lua_pushinteger(L, constructors[i].class);
        lua_pushcclosure(L, constructors[i].function, 2);
        vm_set_global(L, constructors[i].name);
    }
    lua_pushcfunction(L, make_policy);
    vm_set_global(L, "policy");
}
