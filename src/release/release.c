/* SPDX-License-Identifier: Apache-2.0 */
/* The list of versions: which is active, which stay warm, what is told about them. */
#include "release/release_priv.h"
#include "util/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err release_new(const struct release_options *options, struct release **out_release)
{
    unsigned count = options->workers.count;
    if (count == 0 || count > RELEASE_WORKERS_MAX)
        return ERR_INVALID;
    struct release *release = calloc(1, sizeof(*release));
    if (!release)
        return ERR_NOMEM;
    release->options = *options;
    list_init(&release->versions);
    if (options->data_dir) {
        release->data_dir = strdup(options->data_dir);
        if (!release->data_dir) {
            free(release);
            return ERR_NOMEM;
        }
    }
    release->options.data_dir = release->data_dir;
    if (release->data_dir)
        release_refused_load(&release->refused, release->data_dir);
    *out_release = release;
    return OK;
}

void release_free(struct release *release)
{
    if (!release)
        return;
    release_trials_done(release);
    struct list *node;
    while ((node = list_first(&release->versions)) != NULL) {
        struct release_version *version = container_of(node, struct release_version, node);
        if (version->state != RELEASE_DISCARDED)
            release_version_event(release, version, RELEASE_EV_DROP);
        release_version_free(release, version);
    }
    free(release->data_dir);
    free(release->path);
    free(release);
}

/* Whether a rollback from the active version, or a second one, leads to `version`. */
static bool is_ahead_of_rollback(const struct release *release, const struct release_version *version)
{
    uint64_t next = release->active->parent;
    for (int depth = 0; depth < RELEASE_WARM_MAX && next; depth++) {
        if (next == version->number)
            return true;
        const struct release_version *parent = release_version_find(release, next);
        next = parent ? parent->parent : 0;
    }
    return false;
}

/* The warm version that is least worth its memory: one that no rollback leads to, the longest out of use among those.  What a
 * probation holds the active version against is never it. */
static struct release_version *least_warm(const struct release *release, unsigned *out_count)
{
    struct release_version *least = NULL;
    bool least_ahead = false;
    *out_count = 0;
    for (struct list *node = release->versions.next; node != &release->versions; node = node->next) {
        struct release_version *version = container_of(node, struct release_version, node);
        if (version->state != RELEASE_WARM)
            continue;
        ++*out_count;
        if (release->going.trial == RELEASE_PROBATION && version->number == release->going.against)
            continue;
        bool ahead = is_ahead_of_rollback(release, version);
        if (!least || (least_ahead && !ahead) || (least_ahead == ahead && version->turn < least->turn)) {
            least = version;
            least_ahead = ahead;
        }
    }
    return least;
}

static void forget_old(struct release *release)
{
    unsigned dead = 0;
    for (struct list *node = release->versions.next; node != &release->versions;) {
        struct release_version *version = container_of(node, struct release_version, node);
        node = node->next;
        if (version->state == RELEASE_DISCARDED && ++dead > RELEASE_HISTORY_MAX)
            release_version_free(release, version);
    }
}

void release_make_active(struct release *release, struct release_version *version)
{
    struct release_version *before = release->active;
    version->turn = ++release->turns;
    version->activated_ms = clock_wall_ms();
    release_version_event(release, version, RELEASE_EV_SWITCH);
    release->active = version;
    if (before)
        release_version_event(release, before, RELEASE_EV_SUPERSEDED);
    release_trim_warm(release, RELEASE_WARM_MAX);
    forget_old(release);
}

void release_trim_warm(struct release *release, unsigned most)
{
    unsigned warm;
    struct release_version *least;
    while ((least = least_warm(release, &warm)) != NULL && warm > most)
        release_version_event(release, least, RELEASE_EV_DROP);
}

void release_refuse(struct release *release, const struct release_version *left, bool by_probation, const char *why)
{
    const char *stays = release->active->hash;
    (void)release_refused_remove(&release->refused, stays);
    if (strcmp(left->hash, stays) != 0) /* a forced reload may have made another version of the same bytes */
        release_refused_add(&release->refused, left->hash, by_probation, why);
    if (release->data_dir && release_refused_save(&release->refused, release->data_dir) != OK)
        release->counters.unsaved++;
}

enum err release_rollback(struct release *release, struct release_report *out_report)
{
    uint64_t started_ns = clock_mono_ns();
    *out_report = (struct release_report){.rolled_back = true};
    struct release_version *before = release->active;
    struct release_version *target = before ? release_version_find(release, before->parent) : NULL;
    out_report->version = out_report->previous = before ? before->number : 0;
    if (!target) {
        enum err err = fault_set(&out_report->fault, ERR_NOT_FOUND, NULL, 0,
                                 "there is no earlier version to go back to: the last %d that were active stay ready",
                                 RELEASE_WARM_MAX);
        return err;
    }
    if (release_shadow_stop(release, RELEASE_OVERTAKEN, "an operator rolled the active version back"))
        snprintf(out_report->remark, sizeof(out_report->remark), "the shadow that was going is ended");
    release_probation_stop(release, "an operator rolled it back");
    /* The names are for the report alone: without memory for them a rollback still is one. */
    (void)!release_report_compare(out_report, policy_describe(before->program), policy_describe(target->program));
    release_make_active(release, target);
    release->counters.rollbacks++;
    release_refuse(release, before, false, "an operator rolled it back");
    release_keep_good(release, target, out_report);
    out_report->ok = true;
    out_report->reached = RELEASE_ACTIVE;
    out_report->version = target->number;
    memcpy(out_report->name, target->name, sizeof(out_report->name));
    memcpy(out_report->hash, target->hash, sizeof(out_report->hash));
    release_took(out_report, RELEASE_SWITCH, &started_ns);
    return OK;
}

uint64_t release_active(const struct release *release)
{
    return release->active ? release->active->number : 0;
}

struct policy_program *release_program(const struct release *release)
{
    return release->active ? release->active->program : NULL;
}

const char *release_path(const struct release *release)
{
    return release->path ? release->path : "";
}

const struct release_counters *release_counters(const struct release *release)
{
    return &release->counters;
}

enum err release_rebuild(struct release *release, unsigned index, struct fault *fault)
{
    const struct release_workers *workers = &release->options.workers;
    struct release_version *version = release->active;
    if (!version || index >= workers->count)
        return fault_set(fault, ERR_NOT_FOUND, NULL, 0, "there is no such worker with an active version");
    struct policy_options options = {0};
    workers->options(workers->ctx, index, &options);
    struct policy *fresh;
    enum err err = policy_new(version->program, &options, &fresh, fault);
    if (err != OK)
        return err;
    err = workers->stage(workers->ctx, index, version->number, fresh, fault);
    if (err != OK) {
        policy_free(fresh);
        return err;
    }
    policy_free(version->policies[index]);
    version->policies[index] = fresh;
    return OK;
}
