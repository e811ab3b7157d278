/* SPDX-License-Identifier: Apache-2.0 */
/* Fuel and the kill.  A kill is a mark in the VM, not an error value: whatever catches the error that carries it raises
 * it again (vm_base.c), until vm_call sees the mark. */
#include "util/clock.h"
#include "vm/vm_priv.h"

enum { PLACE_LEVELS = 12, LOAD_SLICE = 50 * 1000 };

void vm_note_place(struct vm *vm)
{
    lua_Debug at;
    vm->failure_line = 0;
    vm->failure_file[0] = '\0';
    for (int level = 0; level < PLACE_LEVELS && lua_getstack(vm->state, level, &at); level++) {
        if (!lua_getinfo(vm->state, "Sl", &at) || at.currentline <= 0)
            continue;
        vm->failure_line = at.currentline;
        memcpy(vm->failure_file, at.short_src, sizeof(vm->failure_file));
        return;
    }
}

/* The watchdog's handler leaves place and text to us: it may have interrupted anything. */
static void complete_clock_kill(struct vm *vm)
{
    if (vm->failure_text)
        return;
    vm->failure_text = "killed by clock";
    vm_note_place(vm);
}

void vm_stop(struct vm *vm, enum vm_failure why, const char *text)
{
    if (vm_is_stopped(vm)) {
        complete_clock_kill(vm);
        return;
    }
    atomic_store_explicit(&vm->stop, why, memory_order_relaxed);
    vm->failure_text = text;
    vm_note_place(vm);
    lua_sethook(vm->state, vm_on_count, LUA_MASKCOUNT, 1);
}

bool vm_refuel(struct vm *vm)
{
    if (vm_is_stopped(vm))
        return false;
    if (vm->load_until_ns && vm->fuel_kept > 0 && clock_thread_cpu_ns() > vm->load_until_ns) {
        vm_stop(vm, VM_CLOCK, "killed by clock");
        return false;
    }
    while (vm->fuel < 0 && vm->fuel_kept > 0) {
        uint64_t slice = vm->fuel_kept < LOAD_SLICE ? vm->fuel_kept : LOAD_SLICE;
        vm->fuel_kept -= slice;
        vm->fuel += (int64_t)slice;
    }
    return vm->fuel >= 0;
}

void vm_out_of_fuel(lua_State *state)
{
    if (!vm_refuel(vm_get(state)))
        vm_raise_kill(state);
}

static _Noreturn void raise_mark(lua_State *state)
{
    struct vm *vm = vm_get(state);
    complete_clock_kill(vm);
    lua_sethook(state, vm_on_count, LUA_MASKCOUNT, 1);
    lua_pushlightuserdata(state, vm); /* no text: making one allocates */
    lua_error(state);
    __builtin_unreachable();
}

void vm_raise_kill(lua_State *state)
{
    struct vm *vm = vm_get(state);
    if (!vm_is_stopped(vm))
        vm_stop(vm, VM_FUEL, "out of fuel");
    lua_settop(state, 0); /* room for the mark, whatever the caller has pushed */
    raise_mark(state);
}

void vm_on_count(lua_State *state, lua_Debug *at)
{
    struct vm *vm = vm_get(state);
    if (at->event == LUA_HOOKLINE) {
        if (lua_getinfo(state, "S", at))
            vm->options.on_line(vm->options.on_line_ctx, at->short_src, at->currentline);
        return;
    }
    if (!vm_is_stopped(vm)) {
        vm->fuel -= VM_QUANTUM;
        if (vm->fuel >= 0 || vm_refuel(vm))
            return;
        vm_stop(vm, VM_FUEL, "out of fuel");
    }
    raise_mark(state);
}

void vm_charge(lua_State *state, uint64_t units)
{
    vm_spend(state, units);
}

uint64_t vm_fuel_used(const struct vm *vm)
{
    return (uint64_t)((int64_t)(vm->fuel_given - vm->fuel_kept) - vm->fuel);
}
