/* SPDX-License-Identifier: Apache-2.0 */
/* From a decision to the status that it means: the guard, a moved target's address, the method.  A pure look, so that a
 * version which decides beside the active one is held to the same rules. */
#include "engine/engine_priv.h"

/* The record for the target: what the policy saw, or what the directory says now. */
static enum err find_record(const struct engine_core *core, const struct engine_resolving *from,
                            struct policy_record *space, const struct policy_record **out_record)
{
    *out_record = from->decision->record;
    if (from->decision->asked_record)
        return OK;
    enum err err = core->lookup.find(core->lookup.ctx, from->target, space);
    *out_record = err == OK ? space : NULL;
    return err == ERR_NOT_FOUND ? OK : err;
}

static struct engine_resolved resolve_gone(const struct engine_core *core, const struct engine_resolving *from,
                                           struct policy_record *space)
{
    struct engine_resolved to = {0};
    bool unreadable = find_record(core, from, space, &to.record) != OK;
    struct span evidence = from->decision->answer->evidence;
    struct engine_ground ground = {
        .unreadable = unreadable,
        .state = to.record ? to.record->state : POLICY_STATE_NONE,
        .has_forward = to.record && to.record->forward.len > 0,
        .strict = core->config->guard_strict,
    };
    ground.evidence_holds = ground.strict && evidence.len &&
                            policy_program_evidence(policy_program_of(from->policy), evidence, from->target);
    to.guard = engine_guard(&ground);
    const struct engine_guard_result *result = engine_guard_result(to.guard);
    to.verdict = result->verdict;
    to.note = result->conflict ? result->name : "";
    to.unreadable = to.guard == ENGINE_GUARD_UNREADABLE;
    return to;
}

/* A 301 needs an address (RFC 3261 21.3.2): the policy's, else the directory's.  Where neither knows one, 404 is the
 * honest answer; 410 never comes out of a policy that meant something else. */
static struct engine_resolved resolve_moved(const struct engine_core *core, const struct engine_resolving *from,
                                            struct policy_record *space)
{
    struct engine_resolved to = {.verdict = POLICY_MOVED, .note = ""};
    if (from->decision->answer->contact_count > 0)
        return to;
    if (find_record(core, from, space, &to.record) != OK)
        return (struct engine_resolved){.verdict = POLICY_REJECT, .note = "unreadable", .unreadable = true};
    if (!to.record || to.record->forward.len == 0)
        return (struct engine_resolved){.verdict = POLICY_NOT_FOUND, .note = "no_forward"};
    return to;
}

/* RFC 5627 6.1: what accepts a call for a user accepts none for a phone that is not there. */
static struct engine_resolved resolve_ok(const struct engine_resolving *from)
{
    unsigned instead = from->message->method == SIP_METHOD_REGISTER ? 0 : from->target->instead;
    if (!instead)
        return (struct engine_resolved){.verdict = POLICY_OK, .note = ""};
    return (struct engine_resolved){.verdict = instead == 480 ? POLICY_UNAVAILABLE : POLICY_NOT_FOUND,
                                    .note = instead == 480 ? "gruu_unregistered" : "gruu_unknown"};
}

/* Who has proven who he is would only be asked again and again: 403.  A core without credentials cannot ask. */
static struct engine_resolved resolve_challenge(const struct engine_core *core, const struct engine_resolving *from)
{
    if (core->auth && !from->authenticated_as.len)
        return (struct engine_resolved){.verdict = POLICY_CHALLENGE, .note = ""};
    return (struct engine_resolved){.verdict = POLICY_REJECT,
                                    .note = core->auth ? "already_authenticated" : "no_credentials",
                                    .code = core->auth ? 403 : 500};
}

struct engine_resolved engine_resolve(const struct engine_core *core, const struct engine_resolving *from,
                                      struct policy_record *space)
{
    const struct policy_answer *answer = from->decision->answer;
    struct engine_resolved to = {.verdict = answer->verdict, .note = ""};
    if (from->decision->failure == POLICY_FAILED_DIRECTORY)
        to = (struct engine_resolved){.verdict = POLICY_REJECT, .note = "unreadable", .unreadable = true};
    else if (answer->verdict == POLICY_GONE)
        to = resolve_gone(core, from, space);
    else if (answer->verdict == POLICY_MOVED)
        to = resolve_moved(core, from, space);
    else if (answer->verdict == POLICY_OK)
        to = resolve_ok(from);
    else if (answer->verdict == POLICY_CHALLENGE)
        to = resolve_challenge(core, from);
    if (to.code)
        return to;
    int code = engine_status_of(to.verdict, (enum sip_method)from->message->method);
    to.code = to.unreadable ? 503 : (unsigned)(code == ENGINE_STATUS_OWN ? answer->code : code);
    return to;
}
