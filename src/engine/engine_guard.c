/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_guard.h"
#include "util/invariant.h"

/* 503 is no verdict of a script's; POLICY_REJECT stands for "another final answer". */
static const struct engine_guard_result results[ENGINE_GUARD_KIND_COUNT] = {
    [ENGINE_GUARD_UNREADABLE] = {503, POLICY_REJECT, "unreadable", true},
    [ENGINE_GUARD_KNOWN] = {480, POLICY_UNAVAILABLE, "known", true},
    [ENGINE_GUARD_FORWARD] = {301, POLICY_MOVED, "forward", true},
    [ENGINE_GUARD_TOMBSTONE] = {410, POLICY_GONE, "tombstone", false},
    [ENGINE_GUARD_WORD] = {410, POLICY_GONE, "word", false},
    [ENGINE_GUARD_EVIDENCE] = {410, POLICY_GONE, "evidence", false},
    [ENGINE_GUARD_NO_EVIDENCE] = {404, POLICY_NOT_FOUND, "no_evidence", true},
};

enum engine_guard_kind engine_guard(const struct engine_ground *ground)
{
    if (ground->unreadable)
        return ENGINE_GUARD_UNREADABLE;
    if (ground->state == POLICY_STATE_ACTIVE || ground->state == POLICY_STATE_SUSPENDED)
        return ENGINE_GUARD_KNOWN;
    if (ground->has_forward)
        return ENGINE_GUARD_FORWARD;
    /* A record that says moved and has lost its address is no tombstone either. */
    if (ground->state == POLICY_STATE_MOVED)
        return ENGINE_GUARD_KNOWN;
    if (ground->state == POLICY_STATE_GONE)
        return ENGINE_GUARD_TOMBSTONE;
    if (!ground->strict)
        return ENGINE_GUARD_WORD;
    return ground->evidence_holds ? ENGINE_GUARD_EVIDENCE : ENGINE_GUARD_NO_EVIDENCE;
}

const struct engine_guard_result *engine_guard_result(enum engine_guard_kind kind)
{
    invariant(kind < ENGINE_GUARD_KIND_COUNT);
    return &results[kind];
}
