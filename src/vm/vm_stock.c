/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the stock libraries that are safe once their cost is charged: those that take time in proportion to the
 * bytes they are given (or to a result that the allocator bounds), and those of constant cost.  Also `math` and `utf8`,
 * which are made of nothing else but math.random. */
#include "vm/vm_priv.h"
#include <lualib.h>

enum { CALL_UNITS = 4, BYTES_PER_UNIT = 4 };

/* Upvalue 1: the stock function, which uses no upvalues of its own and so can run in our frame. */
static int charged(lua_State *state)
{
    uint64_t bytes = 0;
    int top = lua_gettop(state);
    for (int i = 1; i <= top; i++)
        bytes += lua_type(state, i) == LUA_TSTRING ? lua_rawlen(state, i) : BYTES_PER_UNIT;
    vm_spend(state, CALL_UNITS + bytes / BYTES_PER_UNIT);
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

void vm_stock_wrap_top(lua_State *state)
{
    invariant(lua_iscfunction(state, -1));
    lua_pushcclosure(state, charged, 1);
}

void vm_stock_wrap(lua_State *state, int library, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(state, library, *names);
        vm_stock_wrap_top(state);
        lua_setfield(state, -2, *names);
    }
}

void vm_stock_copy(lua_State *state, int library, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(state, library, *names);
        lua_setfield(state, -2, *names);
    }
}

void vm_stock_open(lua_State *state, lua_CFunction opener)
{
    lua_pushcfunction(state, opener);
    lua_call(state, 0, 1);
}

/* A uniform integer in [low, high] from the decision's generator. */
static lua_Integer draw_between(struct vm *vm, lua_Integer low, lua_Integer high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low;
    if (span == UINT64_MAX)
        return (lua_Integer)random_u64(vm_random(vm));
    return (lua_Integer)((uint64_t)low + random_below(vm_random(vm), span + 1));
}

static int math_random(lua_State *state)
{
    struct vm *vm = vm_get(state);
    lua_Integer low = 1, high = 0;
    switch (lua_gettop(state)) {
    case 0:
        lua_pushnumber(state, (lua_Number)(random_u64(vm_random(vm)) >> 11) * 0x1p-53);
        return 1;
    case 1:
        high = luaL_checkinteger(state, 1);
        if (high == 0) {
            lua_pushinteger(state, (lua_Integer)random_u64(vm_random(vm)));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(state, 1);
        high = luaL_checkinteger(state, 2);
        break;
    default:
        return luaL_error(state, "wrong number of arguments");
    }
    luaL_argcheck(state, low <= high, 1, "interval is empty");
    lua_pushinteger(state, draw_between(vm, low, high));
    return 1;
}

void vm_math_open(lua_State *state)
{
    static const char *const constant[] = {"abs",   "acos", "asin", "atan", "ceil",       "cos",        "deg",  "exp",
                                           "floor", "fmod", "huge", "log",  "maxinteger", "mininteger", "modf", "pi",
                                           "rad",   "sin",  "sqrt", "tan",  "tointeger",  "type",       "ult",  NULL};
    static const char *const linear[] = {"max", "min", NULL};
    vm_stock_open(state, luaopen_math);
    lua_insert(state, -2);
    vm_stock_copy(state, lua_gettop(state) - 1, constant);
    vm_stock_wrap(state, lua_gettop(state) - 1, linear);
    lua_remove(state, -2);
    lua_pushcfunction(state, math_random);
    lua_setfield(state, -2, "random");
}

/* Positions as scripts give them, negative from the end, as the stock function reads them. */
static lua_Integer absolute(lua_Integer position, size_t len)
{
    if (position >= 0)
        return position;
    return position < -(lua_Integer)len ? 0 : (lua_Integer)len + position + 1;
}

/* Upvalue 1: the stock utf8.codepoint. */
static int utf8_codepoint(lua_State *state)
{
    size_t len;
    luaL_checklstring(state, 1, &len);
    lua_Integer from = absolute(luaL_optinteger(state, 2, 1), len);
    lua_Integer to = absolute(luaL_optinteger(state, 3, from), len);
    if (from >= 1 && to <= (lua_Integer)len && to - from >= VM_RESULTS_MAX)
        return luaL_error(state, "string slice too long");
    vm_spend(state, CALL_UNITS + (uint64_t)(to > from ? to - from : 0));
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

void vm_utf8_open(lua_State *state)
{
    static const char *const constant[] = {"charpattern", NULL};
    static const char *const linear[] = {"char", "codes", "len", "offset", NULL};
    vm_stock_open(state, luaopen_utf8);
    lua_insert(state, -2);
    vm_stock_copy(state, lua_gettop(state) - 1, constant);
    vm_stock_wrap(state, lua_gettop(state) - 1, linear);
    lua_getfield(state, -2, "codepoint");
    lua_pushcclosure(state, utf8_codepoint, 1);
    lua_setfield(state, -2, "codepoint");
    lua_remove(state, -2);
}
