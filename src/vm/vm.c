/* SPDX-License-Identifier: Apache-2.0 */
/* Making and ending a VM, its phases, and what it says about itself. */
#include "vm/vm_priv.h"
#include <stdlib.h>

static struct vm_options with_defaults(const struct vm_options *options)
{
    struct vm_options all = *options;
    if (!all.fuel)
        all.fuel = VM_DECISION_FUEL;
    if (!all.load_fuel)
        all.load_fuel = VM_LOAD_FUEL;
    if (!all.hard_bytes)
        all.hard_bytes = VM_HARD_BYTES;
    if (!all.soft_bytes)
        all.soft_bytes = all.hard_bytes / 4 * 3;
    if (!all.string_max)
        all.string_max = VM_STRING_MAX;
    if (!all.block_max)
        all.block_max = VM_BLOCK_MAX;
    return all;
}

/* Reached only when memory runs out outside protected mode, where the allocator refuses nothing by itself. */
static int on_panic(lua_State *state)
{
    (void)state;
    invariant(!"Lua raised an error outside protected mode");
    return 0;
}

/* Weak tables would make what a script sees depend on the collector's progress, and ephemerons can make one collector
 * step take seconds.  setmetatable refuses __mode, but a field can be added to a metatable later.  So the very name that
 * Lua looks up is made to read otherwise: the interned string lives as long as the state, keeps its hash, and no string
 * that a script makes is ever the same object again. */
static void blind_mode(lua_State *state)
{
    char *name = (char *)(uintptr_t)lua_pushstring(state, "__mode");
    memcpy(name, "\x7foff\x7f\x01", 6); /* no text that C code pushes: lua_pushstring's cache compares contents */
    lua_pop(state, 1);
}

static void begin_phase(struct vm *vm, uint64_t fuel, int64_t wall_ms, uint64_t seed)
{
    vm->fuel = vm->loading ? 0 : (int64_t)fuel;
    vm->fuel_given = fuel;
    vm->fuel_kept = vm->loading ? fuel : 0;
    vm->load_until_ns = 0;
    vm->allocated = 0;
    vm->wall_ms = wall_ms;
    vm->seed = seed;
    vm->seeded = false;
    vm->watch_number = 0;
    vm->failure_text = NULL;
    atomic_store_explicit(&vm->stop, VM_NONE, memory_order_relaxed);
}

/* In protected mode, since all of it allocates. */
static int open_environment(lua_State *state)
{
    vm_env_open(state);
    vm_alloc_calibrate(vm_get(state));
    blind_mode(state);
    return 0;
}

enum err vm_new(const struct vm_options *options, struct vm **out_vm)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    if (!vm)
        return ERR_NOMEM;
    vm->options = with_defaults(options);
    vm->state = lua_newstate(vm_alloc, vm);
    if (!vm->state)
        goto fail;
    *(struct vm **)lua_getextraspace(vm->state) = vm;
    lua_atpanic(vm->state, on_panic);
    lua_pushcfunction(vm->state, open_environment);
    if (lua_pcall(vm->state, 0, 0, 0) != LUA_OK)
        goto fail;
    vm->loading = true;
    begin_phase(vm, vm->options.load_fuel, vm->options.load_wall_ms, vm->options.load_seed);
    *out_vm = vm;
    return OK;
fail:
    vm_free(vm);
    return ERR_NOMEM;
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    if (vm->state)
        lua_close(vm->state);
    vm_pool_done(&vm->pool);
    free(vm);
}

struct lua_State *vm_state(struct vm *vm)
{
    return vm->state;
}

struct vm *vm_of(struct lua_State *state)
{
    return vm_get(state);
}

void vm_begin_decision(struct vm *vm, int64_t wall_ms, uint64_t seed)
{
    invariant(!vm->loading && !vm->in_call);
    begin_phase(vm, vm->options.fuel, wall_ms, seed);
}

void vm_end_decision(struct vm *vm)
{
    vm->watch_number = 0;
}

bool vm_is_loading(const struct vm *vm)
{
    return vm->loading;
}

int64_t vm_wall_ms(const struct vm *vm)
{
    return vm->wall_ms;
}

/* Seeded on first use: most decisions draw nothing. */
struct random *vm_random(struct vm *vm)
{
    if (!vm->seeded) {
        bool asks = !vm->seed && !vm->loading && vm->options.seed;
        random_seed(&vm->random, asks ? vm->options.seed(vm->options.seed_ctx) : vm->seed);
        vm->seeded = true;
    }
    return &vm->random;
}

size_t vm_bytes(const struct vm *vm)
{
    return vm->used;
}

const char *vm_failure_name(enum vm_failure failure)
{
    static const char *const names[VM_FAILURE_COUNT] = {"none", "error", "fuel", "memory", "clock"};
    return (unsigned)failure < VM_FAILURE_COUNT ? names[failure] : "unknown";
}
