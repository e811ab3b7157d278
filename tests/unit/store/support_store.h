/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for each test, removed at its end. */
#pragma once

#include "store/store_env.h"

struct store_folder {
    char path[64];
    char env[80]; /* path/env, not made */
};

int store_folder_setup(void **state);
int store_folder_teardown(void **state);
/* Options of a store with a table of bytes (0) and one of numbers (1), made when missing. */
struct store_options store_test_options(void);
/* Opens folder->env or fails the test. */
struct store *store_test_open(const struct store_folder *folder);
