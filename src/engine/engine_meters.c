/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_meters.h"
#include "engine/engine_guard.h"
#include <stdio.h>

static const unsigned codes[] = {100, 180, 183, 200, 202, 301, 302, 400, 401, 403, 404, 405, 406, 408, 410, 412,
                                 413, 414, 415, 416, 420, 421, 422, 423, 439, 480, 481, 482, 483, 484, 486, 487,
                                 488, 489, 491, 500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606, 607, 608};

static const char *const noise_names[ENGINE_NOISE_COUNT] = {
#define X(name, text) [name] = text,
    ENGINE_NOISE_TABLE(X)
#undef X
};

struct adder {
    struct metric_registry *registry;
    enum err err;
};

/* One labelled counter; the first error stays. */
static struct metric *add(struct adder *adder, const char *name, const char *label, const char *value, const char *help)
{
    char labels[64] = "";
    struct metric *metric = NULL;
    if (label)
        snprintf(labels, sizeof(labels), "%s=\"%s\"", label, value);
    if (adder->err == OK)
        adder->err = metric_add(adder->registry, METRIC_COUNTER, name, labels, help, &metric);
    return metric;
}

static void add_answers(struct adder *adder, struct engine_meters *meters)
{
    static const char help[] = "Responses sent, by status; retransmissions are not counted here.";
    struct metric *other = add(adder, "verdict_responses_total", "code", "other", help);
    for (unsigned i = 0; i < ENGINE_CODE_MAX; i++)
        meters->answers[i] = other;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        char text[8];
        snprintf(text, sizeof(text), "%u", codes[i]);
        meters->answers[codes[i]] = add(adder, "verdict_responses_total", "code", text, help);
    }
}

enum err engine_meters_init(struct engine_meters *meters, struct metric_registry *registry)
{
    struct adder adder = {registry, OK};
    memset(meters, 0, sizeof(*meters));
    meters->registry = registry;
    for (unsigned i = 0; i < SIP_METHOD_COUNT; i++)
        meters->requests[i] = add(&adder, "verdict_requests_total", "method",
                                  i == SIP_METHOD_OTHER ? "other" : sip_method_text((enum sip_method)i).at,
                                  "Requests received, retransmissions included, by method.");
    add_answers(&adder, meters);
    for (unsigned i = 0; i < POLICY_VERDICT_COUNT; i++)
        meters->verdicts[i] = add(&adder, "verdict_verdicts_total", "verdict",
                                  policy_verdict_name((enum policy_verdict)i), "Verdicts carried out.");
    for (unsigned i = POLICY_FAILED_ERROR; i < POLICY_FAILURE_COUNT; i++)
        meters->failures[i] =
            add(&adder, "verdict_policy_failures_total", "kind", policy_failure_name((enum policy_failure)i),
                "Decisions that a policy failed to make, answered by on_error.");
    for (unsigned i = 0; i < ENGINE_GUARD_KIND_COUNT; i++)
        meters->guards[i] =
            add(&adder, "verdict_guard_total", "outcome", engine_guard_result((enum engine_guard_kind)i)->name,
                "What the 410 guard made of gone{}.");
    for (unsigned i = 0; i < ENGINE_NOISE_COUNT; i++)
        meters->noise[i] = add(&adder, "verdict_discarded_total", "kind", noise_names[i],
                               "Messages or bytes that no policy was asked about.");
    for (unsigned i = 0; i < AUTH_OUTCOME_COUNT; i++)
        meters->credentials[i] =
            add(&adder, "verdict_credentials_total", "outcome", auth_outcome_text((enum auth_outcome)i),
                "Digest credentials of requests whose policy asked for them, by what they proved.");
    meters->no_acks = add(&adder, "verdict_unacknowledged_refusals_total", NULL, NULL,
                          "Final answers 300-699 to INVITE that were never acknowledged.");
    return adder.err;
}
