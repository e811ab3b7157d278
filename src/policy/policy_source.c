/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's files in memory: one sorted list of names and bytes, and their hash. */
#include "policy/policy_source.h"
#include "policy/policy_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

struct policy_source {
    _Atomic unsigned refs;
    char *name;
    char *path;
    const char *main_name;
    char hash[DIGEST_HEX_MAX];
    size_t count;
    size_t total;
    struct policy_file files[POLICY_FILES_MAX];
};

static enum err source_new(const char *path, struct span name, struct policy_source **out_source)
{
    struct policy_source *source = calloc(1, sizeof(*source));
    if (!source)
        return ERR_NOMEM;
    atomic_store(&source->refs, 1);
    source->path = span_dup(span_of(path));
    source->name = span_dup(name);
    if (!source->path || !source->name) {
        policy_source_unref(source);
        return ERR_NOMEM;
    }
    *out_source = source;
    return OK;
}

struct policy_source *policy_source_ref(struct policy_source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void policy_source_unref(struct policy_source *source)
{
    if (!source || atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < source->count; i++) {
        free((char *)(uintptr_t)source->files[i].name);
        free((char *)(uintptr_t)source->files[i].bytes.at);
    }
    free(source->name);
    free(source->path);
    free(source);
}

static bool is_script(struct span name)
{
    return span_ends_with(name, SPAN(".lua"));
}

enum err policy_source_add(struct policy_source *source, const char *name, char *bytes_take, size_t len,
                           struct fault *fault)
{
    enum err err = OK;
    char *copy = NULL;
    if (source->count == POLICY_FILES_MAX)
        err = fault_set(fault, ERR_FULL, name, 0, "more than %d files in the policy's folder", POLICY_FILES_MAX);
    else if (strlen(name) >= POLICY_NAME_MAX)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "the name has more than %d bytes", POLICY_NAME_MAX - 1);
    else if (is_script(span_of(name)) && len > POLICY_SCRIPT_MAX)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "a script has at most %d bytes, this one %zu", POLICY_SCRIPT_MAX,
                        len);
    else if (len > POLICY_SOURCE_MAX - source->total)
        err = fault_set(fault, ERR_TOO_LONG, name, 0, "the policy's files have more than %d bytes in all",
                        POLICY_SOURCE_MAX);
    else if (!(copy = span_dup(span_of(name))))
        err = fault_set(fault, ERR_NOMEM, name, 0, "out of memory");
    if (err != OK) {
        free(bytes_take);
        return err;
    }
    source->files[source->count++] = (struct policy_file){copy, span_make(bytes_take, len)};
    source->total += len;
    return OK;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct policy_file *)a)->name, ((const struct policy_file *)b)->name);
}

/* Each file is name, NUL, length, NUL, bytes: no two different folders give the same stream. */
static enum err hash_files(struct policy_source *source)
{
    char lengths[POLICY_FILES_MAX][24];
    struct span *parts = calloc(source->count * 3 + 1, sizeof(*parts));
    if (!parts)
        return ERR_NOMEM;
    for (size_t i = 0; i < source->count; i++) {
        const struct policy_file *file = &source->files[i];
        int len = snprintf(lengths[i], sizeof(lengths[i]), "%zu", file->bytes.len);
        parts[i * 3] = span_make(file->name, strlen(file->name) + 1);
        parts[i * 3 + 1] = span_make(lengths[i], (size_t)len + 1);
        parts[i * 3 + 2] = file->bytes;
    }
    enum err err = digest_hex(DIGEST_SHA256, parts, source->count * 3, source->hash);
    free(parts);
    return err;
}

/* Sorts, hashes and finds the main file; the source is immutable from here on. */
static enum err source_seal(struct policy_source *source, const char *main_name, struct fault *fault)
{
    qsort(source->files, source->count, sizeof(source->files[0]), compare_files);
    for (size_t i = 1; i < source->count; i++) {
        if (strcmp(source->files[i - 1].name, source->files[i].name) == 0)
            return fault_set(fault, ERR_EXISTS, source->files[i].name, 0, "the file is there twice");
    }
    const struct policy_file *main_file = policy_source_find(source, main_name);
    if (!main_file)
        return fault_set(fault, ERR_NOT_FOUND, source->path, 0, "there is no policy.lua in this folder");
    source->main_name = main_file->name;
    enum err err = hash_files(source);
    return err == OK ? OK : fault_set(fault, err, source->path, 0, "cannot hash the policy: %s", err_text(err));
}

enum err policy_source_from_memory(const char *name, const struct policy_file *files, size_t file_count,
                                   struct policy_source **out_source, struct fault *fault)
{
    struct policy_source *source = NULL;
    enum err err = source_new("", span_of(name), &source);
    if (err != OK)
        return fault_set(fault, err, name, 0, "out of memory");
    for (size_t i = 0; err == OK && i < file_count; i++) {
        char *bytes = span_dup(files[i].bytes);
        err = bytes ? policy_source_add(source, files[i].name, bytes, files[i].bytes.len, fault)
                    : fault_set(fault, ERR_NOMEM, files[i].name, 0, "out of memory");
    }
    if (err == OK)
        err = source_seal(source, "policy.lua", fault);
    if (err == OK)
        *out_source = source;
    else
        policy_source_unref(source);
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

enum err policy_source_read(const char *path, struct policy_source **out_source, struct fault *fault)
{
    bool is_file = false;
    char real[4096];
    enum err err = policy_folder_resolve(path, real, sizeof(real), &is_file, fault);
    if (err != OK)
        return err;
    struct span shown = name_of(path, is_file);
    if (span_equal(shown, SPAN(".")) || span_equal(shown, SPAN("..")))
        shown = name_of(real, is_file);
    struct policy_source *source = NULL;
    err = source_new(path, shown, &source);
    if (err != OK)
        return fault_set(fault, err, path, 0, "out of memory");
    const char *slash = strrchr(real, '/');
    err = is_file ? policy_folder_read_file(source, real, slash ? slash + 1 : real, fault)
                  : policy_folder_read(source, real, fault);
    if (err == OK)
        err = source_seal(source, is_file ? (slash ? slash + 1 : real) : "policy.lua", fault);
    if (err == OK)
        *out_source = source;
    else
        policy_source_unref(source);
    return err;
}

const char *policy_source_name(const struct policy_source *source)
{
    return source->name;
}

const char *policy_source_path(const struct policy_source *source)
{
    return source->path;
}

const char *policy_source_hash(const struct policy_source *source)
{
    return source->hash;
}

const char *policy_source_main(const struct policy_source *source)
{
    return source->main_name;
}

size_t policy_source_count(const struct policy_source *source)
{
    return source->count;
}

const struct policy_file *policy_source_at(const struct policy_source *source, size_t index)
{
    return index < source->count ? &source->files[index] : NULL;
}

const struct policy_file *policy_source_find(const struct policy_source *source, const char *name)
{
    for (size_t i = 0; i < source->count; i++) {
        if (strcmp(source->files[i].name, name) == 0)
            return &source->files[i];
    }
    return NULL;
}
