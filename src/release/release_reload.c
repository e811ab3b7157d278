/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a new version: read, validate, test, stage, switch, keep.  One function a step; the first failure ends it with
 * the active version untouched. */
#include "authoring/authoring_check.h"
#include "release/release_keep.h"
#include "release/release_priv.h"
#include "release/release_watch.h"
#include "util/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_ATTEMPTS = 3 };

void release_took(struct release_report *report, enum release_phase phase, uint64_t *started_ns)
{
    uint64_t now_ns = clock_mono_ns();
    uint64_t took_us = (now_ns - *started_ns) / 1000;
    report->took_us[phase] += took_us;
    report->took_total_us += took_us;
    *started_ns = now_ns;
}

/* What can be said without running it, as errors that name file and line. */
static enum err check_source(struct source *source, struct fault *fault)
{
    struct authoring_findings *findings = calloc(1, sizeof(*findings));
    if (!findings)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    authoring_check(source, findings);
    enum err err = OK;
    for (size_t index = 0; index < findings->count && err == OK; index++) {
        const struct authoring_finding *finding = &findings->list[index];
        if (finding->severity == AUTHORING_ERROR)
            err = fault_set(fault, ERR_SCRIPT, finding->file, finding->line, "%s", finding->text);
    }
    free(findings);
    return err;
}

static enum err validate(struct release *release, struct release_version *version, struct fault *fault)
{
    enum err err = check_source(version->source, fault);
    if (err == OK)
        err = policy_prepare(version->source, &version->program, fault);
    if (err != OK)
        return err;
    const struct policy_description *description = policy_describe(version->program);
    version->rules = description->rule_count;
    snprintf(version->name, sizeof(version->name), "%s", description->name);
    const struct release_checks *checks = &release->options.checks;
    return checks->accept ? checks->accept(checks->ctx, description, fault) : OK;
}

static enum err run_tests(struct release *release, struct release_version *version, struct release_report *report)
{
    const struct release_checks *checks = &release->options.checks;
    if (!checks->test)
        return OK;
    struct fault fault = {0};
    enum err err = checks->test(checks->ctx, version->source, &report->tests, &fault);
    if (err == ERR_NOT_FOUND)
        return OK;
    report->has_tests = true;
    if (err == OK && report->tests.failed == 0)
        return OK;
    report->fault = fault;
    if (report->fault.err == OK)
        (void)fault_set(&report->fault, err == OK ? ERR_SCRIPT : err, "test.lua", 0, "%zu of %zu tests failed",
                        report->tests.failed, report->tests.failed + report->tests.passed);
    return report->fault.err;
}

/* A VM a worker, built here and handed over: no worker compiles anything. */
static enum err stage(struct release *release, struct release_version *version, struct fault *fault)
{
    const struct release_workers *workers = &release->options.workers;
    enum err err = OK;
    for (unsigned index = 0; index < workers->count && err == OK; index++) {
        struct policy_options options = {0};
        workers->options(workers->ctx, index, &options);
        err = policy_new(version->program, &options, &version->policies[index], fault);
    }
    for (unsigned index = 0; index < workers->count && err == OK; index++) {
        err = workers->stage(workers->ctx, index, version->number, version->policies[index], fault);
        if (err == OK)
            version->handed++;
        else if (fault->err == OK)
            (void)fault_set(fault, err, NULL, 0, "worker %u of %u refused it: %s", index + 1, workers->count,
                            err_text(err));
    }
    return err;
}

/* Room for a third set of VMs, beside the active one and a warm one. */
static void make_room(struct release *release, const struct release_version *version, struct release_report *report)
{
    char text[96];
    snprintf(text, sizeof(text), "version %llu is to take its place", (unsigned long long)version->number);
    if (release_shadow_stop(release, RELEASE_OVERTAKEN, text))
        snprintf(report->remark, sizeof(report->remark), "the shadow of version %llu is ended: %s",
                 (unsigned long long)release->last[RELEASE_SHADOW].version, text);
    release_trim_warm(release, RELEASE_WARM_MAX - 1);
}

enum err release_advance(struct release *release, struct release_version *version, bool trusted,
                         struct release_report *report)
{
    uint64_t started_ns = clock_mono_ns();
    enum err err = validate(release, version, &report->fault);
    release_took(report, RELEASE_VALIDATE, &started_ns);
    if (err != OK)
        goto fail;
    release_version_event(release, version, RELEASE_EV_VALID);
    err = trusted ? OK : run_tests(release, version, report);
    release_took(report, RELEASE_TEST, &started_ns);
    if (err != OK)
        goto fail;
    release_version_event(release, version, RELEASE_EV_PASSED);
    make_room(release, version, report);
    err = stage(release, version, &report->fault);
    release_took(report, RELEASE_STAGE, &started_ns);
    if (err != OK)
        goto fail;
    release_version_event(release, version, RELEASE_EV_HANDED);
    report->reached = version->state;
    return OK;
fail:
    if (report->fault.err == OK)
        (void)fault_set(&report->fault, err, NULL, 0, "%s", err_text(err));
    report->reached = version->state;
    fault_format(&report->fault, version->failure, sizeof(version->failure));
    release_version_event(release, version, RELEASE_EV_FAILED);
    return err;
}

/* Whatever happens here, the version is active: a full disk costs the safety net, not the release. */
void release_keep_good(struct release *release, const struct release_version *version, struct release_report *report)
{
    if (!release->data_dir)
        return;
    enum err err =
        release_keep_save(release->data_dir, RELEASE_KEPT_GOOD, version->source, version->path, &report->save_fault);
    report->saved = err == OK;
    if (err != OK)
        release->counters.unsaved++;
}

void release_keep_proven(struct release *release, const struct release_version *version)
{
    struct fault ignored = {0};
    if (release->data_dir &&
        release_keep_save(release->data_dir, RELEASE_KEPT_PROVEN, version->source, version->path, &ignored) != OK)
        release->counters.unsaved++;
}

static enum err adopt_path(struct release *release, const char *path)
{
    if (release->path && strcmp(release->path, path) == 0)
        return OK;
    char *copy = strdup(path);
    if (!copy)
        return ERR_NOMEM;
    free(release->path);
    release->path = copy;
    return OK;
}

/* What a request asks of a trial. */
struct wish {
    struct release_band allowed; /* the band, with what is expected added */
    struct release_condition condition;
};

static enum err read_wish(const struct release *release, const struct release_request *request, struct wish *out_wish,
                          struct fault *fault)
{
    *out_wish = (struct wish){.allowed = release->options.band};
    /* A probation that is overtaken has not ended: what was announced for it still is. */
    if (release->going.trial == RELEASE_PROBATION)
        out_wish->allowed = release->going.band;
    enum err err = OK;
    if (request->expect)
        err = release_band_expect(span_of(request->expect), &out_wish->allowed, fault);
    if (err == OK && request->activate_if)
        err = release_condition_parse(span_of(request->activate_if), &out_wish->condition, fault);
    if (err == OK && request->activate_if && !request->shadow_ms)
        err = fault_set(fault, ERR_INVALID, NULL, 0, "a condition to activate is for a shadow: say for how long");
    return err;
}

void release_activate(struct release *release, struct release_version *version, const struct release_band *band,
                      struct release_report *report)
{
    struct release_version *before = release->active, *baseline = release_baseline(release);
    uint64_t started_ns = clock_mono_ns();
    release_probation_stop(release, "a newer version is held against the same one in its place");
    version->parent = before ? before->number : 0;
    release_make_active(release, version);
    release_took(report, RELEASE_SWITCH, &started_ns);
    if (release_probation_begin(release, baseline, band)) {
        report->against = baseline->number;
        report->probation_ms = release->options.probation_ms;
    }
    release_keep_good(release, version, report);
    if (!report->against && report->saved)
        release_keep_proven(release, version);
    if (release_refused_remove(&release->refused, version->hash) && release->data_dir &&
        release_refused_save(&release->refused, release->data_dir) != OK)
        release->counters.unsaved++;
    release_took(report, RELEASE_SAVE, &started_ns);
    report->ok = true;
    report->reached = RELEASE_ACTIVE;
    report->version = version->number;
    /* Without memory for the path the next reload has to name it. */
    (void)adopt_path(release, version->path);
}

static enum err start_shadow(struct release *release, struct release_version *version,
                             const struct release_request *request, const struct wish *wish,
                             struct release_report *report)
{
    struct release_try try = {.sample = request->shadow_sample ? request->shadow_sample : 1,
                              .length_ms = request->shadow_ms,
                              .band = wish->allowed,
                              .condition = wish->condition};
    enum err err = release_trial_prepare(release, &try);
    if (err != OK) {
        snprintf(version->failure, sizeof(version->failure), "no memory for a shadow");
        release_version_event(release, version, RELEASE_EV_FAILED);
        return fault_set(&report->fault, err, NULL, 0, "no memory for a shadow");
    }
    snprintf(try.condition_text, sizeof(try.condition_text), "%s", request->activate_if ? request->activate_if : "");
    snprintf(try.expect_text, sizeof(try.expect_text), "%s", request->expect ? request->expect : "");
    release_shadow_begin(release, version, &try);
    report->ok = true;
    report->reached = RELEASE_SHADOWING;
    report->candidate = version->number;
    report->shadow_ms = request->shadow_ms;
    return OK;
}

static enum err load_source(struct release *release, struct source *source, const char *path,
                            const struct release_request *request, struct release_report *report)
{
    struct wish wish;
    struct release_version *version;
    enum err err = read_wish(release, request, &wish, &report->fault);
    if (err != OK)
        return err;
    err = release_version_new(release, source, path, &version);
    if (err != OK)
        return fault_set(&report->fault, err, NULL, 0, "%s", err_text(err));
    struct release_version *before = release->active;
    err = release_advance(release, version, request->trusted, report);
    memcpy(report->name, version->name, sizeof(report->name));
    if (err != OK)
        return err;
    (void)!release_report_compare(report, before ? policy_describe(before->program) : NULL,
                                  policy_describe(version->program));
    if (request->shadow_ms && before)
        return start_shadow(release, version, request, &wish, report);
    release_activate(release, version, &wish.allowed, report);
    release->counters.reloads++;
    return OK;
}

/* Reads `path` so that what was read is what lay there at one moment: a save in the middle of the reading shows. */
static enum err read_settled(const char *path, struct source **out_source, struct fault *fault)
{
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        uint64_t before = release_fingerprint(path);
        struct source *source;
        enum err err = source_read(path, &source, fault);
        if (err != OK)
            return fault->err != OK ? err : fault_set(fault, err, path, 0, "%s", err_text(err));
        if (release_fingerprint(path) == before) {
            *out_source = source;
            return OK;
        }
        source_unref(source);
    }
    return fault_set(fault, ERR_AGAIN, path, 0, "the files change while they are read; try again when they are saved");
}

/* What keeps these bytes from being loaded by this request; OK: nothing does. */
static enum err check_refused(const struct release *release, const struct release_request *request,
                              struct release_report *report)
{
    const struct release_refusal *refusal = release_refused_find(&release->refused, report->hash);
    if (!refusal || request->force || request->expect || request->shadow_ms ||
        (!refusal->by_probation && !request->starts))
        return OK;
    return fault_set(
        &report->fault, ERR_CONFLICT, NULL, 0, "these bytes were rolled back (%.200s): `verdict reload%s", refusal->why,
        refusal->by_probation ? " --force` takes them nonetheless, --expect \"410 +N%\" announces the change"
                              : "` takes them");
}

/* Whether there is nothing to do: they are active already, or nobody asked for what was rolled back. */
static bool is_nothing(const struct release *release, const struct release_request *request, const char *hash)
{
    const struct release_version *active = release->active;
    if (active && !request->force && strcmp(active->hash, hash) == 0)
        return true;
    return request->watched && release_refused_find(&release->refused, hash) != NULL;
}

static enum err load_read(struct release *release, struct source *source, const char *path,
                          const struct release_request *request, struct release_report *report)
{
    snprintf(report->hash, sizeof(report->hash), "%s", source_hash(source));
    snprintf(report->name, sizeof(report->name), "%s", source_name(source));
    if (is_nothing(release, request, report->hash)) {
        report->ok = report->unchanged = true;
        report->reached = RELEASE_ACTIVE;
        release->counters.unchanged++;
        if (!request->shadow_ms)
            return adopt_path(release, path);
        snprintf(report->remark, sizeof(report->remark),
                 "there is nothing to try: a save is loaded at once where the folder is watched; name another folder "
                 "(--policy), or set watch = false");
        return OK;
    }
    enum err err = check_refused(release, request, report);
    if (err == OK && request->shadow_ms && release->going.trial == RELEASE_PROBATION)
        err = fault_set(&report->fault, ERR_BUSY, NULL, 0,
                        "version %llu is on probation for %llu s more, and a shadow is held against a proven version",
                        (unsigned long long)release->going.version,
                        (unsigned long long)((release->going.until_ms - release_now_ms(release)) / 1000 + 1));
    return err == OK ? load_source(release, source, path, request, report) : err;
}

static enum err reload(struct release *release, const char *path, const struct release_request *request,
                       struct release_report *report)
{
    uint64_t started_ns = clock_mono_ns();
    struct source *source = NULL;
    enum err err = read_settled(path, &source, &report->fault);
    if (err == OK && release->active)
        source_share(source, release->active->source);
    release_took(report, RELEASE_READ, &started_ns);
    if (err == OK)
        err = load_read(release, source, path, request, report);
    source_unref(source);
    if (err != OK && !report->ok)
        release->counters.failures++;
    return report->ok ? OK : err;
}

static void report_begin(const struct release *release, struct release_report *out_report)
{
    *out_report = (struct release_report){0};
    out_report->version = out_report->previous = release_active(release);
}

enum err release_reload(struct release *release, const struct release_request *request,
                        struct release_report *out_report)
{
    report_begin(release, out_report);
    char *path = request->path || release->path ? strdup(request->path ? request->path : release->path) : NULL;
    struct wish wish;
    enum err err = read_wish(release, request, &wish, &out_report->fault);
    if (err == OK && path)
        err = reload(release, path, request, out_report);
    else if (err == OK)
        err = fault_set(&out_report->fault, ERR_INVALID, NULL, 0, "no policy was named, and none was loaded before");
    free(path);
    return err;
}

/* Starts the kept version `which` of `path` in place of nothing, or of what is active.  ERR_NOT_FOUND also when it is active. */
static enum err start_kept(struct release *release, const char *path, enum release_kept which,
                           struct release_report *report)
{
    static const struct release_request trusted = {.trusted = true};
    struct source *source;
    struct fault ignored = {0};
    if (!release->data_dir || release_keep_load(release->data_dir, which, path, &source, &ignored) != OK)
        return ERR_NOT_FOUND;
    enum err err = ERR_NOT_FOUND;
    const char *hash = source_hash(source);
    bool active = release->active && strcmp(release->active->hash, hash) == 0;
    if (!active && !release_refused_find(&release->refused, hash)) {
        snprintf(report->hash, sizeof(report->hash), "%s", hash);
        err = load_source(release, source, path, &trusted, report);
    }
    source_unref(source);
    return err;
}

/* What is on disk is to be held against the version that last stood its probation, if that is another one: this one decides
 * first then. */
static void start_proven(struct release *release, const char *path)
{
    struct release_report report = {0};
    struct source *on_disk, *proven;
    struct fault ignored = {0};
    if (!release->options.probation_ms || !release->data_dir || source_read(path, &on_disk, &ignored) != OK)
        return;
    if (release_keep_load(release->data_dir, RELEASE_KEPT_PROVEN, path, &proven, &ignored) == OK) {
        if (strcmp(source_hash(proven), source_hash(on_disk)) != 0)
            (void)start_kept(release, path, RELEASE_KEPT_PROVEN, &report);
        source_unref(proven);
    }
    source_unref(on_disk);
    release_report_done(&report);
}

enum err release_start(struct release *release, const char *path, struct release_report *out_report)
{
    static const struct release_request plain = {.starts = true};
    start_proven(release, path);
    report_begin(release, out_report);
    enum err err = reload(release, path, &plain, out_report);
    if (err != OK) {
        struct release_report kept = {0};
        kept.previous = release_active(release);
        enum err other = start_kept(release, path, RELEASE_KEPT_GOOD, &kept);
        if (other == OK || release->active) {
            kept.ok = true;
            kept.reached = RELEASE_ACTIVE;
            kept.version = release->active->number;
            memcpy(kept.hash, release->active->hash, sizeof(kept.hash));
            memcpy(kept.name, release->active->name, sizeof(kept.name));
            kept.fault = out_report->fault;
            kept.last_good = true;
            release_report_done(out_report);
            *out_report = kept;
            err = OK;
        } else {
            release_report_done(&kept);
        }
    }
    if (err == ERR_CONFLICT) { /* rolled back once, and there is nothing else that could decide */
        static const struct release_request forced = {.force = true};
        release_report_done(out_report);
        report_begin(release, out_report);
        err = reload(release, path, &forced, out_report);
    }
    if (err == OK || !release->path) /* a later reload without a path tries this one again */
        (void)adopt_path(release, path);
    return err;
}
