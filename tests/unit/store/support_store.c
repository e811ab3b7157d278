/* SPDX-License-Identifier: Apache-2.0 */
/* See support_store.h. */
#include "support_store.h"
#include "store/store_file.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static const struct store_table tables[] = {{.name = "bytes"}, {.name = "numbers", .integer_key = true}};

int store_folder_setup(void **state)
{
    struct store_folder *folder = calloc(1, sizeof(*folder));
    const char *base = getenv("TMPDIR");
    snprintf(folder->path, sizeof(folder->path), "%.40s/store-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder->path))
        return -1;
    snprintf(folder->env, sizeof(folder->env), "%s/env", folder->path);
    *state = folder;
    return 0;
}

int store_folder_teardown(void **state)
{
    struct store_folder *folder = *state;
    enum err err = store_remove_folder(folder->path);
    free(folder);
    return err == OK ? 0 : -1;
}

struct store_options store_test_options(void)
{
    return (struct store_options){
        .tables = tables, .table_count = 2, .kind = "test", .format = 3, .map_bytes = (size_t)1 << 30, .create = true};
}

struct store *store_test_open(const struct store_folder *folder)
{
    struct store_options options = store_test_options();
    struct store *store = NULL;
    struct fault fault = {.err = OK};
    enum err err = store_open(folder->env, &options, &store, &fault);
    if (err != OK)
        fail_msg("store_open: %s", fault.text);
    return store;
}
