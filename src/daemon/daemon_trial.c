/* SPDX-License-Identifier: Apache-2.0 */
/* Shadow and probation on the control thread: the timer that looks at them, what is said of their ends, their metrics. */
#include "daemon/daemon_priv.h"
#include "util/json.h"
#include "util/log.h"

static const char *const trial_names[] = {[RELEASE_SHADOW] = "shadow", [RELEASE_PROBATION] = "probation"};

/* What is good news for an operator, and what has to be loud. */
static enum log_level level_of(enum release_ending ending)
{
    switch (ending) {
    case RELEASE_BAND_LEFT:
        return LOG_ERROR;
    case RELEASE_DIFFERS:
        return LOG_WARN;
    default:
        return LOG_INFO;
    }
}

static void say(const struct release_news *news)
{
    if (news->trial == RELEASE_NO_TRIAL)
        return;
    if (news->ending == RELEASE_BAND_LEFT)
        log_error("reload", "ROLLED BACK BY ITSELF: %s", news->text);
    else
        log_write(level_of(news->ending), "reload", "%s of %s", trial_names[news->trial], news->text);
}

static void publish(struct daemon *daemon)
{
    enum release_trial trial;
    const struct release_tally *tally = release_trial_tally(daemon->release, &trial);
    if (!tally)
        return;
    struct metric *const *metrics = daemon->trial_metrics[trial - 1];
    metric_set(metrics[0], 0, (int64_t)tally->pairs);
    metric_set(metrics[1], 0, (int64_t)tally->skipped);
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        metric_set(metrics[2 + i], 0, (int64_t)tally->with[i]);
}

static void on_trial(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    struct release_news news;
    release_tick(daemon->release, &news);
    publish(daemon);
    say(&news);
    if (news.trial == RELEASE_NO_TRIAL)
        return;
    daemon_trial_arm(daemon);
    daemon_release_changed(daemon);
}

enum err daemon_trial_init(struct daemon *daemon)
{
    enum err err = OK;
    char labels[96];
    for (unsigned trial = 0; trial < 2; trial++) {
        struct metric **metrics = daemon->trial_metrics[trial];
        snprintf(labels, sizeof(labels), "trial=\"%s\"", trial_names[trial + 1]);
        if (err == OK)
            err = metric_add(daemon->registry, METRIC_GAUGE, "verdict_trial_requests", labels,
                             "Requests that a second version decided too, in the trial that is going or the last one.",
                             &metrics[0]);
        if (err == OK)
            err = metric_add(daemon->registry, METRIC_GAUGE, "verdict_trial_skipped", labels,
                             "Requests of its sample that there was no time or room to decide twice.", &metrics[1]);
        for (unsigned i = 0; i < RELEASE_MEASURE_COUNT && err == OK; i++) {
            snprintf(labels, sizeof(labels), "trial=\"%s\",kind=\"%s\"", trial_names[trial + 1],
                     release_measure_name((enum release_measure)i));
            err = metric_add(daemon->registry, METRIC_GAUGE, "verdict_trial_differences", labels,
                             "Requests of a trial on which the two versions differ, by kind.", &metrics[2 + i]);
        }
    }
    static const char *const who[] = {"by=\"operator\"", "by=\"probation\""};
    for (unsigned i = 0; i < 2 && err == OK; i++)
        err = metric_add(daemon->registry, METRIC_COUNTER, "verdict_rollbacks_total", who[i],
                         "Rollbacks, by who made them.", &daemon->rollback_metrics[i]);
    return err;
}

void daemon_trial_arm(struct daemon *daemon)
{
    uint32_t tick_ms = release_tick_ms(daemon->release);
    if (tick_ms)
        uv_timer_start(&daemon->trial, on_trial, tick_ms, tick_ms);
    else
        uv_timer_stop(&daemon->trial);
}

enum err daemon_shadow_cancel(struct daemon *daemon)
{
    struct release_news news;
    enum err err = release_shadow_cancel(daemon->release, &news);
    if (err == OK)
        say(&news);
    daemon_trial_arm(daemon);
    return err;
}

void daemon_trial_json(struct daemon *daemon, bool probation, struct buffer *out)
{
    release_trial_json(daemon->release, probation ? RELEASE_PROBATION : RELEASE_SHADOW, out);
}
