/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts, the states and the failures by name, and the codes that a script may send by reject(). */
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

/* Why a code cannot be had by reject(): it is another verdict's, or means something that only C can make true. */
static const struct {
    int code;
    const char *instead;
} not_by_reject[] = {
    {401, "challenge {} sends it"},
    {404, "not_found {} sends it"},
    {405, "the engine sends it for methods that it does not know"},
    {407, "challenge {} sends 401; a server that is the endpoint never sends 407"},
    {408, "it means that a transaction timed out"},
    {410, "gone {} sends it, past the guard"},
    {415, "the engine sends it with Accept"},
    {416, "the engine sends it for schemes that it does not know"},
    {420, "the engine sends it with Unsupported"},
    {421, "the engine sends it with Require"},
    {422, "the engine sends it with Min-SE"},
    {423, "the engine sends it with Min-Expires"},
    {481, "the engine sends it where there is no call"},
    {482, "the engine sends it for merged requests"},
    {483, "it means that Max-Forwards ran out"},
    {487, "the engine sends it after CANCEL"},
    {491, "the engine sends it inside a dialog"},
    {503, "it would make an upstream stop sending anything; use reject(480) or reject(500)"},
};

const char *policy_reject_refused(lua_Integer code)
{
    if (code >= 300 && code < 400)
        return code == 301   ? "moved {} sends it"
               : code == 302 ? "redirect {} sends it"
                             : "3xx answers are moved {} and redirect {}";
    if (code < 400 || code > 699)
        return "reject() takes 400 to 699";
    for (size_t i = 0; i < sizeof(not_by_reject) / sizeof(not_by_reject[0]); i++) {
        if (not_by_reject[i].code == code)
            return not_by_reject[i].instead;
    }
    return NULL;
}
