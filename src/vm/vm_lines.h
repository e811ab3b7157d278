/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fields of a table constructor stand in a source: a scan that knows comments, strings and brackets and nothing
 * more of Lua.  A field is found by the keys that lead to it from the outermost braces. */
#pragma once

#include "util/err.h"
#include "util/span.h"

struct vm_lines;

/* The path of the outermost table, and of a field of `path` by name or position. */
uint64_t vm_lines_root(void);
uint64_t vm_lines_name(uint64_t path, struct span name);
uint64_t vm_lines_position(uint64_t path, int64_t position);

MUST_CHECK enum err vm_lines_scan(struct span source, struct vm_lines **out_lines);
void vm_lines_free(struct vm_lines *lines);
/* The line of the field with this path; 0 when the source does not show it. */
int vm_lines_of(const struct vm_lines *lines, uint64_t path);
