/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox: all that a script can reach is in environment.golden, and nothing of it can be changed. */
#include "support_vm.h"
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 400, LINE_MAX_LEN = 160 };

struct listing {
    int count;
    char lines[LINES_MAX][LINE_MAX_LEN];
};

static void list_table(lua_State *state, struct listing *listing, const char *path, int depth);

/* The value on top. */
static void list_value(lua_State *state, struct listing *listing, const char *path, int depth)
{
    assert_true(listing->count < LINES_MAX && depth < 8);
    snprintf(listing->lines[listing->count++], LINE_MAX_LEN, "%s: %s", path, luaL_typename(state, -1));
    if (lua_istable(state, -1))
        list_table(state, listing, path, depth);
    if (!lua_getmetatable(state, -1))
        return;
    char inner[LINE_MAX_LEN];
    snprintf(inner, sizeof(inner), "%s<meta>", path);
    list_table(state, listing, inner, depth);
    lua_pop(state, 1);
}

static void list_table(lua_State *state, struct listing *listing, const char *path, int depth)
{
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1)) {
        assert_int_equal(lua_type(state, -2), LUA_TSTRING);
        char inner[LINE_MAX_LEN];
        snprintf(inner, sizeof(inner), "%s.%s", path, lua_tostring(state, -2));
        list_value(state, listing, inner, depth + 1);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void all_that_is_reachable_is_listed(void **unused)
{
    (void)unused;
    struct vm *vm = test_vm();
    lua_State *state = vm_state(vm);
    static struct listing listing;
    lua_rawgeti(state, LUA_REGISTRYINDEX, test_keep(vm, "return _ENV"));
    list_value(state, &listing, "_ENV", 0);
    lua_pushliteral(state, "");
    list_value(state, &listing, "\"\"", 0);
    lua_settop(state, 0);
    vm_free(vm);
    qsort(listing.lines, (size_t)listing.count, LINE_MAX_LEN, compare_lines);
    FILE *golden = fopen(SOURCE_DIR "/tests/unit/vm/environment.golden", getenv("GOLDEN_WRITE") ? "w" : "r");
    assert_non_null(golden);
    for (int i = 0; i < listing.count; i++) {
        char line[LINE_MAX_LEN + 2] = "";
        if (getenv("GOLDEN_WRITE")) {
            fprintf(golden, "%s\n", listing.lines[i]);
            continue;
        }
        assert_non_null(fgets(line, sizeof(line), golden));
        line[strcspn(line, "\n")] = '\0';
        assert_string_equal(listing.lines[i], line);
    }
    assert_int_equal(getenv("GOLDEN_WRITE") ? EOF : fgetc(golden), EOF);
    fclose(golden);
}

static void refuses(const char *source, const char *said)
{
    struct vm_outcome outcome;
    char whole[512];
    snprintf(whole, sizeof(whole), "return function() %s end", source);
    if (test_run(whole, &outcome) != ERR_SCRIPT || !strstr(outcome.text, said))
        fail_msg("%s: %s, \"%s\"", source, vm_failure_name(outcome.failure), outcome.text);
}

static void nothing_of_it_can_be_changed(void **state)
{
    (void)state;
    refuses("x = 1", "cannot write global 'x' (use 'local')");
    refuses("string = nil", "cannot write global 'string'");
    refuses("function f() end", "cannot write global 'f'");
    refuses("_ENV.x = 1", "cannot write global 'x'");
    refuses("_ENV[1] = 1", "cannot write global");
    refuses("string.x = 1", "string is read-only: cannot set 'x'");
    refuses("string.format = 1", "string is read-only");
    refuses("table[1] = 1", "table is read-only");
    refuses("setmetatable(string, {})", "protected metatable");
    refuses("setmetatable(_ENV, nil)", "protected metatable");
    refuses("getmetatable('').x = 1", "attempt to index a boolean value");
    refuses("setmetatable('', {})", "table expected");
    refuses("return undefined_thing", "there is no global 'undefined_thing'");
    static const char *const absent[] = {"next",   "rawset",     "rawget",   "rawequal", "rawlen",
                                         "load",   "loadstring", "loadfile", "dofile",   "coroutine",
                                         "os",     "io",         "debug",    "package",  "collectgarbage",
                                         "xpcall", "print",      "_G",       "_VERSION", "warn"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        char source[64];
        snprintf(source, sizeof(source), "return %s", absent[i]);
        refuses(source, "there is no global");
    }
    refuses("return string.dump(function() end)", "attempt to call a nil value");
    refuses("math.randomseed(1)", "attempt to call a nil value");
    refuses("setmetatable({}, { __gc = 1 })", "__gc is not available");
    refuses("setmetatable({}, { __close = false })", "__close is not available");
    refuses("setmetatable({}, { __mode = 'k' })", "__mode is not available");
}

static void it_is_a_load_error_too(void **unused)
{
    (void)unused;
    struct vm *vm = test_vm();
    struct vm_outcome outcome;
    struct fault fault;
    assert_int_equal(vm_load(vm, "policy.lua", SPAN("local a = 1\nleaked = a\nreturn {}"), &fault), OK);
    assert_int_equal(vm_call(vm, 0, 1, &outcome), ERR_SCRIPT);
    assert_string_equal(outcome.file, "policy.lua");
    assert_int_equal(outcome.line, 2);
    assert_string_equal(outcome.text, "cannot write global 'leaked' (use 'local')");
    vm_free(vm);
}

static int add_globals(lua_State *state)
{
    lua_pushinteger(state, 7);
    vm_set_global(state, "seven");
    lua_newtable(state);
    lua_pushinteger(state, 1);
    lua_setfield(state, -2, "one");
    vm_set_global_table(state, "numbers");
    return 0;
}

static void the_owner_adds_globals(void **unused)
{
    (void)unused;
    struct vm *vm = test_vm();
    struct vm_outcome outcome;
    assert_int_equal(vm_protect(vm, add_globals, NULL, &outcome), OK);
    int kept = test_keep(vm, "return function() local s = '' for k, v in pairs(numbers) do s = s .. k .. v end\n"
                             "return seven .. numbers.one .. s .. #numbers end");
    vm_seal(vm);
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    assert_string_equal(lua_tostring(vm_state(vm), -1), "71one10");
    vm_free(vm);
}

static enum err modules(void *ctx, struct span name, struct span *out_source, char *out_chunk, size_t chunk_cap)
{
    int *asked = ctx;
    ++*asked;
    static const struct {
        const char *name, *source;
    } all[] = {{"blocks", "return { first = '+1555' }"},
               {"lib.deep", "return require('blocks').first .. 'deep'"},
               {"broken", "return {\n\n = }"},
               {"loops", "while true do end"},
               {"itself", "return require 'itself'"},
               {"nothing", "local x = 1"},
               {"leaks", "leaked = 1"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!span_equal(name, span_of(all[i].name)))
            continue;
        *out_source = span_of(all[i].source);
        snprintf(out_chunk, chunk_cap, "%s.lua", all[i].name);
        return OK;
    }
    return span_equal(name, SPAN("unreadable")) ? ERR_IO : ERR_NOT_FOUND;
}

static void require_says(const char *source, const char *file, int line, const char *said)
{
    int asked = 0;
    struct vm *vm = test_vm_with(&(struct vm_options){.require = modules, .require_ctx = &asked, .load_fuel = 100000});
    struct vm_outcome outcome;
    struct fault fault;
    assert_int_equal(vm_load(vm, "policy.lua", span_of(source), &fault), OK);
    assert_int_not_equal(vm_call(vm, 0, 0, &outcome), OK);
    assert_string_equal(outcome.file, file);
    assert_int_equal(outcome.line, line);
    if (!strstr(outcome.text, said))
        fail_msg("\"%s\" lacks \"%s\"", outcome.text, said);
    vm_free(vm);
}

static void require_reads_what_its_owner_gives(void **unused)
{
    (void)unused;
    int asked = 0;
    struct vm *vm = test_vm_with(&(struct vm_options){.require = modules, .require_ctx = &asked});
    int kept = test_keep(vm, "local deep = require 'lib.deep' local same = require 'blocks' == require 'blocks'\n"
                             "local nothing = require 'nothing'\n"
                             "return function() return deep .. tostring(same) .. tostring(nothing)\n"
                             ".. require('blocks').first .. tostring(pcall(require, 'broken')) end");
    assert_int_equal(asked, 3);
    vm_seal(vm);
    struct vm_outcome outcome;
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    assert_string_equal(lua_tostring(vm_state(vm), -1), "+1555deeptruetrue+1555false");
    assert_int_equal(asked, 3);
    vm_free(vm);
    require_says("\nrequire 'absent'", "policy.lua", 2, "there is no module 'absent'");
    require_says("require 'unreadable'", "policy.lua", 1, "input or output failed");
    require_says("require '../etc/passwd'", "policy.lua", 1, "expected a module's name");
    require_says("require 'a..b'", "policy.lua", 1, "expected a module's name");
    require_says("require ''", "policy.lua", 1, "expected a module's name");
    require_says("require '.a'", "policy.lua", 1, "expected a module's name");
    require_says("require 'broken'", "broken.lua", 3, "unexpected symbol");
    require_says("require 'itself'", "itself.lua", 1, "requires itself");
    require_says("require 'leaks'", "leaks.lua", 1, "cannot write global");
    require_says("require 'loops'", "loops.lua", 1, "out of fuel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_reachable_is_listed),
        cmocka_unit_test(nothing_of_it_can_be_changed),
        cmocka_unit_test(it_is_a_load_error_too),
        cmocka_unit_test(the_owner_adds_globals),
        cmocka_unit_test(require_reads_what_its_owner_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
