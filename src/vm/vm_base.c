/* SPDX-License-Identifier: Apache-2.0 */
/* The basic functions: as the manual has them (6.1), but pcall cannot catch a kill, tostring shows no address, and
 * setmetatable takes no metamethod that would run outside the budget. */
#include "vm/vm_priv.h"
#include <ctype.h>

/* Raising costs a message, an unwinding and a long jump; some scripts do nothing else. */
enum { PCALL_UNITS = 20, CAUGHT_UNITS = 150 };

static int base_pcall(lua_State *state)
{
    luaL_checkany(state, 1);
    vm_spend(state, PCALL_UNITS);
    lua_pushboolean(state, 1);
    lua_insert(state, 1);
    int status = lua_pcall(state, lua_gettop(state) - 2, LUA_MULTRET, 0);
    if (vm_is_stopped(vm_get(state)))
        vm_raise_kill(state);
    if (status == LUA_OK)
        return lua_gettop(state);
    vm_spend(state, CAUGHT_UNITS);
    lua_pushboolean(state, 0);
    lua_replace(state, 1);
    return lua_gettop(state);
}

static int base_error(lua_State *state)
{
    int level = (int)luaL_optinteger(state, 2, 1);
    lua_settop(state, 1);
    if (lua_type(state, 1) == LUA_TSTRING && level > 0) {
        luaL_where(state, level);
        lua_insert(state, 1);
        lua_concat(state, 2);
    }
    return lua_error(state);
}

static int base_assert(lua_State *state)
{
    if (lua_toboolean(state, 1))
        return lua_gettop(state);
    luaL_checkany(state, 1);
    lua_remove(state, 1);
    lua_pushliteral(state, "assertion failed!");
    lua_settop(state, 1);
    return base_error(state);
}

static int base_select(lua_State *state)
{
    int count = lua_gettop(state);
    vm_spend(state, (uint64_t)count / 4);
    if (lua_type(state, 1) == LUA_TSTRING && *lua_tostring(state, 1) == '#') {
        lua_pushinteger(state, count - 1);
        return 1;
    }
    lua_Integer from = luaL_checkinteger(state, 1);
    if (from < 0)
        from = count + from;
    else if (from > count)
        from = count;
    luaL_argcheck(state, 1 <= from, 1, "index out of range");
    return count - (int)from;
}

static int base_type(lua_State *state)
{
    luaL_checkany(state, 1);
    lua_pushstring(state, luaL_typename(state, 1));
    return 1;
}

/* Tables, functions and userdata show their type, or the name that their metatable gives. */
const char *vm_push_text(lua_State *state, int index, size_t *out_len)
{
    index = lua_absindex(state, index);
    if (luaL_callmeta(state, index, "__tostring")) {
        if (!lua_isstring(state, -1))
            luaL_error(state, "'__tostring' must return a string");
        return lua_tolstring(state, -1, out_len);
    }
    switch (lua_type(state, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
        lua_pushvalue(state, index);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(state, lua_toboolean(state, index) ? "true" : "false");
        break;
    case LUA_TNIL:
        lua_pushliteral(state, "nil");
        break;
    default:
        if (luaL_getmetafield(state, index, "__name") != LUA_TSTRING)
            lua_pushstring(state, luaL_typename(state, index));
        break;
    }
    return lua_tolstring(state, -1, out_len);
}

static int base_tostring(lua_State *state)
{
    luaL_checkany(state, 1);
    vm_push_text(state, 1, NULL);
    return 1;
}

/* Digits of `base` with an optional sign and white space around, as the manual allows. */
static bool parse_in_base(const char *at, const char *end, int base, lua_Integer *out_value)
{
    lua_Unsigned value = 0;
    while (at < end && isspace((unsigned char)*at))
        at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    const char *first = at;
    for (; at < end && isalnum((unsigned char)*at); at++) {
        int digit = isdigit((unsigned char)*at) ? *at - '0' : toupper((unsigned char)*at) - 'A' + 10;
        if (digit >= base)
            return false;
        value = value * (lua_Unsigned)base + (lua_Unsigned)digit;
    }
    if (at == first)
        return false;
    while (at < end && isspace((unsigned char)*at))
        at++;
    *out_value = (lua_Integer)(negative ? 0u - value : value);
    return at == end;
}

static int base_tonumber(lua_State *state)
{
    size_t len;
    if (lua_isnoneornil(state, 2)) {
        luaL_checkany(state, 1);
        if (lua_type(state, 1) == LUA_TNUMBER) {
            lua_settop(state, 1);
            return 1;
        }
        const char *text = lua_type(state, 1) == LUA_TSTRING ? lua_tolstring(state, 1, &len) : NULL;
        if (text) {
            vm_spend(state, len / 2);
            if (lua_stringtonumber(state, text) == len + 1)
                return 1;
        }
        luaL_pushfail(state);
        return 1;
    }
    lua_Integer base = luaL_checkinteger(state, 2);
    luaL_checktype(state, 1, LUA_TSTRING);
    const char *text = lua_tolstring(state, 1, &len);
    luaL_argcheck(state, 2 <= base && base <= 36, 2, "base out of range");
    vm_spend(state, len / 2);
    lua_Integer value;
    if (parse_in_base(text, text + len, (int)base, &value))
        lua_pushinteger(state, value);
    else
        luaL_pushfail(state);
    return 1;
}

static int ipairs_next(lua_State *state)
{
    lua_Integer index = luaL_intop(+, luaL_checkinteger(state, 2), 1);
    vm_spend(state, 1);
    lua_pushinteger(state, index);
    return lua_geti(state, 1, index) == LUA_TNIL ? 1 : 2;
}

static int base_ipairs(lua_State *state)
{
    luaL_checkany(state, 1);
    lua_pushcfunction(state, ipairs_next);
    lua_pushvalue(state, 1);
    lua_pushinteger(state, 0);
    return 3;
}

static int base_getmetatable(lua_State *state)
{
    luaL_checkany(state, 1);
    if (!lua_getmetatable(state, 1))
        lua_pushnil(state);
    else
        luaL_getmetafield(state, 1, "__metatable");
    return 1; /* the field, or below it the metatable */
}

/* Finalisers and closers run where no budget reaches them, weak tables make answers depend on the collector. */
static int base_setmetatable(lua_State *state)
{
    static const char *const refused[] = {"__gc", "__close", "__mode"};
    int type = lua_type(state, 2);
    luaL_checktype(state, 1, LUA_TTABLE);
    luaL_argexpected(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL)
        return luaL_error(state, "cannot change a protected metatable");
    for (size_t i = 0; type == LUA_TTABLE && i < sizeof(refused) / sizeof(refused[0]); i++) {
        lua_pushstring(state, refused[i]);
        if (lua_rawget(state, 2) != LUA_TNIL)
            return luaL_error(state, "setmetatable: %s is not available to policies", refused[i]);
        lua_pop(state, 1);
    }
    lua_settop(state, 2);
    lua_setmetatable(state, 1);
    return 1;
}

void vm_base_open(lua_State *state)
{
    static const luaL_Reg functions[] = {
        {"assert", base_assert},     {"error", base_error},       {"getmetatable", base_getmetatable},
        {"ipairs", base_ipairs},     {"pairs", vm_pairs},         {"pcall", base_pcall},
        {"require", vm_require},     {"select", base_select},     {"setmetatable", base_setmetatable},
        {"tonumber", base_tonumber}, {"tostring", base_tostring}, {"type", base_type},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        lua_pushcfunction(state, functions[i].func);
        vm_set_global(state, functions[i].name);
    }
}
