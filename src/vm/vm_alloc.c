/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator: caps on strings, blocks, stack and VM, and fuel for what is allocated.
 *
 * A refusal makes Lua run an emergency collection (a millisecond on a full VM), so what is small is granted although a cap
 * is reached, and the next instruction is made to raise instead; only large blocks are refused outright.
 *
 * What is charged must not depend on what earlier decisions left behind, nor on the seed of the strings' hashes, or the
 * same decision would cost other fuel in another process.  So nothing is charged for interned strings (one that is still
 * there is not made again; making one takes an instruction, which is charged), nor for blocks without a type: the stack,
 * call records, and the insides of tables, which move sooner or later by chance when fields come and go.
 *
 * Lua does not say which block is its stack, but how it treats it is plain: the stack is the first block without a type
 * that lua_newstate asks for, and it moves by asking for a new block and freeing the old one at once. */
#include "vm/vm_priv.h"

enum {
    OBJECT_UNITS = 8,     /* malloc, free and the collector's work */
    BYTES_PER_UNIT = 8,   /* clearing, copying, rehashing */
    STACK_EXTRA = 80,     /* a stack of n slots takes 16 n bytes and these */
    FIRST_INTERNED = 1024 /* bytes of the first table of interned strings */
};

static void charge(struct vm *vm, size_t bytes)
{
    vm->fuel -= (int64_t)(OBJECT_UNITS + bytes / BYTES_PER_UNIT);
    if (vm->fuel < 0 && !vm_refuel(vm))
        vm_stop(vm, VM_FUEL, "out of fuel");
}

void vm_count_allocations(struct vm *vm, bool counts)
{
    vm->in_call = counts;
}

/* Whether the request is for a stack of twice the slots.  Its cap is far below block_max because a chain of __call shifts
 * the whole stack once a link, in one instruction: 2,600 slots bound that to 2 ms. */
static bool is_stack_overflow(const struct vm *vm, size_t new_size)
{
    return new_size > VM_STACK_BYTES && new_size == 2 * vm->stack_size - STACK_EXTRA;
}

static bool may_grow_string(struct vm *vm, size_t new_size)
{
    size_t len = new_size > vm->string_header ? new_size - vm->string_header : 0;
    if (len > VM_SHORT_STRING)
        charge(vm, len);
    if (len > vm->options.string_max)
        vm_stop(vm, VM_MEMORY, "a string is longer than its cap");
    return new_size <= vm->options.block_max;
}

static bool may_grow_block(struct vm *vm, bool typed, size_t new_size)
{
    if (typed)
        charge(vm, new_size);
    if (new_size <= vm->options.block_max)
        return true;
    vm_stop(vm, VM_MEMORY, "a table or buffer is larger than its cap");
    return false;
}

/* Only what a script asks for is bounded: outside calls and while the VM is built, memory is the system's to refuse. */
static bool may_grow(struct vm *vm, void *block, size_t old_size, size_t new_size)
{
    if (!vm->in_call)
        return true;
    size_t more = block ? new_size - old_size : new_size;
    bool granted = true;
    if (!block && old_size == 0 && is_stack_overflow(vm, new_size)) {
        vm_stop(vm, VM_MEMORY, "stack overflow");
        return false;
    }
    if (!block && old_size == LUA_TSTRING)
        granted = may_grow_string(vm, new_size);
    else if (!block || block != vm->intern_block)
        granted = may_grow_block(vm, !block && old_size != 0, new_size);
    if (vm->used + more > vm->options.hard_bytes) {
        vm_stop(vm, VM_MEMORY, "the VM is over its memory cap");
        granted = granted && more <= VM_SMALL_BLOCK && vm->used + more <= vm->options.hard_bytes + VM_RESERVE_BYTES;
    }
    return granted;
}

/* A new block without a type. */
static void note_untyped(struct vm *vm, void *block, size_t size)
{
    vm->last_block = block;
    vm->last_size = size;
    if (vm->state) /* built already */
        return;
    if (!vm->stack_block)
        vm->stack_block = block, vm->stack_size = size;
    else if (!vm->intern_block && size == FIRST_INTERNED)
        vm->intern_block = block;
}

void *vm_alloc(void *ctx, void *block, size_t old_size, size_t new_size)
{
    struct vm *vm = ctx;
    size_t held = block ? old_size : 0;
    if (new_size == 0) {
        if (block && block == vm->stack_block) {
            vm->stack_block = vm->last_block;
            vm->stack_size = vm->last_size;
        }
        vm_pool_give(&vm->pool, block, held);
        vm->used -= held;
        return NULL;
    }
    if (new_size > held && !may_grow(vm, block, old_size, new_size))
        return NULL;
    bool interned = block && block == vm->intern_block;
    void *moved = vm_pool_resize(&vm->pool, block, held, new_size);
    if (!moved) {
        if (new_size <= held)
            return block; /* Lua takes for granted that shrinking works */
        if (vm->in_call)
            vm_stop(vm, VM_MEMORY, "the system is out of memory");
        return NULL;
    }
    if (interned)
        vm->intern_block = moved;
    else if (held == 0 && old_size == 0)
        note_untyped(vm, moved, new_size);
    vm->used += new_size - held;
    if (new_size > held)
        vm->allocated += new_size - held;
    return moved;
}

void vm_alloc_calibrate(struct vm *vm)
{
    char bytes[VM_SHORT_STRING + 60];
    memset(bytes, 'x', sizeof(bytes));
    size_t before = vm->used;
    lua_pushlstring(vm->state, bytes, sizeof(bytes));
    vm->string_header = vm->used - before - sizeof(bytes);
    lua_pop(vm->state, 1);
}
