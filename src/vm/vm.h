/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded Lua 5.4 VM that knows no SIP: an allow-list environment, one fuel counter that the count hook, the library
 * functions and the allocator charge, caps on strings, blocks and the whole, and a watchdog on thread CPU time.  One
 * thread at a time; which thread does not matter.  src/vm/README.md says how each function's cost is charged.
 *
 * The life of a VM:
 *     vm_new                                   loading begins, on the load budget
 *     vm_protect (add globals), vm_load, vm_call, ...
 *     vm_seal                                  loading is over: a full collection, then none inside decisions
 *     vm_begin_decision, vm_call..., vm_end_decision      again and again; vm_collect_outside between them
 *     vm_free
 *
 * Who pushes arguments for vm_call does so outside protected mode and so must push only what allocates nothing: values
 * from the registry (lua_rawgeti), numbers, booleans, light userdata.  Whatever allocates belongs into vm_protect. */
#pragma once

#include "util/err.h"
#include "util/span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lua_State;
struct random;
struct vm;
struct vm_watchdog;

enum {
    VM_STRING_MAX = 16 * 1024,
    VM_BLOCK_MAX = 256 * 1024,
    VM_HARD_BYTES = 4 * 1024 * 1024,
    VM_SOFT_BYTES = 3 * 1024 * 1024,
    VM_DECISION_FUEL = 100 * 1000,   /* about 0.5 ms of plain instructions */
    VM_LOAD_FUEL = 20 * 1000 * 1000, /* about 100 ms */
    VM_DECISION_MS = 5,
    VM_LOAD_MS = 1000,
    VM_SOURCE_MAX = 1024 * 1024, /* bytes of one chunk */
};

/* Reads the source of a module for `require name`: `out_source` stays valid until the next call, `out_chunk` (a buffer of
 * `chunk_cap` bytes) gets the chunk's name as errors shall show it ("lib/blocks.lua").  `name` was checked: letters,
 * digits, '_', '-' and single dots between them.  ERR_NOT_FOUND: there is no such module. */
typedef enum err (*vm_require_fn)(void *ctx, struct span name, struct span *out_source, char *out_chunk,
                                  size_t chunk_cap);

/* Zero means the default in every field. */
struct vm_options {
    uint64_t fuel;      /* a decision's, see VM_DECISION_FUEL */
    uint64_t load_fuel; /* from vm_new to vm_seal, in all */
    size_t soft_bytes;  /* vm_is_over_soft_cap() */
    size_t hard_bytes;  /* never more than this, give or take one block */
    size_t string_max;
    size_t block_max;
    struct vm_watchdog *watchdog; /* borrowed, outlives the VM; NULL: bounded by fuel alone */
    vm_require_fn require;        /* NULL: `require` finds nothing */
    void *require_ctx;
    uint64_t load_seed; /* of math.random while loading */
    /* The seed of a decision whose vm_begin_decision gave none, asked for when it first draws; NULL: 0. */
    uint64_t (*seed)(void *ctx);
    void *seed_ctx;
    /* Told of each line before it runs (coverage); NULL: none.  Costs time, but no fuel. */
    void (*on_line)(void *ctx, const char *chunk, int line);
    void *on_line_ctx;
    int64_t load_wall_ms;
};

enum vm_failure {
    VM_NONE,
    VM_ERROR,  /* an ordinary error, or one that the script raised */
    VM_FUEL,   /* killed: out of fuel */
    VM_MEMORY, /* killed: over a cap of memory, of a block or of a string */
    VM_CLOCK,  /* killed by clock: the watchdog saw too much thread CPU time */
    VM_FAILURE_COUNT
};

/* The word for log and metric: "none", "error", "fuel", "memory", "clock". */
const char *vm_failure_name(enum vm_failure failure);

/* What a call came to.  `text`, `file` and `line` are set (terminated, 0 where unknown) only when `failure` is not
 * VM_NONE; nothing of it needs freeing. */
struct vm_outcome {
    enum vm_failure failure;
    int line;
    uint64_t fuel;  /* used by this decision (while loading: by the load) so far */
    uint64_t bytes; /* allocated by it so far */
    char file[FAULT_FILE_MAX];
    char text[FAULT_TEXT_MAX];
};

/* A VM with its environment, in the loading phase.  ERR_NOMEM when memory is short. */
MUST_CHECK enum err vm_new(const struct vm_options *options, struct vm **out_vm);
void vm_free(struct vm *vm);

/* For those who may include lua.h (lua_State is struct lua_State there). */
struct lua_State *vm_state(struct vm *vm);
struct vm *vm_of(struct lua_State *state);

/* Compiles `source` (text only) as the chunk `chunk_name` ("policy.lua") with the sandbox as its _ENV and pushes the
 * function; on failure nothing is pushed and `fault` says where and why (ERR_SYNTAX, ERR_KILLED, ERR_TOO_LONG). */
MUST_CHECK enum err vm_load(struct vm *vm, const char *chunk_name, struct span source, struct fault *fault);

/* As lua_pcall(nargs, nresults) on the main thread, under the budget of the phase.  OK: the results are on the stack.
 * Else ERR_SCRIPT or ERR_KILLED, function and arguments are popped, nothing is pushed, and *out_outcome says what, where
 * and why.  (The one output that is written on failure too: it is the failure.)  Calls do not nest. */
MUST_CHECK enum err vm_call(struct vm *vm, int nargs, int nresults, struct vm_outcome *out_outcome);

/* Runs `function` in protected mode under the budget, with `ud` as a light userdata and its only argument; what it
 * returns is dropped (it keeps things by luaL_ref or vm_set_global). */
MUST_CHECK enum err vm_protect(struct vm *vm, int (*function)(struct lua_State *state), void *ud,
                               struct vm_outcome *out_outcome);

/* From inside vm_protect, while loading: pops a value and makes it a global of the environment. */
void vm_set_global(struct lua_State *state, const char *name);
/* The same for a table of functions: pops a table and makes a read-only view of it a global. */
void vm_set_global_table(struct lua_State *state, const char *name);
/* Replaces the table at the top of the stack by a read-only view of it: indexing and # go through, assigning raises
 * "NAME is read-only", pairs() and ipairs() walk it. */
void vm_push_readonly(struct lua_State *state, const char *name);

/* For C functions that Lua calls: charges `units` (one is about a VM instruction, 5 ns), raises the kill when they are
 * not left or when the clock ran out.  Call it before doing the work. */
void vm_charge(struct lua_State *state, uint64_t units);

/* From inside vm_call: what is made from now on is the caller's own, neither charged nor capped, until `counts` is true
 * again. */
void vm_count_allocations(struct vm *vm, bool counts);

/* Ends the loading phase: collects everything that is garbage. */
void vm_seal(struct vm *vm);
bool vm_is_loading(const struct vm *vm);

/* A decision: fuel anew, os-independent clock and math.random fixed by the arguments (a seed of 0: by options.seed).
 * Cheap: a few stores. */
void vm_begin_decision(struct vm *vm, int64_t wall_ms, uint64_t seed);
void vm_end_decision(struct vm *vm);
/* The decision's fixed time, and its generator, the same one that math.random draws from. */
int64_t vm_wall_ms(const struct vm *vm);
struct random *vm_random(struct vm *vm);

/* Between decisions: as many collector steps as allocation has run up debt; returns at once when there is none.  About
 * 0.3 ms at most, 1 ms when nearly all of a full VM is alive. */
void vm_collect_outside(struct vm *vm);
/* What lives after the last finished collection is more than the soft cap (or garbage nears the hard one): time to build
 * another VM, off the call path. */
bool vm_is_over_soft_cap(const struct vm *vm);
/* Bytes allocated now. */
size_t vm_bytes(const struct vm *vm);
/* Fuel used so far by the decision or the load. */
uint64_t vm_fuel_used(const struct vm *vm);
