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
static void keep(struct release *release, struct release_version *version, struct release_report *report)
{
    if (!release->data_dir)
        return;
    enum err err = release_keep_save(release->data_dir, version->source, version->path, &report->save_fault);
    report->saved = err == OK;
    if (err != OK)
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

static enum err load_source(struct release *release, struct source *source, const char *path, bool trusted,
                            struct release_report *report)
{
    struct release_version *version;
    enum err err = release_version_new(release, source, path, &version);
    if (err != OK)
        return fault_set(&report->fault, err, NULL, 0, "%s", err_text(err));
    struct release_version *before = release->active;
    err = release_advance(release, version, trusted, report);
    memcpy(report->name, version->name, sizeof(report->name));
    if (err != OK)
        return err;
    (void)!release_report_compare(report, before ? policy_describe(before->program) : NULL,
                                  policy_describe(version->program));
    version->parent = before ? before->number : 0;
    uint64_t started_ns = clock_mono_ns();
    release_make_active(release, version);
    release_took(report, RELEASE_SWITCH, &started_ns);
    keep(release, version, report);
    release_took(report, RELEASE_SAVE, &started_ns);
    report->ok = true;
    report->reached = RELEASE_ACTIVE;
    report->version = version->number;
    release->counters.reloads++;
    return adopt_path(release, path);
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

static enum err reload(struct release *release, const char *path, const struct release_request *request,
                       struct release_report *report)
{
    struct release_version *active = release->active;
    uint64_t started_ns = clock_mono_ns();
    struct source *source = NULL;
    enum err err = read_settled(path, &source, &report->fault);
    release_took(report, RELEASE_READ, &started_ns);
    if (err != OK) {
        release->counters.failures++;
        return err;
    }
    snprintf(report->hash, sizeof(report->hash), "%s", source_hash(source));
    snprintf(report->name, sizeof(report->name), "%s", source_name(source));
    bool same = active && !request->force && strcmp(active->hash, report->hash) == 0;
    if (same || (request->watched && strcmp(release->rolled_back, report->hash) == 0)) {
        report->ok = report->unchanged = true;
        report->reached = RELEASE_ACTIVE;
        release->counters.unchanged++;
        err = adopt_path(release, path);
    } else {
        err = load_source(release, source, path, false, report);
        if (err != OK && !report->ok)
            release->counters.failures++;
        if (report->ok)
            release->rolled_back[0] = '\0';
    }
    source_unref(source);
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
    enum err err;
    if (path)
        err = reload(release, path, request, out_report);
    else
        err = fault_set(&out_report->fault, ERR_INVALID, NULL, 0, "no policy was named, and none was loaded before");
    free(path);
    return err;
}

enum err release_start(struct release *release, const char *path, struct release_report *out_report)
{
    report_begin(release, out_report);
    static const struct release_request plain;
    enum err err = reload(release, path, &plain, out_report);
    struct source *source;
    struct fault ignored = {0};
    if (err != OK && release->data_dir && release_keep_load(release->data_dir, path, &source, &ignored) == OK) {
        struct release_report kept = {0};
        snprintf(kept.hash, sizeof(kept.hash), "%s", source_hash(source));
        if (load_source(release, source, path, true, &kept) == OK) {
            kept.fault = out_report->fault;
            kept.last_good = true;
            release_report_done(out_report);
            *out_report = kept;
            err = OK;
        } else {
            release_report_done(&kept);
        }
        source_unref(source);
    }
    if (err == OK || !release->path) /* a later reload without a path tries this one again */
        (void)adopt_path(release, path);
    return err;
}
