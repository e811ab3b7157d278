/* SPDX-License-Identifier: Apache-2.0 */
/* A candidate decides beside the active version and answers nothing; at the end it becomes active by its condition, or
 * goes. */
#include "release/release_priv.h"
#include "util/invariant.h"
#include <stdio.h>
#include <string.h>

static struct release_version *candidate_of(const struct release *release)
{
    return release->going.trial == RELEASE_SHADOW ? release_version_find(release, release->going.version) : NULL;
}

void release_shadow_begin(struct release *release, struct release_version *version, struct release_try *try)
{
    release_version_event(release, version, RELEASE_EV_SHADOW);
    try->trial = RELEASE_SHADOW;
    try->version = version->number;
    try->against = release_active(release);
    memcpy(try->hash, version->hash, sizeof(try->hash));
    release_trial_begin(release, try, version->number);
    release->counters.shadows++;
}

bool release_shadow_stop(struct release *release, enum release_ending ending, const char *text)
{
    struct release_version *version = candidate_of(release);
    if (!version)
        return false;
    release_trial_end(release, ending, text);
    snprintf(version->failure, sizeof(version->failure), "shadow %s: %s", release_ending_name(ending), text);
    release_version_event(release, version, RELEASE_EV_FAILED);
    return true;
}

enum err release_shadow_cancel(struct release *release, struct release_news *out_news)
{
    if (!release_shadow_stop(release, RELEASE_CANCELLED, "by the operator; the candidate is discarded"))
        return ERR_NOT_FOUND;
    release_news_of(release, RELEASE_SHADOW, out_news);
    return OK;
}

/* What was seen in one line, whether a condition was given or not. */
static void describe(const struct release_tally *tally, struct buffer *out)
{
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++) {
        if (i != RELEASE_DIFF && tally->with[i] == 0)
            continue;
        buffer_addf(out, "%s", i == RELEASE_DIFF ? "" : "; ");
        release_band_describe(tally, (enum release_measure)i, out);
    }
}

static void finish(struct release *release, struct release_version *version, bool holds, const char *why)
{
    char text[512];
    struct release_band allowed = release->going.band;
    struct release_report report = {0};
    if (!holds) {
        bool asked = release->going.condition.set;
        snprintf(text, sizeof(text), "%.360s; discarded, version %llu stays active%s", why,
                 (unsigned long long)release_active(release),
                 asked ? "" : " (no --activate-if was given: `verdict reload` takes it)");
        (void)release_shadow_stop(release, asked ? RELEASE_DIFFERS : RELEASE_OVER, text);
        return;
    }
    snprintf(text, sizeof(text), "%.440s; it decides now", why);
    release_trial_end(release, RELEASE_ACTIVATED, text);
    release_activate(release, version, &allowed, &report);
    release->counters.reloads++;
    release_report_done(&report);
}

void release_shadow_tick(struct release *release, struct release_news *out_news)
{
    char text[448];
    struct buffer why = buffer_over(text, sizeof(text) - 1);
    struct release_try *going = &release->going;
    struct release_version *version = candidate_of(release);
    invariant(version);
    if (release_now_ms(release) < going->until_ms)
        return;
    bool holds = going->condition.set && release_condition_holds(&going->condition, going->total, &why);
    if (!going->condition.set)
        describe(going->total, &why);
    text[why.len] = '\0';
    finish(release, version, holds, text);
    release_news_of(release, RELEASE_SHADOW, out_news);
}
