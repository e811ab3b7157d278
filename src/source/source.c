/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's files in memory: one sorted list of names and bytes, and their hash. */
#include "source/source.h"
#include "source/source_blob.h"
#include "source/source_priv.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    _Atomic unsigned refs;
    char *name;
    char *path;
    const char *main_name;
    char hash[DIGEST_HEX_MAX];
    size_t count;
    size_t total;
    struct source_file files[SOURCE_FILES_MAX];
    struct source_blob *blobs[SOURCE_FILES_MAX]; /* of files, in their order once sealed */
};

static enum err source_new(const char *path, struct span name, struct source **out_source)
{
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return ERR_NOMEM;
    atomic_store(&source->refs, 1);
    source->path = span_dup(span_of(path));
    source->name = span_dup(name);
    if (!source->path || !source->name) {
        source_unref(source);
        return ERR_NOMEM;
    }
    *out_source = source;
    return OK;
}

struct source *source_ref(struct source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void source_unref(struct source *source)
{
    if (!source || atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < source->count; i++) {
        free((char *)(uintptr_t)source->files[i].name);
        source_blob_unref(source->blobs[i]);
    }
    free(source->name);
    free(source->path);
    free(source);
}

static bool is_script(struct span name)
{
    return span_ends_with(name, SPAN(".lua"));
}

enum err source_add(struct source *source, const char *name, char *bytes_take, size_t len, struct fault *fault)
{
    enum err err = OK;
    char *copy = NULL;
    if (source->count == SOURCE_FILES_MAX)
        err = fault_set(fault, ERR_FULL, name, 0, "more than %d files in the policy's folder", SOURCE_FILES_MAX);
    else if (strlen(name) >= SOURCE_NAME_MAX)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "the name has more than %d bytes", SOURCE_NAME_MAX - 1);
    else if (is_script(span_of(name)) && len > SOURCE_SCRIPT_MAX)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "a script has at most %d bytes, this one %zu", SOURCE_SCRIPT_MAX,
                        len);
    else if (len > SOURCE_BYTES_MAX - source->total)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "the policy's files have more than %d bytes in all",
                        SOURCE_BYTES_MAX);
    else if (!(copy = span_dup(span_of(name))))
        err = fault_set(fault, ERR_NOMEM, name, 0, "out of memory");
    if (err != OK) {
        free(bytes_take);
        return err;
    }
    source->blobs[source->count] = source_blob_new(bytes_take, len);
    if (!source->blobs[source->count]) {
        free(copy);
        return fault_set(fault, ERR_NOMEM, name, 0, "out of memory");
    }
    source->files[source->count++] = (struct source_file){copy, span_make(bytes_take, len)};
    source->total += len;
    return OK;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

/* Each file is name, NUL, length, NUL, bytes: no two different folders give the same stream. */
static enum err hash_files(struct source *source)
{
    char lengths[SOURCE_FILES_MAX][24];
    struct span *parts = calloc(source->count * 3 + 1, sizeof(*parts));
    if (!parts)
        return ERR_NOMEM;
    for (size_t i = 0; i < source->count; i++) {
        const struct source_file *file = &source->files[i];
        int len = snprintf(lengths[i], sizeof(lengths[i]), "%zu", file->bytes.len);
        parts[i * 3] = span_make(file->name, strlen(file->name) + 1);
        parts[i * 3 + 1] = span_make(lengths[i], (size_t)len + 1);
        parts[i * 3 + 2] = file->bytes;
    }
    enum err err = digest_hex(DIGEST_SHA256, parts, source->count * 3, source->hash);
    free(parts);
    return err;
}

/* Puts each blob where the file with its bytes went. */
static void sort_blobs(struct source *source)
{
    for (size_t i = 0; i < source->count; i++) {
        size_t at = i;
        while (source_blob_bytes(source->blobs[at]).at != source->files[i].bytes.at)
            at++;
        struct source_blob *blob = source->blobs[at];
        source->blobs[at] = source->blobs[i];
        source->blobs[i] = blob;
    }
}

/* Sorts, hashes and finds the main file; the source is immutable from here on. */
static enum err source_seal(struct source *source, const char *main_name, struct fault *fault)
{
    qsort(source->files, source->count, sizeof(source->files[0]), compare_files);
    sort_blobs(source);
    for (size_t i = 1; i < source->count; i++) {
        if (strcmp(source->files[i - 1].name, source->files[i].name) == 0)
            return fault_set(fault, ERR_EXISTS, source->files[i].name, 0, "the file is there twice");
    }
    const struct source_file *main_file = source_find(source, main_name);
    if (!main_file)
        return fault_set(fault, ERR_NOT_FOUND, source->path, 0, "there is no policy.lua in this folder");
    source->main_name = main_file->name;
    enum err err = hash_files(source);
    return err == OK ? OK : fault_set(fault, err, source->path, 0, "cannot hash the policy: %s", err_text(err));
}

enum err source_from_memory(const char *name, const struct source_file *files, size_t file_count,
                            struct source **out_source, struct fault *fault)
{
    struct source *source = NULL;
    enum err err = source_new("", span_of(name), &source);
    if (err != OK)
        return fault_set(fault, err, name, 0, "out of memory");
    for (size_t i = 0; err == OK && i < file_count; i++) {
        char *bytes = span_dup(files[i].bytes);
        err = bytes ? source_add(source, files[i].name, bytes, files[i].bytes.len, fault)
                    : fault_set(fault, ERR_NOMEM, files[i].name, 0, "out of memory");
    }
    if (err == OK)
        err = source_seal(source, "policy.lua", fault);
    if (err == OK)
        *out_source = source;
    else
        source_unref(source);
    return err;
}

/* "/etc/verdict/lifecycle/" is "lifecycle", "hello.lua" is "hello". */
static struct span name_of(const char *path, bool is_file)
{
    struct span name = span_of(path);
    while (name.len > 1 && name.at[name.len - 1] == '/')
        name.len--;
    for (size_t i = name.len; i > 0; i--) {
        if (name.at[i - 1] == '/' && i < name.len) {
            name = span_slice(name, i, name.len);
            break;
        }
    }
    if (is_file && name.len > 4 && is_script(name))
        name.len -= 4;
    return name;
}

enum err source_read(const char *path, struct source **out_source, struct fault *fault)
{
    bool is_file = false;
    char real[4096];
    enum err err = source_folder_resolve(path, real, sizeof(real), &is_file, fault);
    if (err != OK)
        return err;
    struct span shown = name_of(path, is_file);
    if (span_equal(shown, SPAN(".")) || span_equal(shown, SPAN("..")))
        shown = name_of(real, is_file);
    struct source *source = NULL;
    err = source_new(path, shown, &source);
    if (err != OK)
        return fault_set(fault, err, path, 0, "out of memory");
    const char *slash = strrchr(real, '/');
    err = is_file ? source_folder_read_file(source, real, slash ? slash + 1 : real, fault)
                  : source_folder_read(source, real, fault);
    if (err == OK)
        err = source_seal(source, is_file ? (slash ? slash + 1 : real) : "policy.lua", fault);
    if (err == OK)
        *out_source = source;
    else
        source_unref(source);
    return err;
}

const char *source_name(const struct source *source)
{
    return source->name;
}

const char *source_path(const struct source *source)
{
    return source->path;
}

const char *source_hash(const struct source *source)
{
    return source->hash;
}

const char *source_main(const struct source *source)
{
    return source->main_name;
}

size_t source_count(const struct source *source)
{
    return source->count;
}

const struct source_file *source_at(const struct source *source, size_t index)
{
    return index < source->count ? &source->files[index] : NULL;
}

const struct source_file *source_find(const struct source *source, const char *name)
{
    for (size_t i = 0; i < source->count; i++) {
        if (strcmp(source->files[i].name, name) == 0)
            return &source->files[i];
    }
    return NULL;
}

const struct source_file *source_find_module(const struct source *source, struct span name)
{
    char path[SOURCE_NAME_MAX];
    if (name.len + sizeof(".lua") > sizeof(path))
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        path[i] = name.at[i] == '.' ? '/' : name.at[i];
    memcpy(path + name.len, ".lua", sizeof(".lua"));
    return source_find(source, path);
}

bool source_mentions(const struct source *source, const char *const *words, size_t count)
{
    for (size_t i = 0; i < source->count; i++) {
        const struct source_file *file = &source->files[i];
        if (!span_ends_with(span_of(file->name), SPAN(".lua")) || strcmp(file->name, "test.lua") == 0)
            continue;
        for (size_t word = 0; word < count; word++)
            if (memmem(file->bytes.at, file->bytes.len, words[word], strlen(words[word])))
                return true;
    }
    return false;
}

void source_share(struct source *fresh, const struct source *before)
{
    for (size_t i = 0; i < fresh->count; i++) {
        struct source_file *file = &fresh->files[i];
        const struct source_file *other = source_find(before, file->name);
        if (!other || !span_equal(file->bytes, other->bytes))
            continue;
        struct source_blob *shared = source_blob_ref(before->blobs[other - before->files]);
        source_blob_unref(fresh->blobs[i]);
        fresh->blobs[i] = shared;
        file->bytes = source_blob_bytes(shared);
    }
}

void *source_made(const struct source *source, const struct source_file *file, int kind)
{
    return source_blob_made(source->blobs[file - source->files], kind);
}

bool source_keep(const struct source *source, const struct source_file *file, const struct source_made *made)
{
    return source_blob_keep(source->blobs[file - source->files], made);
}
