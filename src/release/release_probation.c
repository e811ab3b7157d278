/* SPDX-License-Identifier: Apache-2.0 */
/* A new version is held against the one before, which decides a sample of the same requests: what leaves its band is
 * rolled back, and its bytes are refused from then on. */
#include "release/release_priv.h"
#include "util/invariant.h"
#include <stdio.h>
#include <string.h>

struct release_version *release_baseline(const struct release *release)
{
    if (release->going.trial == RELEASE_PROBATION)
        return release_version_find(release, release->going.against);
    return release->active;
}

bool release_probation_begin(struct release *release, struct release_version *baseline, const struct release_band *band)
{
    struct release_version *active = release->active;
    struct release_try try = {.trial = RELEASE_PROBATION,
                              .version = active->number,
                              .against = baseline ? baseline->number : 0,
                              .sample = release->options.probation_sample,
                              .length_ms = release->options.probation_ms,
                              .band = *band};
    if (!baseline || baseline == active || try.length_ms == 0 || release_trial_prepare(release, &try) != OK)
        return false;
    memcpy(try.hash, active->hash, sizeof(try.hash));
    release_trial_begin(release, &try, baseline->number);
    return true;
}

void release_probation_stop(struct release *release, const char *text)
{
    if (release->going.trial == RELEASE_PROBATION)
        release_trial_end(release, RELEASE_OVERTAKEN, text);
}

static void roll_back(struct release *release, enum release_measure measure)
{
    char text[512];
    struct buffer why = buffer_over(text, sizeof(text) - 1);
    struct release_version *bad = release->active;
    struct release_version *good = release_version_find(release, release->going.against);
    invariant(bad && good && good->state == RELEASE_WARM);
    release_band_describe(release->going.total, measure, &why);
    buffer_addf(&why, ", over the %.4g %% allowed; version %llu decides again",
                100.0 * release->going.band.limits[measure] / RELEASE_WHOLE, (unsigned long long)good->number);
    text[why.len] = '\0';
    release_trial_end(release, RELEASE_BAND_LEFT, text);
    snprintf(bad->failure, sizeof(bad->failure), "rolled back by its probation: %.440s", text);
    good->turn = ++release->turns;
    release_version_event(release, good, RELEASE_EV_SWITCH);
    release->active = good;
    release_version_event(release, bad, RELEASE_EV_REJECTED);
    release->counters.rollbacks++;
    release->counters.rolled_back++;
    struct release_report ignored = {0};
    release_refuse(release, bad, true, text);
    release_keep_good(release, good, &ignored);
}

void release_probation_tick(struct release *release, struct release_news *out_news)
{
    char text[256];
    struct release_try *going = &release->going;
    enum release_measure measure;
    if (release_band_left(&going->band, going->total, &measure)) {
        roll_back(release, measure);
    } else if (release_now_ms(release) >= going->until_ms) {
        snprintf(text, sizeof(text), "%llu requests decided twice, %llu answers differ: no band was left%s",
                 (unsigned long long)going->total->pairs, (unsigned long long)going->total->with[RELEASE_DIFF],
                 going->total->pairs ? "" : ", for nobody called");
        release_trial_end(release, RELEASE_PASSED, text);
        release_keep_proven(release, release->active);
    } else {
        return;
    }
    release_news_of(release, RELEASE_PROBATION, out_news);
}
