/* SPDX-License-Identifier: Apache-2.0 */
/* `table` (manual, 6.6) with each element charged: a __len that lies, or a range over a million holes, costs fuel like any
 * other loop.  sort is in vm_sort.c. */
#include "vm/vm_priv.h"
#include <limits.h>

enum { ELEMENT_UNITS = 3, BYTES_PER_UNIT = 8 };

enum access { READ = 1, WRITE = 2, LENGTH = 4 };

static bool has_field(lua_State *state, int index, const char *name)
{
    if (luaL_getmetafield(state, index, name) == LUA_TNIL)
        return false;
    lua_pop(state, 1);
    return true;
}

/* What is no table must have the metamethods that the function needs. */
static void check_access(lua_State *state, int index, int access)
{
    if (lua_type(state, index) == LUA_TTABLE)
        return;
    if ((access & READ && !has_field(state, index, "__index")) ||
        (access & WRITE && !has_field(state, index, "__newindex")) ||
        (access & LENGTH && !has_field(state, index, "__len")))
        luaL_checktype(state, index, LUA_TTABLE);
}

static lua_Integer length(lua_State *state, int index, int access)
{
    check_access(state, index, access | LENGTH);
    vm_spend(state, ELEMENT_UNITS);
    return luaL_len(state, index);
}

static int table_insert(lua_State *state)
{
    lua_Integer end = luaL_intop(+, length(state, 1, READ | WRITE), 1);
    lua_Integer position = end;
    switch (lua_gettop(state)) {
    case 2:
        break;
    case 3:
        position = luaL_checkinteger(state, 2);
        luaL_argcheck(state, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > position; i--) {
            vm_spend(state, ELEMENT_UNITS);
            lua_geti(state, 1, i - 1);
            lua_seti(state, 1, i);
        }
        break;
    default:
        return luaL_error(state, "wrong number of arguments to 'insert'");
    }
    lua_seti(state, 1, position);
    return 0;
}

static int table_remove(lua_State *state)
{
    lua_Integer size = length(state, 1, READ | WRITE);
    lua_Integer position = luaL_optinteger(state, 2, size);
    if (position != size) /* the stock library says argument 1, too */
        luaL_argcheck(state, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 1, "position out of bounds");
    lua_geti(state, 1, position);
    for (; position < size; position++) {
        vm_spend(state, ELEMENT_UNITS);
        lua_geti(state, 1, position + 1);
        lua_seti(state, 1, position);
    }
    lua_pushnil(state);
    lua_seti(state, 1, position);
    return 1;
}

static int table_move(lua_State *state)
{
    lua_Integer from = luaL_checkinteger(state, 2), end = luaL_checkinteger(state, 3);
    lua_Integer to = luaL_checkinteger(state, 4);
    int target = lua_isnoneornil(state, 5) ? 1 : 5;
    check_access(state, 1, READ);
    check_access(state, target, WRITE);
    if (end >= from) {
        luaL_argcheck(state, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
        lua_Integer count = end - from + 1;
        luaL_argcheck(state, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        bool upwards = to > end || to <= from || (target != 1 && !lua_compare(state, 1, target, LUA_OPEQ));
        for (lua_Integer i = 0; i < count; i++) {
            lua_Integer at = upwards ? i : count - 1 - i;
            vm_spend(state, ELEMENT_UNITS);
            lua_geti(state, 1, from + at);
            lua_seti(state, target, to + at);
        }
    }
    lua_pushvalue(state, target);
    return 1;
}

static void add_element(lua_State *state, luaL_Buffer *out, lua_Integer index)
{
    lua_geti(state, 1, index);
    if (!lua_isstring(state, -1))
        luaL_error(state, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(state, -1),
                   (LUAI_UACINT)index);
    vm_spend(state, ELEMENT_UNITS +
                        (lua_type(state, -1) == LUA_TSTRING ? lua_rawlen(state, -1) / BYTES_PER_UNIT : ELEMENT_UNITS));
    luaL_addvalue(out);
}

static int table_concat(lua_State *state)
{
    lua_Integer last = length(state, 1, READ);
    size_t separator_len;
    const char *separator = luaL_optlstring(state, 2, "", &separator_len);
    lua_Integer at = luaL_optinteger(state, 3, 1);
    last = luaL_optinteger(state, 4, last);
    luaL_Buffer out;
    luaL_buffinit(state, &out);
    for (; at < last; at++) {
        add_element(state, &out, at);
        luaL_addlstring(&out, separator, separator_len);
    }
    if (at == last)
        add_element(state, &out, at);
    luaL_pushresult(&out);
    return 1;
}

static int table_pack(lua_State *state)
{
    int count = lua_gettop(state);
    vm_spend(state, (uint64_t)count);
    lua_createtable(state, count, 1);
    lua_insert(state, 1);
    for (int i = count; i >= 1; i--)
        lua_seti(state, 1, i);
    lua_pushinteger(state, count);
    lua_setfield(state, 1, "n");
    return 1;
}

/* The Lua stack is capped, and running into its cap is a kill; so what cannot fit is refused before. */
static int table_unpack(lua_State *state)
{
    lua_Integer at = luaL_optinteger(state, 2, 1);
    lua_Integer end = lua_isnoneornil(state, 3) ? luaL_len(state, 1) : luaL_checkinteger(state, 3);
    if (at > end)
        return 0;
    lua_Unsigned count = (lua_Unsigned)end - (lua_Unsigned)at + 1u;
    if (count == 0 || count > VM_RESULTS_MAX)
        return luaL_error(state, "too many results to unpack");
    luaL_checkstack(state, (int)count, "too many results to unpack");
    for (lua_Unsigned i = 0; i < count; i++) {
        vm_spend(state, 1); /* one by one: each may walk a chain of __index, and the watchdog is heard here */
        lua_geti(state, 1, luaL_intop(+, at, i));
    }
    return (int)count;
}

void vm_table_open(lua_State *state)
{
    static const luaL_Reg functions[] = {
        {"concat", table_concat}, {"insert", table_insert}, {"move", table_move},     {"pack", table_pack},
        {"remove", table_remove}, {"sort", vm_table_sort},  {"unpack", table_unpack}, {NULL, NULL}};
    luaL_setfuncs(state, functions, 0);
}
