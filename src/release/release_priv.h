/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: a version with what it owns, and the steps that move it. */
#pragma once

#include "release/release.h"
#include "release/release_refused.h"
#include "util/buffer.h"
#include "util/list.h"

enum {
    RELEASE_FAILURE_MAX = 512,
    RELEASE_TICK_MS = 200, /* between two looks at a trial's tallies */
    RELEASE_TEXT_MAX = 160 /* what an operator said of a trial */
};

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

/* One trial: going, or the last one of its kind. */
struct release_try {
    enum release_trial trial;
    enum release_ending ending;
    uint64_t version; /* the new one */
    uint64_t against;
    char hash[DIGEST_HEX_MAX];
    unsigned sample;
    int64_t began_ms, ended_ms; /* Unix time */
    uint64_t until_ms;          /* on the monotonic clock */
    uint32_t length_ms;
    struct release_band band;
    struct release_condition condition;
    char condition_text[RELEASE_TEXT_MAX];
    char expect_text[RELEASE_TEXT_MAX];                 /* of a shadow: for the probation that follows */
    char text[512];                                     /* how it ended */
    struct release_tally *total;                        /* as last looked at; kept with the result */
    struct release_tally *tallies[RELEASE_WORKERS_MAX]; /* while it is going */
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
    struct release_refused refused;
    struct release_try going; /* NO_TRIAL: none */
    struct release_try last[RELEASE_PROBATION + 1];
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

/* ---- release_trial.c: what shadow and probation share ---- */

uint64_t release_now_ms(const struct release *release);
/* Gets the memory of a trial; ERR_NOMEM. */
MUST_CHECK enum err release_trial_prepare(const struct release *release, struct release_try *try);
/* Has the workers compare with `beside`; what `try` holds is the release's from now on. */
void release_trial_begin(struct release *release, struct release_try *try, uint64_t beside);
/* Frees what a trial holds. */
void release_trial_done(struct release_try *try);
/* Looks at all tallies. */
void release_trial_look(struct release *release);
/* Stops comparing; the trial is the last one of its kind now. */
void release_trial_end(struct release *release, enum release_ending ending, const char *text);
/* Frees all memory of trials; nothing is compared any more. */
void release_trials_done(struct release *release);
/* "going" when one is: has the news of its end. */
void release_news_of(const struct release *release, enum release_trial trial, struct release_news *out_news);

/* ---- release_shadow.c ---- */

/* STAGED -> SHADOWING. */
void release_shadow_begin(struct release *release, struct release_version *version, struct release_try *try);
/* Ends a shadow that is going, if there is one, and discards its candidate; false: there is none. */
bool release_shadow_stop(struct release *release, enum release_ending ending, const char *text);
void release_shadow_tick(struct release *release, struct release_news *out_news);

/* ---- release_probation.c ---- */

/* The version that a new one is to be held against: the one that a going probation is held against, else the active one. */
struct release_version *release_baseline(const struct release *release);
/* Holds the active version against `baseline` (NULL, or no memory, or probation_ms 0: it does not; false). */
bool release_probation_begin(struct release *release, struct release_version *baseline,
                             const struct release_band *band);
/* Ends a probation that is going without a result. */
void release_probation_stop(struct release *release, const char *text);
void release_probation_tick(struct release *release, struct release_news *out_news);

/* ---- release_reload.c ---- */

/* The candidate of a shadow becomes active, as a reload's end would have it. */
void release_activate(struct release *release, struct release_version *version, const struct release_band *band,
                      struct release_report *report);
/* Keeps `version` on disk as the last good one, and as the last proven one. */
void release_keep_good(struct release *release, const struct release_version *version, struct release_report *report);
void release_keep_proven(struct release *release, const struct release_version *version);
/* After a switch: the bytes of `left` are refused from now on, those of the active version no longer are. */
void release_refuse(struct release *release, const struct release_version *left, bool by_probation, const char *why);
/* Discards the warm version that is least worth its memory until at most `most` are left. */
void release_trim_warm(struct release *release, unsigned most);

/* Takes the time since *started_ns for `phase` and begins anew. */
void release_took(struct release_report *report, enum release_phase phase, uint64_t *started_ns);
