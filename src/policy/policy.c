/* SPDX-License-Identifier: Apache-2.0 */
/* Decides: rules in order, those that are plain data wholly in C, the others through Lua under the VM's budget. */
#include "policy/policy_priv.h"

#include "reference/reference_refusal.h"

static void begin(struct policy *policy, const struct policy_request *request, struct policy_decision *out)
{
    const struct policy_clock *clock = &policy->host.clock;
    policy->request = request;
    policy->rule = NULL;
    policy->generation++;
    policy->wall_ms = clock->wall_ms ? clock->wall_ms(clock->ctx) : 0;
    policy->in_lua = false;
    policy->scan_exceeded = false;
    policy->scan_left = POLICY_SCAN_MAX;
    policy->log_lines = 0;
    policy->echoes.count = 0;
    policy->lookup = policy->identified = POLICY_LOOKUP_NOT_ASKED;
    arena_reset(&policy->arena);
    out->answer = policy->fallback;
    out->rule = "default";
    out->rule_index = -1;
    out->failure = POLICY_FAILED_NOT;
    out->line = 0;
    out->file[0] = out->text[0] = '\0';
    out->fuel = 0;
    out->set_aside = false;
    out->record = NULL;
}

static void finish(struct policy *policy, struct policy_decision *out)
{
    out->asked_record = policy->lookup != POLICY_LOOKUP_NOT_ASKED;
    if (policy->lookup == POLICY_LOOKUP_FOUND)
        out->record = &policy->record;
    if (policy->in_lua) {
        out->fuel = vm_fuel_used(policy->vm);
        vm_end_decision(policy->vm);
        policy->in_lua = false;
    }
    policy->request = NULL;
}

static void set_text(struct policy_decision *out, const char *text)
{
    snprintf(out->text, sizeof(out->text), "%.*s", (int)sizeof(out->text) - 1, text);
    span_blank(out->text);
}

/* The decision is on_error's.  A directory that could not be read is the reason before any other: what the script made
 * of it means nothing. */
static void fail(struct policy *policy, struct policy_decision *out, enum policy_failure failure, const char *text)
{
    if (policy->lookup == POLICY_LOOKUP_UNREADABLE || policy->identified == POLICY_LOOKUP_UNREADABLE) {
        failure = POLICY_FAILED_DIRECTORY;
        text = "the directory cannot be read";
    }
    out->answer = policy->on_error;
    out->failure = failure;
    set_text(out, text);
}

static void fail_by_outcome(struct policy *policy, struct policy_decision *out, const struct vm_outcome *outcome)
{
    static const enum policy_failure failures[VM_FAILURE_COUNT] = {
        [VM_NONE] = POLICY_FAILED_ERROR,    [VM_ERROR] = POLICY_FAILED_ERROR, [VM_FUEL] = POLICY_FAILED_FUEL,
        [VM_MEMORY] = POLICY_FAILED_MEMORY, [VM_CLOCK] = POLICY_FAILED_CLOCK,
    };
    out->line = outcome->line;
    snprintf(out->file, sizeof(out->file), "%.*s", (int)sizeof(out->file) - 1, outcome->file);
    span_blank(out->file);
    fail(policy, out, failures[outcome->failure], outcome->text);
}

static void enter_lua(struct policy *policy)
{
    if (policy->in_lua)
        return;
    policy->in_lua = true;
    vm_begin_decision(policy->vm, policy->wall_ms, 0);
}

/* Arguments: the policy, and the function's reference.  Makes this decision's own `req`, then calls.  The script pays
 * nothing for it: live there is none, and a decision costs the same fuel everywhere. */
static int call_with_fresh_request(lua_State *L)
{
    struct policy *policy = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_tointeger(L, 2));
    vm_count_allocations(policy->vm, false);
    policy_lua_request_push(L, policy);
    vm_count_allocations(policy->vm, true);
    lua_rawgeti(L, LUA_REGISTRYINDEX, policy->environment);
    lua_call(L, 2, 1);
    return 1;
}

static struct policy_kills *kills_of(struct policy *policy)
{
    return policy->rule ? &policy->rules[policy->rule - policy->rules].kills : &policy->function_kills;
}

/* An ordinary error costs nothing; a kill has cost a whole budget, and who can cause one can cause many. */
static void count_kill(struct policy *policy, struct policy_decision *out)
{
    struct policy_kills *kills = kills_of(policy);
    if (out->failure != POLICY_FAILED_FUEL && out->failure != POLICY_FAILED_MEMORY &&
        out->failure != POLICY_FAILED_CLOCK)
        return;
    if (kills->count == 0 || policy->wall_ms < kills->since_ms || policy->wall_ms - kills->since_ms >= POLICY_KILLS_MS)
        *kills = (struct policy_kills){.since_ms = policy->wall_ms};
    kills->aside = out->set_aside = ++kills->count >= POLICY_KILLS_MAX;
}

/* Calls function(req, env); on OK its one result is at the top of the stack. */
static bool call(struct policy *policy, int reference, struct policy_decision *out)
{
    lua_State *L = policy->L;
    struct vm_outcome outcome;
    if (kills_of(policy)->aside) {
        fail(policy, out, POLICY_FAILED_ASIDE, "set aside: it was killed too often");
        return false;
    }
    enter_lua(policy);
    if (policy->fresh_request) {
        lua_pushcfunction(L, call_with_fresh_request);
        lua_pushlightuserdata(L, policy);
        lua_pushinteger(L, reference);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
        lua_rawgeti(L, LUA_REGISTRYINDEX, policy->request_object);
        lua_rawgeti(L, LUA_REGISTRYINDEX, policy->environment);
    }
    if (vm_call(policy->vm, 2, 1, &outcome) != OK) {
        fail_by_outcome(policy, out, &outcome);
        count_kill(policy, out);
        return false;
    }
    if (policy->lookup == POLICY_LOOKUP_UNREADABLE ||
        policy->identified == POLICY_LOOKUP_UNREADABLE) { /* also when the script caught the error */
        fail(policy, out, POLICY_FAILED_DIRECTORY, "");
        lua_settop(L, -2);
        return false;
    }
    return true;
}

/* Takes the verdict at the top of the stack; nil is none.  False: the decision has failed. */
static bool take_verdict(struct policy *policy, struct policy_decision *out, bool *out_decided)
{
    char text[256];
    bool fine = true;
    *out_decided = false;
    if (!lua_isnil(policy->L, -1)) {
        fine = policy_lua_verdict_read(policy, -1, false, &policy->answer, text, sizeof(text));
        *out_decided = fine;
        if (fine)
            out->answer = &policy->answer;
        else
            fail(policy, out, POLICY_FAILED_NONSENSE, text);
    }
    lua_settop(policy->L, -2);
    return fine;
}

/* What `check` said: only true and false (and nil, which is how a function ends that returns nothing) are answers. */
static bool take_check(struct policy *policy, struct policy_decision *out, bool *out_fits)
{
    int type = lua_type(policy->L, -1);
    bool fine = type == LUA_TBOOLEAN || type == LUA_TNIL;
    *out_fits = lua_toboolean(policy->L, -1);
    lua_settop(policy->L, -2);
    if (!fine) {
        char text[128];
        snprintf(text, sizeof(text),
                 "check: expected true or false, got %s; a function that gives a verdict is `decide`",
                 lua_typename(policy->L, type));
        fail(policy, out, POLICY_FAILED_NONSENSE, text);
    }
    return fine;
}

/* Whether the rule's conditions hold; a failure of theirs is the decision's. */
static enum policy_tried try_conditions(struct policy *policy, const struct policy_rule *rule,
                                        struct policy_decision *out)
{
    bool fits = true;
    if (rule->when.count > 0 && policy_when_holds(policy, &rule->when, &fits) != OK) {
        fail(policy, out, POLICY_FAILED_FUEL, "the rules search more of this request than is allowed");
        return POLICY_TRIED_FAILED;
    }
    if (!fits)
        return POLICY_TRIED_WHEN_FAILED;
    if (rule->check != LUA_NOREF && (!call(policy, rule->check, out) || !take_check(policy, out, &fits)))
        return POLICY_TRIED_FAILED;
    return fits ? POLICY_TRIED_FITS : POLICY_TRIED_CHECK_FAILED;
}

static enum policy_tried try_rule(struct policy *policy, const struct policy_rule *rule, struct policy_decision *out)
{
    bool decided = false;
    enum policy_tried tried = try_conditions(policy, rule, out);
    if (tried != POLICY_TRIED_FITS)
        return tried;
    if (rule->decide == LUA_NOREF) {
        out->answer = rule->answer;
        return POLICY_TRIED_FITS;
    }
    if (!call(policy, rule->decide, out) || !take_verdict(policy, out, &decided))
        return POLICY_TRIED_FAILED;
    return decided ? POLICY_TRIED_FITS : POLICY_TRIED_DECIDE_NOTHING;
}

/* A rule that cannot fit, asked only so that the trace has its conditions: what that costs is not this decision's. */
static enum policy_tried tell_rule(struct policy *policy, const struct policy_rule *rule)
{
    size_t left = policy->scan_left;
    bool exceeded = policy->scan_exceeded, fits = false;
    (void)!policy_when_holds(policy, &rule->when, &fits);
    policy->scan_left = left;
    policy->scan_exceeded = exceeded;
    return POLICY_TRIED_WHEN_FAILED;
}

/* The first rule from `from` on that has to be looked at: with a trace, each. */
static size_t next_rule(const struct policy *policy, const struct facts_items *fitting, size_t from)
{
    if (policy->trace || !policy->index)
        return from;
    return facts_items_next(fitting, (unsigned)from, (unsigned)policy->rule_count);
}

static void decide_by_rules(struct policy *policy, struct policy_decision *out)
{
    struct facts_items fitting;
    enum policy_lookup known = POLICY_LOOKUP_NOT_ASKED;
    policy_index_ask(policy, &fitting);
    for (size_t i = next_rule(policy, &fitting, 0); i < policy->rule_count; i = next_rule(policy, &fitting, i + 1)) {
        const struct policy_rule *rule = &policy->rules[i];
        policy->rule = rule;
        bool can_fit = facts_items_has(&fitting, (unsigned)i);
        enum policy_tried tried = can_fit ? try_rule(policy, rule, out) : tell_rule(policy, rule);
        if (policy->trace)
            policy_trace_rule(policy, tried);
        if (tried == POLICY_TRIED_FITS || tried == POLICY_TRIED_FAILED) {
            out->rule = rule->name;
            out->rule_index = (int)i;
            return;
        }
        if (policy->lookup != known)
            policy_index_narrow(policy, &fitting);
        known = policy->lookup;
    }
    policy->rule = NULL;
}

void policy_decide(struct policy *policy, const struct policy_request *request, struct policy_decision *out_decision)
{
    begin(policy, request, out_decision);
    if (policy->function == LUA_NOREF) {
        decide_by_rules(policy, out_decision);
    } else {
        bool decided = false;
        out_decision->rule = "";
        if (call(policy, policy->function, out_decision))
            (void)take_verdict(policy, out_decision, &decided);
    }
    finish(policy, out_decision);
}

void policy_decide_read_only(struct policy *policy, const struct policy_request *request,
                             struct policy_decision *out_decision)
{
    policy->read_only = true;
    policy_decide(policy, request, out_decision);
    policy->read_only = false;
}

const struct facts_echoes *policy_echoes(const struct policy *policy)
{
    return &policy->echoes;
}

void policy_decide_beside(struct policy *policy, const struct policy_request *request, bool fresh,
                          struct facts_echoes *heard, struct policy_decision *out_decision)
{
    bool before = policy->fresh_request;
    policy->fresh_request = fresh || before;
    policy->heard = heard;
    policy_decide_read_only(policy, request, out_decision);
    policy->heard = NULL;
    policy->fresh_request = before;
}

/* Arguments: the policy, the handler's reference, the call. */
static int call_handler(lua_State *L)
{
    const struct policy *policy = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, lua_tointeger(L, 2));
    policy_lua_call_push(L, lua_touserdata(L, 3));
    lua_rawgeti(L, LUA_REGISTRYINDEX, policy->environment);
    lua_call(L, 2, 0);
    return 0;
}

const char *policy_event_name(enum policy_event event)
{
    static const char *const names[POLICY_EVENT_COUNT] = {[POLICY_ON_ACK_MISSING] = "on_ack_missing",
                                                          [POLICY_ON_CALL_START] = "on_call_start",
                                                          [POLICY_ON_CALL_END] = "on_call_end",
                                                          [POLICY_ON_MESSAGE] = "on_message",
                                                          [POLICY_ON_REQUEST] = "on_request"};
    return names[event];
}

bool policy_has_event(const struct policy *policy, enum policy_event event)
{
    return policy->events[event] != LUA_NOREF;
}

void policy_event(struct policy *policy, enum policy_event event, const struct policy_call *call,
                  struct policy_decision *out_decision)
{
    struct policy_decision ignored;
    struct policy_decision *out = out_decision ? out_decision : &ignored;
    struct vm_outcome outcome;
    struct policy_call copy = *call; /* light userdata are not const */
    begin(policy, NULL, out);
    out->answer = NULL;
    out->rule = policy_event_name(event);
    if (policy_has_event(policy, event)) {
        policy->in_lua = true;
        vm_begin_decision(policy->vm, policy->wall_ms, 0);
        lua_pushcfunction(policy->L, call_handler);
        lua_pushlightuserdata(policy->L, policy);
        lua_pushinteger(policy->L, policy->events[event]);
        lua_pushlightuserdata(policy->L, &copy);
        if (vm_call(policy->vm, 3, 0, &outcome) != OK)
            fail_by_outcome(policy, out, &outcome);
        if (policy->trace && policy->trace->event)
            policy->trace->event(policy->trace->ctx, event, out);
    }
    finish(policy, out);
    out->answer = NULL;
}

/* Arguments: the policy, the call. */
static int call_on_request(lua_State *L)
{
    struct policy *policy = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, policy->events[POLICY_ON_REQUEST]);
    if (policy->fresh_request)
        policy_lua_request_push(L, policy);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, policy->request_object);
    policy_lua_call_push(L, lua_touserdata(L, 2));
    lua_rawgeti(L, LUA_REGISTRYINDEX, policy->environment);
    lua_call(L, 3, 1);
    return 1;
}

static void ask_on_request(struct policy *policy, struct policy_call *call, struct policy_decision *out)
{
    struct vm_outcome outcome;
    bool decided = false;
    if (kills_of(policy)->aside) {
        fail(policy, out, POLICY_FAILED_ASIDE, "set aside: it was killed too often");
        return;
    }
    enter_lua(policy);
    lua_pushcfunction(policy->L, call_on_request);
    lua_pushlightuserdata(policy->L, policy);
    lua_pushlightuserdata(policy->L, call);
    if (vm_call(policy->vm, 2, 1, &outcome) != OK) {
        fail_by_outcome(policy, out, &outcome);
        count_kill(policy, out);
        return;
    }
    if (!take_verdict(policy, out, &decided) || !decided)
        return;
    const struct policy_answer *answer = out->answer;
    if (answer->verdict == POLICY_OK ||
        (answer->verdict == POLICY_REJECT && !reference_refusal_ends_dialog(answer->code)))
        return;
    fail(policy, out, POLICY_FAILED_NONSENSE,
         answer->verdict == POLICY_REJECT ? "that code would end the dialog (RFC 5057)"
                                          : "expected nil, ok {} or reject(code) {}");
}

void policy_in_call(struct policy *policy, const struct policy_request *request, const struct policy_call *call,
                    struct policy_decision *out_decision)
{
    struct policy_call copy = *call; /* light userdata are not const */
    begin(policy, request, out_decision);
    policy->rule = NULL;
    out_decision->answer = NULL;
    out_decision->rule = policy_event_name(POLICY_ON_REQUEST);
    if (policy_has_event(policy, POLICY_ON_REQUEST))
        ask_on_request(policy, &copy, out_decision);
    finish(policy, out_decision);
    if (out_decision->failure != POLICY_FAILED_NOT)
        out_decision->answer = NULL;
}

void policy_collect(struct policy *policy)
{
    vm_collect_outside(policy->vm);
}

size_t policy_memory(const struct policy *policy)
{
    return vm_bytes(policy->vm);
}

bool policy_wants_rebuild(const struct policy *policy)
{
    return vm_is_over_soft_cap(policy->vm);
}
