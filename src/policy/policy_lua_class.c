/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of what our constructors return: a table with a locked metatable, known by its identity. */
#include "policy/policy_priv.h"

static const char class_keys[POLICY_CLASS_COUNT]; /* their addresses are the registry's keys */

static const char *const class_names[POLICY_CLASS_COUNT] = {"policy", "match", "data", "shared"};

void policy_lua_class_open(lua_State *L)
{
    for (unsigned i = 0; i < POLICY_CLASS_COUNT; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, class_names[i]);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__metatable");
        lua_setfield(L, -2, "__name");
        lua_rawsetp(L, LUA_REGISTRYINDEX, &class_keys[i]);
    }
}

void policy_lua_class_set(lua_State *L, enum policy_class class)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_keys[class]);
    lua_setmetatable(L, -2);
}

bool policy_lua_is_class(lua_State *L, int index, enum policy_class class)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_keys[class]);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}
