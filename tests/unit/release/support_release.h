/* SPDX-License-Identifier: Apache-2.0 */
/* A place on disk for a test's policies and data, and workers that write down what they are told. */
#pragma once

#include "facts/facts_shared.h"
#include "release/release.h"
#include <stdio.h>

struct release_place {
    char root[256];
    char policy[300]; /* a folder */
    char data[300];   /* a folder */
};

/* For cmocka: *state becomes a struct release_place; the teardown removes it. */
int place_setup(void **state);
int place_teardown(void **state);
/* Files below the policy folder. */
void place_write(const struct release_place *place, const char *name, const char *text);
void place_remove(const struct release_place *place, const char *name);
void place_rename(const struct release_place *place, const char *from, const char *to);

enum { FAKE_WORKERS = 3, FAKE_HELD_MAX = 8 };

struct fake_worker {
    uint64_t versions[FAKE_HELD_MAX];
    struct policy *policies[FAKE_HELD_MAX];
    uint64_t active;
};

struct fake_workers {
    struct fake_worker workers[FAKE_WORKERS];
    unsigned staged, withdrawn, switched;
    int refuse_index;    /* this worker refuses to stage; -1: none */
    bool refuse_silent;  /* without a text */
    enum err accept_err; /* what checks.accept says */
    enum err test_err;   /* what checks.test says: ERR_NOT_FOUND has no tests */
    struct authoring_test_summary test_summary;
    struct facts_shared_registry *shared; /* what workers' VMs are made with; NULL: tables of their own */
    struct release_comparison comparing;  /* version 0: nothing is compared */
    unsigned most_held;                   /* versions that a worker held at once */
    char log[4096];
};

void fake_workers_init(struct fake_workers *fake);
/* Options with these workers and checks; data_dir may be NULL. */
struct release_options fake_options(struct fake_workers *fake, const char *data_dir);
/* The clock of fake_options(): stands still until a test moves it. */
extern uint64_t fake_now_ms;
/* How many versions worker `index` holds. */
unsigned fake_held(const struct fake_workers *fake, unsigned index);
/* All workers decide with `version` and hold it. */
void fake_assert_active(const struct fake_workers *fake, uint64_t version);
