/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the VM itself, and the functions that build its environment. */
#pragma once

#include "util/invariant.h"
#include "util/random.h"
#include "vm/vm.h"
#include "vm/vm_pool.h"
#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

enum {
    VM_QUANTUM = 100,                         /* instructions between two calls of the count hook */
    VM_CALL_UNITS = 50,                       /* what entering Lua costs, so that many short calls are charged too */
    VM_SHORT_STRING = 40,                     /* Lua interns strings up to this length (LUAI_MAXSHORTLEN) */
    VM_STACK_BYTES = 42 * 1024,               /* see vm_alloc.c */
    VM_RESULTS_MAX = VM_STACK_BYTES / 16 / 2, /* of one call; more might not fit on the stack, which would be a kill */
    VM_SMALL_BLOCK = 16 * 1024,   /* granted although a cap is reached, where refusing would cost a collection */
    VM_RESERVE_BYTES = 256 * 1024 /* how far such grants may exceed the hard cap */
};

struct vm_watch_slot;

struct vm {
    lua_State *state;
    struct vm_options options; /* with the defaults filled in */
    bool loading;
    bool in_call;
    _Atomic int stop; /* an enum vm_failure: why this decision must end; written by the signal handler too */
    int64_t fuel;     /* left, of what was handed out */
    uint64_t fuel_given;
    uint64_t fuel_kept;     /* while loading: not handed out yet */
    uint64_t load_until_ns; /* while a script loads: of its thread's CPU time; 0: no limit */

    struct vm_pool pool;
    size_t used;
    size_t allocated; /* by this decision or load */
    size_t string_header;
    void *stack_block; /* the block that holds the Lua stack, followed as it moves */
    size_t stack_size;
    void *last_block; /* the last block asked for without a type: where the stack moves to */
    size_t last_size;
    void *intern_block; /* and the one of the table of interned strings */

    size_t live;       /* bytes used when the last collection ended */
    size_t collect_at; /* bytes used at which the collector takes its next steps */

    int64_t wall_ms;
    uint64_t seed;
    struct random random;
    bool seeded;

    uint64_t watch_number; /* this decision on its thread's slot; 0: not entered yet */

    int failure_line;
    const char *failure_text; /* a literal, for kills */
    char failure_file[LUA_IDSIZE];
    char error_text[FAULT_TEXT_MAX];

    int environment_ref; /* _ENV of every chunk: a read-only view of the base table */
    int base_ref;        /* the base table: all globals */
    int modules_ref;     /* what `require` returned, by name */
};

/* --- vm_alloc.c --- */
void *vm_alloc(void *ctx, void *block, size_t old_size, size_t new_size);
/* Learns what a string's header takes, so that string_max counts characters. */
void vm_alloc_calibrate(struct vm *vm);

/* --- vm_budget.c --- */
/* The VM shall end this decision: notes why and where, and makes the next instruction raise.  Does not raise itself, so
 * the allocator may call it. */
void vm_stop(struct vm *vm, enum vm_failure why, const char *text);
/* Fuel is used up: whether there is more.  While loading it is handed out in slices, with a look at the clock between them, so that
 * what fuel hardly sees (a long chain of __index) ends where there is no watchdog, too. */
bool vm_refuel(struct vm *vm);
/* For vm_spend: goes on, or raises the kill. */
void vm_out_of_fuel(lua_State *state);
/* Raises the kill that is under way; for C functions. */
_Noreturn void vm_raise_kill(lua_State *state);
void vm_on_count(lua_State *state, lua_Debug *at);
/* Puts the innermost Lua function's file and line into the VM's failure_... fields. */
void vm_note_place(struct vm *vm);

static inline struct vm *vm_get(lua_State *state)
{
    return *(struct vm **)lua_getextraspace(state);
}

static inline bool vm_is_stopped(const struct vm *vm)
{
    return atomic_load_explicit(&vm->stop, memory_order_relaxed) != VM_NONE;
}

static inline void vm_spend(lua_State *state, uint64_t units)
{
    struct vm *vm = vm_get(state);
    vm->fuel -= (int64_t)units;
    if (__builtin_expect(vm->fuel < 0 || vm_is_stopped(vm), 0))
        vm_out_of_fuel(state);
}

/* --- vm_watchdog.c --- */
/* Marks this thread as running `vm`; a second call of the same decision goes on with its clock. */
MUST_CHECK enum err vm_watch_enter(struct vm *vm);
void vm_watch_leave(struct vm *vm);

/* --- the environment; each opens with the table that it fills on top of the stack, in protected mode --- */
void vm_env_open(lua_State *state);
void vm_base_open(lua_State *state);
void vm_string_open(lua_State *state);
void vm_match_open(lua_State *state);
void vm_table_open(lua_State *state);
void vm_math_open(lua_State *state);
void vm_utf8_open(lua_State *state);

/* Takes functions of a stock library that cost time in proportion to their arguments: `names` (NULL-terminated) of the
 * table at `library` go into the table on top, each behind a function that charges the length of its arguments. */
void vm_stock_wrap(lua_State *state, int library, const char *const *names);
/* Replaces the stock function on top of the stack by one that charges. */
void vm_stock_wrap_top(lua_State *state);
/* The same as vm_stock_wrap for functions of constant cost, as they are. */
void vm_stock_copy(lua_State *state, int library, const char *const *names);
/* Runs a stock library's opener and leaves its table on the stack. */
void vm_stock_open(lua_State *state, lua_CFunction opener);

/* pairs() and tostring(), as other files need them. */
int vm_pairs(lua_State *state);
int vm_string_format(lua_State *state);
int vm_table_sort(lua_State *state);
int vm_require(lua_State *state);
/* Pushes the text of the value at `index` as tostring() gives it, and returns it. */
const char *vm_push_text(lua_State *state, int index, size_t *out_len);
