/* SPDX-License-Identifier: Apache-2.0 */
/* string.find, match, gmatch and gsub over the charged matcher. */
#include "vm/vm_pattern.h"

enum { CALL_UNITS = 6, BYTES_PER_UNIT = 8 };

static struct span check_span(lua_State *state, int index)
{
    struct span span;
    span.at = luaL_checklstring(state, index, &span.len);
    return span;
}

/* A position as scripts give it (from 1, negative from the end) as an offset, which may lie behind the end. */
static size_t start_offset(lua_Integer position, size_t len)
{
    if (position > 0)
        return (size_t)position - 1;
    if (position == 0 || position < -(lua_Integer)len)
        return 0;
    return len - (size_t)(-position);
}

static bool is_plain(struct span pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.at[i] != '\0' && strchr("^$*+?.([%-", pattern.at[i]))
            return false;
    return true;
}

static int find_plain(lua_State *state, struct span subject, struct span wanted, size_t from)
{
    vm_spend(state, (subject.len - from + wanted.len) / BYTES_PER_UNIT);
    const char *rest = subject.at + from;
    const char *found = wanted.len ? memmem(rest, subject.len - from, wanted.at, wanted.len) : rest;
    if (!found) {
        luaL_pushfail(state);
        return 1;
    }
    lua_pushinteger(state, found - subject.at + 1);
    lua_pushinteger(state, found - subject.at + (lua_Integer)wanted.len);
    return 2;
}

/* The first match at or behind `from`: its beginning, with *out_end, or NULL. */
static const char *search(struct vm_pattern *match, struct span pattern, size_t from, const char **out_end)
{
    const char *at = match->subject + from;
    bool anchored = pattern.len && *pattern.at == '^';
    const char *items = pattern.at + (anchored ? 1 : 0);
    do {
        match->level = 0;
        *out_end = vm_pattern_match(match, at, items);
        if (*out_end)
            return at;
    } while (at++ < match->subject_end && !anchored);
    return NULL;
}

static int find_or_match(lua_State *state, bool find)
{
    struct span subject = check_span(state, 1), pattern = check_span(state, 2);
    size_t from = start_offset(luaL_optinteger(state, 3, 1), subject.len);
    vm_spend(state, CALL_UNITS);
    if (from > subject.len) {
        luaL_pushfail(state);
        return 1;
    }
    vm_spend(state, pattern.len / BYTES_PER_UNIT);
    if (find && (lua_toboolean(state, 4) || is_plain(pattern)))
        return find_plain(state, subject, pattern, from);
    struct vm_pattern match;
    vm_pattern_init(&match, state, subject, pattern);
    const char *end;
    const char *at = search(&match, pattern, from, &end);
    vm_pattern_done(&match);
    if (!at) {
        luaL_pushfail(state);
        return 1;
    }
    if (!find)
        return vm_pattern_push_captures(&match, at, end);
    lua_pushinteger(state, at - subject.at + 1);
    lua_pushinteger(state, end - subject.at);
    return 2 + vm_pattern_push_captures(&match, NULL, NULL);
}

static int string_find(lua_State *state)
{
    return find_or_match(state, true);
}

static int string_match(lua_State *state)
{
    return find_or_match(state, false);
}

/* Upvalues: subject, pattern, where to go on, where the last match ended (-1: none).  An empty match where the last one
 * ended is not one. */
static int gmatch_next(lua_State *state)
{
    struct span subject, pattern;
    subject.at = lua_tolstring(state, lua_upvalueindex(1), &subject.len);
    pattern.at = lua_tolstring(state, lua_upvalueindex(2), &pattern.len);
    const char *at = subject.at + lua_tointeger(state, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(state, lua_upvalueindex(4));
    vm_spend(state, CALL_UNITS);
    struct vm_pattern match;
    vm_pattern_init(&match, state, subject, pattern);
    for (; at <= match.subject_end; at++) {
        match.level = 0;
        const char *end = vm_pattern_match(&match, at, pattern.at);
        if (!end || end - subject.at == last)
            continue;
        vm_pattern_done(&match);
        lua_pushinteger(state, end - subject.at);
        lua_pushvalue(state, -1);
        lua_replace(state, lua_upvalueindex(3));
        lua_replace(state, lua_upvalueindex(4));
        return vm_pattern_push_captures(&match, at, end);
    }
    vm_pattern_done(&match);
    return 0;
}

static int string_gmatch(lua_State *state)
{
    struct span subject = check_span(state, 1);
    check_span(state, 2);
    size_t from = start_offset(luaL_optinteger(state, 3, 1), subject.len);
    lua_settop(state, 2);
    lua_pushinteger(state, (lua_Integer)(from > subject.len ? subject.len + 1 : from));
    lua_pushinteger(state, -1);
    lua_pushcclosure(state, gmatch_next, 4);
    return 1;
}

/* The replacement string with its %0 to %9 and %%. */
static void add_template(struct vm_pattern *match, luaL_Buffer *out, const char *at, const char *end)
{
    lua_State *state = match->state;
    size_t len;
    const char *template = lua_tolstring(state, 3, &len);
    const char *template_end = template + len;
    vm_spend(state, len / BYTES_PER_UNIT);
    for (const char *escape; (escape = memchr(template, '%', (size_t)(template_end - template))); template ++) {
        luaL_addlstring(out, template, (size_t)(escape - template));
        template = escape + 1;
        char kind = template <template_end ? *template : '\0';
        if (kind == '%') {
            luaL_addchar(out, '%');
        } else if (kind == '0') {
            luaL_addlstring(out, at, (size_t)(end - at));
        } else if (kind >= '1' && kind <= '9') {
            vm_pattern_push_capture(match, kind - '1', at, end);
            luaL_tolstring(state, -1, NULL); /* a position is a number */
            lua_remove(state, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(state, "invalid use of '%%' in replacement string");
        }
        vm_spend(state, 2);
    }
    luaL_addlstring(out, template, (size_t)(template_end - template));
}

/* Adds what takes the place of [at, end). */
static void add_replacement(struct vm_pattern *match, luaL_Buffer *out, const char *at, const char *end)
{
    lua_State *state = match->state;
    int type = lua_type(state, 3);
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(state, 3);
        lua_call(state, vm_pattern_push_captures(match, at, end), 1);
    } else if (type == LUA_TTABLE) {
        vm_pattern_push_capture(match, 0, at, end);
        lua_gettable(state, 3);
    } else {
        add_template(match, out, at, end);
        return;
    }
    if (!lua_toboolean(state, -1)) {
        lua_pop(state, 1);
        luaL_addlstring(out, at, (size_t)(end - at));
        return;
    }
    if (!lua_isstring(state, -1))
        luaL_error(state, "invalid replacement value (a %s)", luaL_typename(state, -1));
    vm_spend(state, lua_rawlen(state, -1) / BYTES_PER_UNIT);
    luaL_addvalue(out);
}

/* Replaces up to `most` matches; how many there were. */
static lua_Integer replace_all(struct vm_pattern *match, luaL_Buffer *out, struct span pattern, lua_Integer most)
{
    bool anchored = pattern.len && *pattern.at == '^';
    const char *items = pattern.at + (anchored ? 1 : 0);
    const char *at = match->subject, *last = NULL;
    lua_Integer count = 0;
    while (count < most) {
        match->level = 0;
        const char *end = vm_pattern_match(match, at, items);
        if (end && end != last) {
            count++;
            add_replacement(match, out, at, end);
            at = last = end;
        } else if (at < match->subject_end) {
            luaL_addchar(out, *at++);
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(out, at, (size_t)(match->subject_end - at));
    return count;
}

static int string_gsub(lua_State *state)
{
    struct span subject = check_span(state, 1), pattern = check_span(state, 2);
    int type = lua_type(state, 3);
    luaL_argexpected(state, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer most = luaL_optinteger(state, 4, (lua_Integer)subject.len + 1);
    vm_spend(state, CALL_UNITS + (subject.len + pattern.len) / BYTES_PER_UNIT);
    if (type == LUA_TNUMBER)
        lua_tolstring(state, 3, NULL);
    struct vm_pattern match;
    vm_pattern_init(&match, state, subject, pattern);
    luaL_Buffer out;
    luaL_buffinit(state, &out);
    lua_Integer count = replace_all(&match, &out, pattern, most);
    vm_pattern_done(&match);
    luaL_pushresult(&out);
    lua_pushinteger(state, count);
    return 2;
}

void vm_match_open(lua_State *state)
{
    static const luaL_Reg functions[] = {
        {"find", string_find}, {"gmatch", string_gmatch}, {"gsub", string_gsub}, {"match", string_match}, {NULL, NULL}};
    luaL_setfuncs(state, functions, 0);
}
