/* SPDX-License-Identifier: Apache-2.0 */
/* `string` without its patterns (vm_match.c): rep and format are ours, the rest is the stock library's behind a charge. */
#include "vm/vm_priv.h"
#include <lualib.h>

enum { BYTES_PER_UNIT = 8, CONVERSION_UNITS = 40, FIXED_UNITS = 300 /* %f may write 400 digits */ };

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
        vm_spend(state, letter == 'f' ? FIXED_UNITS : CONVERSION_UNITS);
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

/* The bytes of [from, to] as numbers; too many would overflow the stack, which is a kill. */
static int string_byte(lua_State *state)
{
    size_t len;
    const char *text = luaL_checklstring(state, 1, &len);
    lua_Integer from = luaL_optinteger(state, 2, 1), to = luaL_optinteger(state, 3, from), size = (lua_Integer)len;
    if (from < 0)
        from = from < -size ? 1 : size + from + 1;
    else if (from == 0)
        from = 1;
    if (to > size)
        to = size;
    else if (to < 0)
        to = to < -size ? 0 : size + to + 1;
    if (from > to)
        return 0;
    if (to - from >= VM_RESULTS_MAX)
        return luaL_error(state, "string slice too long");
    vm_spend(state, 4 + (uint64_t)(to - from));
    luaL_checkstack(state, (int)(to - from + 1), "string slice too long");
    for (lua_Integer i = from; i <= to; i++)
        lua_pushinteger(state, (unsigned char)text[i - 1]);
    return (int)(to - from + 1);
}

/* Upvalue 1: the stock string.unpack; a format of so many bytes cannot give more results. */
static int string_unpack(lua_State *state)
{
    size_t format_len, len;
    luaL_checklstring(state, 1, &format_len);
    luaL_checklstring(state, 2, &len);
    luaL_argcheck(state, format_len < VM_RESULTS_MAX, 1, "format too long");
    vm_spend(state, 4 + 8 * format_len + len / BYTES_PER_UNIT);
    return lua_tocfunction(state, lua_upvalueindex(1))(state);
}

static void wrap_one(lua_State *state, int library, const char *name, lua_CFunction function)
{
    lua_getfield(state, library, name);
    lua_pushcclosure(state, function, 1);
    lua_setfield(state, -2, name);
}

void vm_string_open(lua_State *state)
{
    static const char *const linear[] = {"char", "len", "lower", "pack", "packsize", "reverse", "sub", "upper", NULL};
    vm_stock_open(state, luaopen_string);
    lua_insert(state, -2);
    int library = lua_gettop(state) - 1;
    vm_stock_wrap(state, library, linear);
    wrap_one(state, library, "format", vm_string_format);
    wrap_one(state, library, "unpack", string_unpack);
    lua_pushcfunction(state, string_byte);
    lua_setfield(state, -2, "byte");
    lua_pushcfunction(state, string_rep);
    lua_setfield(state, -2, "rep");
    lua_remove(state, library);
}
