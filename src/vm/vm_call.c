/* SPDX-License-Identifier: Apache-2.0 */
/* The one way into Lua: compiling a chunk and calling a function, protected, bounded, with an outcome for a human. */
#include "util/clock.h"
#include "vm/vm_priv.h"
#include <stdio.h>
#include <stdlib.h>

/* "policy.lua:12: text": true with the parts; Lua puts the position in front of most messages. */
static bool split_message(const char *message, char *out_file, size_t file_cap, int *out_line, const char **out_text)
{
    for (const char *colon = strchr(message, ':'); colon; colon = strchr(colon + 1, ':')) {
        char *end;
        long line = colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : 0;
        if (line <= 0 || end[0] != ':' || end[1] != ' ')
            continue;
        if (!span_copy(span_make(message, (size_t)(colon - message)), out_file, file_cap))
            return false;
        *out_line = (int)line;
        *out_text = end + 2;
        return true;
    }
    return false;
}

/* The message handler: notes place and text while the stack still stands.  It calls nothing of the script's. */
static int on_error(lua_State *state)
{
    struct vm *vm = vm_get(state);
    if (vm_is_stopped(vm))
        return 1;
    vm_note_place(vm);
    if (lua_type(state, 1) == LUA_TSTRING)
        snprintf(vm->error_text, sizeof(vm->error_text), "%s", lua_tostring(state, 1));
    else if (lua_isnumber(state, 1))
        snprintf(vm->error_text, sizeof(vm->error_text), "error value %g", lua_tonumber(state, 1));
    else
        snprintf(vm->error_text, sizeof(vm->error_text), "the error value is a %s", luaL_typename(state, 1));
    return 1;
}

/* On failure the error value is at the top of the stack. */
static void describe(struct vm *vm, struct vm_outcome *outcome)
{
    outcome->failure = (enum vm_failure)atomic_load(&vm->stop);
    const char *text = vm->failure_text ? vm->failure_text : "killed by clock";
    if (outcome->failure == VM_NONE) {
        outcome->failure = VM_ERROR;
        bool seen =
            vm->error_text[0] != '\0'; /* Lua skips the handler for errors in it and for its own memory errors */
        if (!seen && lua_type(vm->state, -1) == LUA_TSTRING)
            snprintf(vm->error_text, sizeof(vm->error_text), "%s", lua_tostring(vm->state, -1));
        text = vm->error_text;
    }
    outcome->line = vm->failure_line;
    snprintf(outcome->file, sizeof(outcome->file), "%s", vm->failure_file);
    if (outcome->failure == VM_ERROR)
        split_message(vm->error_text, outcome->file, sizeof(outcome->file), &outcome->line, &text);
    snprintf(outcome->text, sizeof(outcome->text), "%s", text);
}

static void tell(const struct vm *vm, enum vm_failure failure, struct vm_outcome *outcome)
{
    outcome->failure = failure;
    outcome->fuel = vm_fuel_used(vm);
    outcome->bytes = vm->allocated;
}

static void enter(struct vm *vm)
{
    vm->in_call = true;
    vm->error_text[0] = '\0';
    if (!vm_is_stopped(vm)) { /* else the place of the kill is still the answer */
        vm->failure_line = 0;
        vm->failure_file[0] = '\0';
    }
    vm->fuel -= VM_CALL_UNITS;
    lua_sethook(vm->state, vm_on_count, vm->options.on_line ? LUA_MASKCOUNT | LUA_MASKLINE : LUA_MASKCOUNT, VM_QUANTUM);
    if (vm->fuel < 0 && !vm_refuel(vm))
        vm_stop(vm, VM_FUEL, "out of fuel");
}

/* A kill that came with the very last step is one all the same: nothing over a cap becomes a result. */
static int leave(struct vm *vm, int status)
{
    vm_watch_leave(vm);
    vm->in_call = false;
    return status == LUA_OK && vm_is_stopped(vm) ? LUA_ERRRUN : status;
}

static enum err call(struct vm *vm, int nargs, int nresults, struct vm_outcome *out_outcome)
{
    lua_State *state = vm->state;
    int function = lua_gettop(state) - nargs;
    invariant(!vm->in_call && function > 0);
    enum err err = vm_watch_enter(vm);
    if (err != OK) {
        tell(vm, VM_ERROR, out_outcome);
        out_outcome->line = 0;
        out_outcome->file[0] = '\0';
        snprintf(out_outcome->text, sizeof(out_outcome->text), "more threads than the watchdog can watch");
        lua_settop(state, function - 1);
        return err;
    }
    bool was_stopped = vm_is_stopped(vm);
    lua_pushcfunction(state, on_error);
    lua_insert(state, function);
    enter(vm);
    int status = was_stopped ? LUA_ERRRUN : lua_pcall(state, nargs, nresults, function);
    if (leave(vm, status) == LUA_OK) {
        lua_remove(state, function);
        tell(vm, VM_NONE, out_outcome);
        return OK;
    }
    describe(vm, out_outcome);
    tell(vm, out_outcome->failure, out_outcome);
    lua_settop(state, function - 1);
    return out_outcome->failure == VM_ERROR ? ERR_SCRIPT : ERR_KILLED;
}

enum err vm_call(struct vm *vm, int nargs, int nresults, struct vm_outcome *out_outcome)
{
    if (vm->loading)
        vm->load_until_ns = clock_thread_cpu_ns() + (uint64_t)VM_LOAD_MS * 1000000;
    enum err err = call(vm, nargs, nresults, out_outcome);
    vm->load_until_ns = 0;
    return err;
}

/* Without a limit of time: reading ten million entries of a data set takes some. */
enum err vm_protect(struct vm *vm, int (*function)(struct lua_State *state), void *ud, struct vm_outcome *out_outcome)
{
    lua_pushcfunction(vm->state, function);
    lua_pushlightuserdata(vm->state, ud);
    return call(vm, 1, 0, out_outcome);
}

static enum err load_failed(struct vm *vm, const char *chunk_name, struct fault *fault)
{
    char file[FAULT_FILE_MAX]; /* the caller's name is better: Lua shortens long ones */
    int line = 0;
    const char *text = lua_type(vm->state, -1) == LUA_TSTRING ? lua_tostring(vm->state, -1) : "it cannot be compiled";
    enum err err = ERR_SYNTAX;
    if (vm_is_stopped(vm)) {
        err = ERR_KILLED;
        text = vm->failure_text ? vm->failure_text : "killed by clock";
    } else {
        split_message(text, file, sizeof(file), &line, &text);
    }
    fault_set(fault, err, chunk_name, line, "%s", text);
    lua_pop(vm->state, 1);
    return err;
}

enum err vm_load(struct vm *vm, const char *chunk_name, struct span source, struct fault *fault)
{
    invariant(!vm->in_call);
    if (source.len > VM_SOURCE_MAX)
        return fault_set(fault, ERR_TOO_LONG, chunk_name, 0, "expected at most %d bytes, got %zu", VM_SOURCE_MAX,
                         source.len);
    char name[FAULT_FILE_MAX];
    snprintf(name, sizeof(name), "@%s", chunk_name);
    enum err err = vm_watch_enter(vm);
    if (err != OK)
        return fault_set(fault, err, chunk_name, 0, "more threads than the watchdog can watch");
    enter(vm);
    int status = luaL_loadbufferx(vm->state, source.at ? source.at : "", source.len, name, "t");
    if (status != LUA_OK || vm_is_stopped(vm)) {
        leave(vm, status);
        return load_failed(vm, chunk_name, fault);
    }
    leave(vm, status);
    lua_rawgeti(vm->state, LUA_REGISTRYINDEX, vm->environment_ref);
    if (!lua_setupvalue(vm->state, -2, 1))
        lua_pop(vm->state, 1); /* a chunk without globals still has _ENV in 5.4; this is for the reader's peace */
    return OK;
}
