/* SPDX-License-Identifier: Apache-2.0 */
/* See support_vm.h. */
#include "support_vm.h"
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vm *test_vm_with(const struct vm_options *options)
{
    struct vm *vm = NULL;
    assert_int_equal(vm_new(options, &vm), OK);
    return vm;
}

struct vm *test_vm(void)
{
    return test_vm_with(&(struct vm_options){0});
}

static int keep(lua_State *state)
{
    int *kept = lua_touserdata(state, 1);
    lua_rawgetp(state, LUA_REGISTRYINDEX, kept);
    lua_call(state, 0, 1);
    *kept = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

int test_keep(struct vm *vm, const char *source)
{
    struct fault fault = {0};
    struct vm_outcome outcome;
    int kept;
    if (vm_load(vm, "test.lua", span_of(source), &fault) != OK)
        fail_msg("%s:%d: %s in %s", fault.file, fault.line, fault.text, source);
    lua_rawsetp(vm_state(vm), LUA_REGISTRYINDEX, &kept);
    if (vm_protect(vm, keep, &kept, &outcome) != OK)
        fail_msg("%s:%d: %s in %s", outcome.file, outcome.line, outcome.text, source);
    return kept;
}

enum err test_decide(struct vm *vm, int kept, int nresults, struct vm_outcome *out_outcome)
{
    vm_begin_decision(vm, 1800000000000, 42);
    lua_rawgeti(vm_state(vm), LUA_REGISTRYINDEX, kept);
    enum err err = vm_call(vm, 0, nresults, out_outcome);
    vm_end_decision(vm);
    return err;
}

enum err test_decide_timed(struct vm *vm, int kept, uint64_t limit_ns, struct vm_outcome *out_outcome,
                           uint64_t *out_took_ns)
{
    uint64_t began = clock_thread_cpu_ns();
    enum err err = test_decide(vm, kept, 0, out_outcome);
    *out_took_ns = clock_thread_cpu_ns() - began;
    for (int attempt = 1; attempt < 3 && *out_took_ns > limit_ns; attempt++) {
        struct vm_outcome again;
        began = clock_thread_cpu_ns();
        enum err ignored = test_decide(vm, kept, 0, &again);
        (void)ignored;
        uint64_t took = clock_thread_cpu_ns() - began;
        *out_took_ns = took < *out_took_ns ? took : *out_took_ns;
    }
    return err;
}

enum err test_run(const char *source, struct vm_outcome *out_outcome)
{
    struct vm *vm = test_vm();
    int kept = test_keep(vm, source);
    vm_seal(vm);
    enum err err = test_decide(vm, kept, 0, out_outcome);
    vm_free(vm);
    return err;
}

char *test_text(const char *source)
{
    struct vm *vm = test_vm();
    struct vm_outcome outcome;
    int kept = test_keep(vm, source);
    vm_seal(vm);
    if (test_decide(vm, kept, 1, &outcome) != OK)
        fail_msg("%s:%d: %s in %s", outcome.file, outcome.line, outcome.text, source);
    assert_int_equal(lua_type(vm_state(vm), -1), LUA_TSTRING);
    char *text = strdup(lua_tostring(vm_state(vm), -1));
    vm_free(vm);
    return text;
}

static char *error_text(const char *text)
{
    size_t size = strlen(text) + sizeof("error: ");
    char *copy = malloc(size);
    snprintf(copy, size, "error: %s", text);
    return copy;
}

char *test_stock_text(const char *source)
{
    lua_State *state = luaL_newstate();
    luaL_openlibs(state);
    char *text;
    if (luaL_loadbufferx(state, source, strlen(source), "@test.lua", "t") != LUA_OK ||
        lua_pcall(state, 0, 1, 0) != LUA_OK)
        text = error_text(lua_tostring(state, -1));
    else
        text = strdup(luaL_tolstring(state, -1, NULL));
    lua_close(state);
    return text;
}

char *test_bounded_text(const char *source)
{
    struct vm *vm = test_vm_with(&(struct vm_options){.fuel = 100 * 1000 * 1000});
    struct vm_outcome outcome;
    struct fault fault;
    char *text;
    char whole[FAULT_TEXT_MAX + FAULT_FILE_MAX + 16];
    if (vm_load(vm, "test.lua", span_of(source), &fault) != OK) {
        snprintf(whole, sizeof(whole), "%s:%d: %s", fault.file, fault.line, fault.text);
        text = error_text(whole);
    } else if (vm_call(vm, 0, 1, &outcome) != OK) {
        snprintf(whole, sizeof(whole), "%s:%d: %s", outcome.file, outcome.line, outcome.text);
        text = error_text(whole);
    } else {
        text = strdup(luaL_tolstring(vm_state(vm), -1, NULL));
    }
    vm_free(vm);
    return text;
}
