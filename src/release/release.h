/* SPDX-License-Identifier: Apache-2.0 */
/* The life of policy versions (src/release/README.md): a version is read once, validated, tested, staged on every worker
 * and only then active on all of them; whatever fails before leaves the active one where it is.  Everything here runs on
 * the control thread and nowhere else, so that requests for a reload are in a row by themselves. */
#pragma once

#include "policy/policy.h"
#include "release/release_band.h"
#include "release/release_report.h"
#include "release/release_state.h"
#include "util/err.h"

struct release;
struct buffer;

/* A second version beside the active one: it decides a sample of the same requests, after their answers are out, and what
 * both made of them is counted. */
struct release_comparison {
    uint64_t version;               /* that decides beside; the workers hold it */
    unsigned sample;                /* one request in so many */
    bool shadow;                    /* it is the new one; else the active one is, and this the old one */
    struct release_tally **tallies; /* one a worker, which alone writes it */
};

/* The workers as release sees them.  All are called on the control thread and return when the thing is done; `index` is
 * below `count`.  The policies stay release's own: a worker borrows one from stage() until withdraw() has returned. */
struct release_workers {
    void *ctx;
    unsigned count; /* 1 to RELEASE_WORKERS_MAX */
    /* Fills in what this worker's VM is made with (host, watchdog, shared tables). */
    void (*options)(void *ctx, unsigned index, struct policy_options *out_options);
    /* Hands `policy` over as `version`, to be kept beside the active one and not to be used yet.  An error here (the
     * worker's own table is full, it is going) fails the reload; `fault` may say more.  A version that the worker holds
     * already gets the new policy in the old one's place, which it no longer touches when this returns. */
    enum err (*stage)(void *ctx, unsigned index, uint64_t version, struct policy *policy, struct fault *fault);
    /* Every worker decides with `version` from now on, which it holds: it cannot fail, and no request that is sent after
     * it has returned meets another version. */
    void (*activate_all)(void *ctx, uint64_t version);
    /* The worker forgets `version` and no longer touches its policy when this returns. */
    void (*withdraw)(void *ctx, unsigned index, uint64_t version);
    /* Every worker compares from now on, or (NULL) no longer touches what it was given when this returns. */
    void (*compare)(void *ctx, const struct release_comparison *comparison);
    /* Adds what every worker has counted into its tally by now to *total. */
    void (*collect)(void *ctx, struct release_tally *const *tallies, struct release_tally *total);
};

/* What the engine adds to the validation: both may be NULL and are called on the control thread. */
struct release_checks {
    void *ctx;
    /* Whether this engine can run the program (a policy that asks the directory where none was ever made is refused). */
    enum err (*accept)(void *ctx, const struct policy_description *description, struct fault *fault);
    /* Runs the source's own test.lua through dispatch and guard; ERR_NOT_FOUND: it has none.  Any other error, or a
     * failed test in *out_summary, refuses the version; `fault` then names the first failed test. */
    enum err (*test)(void *ctx, struct source *source, struct authoring_test_summary *out_summary, struct fault *fault);
};

enum { RELEASE_WORKERS_MAX = 64, RELEASE_WARM_MAX = 2, RELEASE_HISTORY_MAX = 16 };

struct release_options {
    struct release_workers workers;
    struct release_checks checks;
    const char *data_dir;  /* where the last good version is kept (DIR/last_good); NULL: nowhere. Copied. */
    uint32_t probation_ms; /* how long a new version is held against the one before; 0: not at all */
    unsigned probation_sample;
    struct release_band band;
    uint64_t (*now_ms)(void); /* monotonic; NULL: the system's clock */
};

MUST_CHECK enum err release_new(const struct release_options *options, struct release **out_release);
/* Withdraws every version from every worker and frees them all.  NULL is fine. */
void release_free(struct release *release);

/* How a reload is asked for; all zero is an ordinary one. */
struct release_request {
    const char *path;   /* a folder or a .lua file; NULL: where the last one came from. Remembered when it succeeds. */
    bool watched;       /* nobody asked, a file was touched: bytes that were rolled back from stay away */
    bool force;         /* the same bytes as the active version's are made a new version, instead of nothing being done;
                         and those that a probation has rolled back are taken again */
    bool trusted;       /* its tests were passed before */
    bool starts;        /* the first one of a process: bytes that were rolled back from stay away */
    const char *expect; /* a wanted change, as release_band_expect() reads it; NULL: none */
    uint32_t shadow_ms; /* decide beside the active version for so long first; 0: become active at once */
    unsigned shadow_sample; /* one request in so many; 0: each */
    const char
        *activate_if; /* at the shadow's end, as release_condition_parse() reads it; NULL: it is discarded then */
};

/* The way to a new version.  The result says whether the version is active now (or was already: `unchanged`); *out_report
 * says all that there is to say in either case, and is to be given to release_report_done(). */
enum err release_reload(struct release *release, const struct release_request *request,
                        struct release_report *out_report);

/* The first version of a process.  As release_reload; but when `path` fails and a last good version of it was kept,
 * that one is started, OK is returned and `out_report->last_good` is set with the failure in `fault`. */
enum err release_start(struct release *release, const char *path, struct release_report *out_report);

/* Back to the version that was active before this one, in an instant: it is still warm.  ERR_NOT_FOUND: there is none.
 * A rolled-back version becomes warm in its turn, so a second rollback goes further back, then ERR_NOT_FOUND. */
enum err release_rollback(struct release *release, struct release_report *out_report);

/* ---- Shadow and probation ---- */

enum release_trial { RELEASE_NO_TRIAL, RELEASE_SHADOW, RELEASE_PROBATION };

/* How a trial ended. */
enum release_ending {
    RELEASE_GOING,     /* it has not */
    RELEASE_ACTIVATED, /* shadow: its condition held */
    RELEASE_DIFFERS,   /* shadow: its condition did not hold; discarded */
    RELEASE_OVER,      /* shadow: its time is over and no condition was given; discarded */
    RELEASE_CANCELLED, /* shadow: an operator ended it; discarded */
    RELEASE_OVERTAKEN, /* another version took over meanwhile */
    RELEASE_PASSED,    /* probation: nothing left its band */
    RELEASE_BAND_LEFT, /* probation: rolled back */
    RELEASE_ENDING_COUNT
};
/* "going", "activated", "differs", "over", "cancelled", "overtaken", "passed", "rolled back". */
const char *release_ending_name(enum release_ending ending);

/* What a tick brought about: to be told loudly. */
struct release_news {
    enum release_trial trial; /* NO_TRIAL: nothing happened */
    enum release_ending ending;
    uint64_t version; /* the one that was tried */
    char text[768];   /* one line */
};

/* To be called now and then (release_tick_ms says when next): ends what is over, rolls back what has left its band. */
void release_tick(struct release *release, struct release_news *out_news);
/* In how many milliseconds the next tick is due; 0: nothing is tried. */
uint32_t release_tick_ms(const struct release *release);

/* Ends a shadow; its candidate is discarded.  ERR_NOT_FOUND: none is going. */
enum err release_shadow_cancel(struct release *release, struct release_news *out_news);

/* The trial that is going, or the last one of that kind: {"state":"going","version":7,"against":6,...}; {"state":"none"}. */
void release_trial_json(struct release *release, enum release_trial trial, struct buffer *out);
/* The same in a few members, into an array or object that is open. */
struct json;
void release_trial_summary(const struct release *release, enum release_trial trial, struct json *json);
/* The last look at the trial that is going, or NULL. */
const struct release_tally *release_trial_tally(const struct release *release, enum release_trial *out_trial);

/* The active version, 0 before there is one; its program (borrowed), NULL before there is one. */
uint64_t release_active(const struct release *release);
struct policy_program *release_program(const struct release *release);
/* The path that a reload without one loads; "" before a start. */
const char *release_path(const struct release *release);

/* One version, for a human.  Texts are borrowed until the next call that changes something. */
struct release_version_info {
    uint64_t version;
    enum release_state state;
    const char *name;
    const char *hash;
    const char *path;
    size_t rules;
    int64_t loaded_ms;    /* Unix time */
    int64_t activated_ms; /* when it was last made active; 0: never */
    const char *failure;  /* why it was refused, "" otherwise */
};

/* Versions that are alive, and the last RELEASE_HISTORY_MAX that are not, newest first. */
size_t release_version_count(const struct release *release);
void release_version_at(const struct release *release, size_t index, struct release_version_info *out_info);
/* All of them as a JSON array. */
void release_versions_json(const struct release *release, struct buffer *out);

/* Replaces worker `index`'s VM of the active version by a fresh one: it outgrew its soft cap.  The old one is freed when
 * the worker has let go of it.  */
MUST_CHECK enum err release_rebuild(struct release *release, unsigned index, struct fault *fault);

/* Counted since the start. */
struct release_counters {
    uint64_t reloads; /* that made a version active */
    uint64_t unchanged;
    uint64_t failures;
    uint64_t rollbacks;
    uint64_t unsaved;     /* active, but the last good copy could not be written */
    uint64_t rolled_back; /* of the rollbacks: by a probation */
    uint64_t shadows;     /* begun */
};
const struct release_counters *release_counters(const struct release *release);
