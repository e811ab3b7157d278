/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts, the states and the failures by name. */
#include "policy/policy_priv.h"

static const struct {
    const char *name;
    int code;
} verdicts[POLICY_VERDICT_COUNT] = {
    [POLICY_OK] = {"ok", 200},
    [POLICY_GONE] = {"gone", 410},
    [POLICY_MOVED] = {"moved", 301},
    [POLICY_REDIRECT] = {"redirect", 302},
    [POLICY_NOT_FOUND] = {"not_found", 404},
    [POLICY_UNAVAILABLE] = {"unavailable", 480},
    [POLICY_CHALLENGE] = {"challenge", 401},
    [POLICY_REJECT] = {"reject", 0},
    [POLICY_DROP] = {"drop", 0},
};

const char *policy_verdict_name(enum policy_verdict verdict)
{
    return (unsigned)verdict < POLICY_VERDICT_COUNT ? verdicts[verdict].name : "";
}

int policy_verdict_code(enum policy_verdict verdict)
{
    return (unsigned)verdict < POLICY_VERDICT_COUNT ? verdicts[verdict].code : 0;
}

bool policy_verdict_parse(struct span name, enum policy_verdict *out_verdict)
{
    for (unsigned i = 0; i < POLICY_VERDICT_COUNT; i++) {
        if (span_equal(name, span_of(verdicts[i].name))) {
            *out_verdict = (enum policy_verdict)i;
            return true;
        }
    }
    return false;
}

static const char *const state_names[POLICY_STATE_COUNT] = {"none", "active", "suspended", "moved", "gone"};

const char *policy_state_name(enum policy_state state)
{
    return (unsigned)state < POLICY_STATE_COUNT ? state_names[state] : "";
}

bool policy_state_parse(struct span name, enum policy_state *out_state)
{
    for (unsigned i = 0; i < POLICY_STATE_COUNT; i++) {
        if (span_equal(name, span_of(state_names[i]))) {
            *out_state = (enum policy_state)i;
            return true;
        }
    }
    return false;
}

const char *policy_failure_name(enum policy_failure failure)
{
    static const char *const names[POLICY_FAILURE_COUNT] = {"none",  "error",    "fuel",      "memory",
                                                            "clock", "nonsense", "set_aside", "directory"};
    return (unsigned)failure < POLICY_FAILURE_COUNT ? names[failure] : "";
}
