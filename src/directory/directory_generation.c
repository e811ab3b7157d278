/* SPDX-License-Identifier: Apache-2.0 */
/* Generations: DIR/directory/gen-N is an environment, DIR/directory/current names the one in use.  A replaced one lives
 * until its last reader has left. */
#include "directory/directory_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

const struct store_table directory_tables[DIRECTORY_TABLE_COUNT] = {
    [DIRECTORY_RECORDS] = {.name = "records"},
    [DIRECTORY_JOURNAL] = {.name = "journal", .integer_key = true},
    [DIRECTORY_META] = {.name = "meta"},
    [DIRECTORY_PENDING] = {.name = "pending"},
};

void directory_generation_name(uint64_t number, const char *suffix, char out_name[DIRECTORY_FOLDER_MAX])
{
    snprintf(out_name, DIRECTORY_FOLDER_MAX, "gen-%llu%s", (unsigned long long)number, suffix);
}

static void on_tick(void *ctx)
{
    struct directory_generation *generation = ctx;
    struct directory *directory = generation->directory;
    pthread_mutex_lock(&directory->lock);
    bool is_current = directory->current == generation;
    pthread_mutex_unlock(&directory->lock);
    if (is_current) /* an old one must not close itself */
        directory_sweep(directory);
}

enum err directory_store_open(const struct directory *directory, const char *path, bool create,
                              struct directory_generation *tick_for, struct store **out_store, struct fault *fault)
{
    struct store_options options = {
        .tables = directory_tables,
        .table_count = DIRECTORY_TABLE_COUNT,
        .kind = "directory",
        .format = DIRECTORY_FORMAT,
        .map_bytes = directory ? directory->options.map_bytes : 0,
        .create = create,
        .tick = tick_for ? on_tick : NULL,
        .tick_ctx = tick_for,
    };
    return store_open(path, &options, out_store, fault);
}

/* "verdict directory 1\ngeneration 7\n" */
enum err directory_current_read(const char *folder, uint64_t *out_number, struct fault *fault)
{
    static const struct span head = {"verdict directory 1\ngeneration ", 31};
    char path[STORE_PATH_MAX];
    char text[128];
    size_t len;
    enum err err = store_path(path, folder, "current");
    if (err == OK)
        err = store_file_read(path, text, sizeof(text), &len);
    if (err == ERR_NOT_FOUND) /* the folder is made whole, with this file in it */
        return fault_set(fault, ERR_CORRUPT, path, 0, "it is missing, so nobody knows which generation is in use");
    if (err != OK)
        return fault_set(fault, err, path, 0, "cannot be read: %s", err_text(err));
    struct span content = span_make(text, len);
    struct span number = span_trim(span_slice(content, head.len, content.len));
    if (!span_starts_with(content, head) || !span_to_u64(number, out_number) || !*out_number)
        return fault_set(fault, ERR_CORRUPT, path, 0, "expected \"verdict directory 1\" and \"generation N\"");
    return OK;
}

enum err directory_current_write(const char *folder, uint64_t number)
{
    char path[STORE_PATH_MAX];
    char text[128];
    int len = snprintf(text, sizeof(text), "verdict directory 1\ngeneration %llu\n", (unsigned long long)number);
    enum err err = store_path(path, folder, "current");
    return err == OK ? store_file_replace(path, span_make(text, (size_t)len)) : err;
}

void directory_leftovers_remove(const char *folder, uint64_t number)
{
    char keep[DIRECTORY_FOLDER_MAX];
    char path[STORE_PATH_MAX];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    directory_generation_name(number, "", keep);
    while (dir && (entry = readdir(dir))) {
        if (strncmp(entry->d_name, "gen-", 4) != 0 || strcmp(entry->d_name, keep) == 0)
            continue;
        /* What cannot be removed costs space and is tried again at the next start. */
        if (store_path(path, folder, entry->d_name) == OK && store_remove_folder(path) != OK)
            continue;
    }
    if (dir)
        closedir(dir);
}

enum err directory_generation_open(struct directory *directory, uint64_t number,
                                   struct directory_generation **out_generation, struct fault *fault)
{
    char name[DIRECTORY_FOLDER_MAX];
    char path[STORE_PATH_MAX];
    directory_generation_name(number, "", name);
    if (store_path(path, directory->folder, name) != OK)
        return fault_set(fault, ERR_TOO_LONG, directory->folder, 0, "the path is too long");
    struct directory_generation *generation = calloc(1, sizeof(*generation));
    if (!generation)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    generation->number = number;
    generation->directory = directory;
    enum err err = directory_store_open(directory, path, false, generation, &generation->store, fault);
    if (err == ERR_NOT_FOUND) /* `current` names it */
        err = fault_set(fault, ERR_CORRUPT, path, 0, "the generation in use is missing");
    if (err == OK) {
        err = store_start(generation->store);
        if (err != OK)
            fault_set(fault, err, path, 0, "its thread cannot be started");
    }
    if (err != OK) {
        store_close(generation->store);
        free(generation);
        return err;
    }
    generation->refs = 1;
    *out_generation = generation;
    return OK;
}

void directory_generation_install(struct directory *directory, struct directory_generation *generation)
{
    pthread_mutex_lock(&directory->lock);
    struct directory_generation *before = directory->current;
    directory->current = generation;
    if (before) {
        before->refs--;
        before->next_old = directory->old;
        directory->old = before;
    }
    pthread_mutex_unlock(&directory->lock);
    atomic_store(&directory->generation_number, generation->number);
}

struct directory_generation *directory_generation_ref(struct directory *directory)
{
    pthread_mutex_lock(&directory->lock);
    struct directory_generation *generation = directory->current;
    if (generation)
        generation->refs++;
    pthread_mutex_unlock(&directory->lock);
    return generation;
}

void directory_generation_unref(struct directory_generation *generation)
{
    struct directory *directory = generation->directory;
    pthread_mutex_lock(&directory->lock);
    bool last = --generation->refs == 0;
    /* Closing takes milliseconds and we may be on the call path: the current one's store thread does it. */
    if (last && directory->current)
        store_poke(directory->current->store);
    pthread_mutex_unlock(&directory->lock);
}

void directory_sweep(struct directory *directory)
{
    struct directory_generation *unused = NULL;
    pthread_mutex_lock(&directory->lock);
    struct directory_generation **at = &directory->old;
    while (*at) {
        struct directory_generation *generation = *at;
        if (generation->refs == 0) {
            *at = generation->next_old;
            generation->next_old = unused;
            unused = generation;
        } else {
            at = &generation->next_old;
        }
    }
    pthread_mutex_unlock(&directory->lock);
    while (unused) {
        struct directory_generation *generation = unused;
        char name[DIRECTORY_FOLDER_MAX];
        char path[STORE_PATH_MAX];
        unused = generation->next_old;
        store_close(generation->store);
        directory_generation_name(generation->number, "", name);
        if (store_path(path, directory->folder, name) == OK && store_remove_folder(path) != OK) {
            /* The next start removes it. */
        }
        free(generation);
    }
}
