/* SPDX-License-Identifier: Apache-2.0 */
/* table.sort as a heapsort: n log n comparisons at worst, no pivot to choose, and a comparator that lies can only spoil
 * the order: all indices come from the length.  (The manual's "invalid order function" is never raised.)  Each
 * comparison and move is charged. */
#include "vm/vm_priv.h"
#include <limits.h>

enum { COMPARE_UNITS = 4, BYTES_PER_UNIT = 16 };

/* Strings by their bytes, as strcoll does in the C locale, but in time linear in their length whatever they hold. */
static bool string_is_less(lua_State *state)
{
    struct span a, b;
    a.at = lua_tolstring(state, -2, &a.len);
    b.at = lua_tolstring(state, -1, &b.len);
    vm_spend(state, (a.len < b.len ? a.len : b.len) / BYTES_PER_UNIT);
    return span_compare(a, b) < 0;
}

/* Of the two values on top, which stay: whether the first comes before the second. */
static bool is_less(lua_State *state)
{
    vm_spend(state, COMPARE_UNITS);
    if (!lua_isnil(state, 2)) {
        lua_pushvalue(state, 2);
        lua_pushvalue(state, -3);
        lua_pushvalue(state, -3);
        lua_call(state, 2, 1);
        bool less = lua_toboolean(state, -1);
        lua_pop(state, 1);
        return less;
    }
    if (lua_type(state, -2) == LUA_TSTRING && lua_type(state, -1) == LUA_TSTRING)
        return string_is_less(state);
    return lua_compare(state, -2, -1, LUA_OPLT);
}

/* Sinks the value on top, which is popped, from `hole` into the heap [1, end]. */
static void sink(lua_State *state, lua_Integer hole, lua_Integer end)
{
    int value = lua_gettop(state);
    while (hole <= end / 2) {
        lua_Integer child = 2 * hole;
        lua_geti(state, 1, child);
        if (child < end) {
            lua_geti(state, 1, child + 1);
            if (is_less(state)) {
                child++;
                lua_replace(state, -2);
            } else {
                lua_pop(state, 1);
            }
        }
        lua_pushvalue(state, value);
        lua_insert(state, -2); /* value, child */
        if (!is_less(state)) {
            lua_settop(state, value);
            break;
        }
        lua_seti(state, 1, hole);
        lua_settop(state, value);
        hole = child;
    }
    lua_seti(state, 1, hole);
}

int vm_table_sort(lua_State *state)
{
    if (lua_type(state, 1) != LUA_TTABLE &&
        (!luaL_getmetafield(state, 1, "__index") || !luaL_getmetafield(state, 1, "__newindex") ||
         !luaL_getmetafield(state, 1, "__len")))
        luaL_checktype(state, 1, LUA_TTABLE);
    lua_Integer count = luaL_len(state, 1);
    if (count < 2)
        return 0;
    luaL_argcheck(state, count < INT_MAX, 1, "array too big");
    if (!lua_isnoneornil(state, 2))
        luaL_checktype(state, 2, LUA_TFUNCTION);
    lua_settop(state, 2);
    luaL_checkstack(state, 12, NULL);
    for (lua_Integer root = count / 2; root >= 1; root--) {
        lua_geti(state, 1, root);
        sink(state, root, count);
    }
    for (lua_Integer end = count; end > 1; end--) {
        lua_geti(state, 1, end);
        lua_geti(state, 1, 1);
        lua_seti(state, 1, end);
        sink(state, 1, end - 1);
    }
    return 0;
}
