/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's files, read once into memory with one SHA-256 over their names and bytes: what is validated, tested and run
 * is what was read, whatever happens to the folder meanwhile.  Immutable, reference counted (atomically). */
#pragma once

#include "util/digest.h"
#include "util/err.h"
#include "util/span.h"

struct policy_source;

enum {
    POLICY_FILES_MAX = 256,      /* files in a folder */
    POLICY_DEPTH_MAX = 3,        /* folders below the policy's own */
    POLICY_SCRIPT_MAX = 1 << 20, /* bytes of one .lua file */
    POLICY_SOURCE_MAX = 1 << 30, /* bytes in all */
    POLICY_NAME_MAX = 128        /* a file's name below the folder, with its terminator */
};

struct policy_file {
    const char *name; /* below the folder, with '/': "policy.lua", "lib/numbers.lua", "closed-blocks.csv" */
    struct span bytes;
};

/* Reads a folder that has a policy.lua, or one .lua file.  Hidden files, editors' leavings (name~, #name#) and *.md are
 * left out.  A link is followed where it stays inside the folder; anything else is refused.  Errors name the path. */
MUST_CHECK enum err policy_source_read(const char *path, struct policy_source **out_source, struct fault *fault);

/* The same from memory (copied): for tests, and for the last good version that was kept.  One file must be policy.lua. */
MUST_CHECK enum err policy_source_from_memory(const char *name, const struct policy_file *files, size_t file_count,
                                              struct policy_source **out_source, struct fault *fault);

struct policy_source *policy_source_ref(struct policy_source *source);
void policy_source_unref(struct policy_source *source); /* NULL is fine */

/* The folder's (or file's, without .lua) own name: "lifecycle". */
const char *policy_source_name(const struct policy_source *source);
/* As it was given; "" from memory. */
const char *policy_source_path(const struct policy_source *source);
/* SHA-256 as 64 hexadecimal digits. */
const char *policy_source_hash(const struct policy_source *source);
/* The name of the main file: "policy.lua", or the single file's. */
const char *policy_source_main(const struct policy_source *source);
/* A file by name, NULL when there is none. */
const struct policy_file *policy_source_find(const struct policy_source *source, const char *name);
/* All files, sorted by name. */
size_t policy_source_count(const struct policy_source *source);
const struct policy_file *policy_source_at(const struct policy_source *source, size_t index);
