/* SPDX-License-Identifier: Apache-2.0 */
/* `string` without its patterns (vm_match.c): rep and format are ours, the rest is the stock library's behind a charge. */
#include "vm/vm_priv.h"
#include <lualib.h>

enum { BYTES_PER_UNIT = 8, CONVERSION_UNITS = 40 };

static int string_rep(lua_State *state)
{
    size_t len, separator_len;
    const char *text = luaL_checklstring(state, 1, &len);
    lua_Integer count = luaL_checkinteger(state, 2);
    const char *separator = luaL_optlstring(state, 3, "", &separator_len);
    if (count <= 0) {
        lua_pushliteral(state, "");
        return 1;
    }
    uint64_t unit = len + separator_len;
    uint64_t max = vm_get(state)->options.string_max + separator_len;
    if (unit && (uint64_t)count > max / unit)
        return luaL_error(state, "string.rep: the result would be longer than %d bytes",
                          (int)vm_get(state)->options.string_max);
    if (!unit)
        count = 1;
    vm_spend(state, (uint64_t)count + unit * (uint64_t)count / BYTES_PER_UNIT);
    luaL_Buffer out;
    luaL_buffinit(state, &out);
    for (; count > 1; count--) {
        luaL_addlstring(&out, text, len);
        luaL_addlstring(&out, separator, separator_len);
    }
    luaL_addlstring(&out, text, len);
    luaL_pushresult(&out);
    return 1;
}

/* The letter that ends the conversion whose flags begin at `at`; NULL where the format ends before. */
static const char *conversion_letter(const char *at, const char *end)
{
    while (at < end && strchr("-+ #0123456789.", *at) && *at != '\0')
        at++;
    return at < end ? at : NULL;
}

/* Charges each conversion, refuses %p, and turns what %s is to show into text of ours.  What is malformed the stock
 * function will say. */
static void prepare_arguments(lua_State *state, const char *at, const char *end)
{
    int argument = 1;
    while ((at = memchr(at, '%', (size_t)(end - at)))) {
        at = conversion_letter(at + 1, end);
        if (!at)
            return;
        char letter = *at++;
        if (letter == '%')
            continue;
        vm_spend(state, CONVERSION_UNITS);
        if (letter == 'p')
            luaL_error(state, "string.format: '%%p' is not available: an address is not the same twice");
        if (++argument > lua_gettop(state))
            return;
        if (letter == 's' && lua_type(state, argument) != LUA_TSTRING) {
            vm_push_text(state, argument, NULL);
            lua_replace(state, argument);
        }
        if (lua_type(state, argument) == LUA_TSTRING)
            vm_spend(state, lua_rawlen(state, argument) / BYTES_PER_UNIT);
    }
}

/* Upvalue 1: the stock string.format. */
int vm_string_format(lua_State *state)
{
    size_t len;
    const char *format = luaL_checklstring(state, 1, &len);
    vm_spend(state, 4 + len / BYTES_PER_UNIT);
    prepare_arguments(state, format, format + len);
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

void vm_string_open(lua_State *state)
{
    static const char *const linear[] = {"byte",    "char", "len",    "lower", "pack", "packsize",
                                         "reverse", "sub",  "unpack", "upper", NULL};
    vm_stock_open(state, luaopen_string);
    lua_insert(state, -2);
    int library = lua_gettop(state) - 1;
    vm_stock_wrap(state, library, linear);
    lua_getfield(state, library, "format");
    lua_pushcclosure(state, vm_string_format, 1);
    lua_setfield(state, -2, "format");
    lua_pushcfunction(state, string_rep);
    lua_setfield(state, -2, "rep");
    lua_remove(state, library);
}
