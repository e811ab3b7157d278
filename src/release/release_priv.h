/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a version with what it owns, and the steps that move it. */
#pragma once

#include "release/release.h"
#include "util/list.h"

enum { RELEASE_FAILURE_MAX = 512 };

struct release_version {
    struct list node; /* in release->versions, newest first */
    uint64_t number;
    enum release_state state;
    uint64_t parent; /* the version that was active when this one took over: where a rollback leads; 0: none */
    uint64_t turn;   /* when it was last active, counted in activations */
    struct source *source;
    struct policy_program *program;
    char *path;
    char name[64];
    char hash[DIGEST_HEX_MAX];
    char failure[RELEASE_FAILURE_MAX];
    size_t rules;
    int64_t loaded_ms;
    int64_t activated_ms;
    unsigned handed; /* workers 0 .. handed-1 hold a VM of it */
    struct policy *policies[RELEASE_WORKERS_MAX];
};

struct release {
    struct release_options options;
    char *data_dir;
    char *path;
    struct list versions;
    size_t version_count;
    struct release_version *active; /* NULL before the first */
    uint64_t last_number;
    uint64_t turns;
    char
        rolled_back[DIGEST_HEX_MAX]; /* hash of the version that the last rollback left, "" when there was none since */
    struct release_counters counters;
};

/* A LOADED version of `source` (a reference is taken), listed.  `path` is where it came from. */
MUST_CHECK enum err release_version_new(struct release *release, struct source *source, const char *path,
                                        struct release_version **out_version);
/* Lets `event` happen to `version`, with the actions of the table. */
void release_version_event(struct release *release, struct release_version *version, enum release_event event);
/* Frees the version's record; it must be DISCARDED. */
void release_version_free(struct release *release, struct release_version *version);
/* A version that is alive, by number, or NULL. */
struct release_version *release_version_find(const struct release *release, uint64_t number);

/* Makes `version` the active one: switch, supersede, and discard what is no longer worth keeping warm. */
void release_make_active(struct release *release, struct release_version *version);

/* Validates, tests (unless `trusted`: it passed before) and stages `version`; on an error it is discarded. */
MUST_CHECK enum err release_advance(struct release *release, struct release_version *version, bool trusted,
                                    struct release_report *report);

/* Takes the time since *started_ns for `phase` and begins anew. */
void release_took(struct release_report *report, enum release_phase phase, uint64_t *started_ns);
