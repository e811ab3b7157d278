/* SPDX-License-Identifier: Apache-2.0 */
/* What shadow and probation share: two versions decide the same requests, and what came of it is looked at now and then. */
#include "release/release_priv.h"
#include "util/clock.h"
#include "util/invariant.h"
#include "util/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *release_ending_name(enum release_ending ending)
{
    static const char *const names[RELEASE_ENDING_COUNT] = {
        [RELEASE_GOING] = "going",   [RELEASE_ACTIVATED] = "activated",   [RELEASE_DIFFERS] = "differs",
        [RELEASE_OVER] = "over",     [RELEASE_CANCELLED] = "cancelled",   [RELEASE_OVERTAKEN] = "overtaken",
        [RELEASE_PASSED] = "passed", [RELEASE_BAND_LEFT] = "rolled back",
    };
    return names[ending];
}

uint64_t release_now_ms(const struct release *release)
{
    return release->options.now_ms ? release->options.now_ms() : clock_mono_ns() / 1000000;
}

static void free_tallies(struct release_try *try)
{
    for (unsigned i = 0; i < RELEASE_WORKERS_MAX; i++) {
        free(try->tallies[i]);
        try->tallies[i] = NULL;
    }
}

void release_trial_done(struct release_try *try)
{
    free_tallies(try);
    free(try->total);
    try->total = NULL;
}

enum err release_trial_prepare(const struct release *release, struct release_try *try)
{
    try->total = calloc(1, sizeof(*try->total));
    bool fine = try->total != NULL;
    for (unsigned i = 0; fine && i < release->options.workers.count; i++)
        fine = (try->tallies[i] = calloc(1, sizeof(*try->tallies[i]))) != NULL;
    if (fine)
        return OK;
    release_trial_done(try);
    return ERR_NOMEM;
}

void release_trial_begin(struct release *release, struct release_try *try, uint64_t beside)
{
    const struct release_workers *workers = &release->options.workers;
    invariant(release->going.trial == RELEASE_NO_TRIAL);
    try->ending = RELEASE_GOING;
    try->began_ms = clock_wall_ms();
    try->until_ms = release_now_ms(release) + try->length_ms;
    release->going = *try;
    const struct release_comparison comparison = {.version = beside,
                                                  .sample = try->sample ? try->sample : 1,
                                                  .shadow = try->trial == RELEASE_SHADOW,
                                                  .tallies = release->going.tallies};
    workers->compare(workers->ctx, &comparison);
}

void release_trial_look(struct release *release)
{
    const struct release_workers *workers = &release->options.workers;
    memset(release->going.total, 0, sizeof(*release->going.total));
    workers->collect(workers->ctx, release->going.tallies, release->going.total);
}

void release_trial_end(struct release *release, enum release_ending ending, const char *text)
{
    const struct release_workers *workers = &release->options.workers;
    struct release_try *going = &release->going;
    invariant(going->trial != RELEASE_NO_TRIAL);
    release_trial_look(release);
    workers->compare(workers->ctx, NULL);
    free_tallies(going);
    going->ending = ending;
    going->ended_ms = clock_wall_ms();
    snprintf(going->text, sizeof(going->text), "%s", text);
    struct release_try *last = &release->last[going->trial];
    release_trial_done(last);
    *last = *going;
    *going = (struct release_try){.trial = RELEASE_NO_TRIAL};
}

void release_trials_done(struct release *release)
{
    if (release->going.trial != RELEASE_NO_TRIAL)
        release_trial_end(release, RELEASE_OVERTAKEN, "the engine ends");
    for (unsigned i = 0; i <= RELEASE_PROBATION; i++)
        release_trial_done(&release->last[i]);
}

void release_news_of(const struct release *release, enum release_trial trial, struct release_news *out_news)
{
    const struct release_try *last = &release->last[trial];
    *out_news = (struct release_news){.trial = trial, .ending = last->ending, .version = last->version};
    snprintf(out_news->text, sizeof(out_news->text), "version %llu (%.8s): %s: %s", (unsigned long long)last->version,
             last->hash, release_ending_name(last->ending), last->text);
}

void release_tick(struct release *release, struct release_news *out_news)
{
    *out_news = (struct release_news){.trial = RELEASE_NO_TRIAL};
    if (release->going.trial == RELEASE_NO_TRIAL)
        return;
    release_trial_look(release);
    if (release->going.trial == RELEASE_SHADOW)
        release_shadow_tick(release, out_news);
    else
        release_probation_tick(release, out_news);
}

uint32_t release_tick_ms(const struct release *release)
{
    return release->going.trial == RELEASE_NO_TRIAL ? 0 : RELEASE_TICK_MS;
}

const struct release_tally *release_trial_tally(const struct release *release, enum release_trial *out_trial)
{
    *out_trial = release->going.trial;
    return release->going.total;
}

static void put_band(struct json *json, const char *key, const struct release_band *band)
{
    json_key(json, key);
    json_object_begin(json);
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        if (band->limits[i] < RELEASE_WHOLE) {
            json_key(json, release_measure_name((enum release_measure)i));
            json_double(json, 100.0 * band->limits[i] / RELEASE_WHOLE);
        }
    json_object_end(json);
}

static void put_try(const struct release *release, const struct release_try *try, struct json *json)
{
    bool going = try->ending == RELEASE_GOING;
    uint64_t now_ms = release_now_ms(release);
    json_put_text(json, "state", release_ending_name(try->ending));
    json_put_u64(json, "version", try->version);
    json_put_u64(json, "against", try->against);
    json_put_text(json, "hash", try->hash);
    json_put_u64(json, "sample", try->sample);
    json_put_i64(json, "began_ms", try->began_ms);
    json_put_u64(json, "length_ms", try->length_ms);
    if (going)
        json_put_u64(json, "left_ms", try->until_ms > now_ms ? try->until_ms - now_ms : 0);
    else
        json_put_i64(json, "ended_ms", try->ended_ms);
    if (try->condition_text[0])
        json_put_text(json, "activate_if", try->condition_text);
    if (try->expect_text[0])
        json_put_text(json, "expect", try->expect_text);
    if (try->trial == RELEASE_PROBATION)
        put_band(json, "band_percent", &try->band);
    if (!going)
        json_put_text(json, "result", try->text);
    release_tally_json(try->total, json);
}

void release_trial_json(struct release *release, enum release_trial trial, struct buffer *out)
{
    struct json json = json_into(out);
    if (release->going.trial == trial)
        release_trial_look(release);
    const struct release_try *try = release->going.trial == trial ? &release->going : &release->last[trial];
    json_object_begin(&json);
    if (try->total)
        put_try(release, try, &json);
    else
        json_put_text(&json, "state", "none");
    json_object_end(&json);
}

void release_trial_summary(const struct release *release, enum release_trial trial, struct json *json)
{
    const struct release_try *try = release->going.trial == trial ? &release->going : &release->last[trial];
    uint64_t now_ms = release_now_ms(release);
    json_object_begin(json);
    json_put_text(json, "state", try->total ? release_ending_name(try->ending) : "none");
    if (try->total) {
        json_put_u64(json, "version", try->version);
        json_put_u64(json, "against", try->against);
        if (try->ending == RELEASE_GOING)
            json_put_u64(json, "left_ms", try->until_ms > now_ms ? try->until_ms - now_ms : 0);
        else
            json_put_text(json, "result", try->text);
        json_put_u64(json, "pairs", try->total->pairs);
        json_put_u64(json, "differences", try->total->with[RELEASE_DIFF]);
    }
    json_object_end(json);
}
