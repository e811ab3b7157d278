/* SPDX-License-Identifier: Apache-2.0 */
/* What a script may ask besides the request: env (its data sets and shared tables), log, now(). */
#include "policy/policy_priv.h"

#include "facts/facts_set.h"
#include "facts/facts_shared.h"

enum { UP_POLICY = 1, UP_ENTRY };

static struct policy *policy_upvalue(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(UP_POLICY));
}

static uint64_t mono_ms(const struct policy *policy)
{
    const struct policy_clock *clock = &policy->host.clock;
    return clock->mono_ms ? clock->mono_ms(clock->ctx) : (uint64_t)policy->wall_ms;
}

/* The key of env.NAME:method(key, ...): a string or a whole number.  Called as a plain function, the key is missing. */
static struct span take_key(lua_State *L, const char *usage)
{
    struct span key = {NULL, 0};
    if (lua_type(L, 1) == LUA_TTABLE || lua_type(L, 1) == LUA_TUSERDATA)
        lua_remove(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING)
        key.at = lua_tolstring(L, 1, &key.len);
    else
        luaL_error(L, "expected a string as key, as in %s, got %s", usage, luaL_typename(L, 1));
    vm_charge(L, 20 + key.len / 8);
    return key;
}

static void check_shared(lua_State *L, enum err err)
{
    if (err != OK && err != ERR_FULL && err != ERR_NOT_FOUND)
        luaL_error(L, err == ERR_TOO_LONG ? "the key or the value has more than 255 bytes" : err_text(err));
}

/* Pushes what a shared table answered, and tells it. */
static int answer(lua_State *L, struct span key, const char *word)
{
    const struct policy *policy = policy_upvalue(L);
    if (policy->trace)
        policy_trace_lookup(policy, policy->shared[lua_tointeger(L, lua_upvalueindex(UP_ENTRY))].name, key,
                            span_of(word));
    return 1;
}

static int answer_count(lua_State *L, struct span key, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
    lua_pushinteger(L, (lua_Integer)count);
    return answer(L, key, text);
}

static struct facts_shared *shared_upvalue(lua_State *L)
{
    struct policy *policy = policy_upvalue(L);
    if (!policy->in_lua)
        luaL_error(L, "shared tables can be used only in a decision");
    return policy->shared[lua_tointeger(L, lua_upvalueindex(UP_ENTRY))].table;
}

/* What the version that decided this request before was told, where this one is to hear the same. */
static bool hears(struct policy *policy, const struct facts_question *question, uint64_t *out_answer)
{
    return policy->heard && facts_echo_take(policy->heard, question, out_answer);
}

/* counter:incr(key [, by]) -> the count in this window. */
static int counter_incr(lua_State *L)
{
    struct policy *policy = policy_upvalue(L);
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.calls:incr(req.source.ip)");
    lua_Integer by = lua_type(L, 2) == LUA_TNUMBER ? lua_tointeger(L, 2) : 1;
    uint64_t count = 0;
    if (by < 0)
        return luaL_error(L, "incr: a counter only counts up");
    enum err err = OK;
    struct facts_question question = {table, FACTS_ECHO_COUNT, key, (double)by};
    if (hears(policy, &question, &count))
        return answer_count(L, key, count);
    if (policy->read_only) {
        err = facts_shared_read(table, key, mono_ms(policy), &count);
        count += (uint64_t)by;
    } else {
        err = facts_shared_incr(table, key, (uint64_t)by, mono_ms(policy), &count);
    }
    check_shared(L, err);
    facts_echo_add(&policy->echoes, &question, count);
    return answer_count(L, key, count);
}

static int counter_get(lua_State *L)
{
    uint64_t count = 0;
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.calls:get(req.source.ip)");
    struct facts_question question = {table, FACTS_ECHO_GET, key, 0};
    if (!hears(policy_upvalue(L), &question, &count))
        check_shared(L, facts_shared_read(table, key, mono_ms(policy_upvalue(L)), &count));
    facts_echo_add(&policy_upvalue(L)->echoes, &question, count);
    return answer_count(L, key, count);
}

static int map_set(lua_State *L)
{
    struct policy *policy = policy_upvalue(L);
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.seen:set(key, \"value\")");
    struct span value = {NULL, 0};
    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "set: expected a string as value, got %s", luaL_typename(L, 2));
    value.at = lua_tolstring(L, 2, &value.len);
    enum err err = policy->read_only ? OK : facts_shared_set(table, key, value, mono_ms(policy));
    check_shared(L, err);
    lua_pushboolean(L, err == OK);
    return 1;
}

static int map_get(lua_State *L)
{
    char value[FACTS_VALUE_MAX + 1];
    size_t len = 0;
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.seen:get(key)");
    struct facts_question question = {table, FACTS_ECHO_NO_VALUE, key, 0};
    uint64_t none;
    enum err err = hears(policy_upvalue(L), &question, &none)
                       ? ERR_NOT_FOUND
                       : facts_shared_get(table, key, mono_ms(policy_upvalue(L)), value, &len);
    check_shared(L, err);
    if (err == ERR_NOT_FOUND)
        facts_echo_add(&policy_upvalue(L)->echoes, &question, 0);
    if (err == OK)
        lua_pushlstring(L, value, len);
    else
        lua_pushnil(L);
    return answer(L, key, err == OK ? "has it" : "has it not");
}

/* bucket:take(key [, tokens]) -> true while within the limit. */
static int bucket_take(lua_State *L)
{
    struct policy *policy = policy_upvalue(L);
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.rate:take(req.source.ip)");
    lua_Number tokens = lua_type(L, 2) == LUA_TNUMBER ? lua_tonumber(L, 2) : 1;
    bool taken = true;
    if (!(tokens >= 0 && tokens <= 1e9))
        return luaL_error(L, "take: expected a number of tokens");
    struct facts_question question = {table, FACTS_ECHO_TAKE, key, tokens};
    uint64_t heard;
    if (hears(policy, &question, &heard))
        taken = heard != 0;
    else if (!policy->read_only)
        check_shared(L, facts_shared_take(table, key, tokens, mono_ms(policy), &taken));
    facts_echo_add(&policy->echoes, &question, taken);
    lua_pushboolean(L, taken);
    return answer(L, key, taken ? "within the limit" : "over the limit");
}

static int shared_forget(lua_State *L)
{
    struct facts_shared *table = shared_upvalue(L);
    struct span key = take_key(L, "env.calls:forget(key)");
    if (!policy_upvalue(L)->read_only)
        facts_shared_forget(table, key);
    return 0;
}

/* env.NAME:has(text) of a data set. */
static int set_has(lua_State *L)
{
    const struct policy_program *program = policy_upvalue(L)->program;
    struct span key = take_key(L, "env.blocks:has(req.target.number)");
    const struct facts_set *set = program->data[lua_tointeger(L, lua_upvalueindex(UP_ENTRY))].set;
    vm_charge(L, facts_set_cost(set, key.len) / 16);
    bool has = facts_set_has(set, key);
    if (policy_upvalue(L)->trace)
        policy_trace_set(policy_upvalue(L), set, key, has);
    lua_pushboolean(L, has);
    return 1;
}

static const luaL_Reg counter_methods[] = {
    {"incr", counter_incr}, {"get", counter_get}, {"forget", shared_forget}, {NULL, NULL}};
static const luaL_Reg map_methods[] = {{"set", map_set}, {"get", map_get}, {"forget", shared_forget}, {NULL, NULL}};
static const luaL_Reg bucket_methods[] = {{"take", bucket_take}, {"forget", shared_forget}, {NULL, NULL}};
static const luaL_Reg set_methods[] = {{"has", set_has}, {NULL, NULL}};

/* Adds a read-only table of closures over (policy, entry) to `env`, which is at the top. */
static void add_entry(lua_State *L, struct policy *policy, const char *name, lua_Integer entry, const luaL_Reg *methods)
{
    lua_createtable(L, 0, 3);
    for (; methods->name; methods++) {
        lua_pushlightuserdata(L, policy);
        lua_pushinteger(L, entry);
        lua_pushcclosure(L, methods->func, 2);
        lua_setfield(L, -2, methods->name);
    }
    vm_push_readonly(L, name);
    lua_setfield(L, -2, name);
}

void policy_lua_environment_push(lua_State *L, struct policy *policy)
{
    const struct policy_program *program = policy->program;
    lua_createtable(L, 0, (int)(program->data_count + policy->shared_count));
    for (size_t i = 0; i < program->data_count; i++)
        add_entry(L, policy, program->data[i].name, (lua_Integer)i, set_methods);
    for (size_t i = 0; i < policy->shared_count; i++) {
        enum facts_shared_kind kind = facts_shared_kind(policy->shared[i].table);
        add_entry(L, policy, policy->shared[i].name, (lua_Integer)i,
                  kind == FACTS_COUNTER ? counter_methods
                  : kind == FACTS_MAP   ? map_methods
                                        : bucket_methods);
    }
    vm_push_readonly(L, "env");
}

/* One argument of log.*: what print() would show, without addresses. */
static void add_argument(lua_State *L, int index, struct buffer *line)
{
    struct span text = {NULL, 0};
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text.at = lua_tolstring(L, index, &text.len);
        buffer_add_span(line, span_slice(text, 0, line->cap - line->len));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            buffer_add_i64(line, lua_tointeger(L, index));
        else
            buffer_addf(line, "%.14g", lua_tonumber(L, index));
        break;
    case LUA_TBOOLEAN:
        buffer_add_text(line, lua_toboolean(L, index) ? "true" : "false");
        break;
    default:
        buffer_add_text(line, luaL_typename(L, index));
    }
}

static int log_line(lua_State *L)
{
    struct policy *policy = policy_upvalue(L);
    const struct policy_log *log = &policy->host.log;
    vm_charge(L, 50);
    if (!log->write || policy->log_lines >= POLICY_LOG_LINES_MAX)
        return 0;
    policy->log_lines++;
    char text[POLICY_LOG_TEXT_MAX];
    struct buffer line = buffer_over(text, sizeof(text) - 1);
    for (int i = 1; i <= lua_gettop(L) && !line.overflow; i++) {
        if (i > 1)
            buffer_add_byte(&line, ' ');
        add_argument(L, i, &line);
    }
    text[line.len] = '\0';
    for (size_t i = 0; i < line.len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    }
    log->write(log->ctx, (enum log_level)lua_tointeger(L, lua_upvalueindex(UP_ENTRY)),
               policy->rule ? policy->rule->name : NULL, buffer_span(&line));
    return 0;
}

/* now(): Unix seconds, the same throughout one decision. */
static int now(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)(vm_wall_ms(vm_of(L)) / 1000));
    return 1;
}

void policy_lua_host_open(lua_State *L, struct policy *policy)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"debug", LOG_DEBUG}, {"info", LOG_INFO}, {"warn", LOG_WARN}, {"error", LOG_ERROR}};
    lua_createtable(L, 0, 4);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        lua_pushlightuserdata(L, policy);
        lua_pushinteger(L, levels[i].level);
        lua_pushcclosure(L, log_line, 2);
        lua_setfield(L, -2, levels[i].name);
    }
    vm_set_global_table(L, "log");
    lua_pushcfunction(L, now);
    vm_set_global(L, "now");
}
