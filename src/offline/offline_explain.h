/* SPDX-License-Identifier: Apache-2.0 */
/* How one request is answered, step by step: the same dispatch, guard and reply builder as the daemon's, with a listener. */
#pragma once

#include "authoring/authoring_test.h"
#include "offline/offline_trial.h"
#include "util/buffer.h"

struct offline_explain_ask {
    const char *policy;                 /* folder or .lua file */
    const struct engine_config *config; /* NULL: the defaults */
    struct authoring_test_case request; /* message, source, now_ms, record */
    struct engine_lookup lookup;        /* find == NULL: the request's own record */
    bool json;
};

/* Says which rules were tried and why each did or did not fit, the fields read, the facts looked up, the exact bytes of
 * the answer and what would follow without and with an ACK.  Errors are about the policy, in `fault`. */
MUST_CHECK enum err offline_explain(const struct offline_explain_ask *ask, struct buffer *out, struct fault *fault);

/* The same for one message of the network after another, with one VM: `request` of the ask is not used. */
struct offline_explainer;
MUST_CHECK enum err offline_explainer_new(const struct offline_explain_ask *ask,
                                          struct offline_explainer **out_explainer, struct fault *fault);
void offline_explainer_free(struct offline_explainer *explainer); /* NULL is fine */
MUST_CHECK enum err offline_explainer_receive(struct offline_explainer *explainer,
                                              const struct offline_trial_message *message, struct buffer *out);
