/* SPDX-License-Identifier: Apache-2.0 */
/* The collector runs outside decisions only, in steps of about 15 us, as many as allocation asks for. */
#include "vm/vm_priv.h"

enum {
    STEP_MUL = 20,           /* with STEP_SIZE: about 1,300 objects or slots a step */
    STEP_SIZE = 10,          /* log2 of bytes */
    STEP_BYTES = 1024,       /* one step for so many bytes allocated, ... */
    STEPS_MAX = 16,          /* ... but no more at once than about 0.3 ms */
    PAUSE_BYTES = 256 * 1024 /* between two cycles: what lives, and this */
};

void vm_seal(struct vm *vm)
{
    lua_gc(vm->state, LUA_GCINC, 100, STEP_MUL, STEP_SIZE);
    lua_gc(vm->state, LUA_GCCOLLECT);
    lua_gc(vm->state, LUA_GCSTOP);
    vm->loading = false;
    vm->live = vm->used;
    vm->collect_at = 2 * vm->live + PAUSE_BYTES;
}

/* A cycle must end before garbage meets the hard cap. */
static size_t next_cycle_at(const struct vm *vm)
{
    size_t at = 2 * vm->live + PAUSE_BYTES;
    size_t latest = vm->live + (vm->options.hard_bytes > vm->live ? (vm->options.hard_bytes - vm->live) / 2 : 0);
    return at < latest ? at : latest;
}

void vm_collect_outside(struct vm *vm)
{
    if (vm->loading || vm->used < vm->collect_at)
        return;
    size_t steps = 1 + (vm->used - vm->collect_at) / STEP_BYTES;
    if (steps > STEPS_MAX)
        steps = STEPS_MAX;
    for (size_t i = 0; i < steps; i++) {
        if (!lua_gc(vm->state, LUA_GCSTEP, 0))
            continue;
        vm->live = vm->used;
        vm->collect_at = next_cycle_at(vm);
        return;
    }
    vm->collect_at = vm->used + STEP_BYTES;
}

bool vm_is_over_soft_cap(const struct vm *vm)
{
    return vm->live > vm->options.soft_bytes || vm->used > vm->options.hard_bytes;
}
