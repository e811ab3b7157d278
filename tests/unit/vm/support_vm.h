/* SPDX-License-Identifier: Apache-2.0 */
/* Running snippets of Lua in a bounded VM, and the same snippets in a stock one. */
#pragma once

#include "support/cmocka_all.h"
#include "support/sanitized.h"

#include "util/clock.h"
#include "vm/vm.h"
#include "vm/vm_watchdog.h"
#include <lua.h>

/* A loading VM with default options. */
struct vm *test_vm(void);
struct vm *test_vm_with(const struct vm_options *options);
/* Compiles and calls `source` as "test.lua" while loading and keeps its one result in the registry; fails the test when it
 * cannot. */
int test_keep(struct vm *vm, const char *source);
/* Calls the kept function in a decision of its own; the result stays on the stack when it is OK. */
enum err test_decide(struct vm *vm, int kept, int nresults, struct vm_outcome *out_outcome);
/* The same without results, with the thread CPU time that it took.  Where that is more than `limit_ns` it is tried twice more and the least
 * counts: a watchdog without priority may be late on a busy machine, a script that holds the thread does so every time. */
enum err test_decide_timed(struct vm *vm, int kept, uint64_t limit_ns, struct vm_outcome *out_outcome,
                           uint64_t *out_took_ns);
/* `source` is a chunk that returns a function; it runs in a fresh VM, once, as a decision. */
enum err test_run(const char *source, struct vm_outcome *out_outcome);
/* The same, for chunks whose function returns a string; the result, free() it. */
char *test_text(const char *source);
/* Runs `source` (a chunk that returns text) in a stock Lua and gives its text; an error is "error: MESSAGE". */
char *test_stock_text(const char *source);
/* The same in the bounded VM, as a decision with ample fuel. */
char *test_bounded_text(const char *source);
