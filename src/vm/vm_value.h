/* SPDX-License-Identifier: Apache-2.0 */
/* A Lua file that returns a table, run on a budget of its own and handed over as a read-only tree in plain C: for the
 * configuration, whose readers include no Lua header.  Each value knows the line that wrote it. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum vm_value_kind { VM_VALUE_NIL, VM_VALUE_BOOLEAN, VM_VALUE_INTEGER, VM_VALUE_NUMBER, VM_VALUE_TEXT, VM_VALUE_TABLE };

enum { VM_VALUE_DEPTH_MAX = 16, VM_VALUE_COUNT_MAX = 100 * 1000 };

/* Children: positions 1, 2, ... in order first, then other integers, then names in order of their bytes. */
struct vm_value {
    enum vm_value_kind kind;
    bool boolean;
    int64_t integer;  /* also of a VM_VALUE_NUMBER that is whole */
    double number;    /* also of a VM_VALUE_INTEGER */
    struct span text; /* terminated */
    struct span key;  /* the name it has in its parent; empty for a position */
    int64_t index;    /* the position it has in its parent; 0 for a name */
    int line;         /* where it was written, as well as the source shows; else its parent's; 0: not known */
    const char *file; /* the chunk's name */
    const struct vm_value *parent;
    const struct vm_value *children;
    size_t child_count;
    size_t position_count; /* how many of the children are 1, 2, 3, ... */
};

struct vm_value_file;

/* Runs `source` under the name `file` ("verdict.lua").  It must return one table of booleans, numbers, strings and
 * tables; anything else in it is an error with file and line.  The environment is the sandbox of vm.h and nothing more. */
MUST_CHECK enum err vm_value_load(const char *file, struct span source, struct vm_value_file **out_file,
                                  struct fault *fault);
/* The same for a file on disk (at most 1 MiB). */
MUST_CHECK enum err vm_value_load_path(const char *path, struct vm_value_file **out_file, struct fault *fault);
void vm_value_file_free(struct vm_value_file *file);

/* The table that it returned; everything in it lives as long as `file`. */
const struct vm_value *vm_value_root(const struct vm_value_file *file);
/* The child of that name; NULL when there is none, or `table` is NULL or no table. */
const struct vm_value *vm_value_get(const struct vm_value *table, const char *name);
/* "nil", "boolean", "number", "string", "table". */
const char *vm_value_kind_name(const struct vm_value *value);
/* "listen[2].address": the keys that lead to `value`. */
void vm_value_path(const struct vm_value *value, char *out, size_t out_cap);
/* Fills `fault` with "PATH: expected EXPECTED, got VALUE" at the value's file and line; returns ERR_INVALID. */
enum err vm_value_expected(const struct vm_value *value, struct fault *fault, const char *expected);
/* Fills `fault` with "PATH: " and the formatted text; returns ERR_INVALID. */
enum err vm_value_fault(const struct vm_value *value, struct fault *fault, const char *format, ...) PRINTF_LIKE(3, 4);
