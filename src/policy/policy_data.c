/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's `data` sets, loaded once a version and shared by its VMs, and its `shared` tables. */
#include "policy/policy_priv.h"

#include "facts/facts_set.h"
#include "facts/facts_shared.h"

/* "name = constructor ..." of the table at `index`, in the order of names: the same in every process. */
struct entry_names {
    size_t count;
    const char *names[POLICY_DATA_MAX];
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_identifier(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= POLICY_RULE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len &&
           !(name[0] >= '0' && name[0] <= '9');
}

static enum err list_names(lua_State *L, int index, const char *table, struct entry_names *out, struct fault *fault)
{
    out->count = 0;
    if (lua_type(L, index) != LUA_TTABLE)
        return fault_set(fault, ERR_INVALID, "", 0, "%s: expected a table, got %s", table, luaL_typename(L, index));
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        enum err err = OK;
        if (!is_identifier(name))
            err = fault_set(fault, ERR_INVALID, "", 0, "%s: expected names made of letters, digits and _", table);
        else if (out->count == POLICY_DATA_MAX)
            err = fault_set(fault, ERR_FULL, "", 0, "%s: more than %d entries", table, POLICY_DATA_MAX);
        if (err != OK) {
            lua_pop(L, 2);
            return err;
        }
        out->names[out->count++] = name;
    }
    qsort(out->names, out->count, sizeof(out->names[0]), compare_names);
    return OK;
}

struct facts_set *policy_data_find(const struct policy_program *program, struct span name)
{
    for (size_t i = 0; i < program->data_count; i++) {
        if (span_equal(name, span_of(program->data[i].name)))
            return program->data[i].set;
    }
    return NULL;
}

/* strings { "a", "b" }: one entry a line, as a file would have them. */
static enum err join_lines(lua_State *L, const char *name, struct buffer *out, struct fault *fault)
{
    size_t count = lua_rawlen(L, -1);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        struct span line = {NULL, 0};
        if (lua_type(L, -1) == LUA_TSTRING)
            line.at = lua_tolstring(L, -1, &line.len);
        lua_pop(L, 1);
        if (!line.at || span_find(line, '\n') < line.len)
            return fault_set(fault, ERR_INVALID, "", 0, "data.%s: expected a list of strings", name);
        buffer_add_span(out, line);
        buffer_add_byte(out, '\n');
    }
    return out->overflow ? fault_set(fault, ERR_TOO_LONG, "", 0, "data.%s: too large; put it into a file", name) : OK;
}

static enum err load_set(struct policy *policy, enum facts_set_kind kind, struct policy_data *data, struct fault *fault)
{
    lua_State *L = policy->L;
    if (lua_type(L, -1) == LUA_TTABLE) {
        struct buffer text = buffer_heap(1 << 20);
        enum err err = join_lines(L, data->name, &text, fault);
        if (err == OK)
            err = facts_set_from_memory(kind, data->name, buffer_span(&text), &data->set, fault);
        buffer_done(&text);
        return err;
    }
    const char *name = lua_tostring(L, -1);
    const struct source_file *file = source_find(policy->program->source, name);
    if (!file)
        return fault_set(fault, ERR_NOT_FOUND, "", 0, "data.%s: there is no file \"%.128s\" in the policy's folder",
                         data->name, name);
    snprintf(data->file, sizeof(data->file), "%s", name);
    return facts_set_from_source(kind, policy->program->source, file, &data->set, fault);
}

static bool kind_parse(const char *name, enum facts_set_kind *out_kind)
{
    for (unsigned i = 0; i < FACTS_SET_KIND_COUNT; i++) {
        if (name && strcmp(name, facts_set_kind_name((enum facts_set_kind)i)) == 0) {
            *out_kind = (enum facts_set_kind)i;
            return true;
        }
    }
    return false;
}

/* The entry at the top of the stack. */
static enum err read_set(struct policy *policy, const char *name, struct fault *fault)
{
    lua_State *L = policy->L;
    struct policy_program *program = policy->program;
    enum facts_set_kind kind = FACTS_STRINGS;
    if (!vm_class_is(L, -1, POLICY_CLASS_DATA))
        return fault_set(fault, ERR_INVALID, "", 0,
                         "data.%s: expected a set such as ranges \"blocks.csv\" or strings { \"a\" }, got %s", name,
                         luaL_typename(L, -1));
    lua_getfield(L, -1, "value");
    lua_getfield(L, -2, "op");
    bool known = kind_parse(lua_tostring(L, -1), &kind);
    lua_pop(L, 1);
    struct policy_data *data = &program->data[program->data_count];
    snprintf(data->name, sizeof(data->name), "%s", name);
    enum err err =
        known ? load_set(policy, kind, data, fault) : fault_set(fault, ERR_INVALID, "", 0, "data.%s: not a set", name);
    lua_pop(L, 1);
    if (err != OK)
        return err;
    program->data_info[program->data_count++] = (struct policy_data_info){
        .name = data->name,
        .type = facts_set_kind_name(kind),
        .file = data->file,
        .entries = facts_set_count(data->set),
    };
    return OK;
}

enum err policy_data_read(struct policy *policy, int index, struct fault *fault)
{
    struct entry_names names;
    if (policy->program->sealed)
        return OK; /* the version's first VM loaded them */
    enum err err = list_names(policy->L, index, "data", &names, fault);
    for (size_t i = 0; err == OK && i < names.count; i++) {
        lua_getfield(policy->L, index, names.names[i]);
        err = read_set(policy, names.names[i], fault);
        lua_pop(policy->L, 1);
    }
    return err;
}

/* A number of the shared table's options at the top of the stack, `fallback` when it is not there. */
static bool take_number(lua_State *L, const char *field, double fallback, double *out)
{
    lua_getfield(L, -1, field);
    bool fine = true;
    if (lua_type(L, -1) == LUA_TNUMBER)
        *out = lua_tonumber(L, -1);
    else if (lua_isnil(L, -1) && fallback > 0)
        *out = fallback;
    else
        fine = false;
    lua_pop(L, 1);
    return fine && *out > 0 && *out <= 1e12;
}

static enum err check_options(lua_State *L, const char *name, bool bucket, struct fault *fault)
{
    static const char *const windows[] = {"ttl", "max"};
    static const char *const buckets[] = {"rate", "burst", "max"};
    const char *const *known = bucket ? buckets : windows;
    size_t count = bucket ? 3 : 2;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        size_t i = 0;
        while (i < count && strcmp(key, known[i]) != 0)
            i++;
        if (i == count) {
            lua_pop(L, 2);
            const char *near = suggest_of(key, known, count);
            return fault_set(fault, ERR_INVALID, "", 0, "shared.%s: unknown field \"%.32s\"%s%s", name, key,
                             near ? "; did you mean " : "", near ? near : "");
        }
    }
    return OK;
}

/* Options at the top of the stack. */
static enum err read_spec(lua_State *L, const char *name, const char *op, struct facts_shared_spec *out,
                          struct fault *fault)
{
    bool bucket = strcmp(op, "bucket") == 0;
    double max = 0;
    double ttl = 0;
    enum err err = check_options(L, name, bucket, fault);
    if (err != OK)
        return err;
    *out = (struct facts_shared_spec){.kind = bucket                   ? FACTS_BUCKET
                                              : strcmp(op, "map") == 0 ? FACTS_MAP
                                                                       : FACTS_COUNTER};
    if (!take_number(L, "max", 100000, &max))
        return fault_set(fault, ERR_INVALID, "", 0, "shared.%s: max: expected a number of keys", name);
    out->max = (uint64_t)max;
    if (bucket) {
        if (!take_number(L, "rate", 0, &out->rate) ||
            !take_number(L, "burst", out->rate < 1 ? 1 : out->rate, &out->burst))
            return fault_set(fault, ERR_INVALID, "", 0,
                             "shared.%s: expected bucket { rate = tokens a second, burst = tokens }", name);
        return OK;
    }
    if (!take_number(L, "ttl", 0, &ttl))
        return fault_set(fault, ERR_INVALID, "", 0, "shared.%s: ttl: expected seconds", name);
    out->ttl_ms = (uint64_t)(ttl * 1000);
    return OK;
}

static void describe_shared(struct policy_program *program, const char *name, const struct facts_shared_spec *spec)
{
    if (program->sealed)
        return;
    char *kept = program->shared_names[program->shared_count];
    snprintf(kept, POLICY_RULE_NAME_MAX + 1, "%s", name);
    program->shared_info[program->shared_count++] =
        (struct policy_shared_info){kept, facts_shared_kind_name(spec->kind), facts_shared_options(spec)};
}

static enum err open_shared(struct policy *policy, const char *name, const struct facts_shared_spec *spec,
                            struct fault *fault)
{
    struct policy_shared *shared = &policy->shared[policy->shared_count];
    bool kept = false;
    enum err err = policy->registry
                       ? facts_shared_open(policy->registry, span_of(name), spec, &shared->table, &kept, fault)
                       : facts_shared_new(spec, &shared->table, fault);
    if (err != OK)
        return err;
    snprintf(shared->name, sizeof(shared->name), "%s", name);
    policy->shared_count++;
    describe_shared(policy->program, name, spec);
    return OK;
}

enum err policy_shared_read(struct policy *policy, int index, struct fault *fault)
{
    lua_State *L = policy->L;
    struct entry_names names;
    enum err err = list_names(L, index, "shared", &names, fault);
    for (size_t i = 0; err == OK && i < names.count; i++) {
        struct facts_shared_spec spec;
        const char *name = names.names[i];
        int top = lua_gettop(L);
        lua_getfield(L, index, name);
        if (!vm_class_is(L, -1, POLICY_CLASS_SHARED)) {
            err = fault_set(fault, ERR_INVALID, "", 0,
                            "shared.%s: expected counter { ttl = 60, max = 100000 }, map or bucket, got %s", name,
                            luaL_typename(L, -1));
        } else {
            lua_getfield(L, -1, "op");
            lua_getfield(L, -2, "value");
            err = read_spec(L, name, lua_tostring(L, -2), &spec, fault);
            if (err == OK)
                err = open_shared(policy, name, &spec, fault);
        }
        lua_settop(L, top);
    }
    return err;
}
