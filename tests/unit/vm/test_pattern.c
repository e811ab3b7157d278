/* SPDX-License-Identifier: Apache-2.0 */
/* Random patterns, subjects and replacements give the same in a stock Lua, malformed ones included. */
#include "support_vm.h"
#include "util/random.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 60000, TEXT_MAX = 64 };

/* Results of all four functions as one text; both sides run these very bytes. */
static const char SOURCE[] =
    "local function show(ok, ...) local t = { ok and 'ok' or 'error', ... }\n"
    "for i = 2, select('#', ...) + 1 do t[i] = tostring(t[i]) end return table.concat(t, '|') end\n"
    "local function all(s, p) local t = {} for a, b in string.gmatch(s, p) do\n"
    "t[#t + 1] = tostring(a) .. '/' .. tostring(b) if #t > 40 then break end end return table.concat(t, ',') end\n"
    "return function(s, p, r, n) return show(pcall(string.find, s, p, n)) .. ' ' .. show(pcall(string.match, s, p, "
    "n))\n"
    ".. ' ' .. show(pcall(string.gsub, s, p, r)) .. ' ' .. show(pcall(all, s, p)) end";

static void random_text(struct random *random, const char *const *pieces, size_t count, char *out)
{
    size_t len = 0;
    for (uint64_t i = random_below(random, 9); i > 0; i--) {
        const char *piece = pieces[random_below(random, count)];
        if (len + strlen(piece) >= TEXT_MAX)
            break;
        memcpy(out + len, piece, strlen(piece));
        len += strlen(piece);
    }
    out[len] = '\0';
}

struct pattern_case {
    char subject[TEXT_MAX], pattern[TEXT_MAX], replacement[TEXT_MAX];
    int from;
};

static struct pattern_case random_case(struct random *random)
{
    static const char *const subjects[] = {"a", "b", "ab", "A", "1", " ", "(", ")", "%", "]", "-", "^", "\xe4", "."};
    static const char *const patterns[] = {
        "a",    "b",   ".",  "%a", "%d", "%s",   "%A",   "[ab]",  "[^a]", "[a-c]", "*",   "+",    "-",
        "?",    "(",   ")",  "()", "%1", "%2",   "%b()", "^",     "$",    "%f[a]", "%",   "[",    "]",
        "[%a]", "[]]", "%%", "%]", "a*", "(a+)", "(.-)", "[%w-]", "%g",   "[^%]",  "[a-", "\xe4", "%x"};
    static const char *const replacements[] = {"x", "%0", "%1", "%2", "%%", "%", "<", ">"};
    struct pattern_case made;
    random_text(random, subjects, sizeof(subjects) / sizeof(subjects[0]), made.subject);
    random_text(random, patterns, sizeof(patterns) / sizeof(patterns[0]), made.pattern);
    random_text(random, replacements, sizeof(replacements) / sizeof(replacements[0]), made.replacement);
    made.from = (int)random_below(random, 12) - 4;
    return made;
}

/* Pushes the arguments in protected mode and calls the function at upvalue 1 with them. */
static int call_case(lua_State *state)
{
    const struct pattern_case *one = lua_touserdata(state, 1);
    lua_rawgeti(state, LUA_REGISTRYINDEX, lua_tointeger(state, 2));
    lua_pushstring(state, one->subject);
    lua_pushstring(state, one->pattern);
    lua_pushstring(state, one->replacement);
    lua_pushinteger(state, one->from);
    lua_call(state, 4, 1);
    return 1;
}

static void push_case(lua_State *state, struct pattern_case *one, int kept)
{
    lua_pushcfunction(state, call_case);
    lua_pushlightuserdata(state, one);
    lua_pushinteger(state, kept);
}

static void random_patterns_match_alike(void **unused)
{
    (void)unused;
    struct random random;
    random_seed(&random, 20260131);
    struct vm *vm = test_vm_with(&(struct vm_options){.fuel = 1000000000});
    int ours = test_keep(vm, SOURCE);
    vm_seal(vm);
    lua_State *stock = luaL_newstate();
    luaL_openlibs(stock);
    assert_int_equal(luaL_loadbuffer(stock, SOURCE, sizeof(SOURCE) - 1, "@test.lua"), LUA_OK);
    lua_call(stock, 0, 1);
    int theirs = luaL_ref(stock, LUA_REGISTRYINDEX);
    for (int i = 0; i < CASES / (TEST_SANITIZED ? 40 : 1); i++) {
        struct pattern_case one = random_case(&random);
        struct vm_outcome outcome;
        push_case(stock, &one, theirs);
        assert_int_equal(lua_pcall(stock, 2, 1, 0), LUA_OK);
        vm_begin_decision(vm, 0, 0);
        push_case(vm_state(vm), &one, ours);
        assert_int_equal(vm_call(vm, 2, 1, &outcome), OK);
        const char *got = lua_tostring(vm_state(vm), -1), *wanted = lua_tostring(stock, -1);
        if (strcmp(got, wanted) != 0)
            fail_msg("subject \"%s\", pattern \"%s\", replacement \"%s\", from %d\n stock: %s\n ours:  %s", one.subject,
                     one.pattern, one.replacement, one.from, wanted, got);
        lua_settop(vm_state(vm), 0);
        lua_settop(stock, 0);
        vm_collect_outside(vm);
    }
    lua_close(stock);
    vm_free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_patterns_match_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
