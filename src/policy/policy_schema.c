/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what policy.lua returned: a plain function, or policy { ... }; each field is checked, each rule compiled.  Runs in
 * protected mode, so all that it makes hangs on the policy from the start. */
#include "policy/policy_priv.h"

#include "vm/vm_fingerprint.h"
#include "vm/vm_lines.h"

struct schema_reader {
    struct policy *policy;
    struct fault *fault;
    enum err err;
    struct vm_lines *lines; /* where the main file's fields are written */
    uint64_t path;          /* of the table being read: the policy's or a rule's */
    int line;               /* of the rule being read; 0 outside */
};

/* Where field `key` of the present table is written; else the rule's line. */
static int line_of(const struct schema_reader *reader, const char *key)
{
    int line = vm_lines_of(reader->lines, vm_lines_name(reader->path, span_of(key)));
    return line ? line : reader->line;
}

static enum err fail(struct schema_reader *reader, int line, const char *format, ...) PRINTF_LIKE(3, 4);
static enum err fail(struct schema_reader *reader, int line, const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fault_set(reader->fault, ERR_INVALID, source_main(reader->policy->program->source), line, "%s", text);
}

/* A fault that a helper left without a place gets this one. */
static enum err place(struct schema_reader *reader, enum err err, const char *key)
{
    struct fault *fault = reader->fault;
    if (err == OK || !fault || fault->file[0])
        return err;
    char text[FAULT_TEXT_MAX];
    snprintf(text, sizeof(text), "%s", fault->text);
    return fault_set(fault, err, source_main(reader->policy->program->source), line_of(reader, key), "%s", text);
}

/* Refuses names that are not in `known`. */
static enum err check_names(struct schema_reader *reader, int index, const char *what, const char *const *known,
                            size_t count)
{
    lua_State *L = reader->policy->L;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TNUMBER && lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1)
            continue; /* a rule's name */
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        size_t i = 0;
        while (name && i < count && strcmp(name, known[i]) != 0)
            i++;
        if (name && i < count)
            continue;
        const char *near = name ? suggest_of(name, known, count) : NULL;
        return fail(reader, name ? line_of(reader, name) : reader->line, "%s: unknown field \"%.64s\"%s%s%s", what,
                    name ? name : "a position", near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return OK;
}

/* The verdict at the top of the stack, kept. */
static enum err read_answer(struct schema_reader *reader, const char *what, const char *key,
                            const struct policy_answer **out_answer)
{
    char text[256];
    struct policy_answer *answer = policy_keep(reader->policy, sizeof(*answer), NULL);
    if (!answer)
        return fault_set(reader->fault, ERR_NOMEM, "", 0, "out of memory");
    if (!policy_lua_verdict_read(reader->policy, -1, true, answer, text, sizeof(text)))
        return fail(reader, line_of(reader, key), "%s: %s", what, text);
    *out_answer = answer;
    return OK;
}

static enum err read_rule_name(struct schema_reader *reader, struct policy_rule *rule, size_t number)
{
    lua_State *L = reader->policy->L;
    size_t len = 0;
    lua_rawgeti(L, -1, 1);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (!name || len == 0 || len > POLICY_RULE_NAME_MAX || strlen(name) != len)
        return fail(reader, reader->line,
                    "rule %zu: expected its name first, as in { \"retired\", when = ... }, at most %d bytes", number,
                    POLICY_RULE_NAME_MAX);
    memcpy(rule->name, name, len + 1);
    span_blank(rule->name);
    lua_pop(L, 1);
    rule->line = reader->line;
    if (strcmp(rule->name, "default") == 0)
        return fail(reader, rule->line, "rule \"default\": that name is taken by the policy's default");
    for (const struct policy_rule *other = reader->policy->rules; other < rule; other++) {
        if (strcmp(other->name, rule->name) == 0)
            return fail(reader, rule->line, "rule \"%s\": there are two of that name", rule->name);
    }
    return OK;
}

/* A function at field `name` of the rule at the top of the stack. */
static enum err read_function(struct schema_reader *reader, const char *what, const char *name, int *out_reference)
{
    lua_State *L = reader->policy->L;
    int type = lua_getfield(L, -1, name);
    *out_reference = LUA_NOREF;
    if (type == LUA_TFUNCTION) {
        *out_reference = luaL_ref(L, LUA_REGISTRYINDEX);
        return OK;
    }
    lua_pop(L, 1);
    return type == LUA_TNIL ? OK
                            : fail(reader, line_of(reader, name), "%s: %s: expected a function, got %s", what, name,
                                   lua_typename(L, type));
}

static enum err read_rule_when(struct schema_reader *reader, const char *what, struct policy_rule *rule)
{
    lua_State *L = reader->policy->L;
    char text[256];
    enum err err = OK;
    int type = lua_getfield(L, -1, "when");
    if (type == LUA_TTABLE && !lua_getmetatable(L, -1))
        err = policy_when_read(reader->policy, -1, &rule->when, text, sizeof(text));
    else if (type != LUA_TNIL)
        return fail(reader, line_of(reader, "when"), "%s: when: expected a table such as { state = \"gone\" }", what);
    lua_pop(L, 1);
    return err == OK ? OK : fail(reader, line_of(reader, "when"), "%s: %s", what, text);
}

static enum err read_rule_verdict(struct schema_reader *reader, const char *what, struct policy_rule *rule)
{
    lua_State *L = reader->policy->L;
    enum err err = OK;
    int type = lua_getfield(L, -1, "verdict");
    bool decides = rule->decide != LUA_NOREF;
    if (decides && type != LUA_TNIL)
        err = fail(reader, line_of(reader, "verdict"), "%s: it has `decide` and `verdict`; one of them", what);
    else if (!decides && type == LUA_TNIL)
        err = fail(reader, reader->line, "%s: it has no verdict; expected `verdict` or `decide`", what);
    else if (!decides)
        err = read_answer(reader, what, "verdict", &rule->answer);
    lua_pop(L, 1);
    return err;
}

/* The rule at the top of the stack. */
static enum err read_rule(struct schema_reader *reader, struct policy_rule *rule, size_t number)
{
    static const char *const known[] = {"when", "check", "decide", "verdict", "note"};
    char what[POLICY_RULE_NAME_MAX + 16];
    lua_State *L = reader->policy->L;
    if (lua_type(L, -1) != LUA_TTABLE || lua_getmetatable(L, -1))
        return fail(reader, reader->line, "rule %zu: expected { \"name\", when = ..., verdict = ... }", number);
    enum err err = read_rule_name(reader, rule, number);
    if (err != OK)
        return err;
    snprintf(what, sizeof(what), "rule \"%s\"", rule->name);
    err = check_names(reader, lua_gettop(L), what, known, sizeof(known) / sizeof(known[0]));
    if (err == OK)
        err = read_function(reader, what, "check", &rule->check);
    if (err == OK)
        err = read_function(reader, what, "decide", &rule->decide);
    if (err == OK)
        err = read_rule_when(reader, what, rule);
    if (err == OK)
        err = read_rule_verdict(reader, what, rule);
    if (err == OK)
        rule->hash = vm_fingerprint(reader->policy->L, lua_gettop(L), reader->policy->program->source);
    return err;
}

static enum err read_rules(struct schema_reader *reader)
{
    struct policy *policy = reader->policy;
    lua_State *L = policy->L;
    if (lua_getfield(L, -1, "rules") != LUA_TTABLE)
        return fail(reader, line_of(reader, "rules"), "rules: expected a list of rules, got %s", luaL_typename(L, -1));
    size_t count = lua_rawlen(L, -1);
    size_t entries = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        entries++;
    if (count > POLICY_RULES_MAX)
        return fail(reader, line_of(reader, "rules"), "rules: more than %d", POLICY_RULES_MAX);
    if (entries != count)
        return fail(reader, line_of(reader, "rules"), "rules: expected a list without holes or names");
    policy->rules = policy_keep(policy, (count + 1) * sizeof(*policy->rules), NULL);
    if (!policy->rules)
        return fault_set(reader->fault, ERR_NOMEM, "", 0, "out of memory");
    uint64_t rules_path = vm_lines_name(vm_lines_root(), SPAN("rules"));
    for (size_t i = 0; i < count; i++) {
        reader->path = vm_lines_position(rules_path, (int64_t)i + 1);
        reader->line = vm_lines_of(reader->lines, reader->path);
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        enum err err = read_rule(reader, &policy->rules[i], i + 1);
        if (err != OK)
            return err;
        lua_pop(L, 1);
        policy->rule_count++;
    }
    lua_pop(L, 1);
    reader->path = vm_lines_root();
    reader->line = 0;
    return OK;
}

/* default and on_error, which every policy must have: what happens then is never left open. */
static enum err read_endings(struct schema_reader *reader)
{
    struct policy *policy = reader->policy;
    lua_State *L = policy->L;
    if (lua_getfield(L, -1, "default") == LUA_TNIL)
        return fail(reader, 0, "default is missing: what to answer when no rule fits, as in default = not_found {}");
    enum err err = read_answer(reader, "default", "default", &policy->fallback);
    if (err != OK)
        return err;
    if (lua_getfield(L, -2, "on_error") == LUA_TNIL)
        return fail(reader, 0, "on_error is missing: what a broken script answers, as in on_error = reject(500) {}");
    err = read_answer(reader, "on_error", "on_error", &policy->on_error);
    if (err == OK && policy->on_error->verdict == POLICY_GONE)
        err = fail(reader, line_of(reader, "on_error"),
                   "on_error: gone {} is refused; an error says nothing about who is gone");
    lua_pop(L, 2);
    return err;
}

static enum err read_name(struct schema_reader *reader)
{
    struct policy_program *program = reader->policy->program;
    lua_State *L = reader->policy->L;
    enum err err = OK;
    size_t len = 0;
    if (lua_getfield(L, -1, "name") == LUA_TSTRING) {
        const char *name = lua_tolstring(L, -1, &len);
        if (len == 0 || len > POLICY_RULE_NAME_MAX || strlen(name) != len)
            err = fail(reader, line_of(reader, "name"), "name: expected 1 to %d bytes", POLICY_RULE_NAME_MAX);
        else if (!program->sealed)
            memcpy(program->name, name, len + 1);
    } else if (!lua_isnil(L, -1)) {
        err = fail(reader, line_of(reader, "name"), "name: expected a string, got %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
    return err;
}

static enum err read_facts(struct schema_reader *reader)
{
    lua_State *L = reader->policy->L;
    enum err err = OK;
    if (lua_getfield(L, -1, "data") != LUA_TNIL)
        err = place(reader, policy_data_read(reader->policy, lua_gettop(L), reader->fault), "data");
    lua_pop(L, 1);
    if (err == OK && lua_getfield(L, -1, "shared") != LUA_TNIL)
        err = place(reader, policy_shared_read(reader->policy, lua_gettop(L), reader->fault), "shared");
    return err;
}

static enum err read_policy(struct schema_reader *reader)
{
    static const char *const known[] = {"name",          "description", "on_error",   "default",
                                        "data",          "shared",      "rules",      "on_ack_missing",
                                        "on_call_start", "on_call_end", "on_request", "on_message"};
    lua_State *L = reader->policy->L;
    int top = lua_gettop(L);
    enum err err = check_names(reader, top, "policy", known, sizeof(known) / sizeof(known[0]));
    if (err == OK)
        err = read_name(reader);
    if (err == OK)
        err = read_endings(reader);
    if (err == OK)
        err = read_facts(reader);
    lua_settop(L, top);
    if (err == OK)
        err = read_rules(reader);
    lua_settop(L, top);
    if (err == OK && policy_index_make(reader->policy) != OK)
        err = fault_set(reader->fault, ERR_NOMEM, "", 0, "out of memory");
    for (unsigned event = 0; event < POLICY_EVENT_COUNT && err == OK; event++)
        err = read_function(reader, "policy", policy_event_name(event), &reader->policy->events[event]);
    return err;
}

/* The five-line policy: nil is 404, an error 500. */
static enum err read_plain_function(struct schema_reader *reader)
{
    struct policy *policy = reader->policy;
    struct policy_answer *answers = policy_keep(policy, 2 * sizeof(*answers), NULL);
    if (!answers)
        return fault_set(reader->fault, ERR_NOMEM, "", 0, "out of memory");
    policy_answer_begin(&answers[0], POLICY_NOT_FOUND, 404);
    policy_answer_begin(&answers[1], POLICY_REJECT, 500);
    policy->fallback = &answers[0];
    policy->on_error = &answers[1];
    policy->function = luaL_ref(policy->L, LUA_REGISTRYINDEX);
    return OK;
}

/* Arguments: the value that policy.lua returned, and the reader. */
static int schema_protected(lua_State *L)
{
    struct schema_reader *reader = lua_touserdata(L, 2);
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TFUNCTION)
        reader->err = read_plain_function(reader);
    else if (vm_class_is(L, 1, POLICY_CLASS_POLICY))
        reader->err = read_policy(reader);
    else
        reader->err =
            fail(reader, 0, "expected it to return policy { ... } or a function, got %s", luaL_typename(L, 1));
    return 0;
}

enum err policy_schema_read(struct policy *policy, struct fault *fault)
{
    const struct source *source = policy->program->source;
    const char *name = source_main(source);
    struct schema_reader reader = {.policy = policy, .fault = fault, .path = vm_lines_root()};
    struct vm_outcome outcome;
    enum err err = vm_lines_scan(source_find(source, name)->bytes, &reader.lines);
    if (err != OK) {
        lua_settop(policy->L, -2);
        return fault_set(fault, err, name, 0, "%s", err_text(err));
    }
    lua_pushcfunction(policy->L, schema_protected);
    lua_insert(policy->L, -2);
    lua_pushlightuserdata(policy->L, &reader);
    err = vm_call(policy->vm, 2, 0, &outcome);
    vm_lines_free(reader.lines);
    if (err != OK)
        return fault_set(fault, err, name, outcome.line, "%s", outcome.text);
    return reader.err;
}
