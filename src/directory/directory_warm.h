/* SPDX-License-Identifier: Apache-2.0 */
/* A start does not wait for the directory's pages: a thread of its own brings them in meanwhile, so that a lookup soon
 * meets neither the disk nor a page fault. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct directory;

struct directory_warm {
    struct directory *directory;
    pthread_t thread;
    bool runs;
    atomic_bool stop;
};

/* NULL: there is nothing to warm.  Where no thread can be made, pages come in as they are asked for. */
void directory_warm_start(struct directory_warm *warm, struct directory *directory);
/* Within some milliseconds, wherever it is. */
void directory_warm_stop(struct directory_warm *warm);
