/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's files, read once into memory with one SHA-256 over their names and bytes: what is validated, tested and run
 * is what was read, whatever happens to the folder meanwhile.  Immutable, reference counted (atomically). */
#pragma once

#include "util/digest.h"
#include "util/err.h"
#include "util/span.h"

struct source;

enum {
    SOURCE_FILES_MAX = 256,      /* files in a folder */
    SOURCE_DEPTH_MAX = 3,        /* folders below the policy's own */
    SOURCE_SCRIPT_MAX = 1 << 20, /* bytes of one .lua file */
    SOURCE_BYTES_MAX = 1 << 30,  /* bytes in all */
    SOURCE_NAME_MAX = 128        /* a file's name below the folder, with its terminator */
};

struct source_file {
    const char *name; /* below the folder, with '/': "policy.lua", "lib/numbers.lua", "closed-blocks.csv" */
    struct span bytes;
};

/* Reads a folder that has a policy.lua, or one .lua file.  Hidden files, editors' leavings (name~, #name#) and *.md are
 * left out.  A link is followed where it stays inside the folder; anything else is refused.  Errors name the path. */
MUST_CHECK enum err source_read(const char *path, struct source **out_source, struct fault *fault);

/* The same from memory (copied): for tests, and for the last good version that was kept.  One file must be policy.lua. */
MUST_CHECK enum err source_from_memory(const char *name, const struct source_file *files, size_t file_count,
                                       struct source **out_source, struct fault *fault);

struct source *source_ref(struct source *source);
void source_unref(struct source *source); /* NULL is fine */

/* The folder's (or file's, without .lua) own name: "lifecycle". */
const char *source_name(const struct source *source);
/* As it was given; "" from memory. */
const char *source_path(const struct source *source);
/* SHA-256 as 64 hexadecimal digits. */
const char *source_hash(const struct source *source);
/* The name of the main file: "policy.lua", or the single file's. */
const char *source_main(const struct source *source);
/* A file by name, NULL when there is none. */
const struct source_file *source_find(const struct source *source, const char *name);
/* The file of a module: "lib.numbers" is lib/numbers.lua.  NULL when there is none. */
const struct source_file *source_find_module(const struct source *source, struct span name);
/* Whether one of these words stands anywhere in a .lua file other than test.lua. */
bool source_mentions(const struct source *source, const char *const *words, size_t count);
/* All files, sorted by name. */
size_t source_count(const struct source *source);
const struct source_file *source_at(const struct source *source, size_t index);

/* Files of `fresh` whose bytes are those of the file of that name in `before` become the same memory, with what was made of them:
 * a version that changes its code alone does not read its data twice.  Before anybody else has `fresh`. */
void source_share(struct source *fresh, const struct source *before);

/* Something that was made of a file's bytes (a data set) and is kept as long as they are. */
struct source_made {
    int kind; /* the maker's: one thing a kind */
    void *thing;
    void (*unref)(void *thing); /* gives back the reference that is kept */
};
/* What of that kind was made of `file`, which is one of `source`; NULL: nothing.  Borrowed for as long as the source lives.
 * Thread-safe, as source_keep. */
void *source_made(const struct source *source, const struct source_file *file, int kind);
/* Keeps `made`; false: there is no room, and it stays the caller's. */
bool source_keep(const struct source *source, const struct source_file *file, const struct source_made *made);
