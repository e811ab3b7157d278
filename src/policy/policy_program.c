/* SPDX-License-Identifier: Apache-2.0 */
/* One version of a policy: loaded, checked, described; and the VMs made of it. */
#include "policy/policy_priv.h"

#include "facts/facts_set.h"
#include "facts/facts_shared.h"

#include <stdatomic.h>

void *policy_keep(struct policy *policy, size_t len, void (*done)(void *bytes))
{
    struct policy_block *block = calloc(1, sizeof(*block) + len);
    if (!block)
        return NULL;
    block->next = policy->blocks;
    block->done = done;
    policy->blocks = block;
    return block->bytes;
}

struct span policy_keep_text(struct policy *policy, struct span text)
{
    char *copy = policy_keep(policy, text.len + 1, NULL);
    if (!copy)
        return (struct span){NULL, 0};
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return span_make(copy, text.len);
}

/* require "lib.numbers" reads lib/numbers.lua of the policy's own files; test.lua is none of them. */
static enum err find_module(void *ctx, struct span name, struct span *out_source, char *out_chunk, size_t chunk_cap)
{
    const struct source_file *file = source_find_module(((const struct policy_program *)ctx)->source, name);
    if (!file || !span_copy(span_of(file->name), out_chunk, chunk_cap))
        return ERR_NOT_FOUND;
    *out_source = file->bytes;
    return OK;
}

static int open_bindings(lua_State *L)
{
    struct policy *policy = lua_touserdata(L, 1);
    vm_class_open(L, (const char *const[]){"policy", "match", "data", "shared"}, 4);
    policy_lua_verdict_open(L, policy);
    policy_lua_match_open(L);
    policy_lua_host_open(L, policy);
    policy_lua_request_open(L, policy);
    return 0;
}

static int make_objects(lua_State *L)
{
    struct policy *policy = lua_touserdata(L, 1);
    policy_lua_request_push(L, policy);
    policy->request_object = luaL_ref(L, LUA_REGISTRYINDEX);
    policy_lua_environment_push(L, policy);
    policy->environment = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static enum err outcome_fault(const struct policy *policy, enum err err, const struct vm_outcome *outcome,
                              struct fault *fault)
{
    const char *file = outcome->file[0] ? outcome->file : source_main(policy->program->source);
    return fault_set(fault, err, file, outcome->line, "%s", outcome->text);
}

static enum err run_main(struct policy *policy, struct fault *fault)
{
    struct vm_outcome outcome;
    const struct source *source = policy->program->source;
    const struct source_file *main_file = source_find(source, source_main(source));
    enum err err = vm_protect(policy->vm, open_bindings, policy, &outcome);
    if (err != OK)
        return outcome_fault(policy, err, &outcome, fault);
    err = vm_load(policy->vm, main_file->name, main_file->bytes, fault);
    if (err != OK)
        return err;
    err = vm_call(policy->vm, 0, 1, &outcome);
    if (err != OK)
        return outcome_fault(policy, err, &outcome, fault);
    err = policy_schema_read(policy, fault);
    if (err != OK)
        return err;
    err = vm_protect(policy->vm, make_objects, policy, &outcome);
    return err == OK ? OK : outcome_fault(policy, err, &outcome, fault);
}

static uint64_t seed_of_request(void *ctx)
{
    const struct policy *policy = ctx;
    const struct policy_random *random = &policy->host.random;
    return random->seed && policy->request ? random->seed(random->ctx, policy->request) : 0;
}

static enum err policy_build(struct policy_program *program, const struct policy_options *options,
                             struct policy **out_policy, struct fault *fault)
{
    const char *name = source_main(program->source);
    struct policy *policy = calloc(1, sizeof(*policy));
    if (!policy)
        return fault_set(fault, ERR_NOMEM, name, 0, "out of memory");
    policy->program = policy_program_ref(program);
    policy->host = options->host;
    policy->registry = options->shared;
    policy->fresh_request = options->fresh_request;
    policy->trace = options->trace;
    policy->function = policy->request_object = policy->environment = LUA_NOREF;
    for (unsigned i = 0; i < POLICY_EVENT_COUNT; i++)
        policy->events[i] = LUA_NOREF;
    policy->arena = arena_over(policy->arena_bytes, sizeof(policy->arena_bytes));
    const struct vm_options vm = {
        .fuel = options->fuel,
        .watchdog = options->watchdog,
        .require = find_module,
        .require_ctx = program,
        .seed = seed_of_request,
        .seed_ctx = policy,
        .on_line = options->trace ? options->trace->line : NULL,
        .on_line_ctx = options->trace ? options->trace->ctx : NULL,
    };
    enum err err = vm_new(&vm, &policy->vm);
    if (err != OK) {
        fault_set(fault, err, name, 0, "cannot make a VM: %s", err_text(err));
    } else {
        policy->L = vm_state(policy->vm);
        err = run_main(policy, fault);
    }
    if (err != OK) {
        policy_free(policy);
        return err;
    }
    vm_seal(policy->vm);
    *out_policy = policy;
    return OK;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    vm_free(policy->vm);
    for (size_t i = 0; i < policy->shared_count; i++)
        facts_shared_unref(policy->shared[i].table);
    while (policy->blocks) {
        struct policy_block *block = policy->blocks;
        policy->blocks = block->next;
        if (block->done)
            block->done(block->bytes);
        free(block);
    }
    policy_program_unref(policy->program);
    free(policy);
}

struct policy_program *policy_program_ref(struct policy_program *program)
{
    atomic_fetch_add_explicit(&program->refs, 1, memory_order_relaxed);
    return program;
}

void policy_program_unref(struct policy_program *program)
{
    if (!program || atomic_fetch_sub_explicit(&program->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < POLICY_DATA_MAX; i++)
        facts_set_unref(program->data[i].set);
    for (size_t i = 0; i < program->rule_count; i++)
        free((char *)(uintptr_t)program->rules[i].name);
    free(program->rules);
    source_unref(program->source);
    free(program);
}

/* Whether a script may read req.record, req.state or who is authenticated, or challenge: a guess from its text, on the side of asking. */
static bool script_asks_directory(const struct source *source)
{
    static const char *const words[] = {".record", ".state", ".authenticated_as"};
    return source_mentions(source, words, sizeof(words) / sizeof(words[0]));
}

static bool asks_directory(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_when *when = &policy->rules[i].when;
        const struct policy_answer *answer = policy->rules[i].answer;
        if (answer && answer->verdict == POLICY_CHALLENGE)
            return true; /* nobody could ever answer it */
        if (when->count > 0 && when->list[when->count - 1].field >= POLICY_FIELD_AUTHENTICATED_AS)
            return true; /* conditions are sorted by field, and those that ask it are the last ones */
    }
    return policy->fallback->verdict == POLICY_CHALLENGE || script_asks_directory(policy->program->source);
}

const struct policy_when *policy_rule(const struct policy *policy, size_t at, const struct policy_answer **out_answer)
{
    *out_answer = policy->rules[at].answer;
    return &policy->rules[at].when;
}

static enum err copy_rules(struct policy_program *program, const struct policy *policy)
{
    program->rules = calloc(policy->rule_count + 1, sizeof(*program->rules));
    if (!program->rules)
        return ERR_NOMEM;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        char *name = span_dup(span_of(rule->name));
        if (!name)
            return ERR_NOMEM;
        const struct policy_answer *answer = rule->answer;
        program->rules[program->rule_count++] = (struct policy_rule_info){
            .name = name,
            .hash = rule->hash,
            .line = rule->line,
            .code = answer ? answer->code : 0,
            .q850 = answer ? answer->q850 : 0,
            .plain = answer && rule->check == LUA_NOREF,
            .conditions = rule->when.count,
        };
    }
    return OK;
}

/* Fills the description from the version's first VM. */
static enum err describe(struct policy_program *program, const struct policy *policy)
{
    enum err err = copy_rules(program, policy);
    program->description = (struct policy_description){
        .name = program->name[0] ? program->name : source_name(program->source),
        .hash = source_hash(program->source),
        .is_function = policy->function != LUA_NOREF,
        .gone_by_default = policy->fallback->verdict == POLICY_GONE,
        .asks_directory = asks_directory(policy),
        .rules = program->rules,
        .rule_count = program->rule_count,
        .shared = program->shared_info,
        .shared_count = program->shared_count,
        .data = program->data_info,
        .data_count = program->data_count,
    };
    program->sealed = true;
    return err;
}

enum err policy_prepare(struct source *source, struct policy_program **out_program, struct fault *fault)
{
    const struct policy_options options = {0};
    struct policy *policy = NULL;
    struct policy_program *program = calloc(1, sizeof(*program));
    if (!program)
        return fault_set(fault, ERR_NOMEM, source_main(source), 0, "out of memory");
    atomic_store(&program->refs, 1);
    program->source = source_ref(source);
    enum err err = policy_build(program, &options, &policy, fault);
    if (err == OK && (err = describe(program, policy)) != OK)
        fault_set(fault, err, source_main(source), 0, "out of memory");
    policy_free(policy);
    if (err == OK)
        *out_program = program;
    else
        policy_program_unref(program);
    return err;
}

enum err policy_new(struct policy_program *program, const struct policy_options *options, struct policy **out_policy,
                    struct fault *fault)
{
    return policy_build(program, options, out_policy, fault);
}

enum err policy_load(struct source *source, const struct policy_options *options, struct policy **out_policy,
                     struct fault *fault)
{
    struct policy_program *program = NULL;
    enum err err = policy_prepare(source, &program, fault);
    if (err != OK)
        return err;
    err = policy_new(program, options, out_policy, fault);
    policy_program_unref(program);
    return err;
}

const struct policy_description *policy_describe(const struct policy_program *program)
{
    return &program->description;
}

struct source *policy_program_source(const struct policy_program *program)
{
    return program->source;
}

const struct policy_program *policy_program_of(const struct policy *policy)
{
    return policy->program;
}

bool policy_has_global(struct policy *policy, struct span name)
{
    char chunk[96];
    struct fault fault;
    struct vm_outcome outcome;
    int len = snprintf(chunk, sizeof(chunk), "return %.*s", SPAN_ARG(span_slice(name, 0, sizeof(chunk) - 8)));
    vm_begin_decision(policy->vm, 0, 0);
    bool there = vm_load(policy->vm, "check", span_make(chunk, (size_t)len), &fault) == OK &&
                 vm_call(policy->vm, 0, 0, &outcome) == OK;
    vm_end_decision(policy->vm);
    return there;
}

static bool has_aor(const struct facts_set *set, const struct policy_target *target)
{
    char text[512];
    int len = snprintf(text, sizeof(text), "%.*s@%.*s", SPAN_ARG(target->user), SPAN_ARG(target->host));
    return len > 0 && (size_t)len < sizeof(text) && facts_set_has(set, span_make(text, (size_t)len));
}

bool policy_program_evidence(const struct policy_program *program, struct span name, const struct policy_target *target)
{
    const struct facts_set *set = policy_data_find(program, name);
    if (!set)
        return false;
    switch (facts_set_kind(set)) {
    case FACTS_RANGES:
        return !span_is_empty(target->number) && facts_set_has(set, target->number);
    case FACTS_DOMAINS:
        return facts_set_has(set, target->host);
    case FACTS_STRINGS:
    case FACTS_PREFIXES:
        return (!span_is_empty(target->number) && facts_set_has(set, target->number)) ||
               (!span_is_empty(target->user) && (facts_set_has(set, target->user) || has_aor(set, target)));
    default:
        return false; /* addresses say nothing about whom a request is for */
    }
}
