/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a rule's `when` table into conditions.  Those that need the directory come last, so that it is asked only
 * where everything else fits. */
#include "policy/policy_priv.h"

#include "facts/facts_set.h"
#include "sip/sip_header.h"
#include "sip/sip_text.h"

struct when_reader {
    struct policy *policy;
    lua_State *L;
    struct policy_condition *condition; /* being read */
    unsigned depth;
    char *text;
    size_t text_cap;
};

static enum err refuse(struct when_reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);
static enum err refuse(struct when_reader *reader, const char *format, ...)
{
    int len = snprintf(reader->text, reader->text_cap, "when.%s: ", policy_field_name(reader->condition->field));
    va_list args;
    va_start(args, format);
    if (len > 0 && (size_t)len < reader->text_cap)
        vsnprintf(reader->text + len, reader->text_cap - (size_t)len, format, args);
    va_end(args);
    return ERR_INVALID;
}

static enum err read_match(struct when_reader *reader, struct policy_match *out);

static enum err no_memory(struct when_reader *reader)
{
    snprintf(reader->text, reader->text_cap, "out of memory");
    return ERR_NOMEM;
}

static struct span string_at_top(lua_State *L)
{
    struct span text = {NULL, 0};
    if (lua_type(L, -1) == LUA_TSTRING)
        text.at = lua_tolstring(L, -1, &text.len);
    return text;
}

/* A bare string (or number, for `when = { number = 110 }` it is refused: +110 and "110" are not the same). */
static enum err read_string(struct when_reader *reader, struct policy_match *out)
{
    struct span text = string_at_top(reader->L);
    enum policy_state state = POLICY_STATE_NONE;
    int64_t seconds = 0;
    switch (policy_field_kind(reader->condition->field)) {
    case POLICY_KIND_STATE:
        if (!policy_state_parse(text, &state))
            return refuse(reader, "\"%.32s\" is no state; expected active, suspended, moved, gone or none", text.at);
        out->op = POLICY_OP_STATES;
        out->states = 1u << state;
        return OK;
    case POLICY_KIND_SOURCE:
        out->op = POLICY_OP_CIDR;
        return facts_block_parse(text, &out->cidr)
                   ? OK
                   : refuse(reader, "\"%.64s\" is no address; expected \"192.0.2.0/24\" or \"2001:db8::/32\"", text.at);
    case POLICY_KIND_TIME:
        if (!facts_time_parse(text, &seconds))
            return refuse(reader, "\"%.40s\" is no time; expected \"2026-01-31\" or \"2026-01-31T12:00:00Z\"", text.at);
        out->op = reader->condition->field == POLICY_FIELD_AFTER ? POLICY_OP_AFTER : POLICY_OP_BEFORE;
        out->at_ms = seconds * 1000;
        return OK;
    case POLICY_KIND_FLAG:
        return refuse(reader, "expected true or false, got \"%.32s\"", text.at);
    case POLICY_KIND_HOURS:
        return refuse(reader, "expected hours { \"mon-fri 08:00-18:00\" }, got a string");
    default:
        break;
    }
    bool is_target = reader->condition->field == POLICY_FIELD_AUTHENTICATED_AS && span_equal(text, SPAN("target"));
    out->op = is_target ? POLICY_OP_TARGET : POLICY_OP_EQUAL; /* no AOR is written "target" */
    out->nocase = policy_field_nocase(reader->condition->field);
    out->text = policy_keep_text(reader->policy, text);
    return out->text.at ? OK : no_memory(reader);
}

static enum err read_boolean(struct when_reader *reader, struct policy_match *out)
{
    bool value = lua_toboolean(reader->L, -1);
    enum policy_kind kind = policy_field_kind(reader->condition->field);
    if (kind == POLICY_KIND_FLAG) {
        out->op = POLICY_OP_FLAG;
        out->flag = value;
        return OK;
    }
    if (kind != POLICY_KIND_TEXT && kind != POLICY_KIND_HEADER)
        return refuse(reader, "true or false says nothing here");
    struct policy_match *present = policy_keep(reader->policy, sizeof(*present), NULL);
    if (!present)
        return no_memory(reader);
    present->op = POLICY_OP_PRESENT;
    *out = *present;
    if (!value) {
        out->op = POLICY_OP_NOT;
        out->items.list = present;
        out->items.count = 1;
    }
    return OK;
}

/* The list at the top of the stack, as ANY or ALL. */
static enum err read_list(struct when_reader *reader, enum policy_op op, struct policy_match *out)
{
    lua_State *L = reader->L;
    size_t count = lua_rawlen(L, -1);
    if (count < 1 || count > POLICY_MATCH_ITEMS_MAX)
        return refuse(reader, "expected a list of 1 to %d; for more use a data set", POLICY_MATCH_ITEMS_MAX);
    struct policy_match *list = policy_keep(reader->policy, count * sizeof(*list), NULL);
    if (!list)
        return no_memory(reader);
    out->op = op;
    out->items.list = list;
    out->items.count = (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        enum err err = read_match(reader, &list[i]);
        lua_pop(L, 1);
        if (err != OK)
            return err;
    }
    return OK;
}

static void glob_done(void *glob)
{
    facts_glob_done(glob);
}

static void hours_done(void *hours)
{
    facts_zone_done(&((struct facts_hours *)hours)->zone);
}

static enum err read_glob(struct when_reader *reader, struct policy_match *out)
{
    struct span pattern = string_at_top(reader->L);
    enum policy_kind kind = policy_field_kind(reader->condition->field);
    if (kind != POLICY_KIND_TEXT && kind != POLICY_KIND_HEADER)
        return refuse(reader, "matches \"...\" says nothing here");
    struct facts_glob *glob = policy_keep(reader->policy, sizeof(*glob), glob_done);
    if (!glob)
        return no_memory(reader);
    out->op = POLICY_OP_GLOB;
    out->glob = glob;
    enum err err = facts_glob_compile(glob, pattern, policy_field_nocase(reader->condition->field));
    if (err == ERR_NOMEM)
        return no_memory(reader);
    if (err != OK)
        return refuse(reader, "matches \"%.64s\": expected at most %d parts of at most %d bytes between stars",
                      pattern.at, GLOB_PARTS_MAX, GLOB_PART_LEN_MAX);
    return OK;
}

static enum err read_set(struct when_reader *reader, bool ranges_only, struct policy_match *out)
{
    struct span name = string_at_top(reader->L);
    enum policy_kind kind = policy_field_kind(reader->condition->field);
    struct facts_set *set = policy_data_find(reader->policy->program, name);
    if (!set)
        return refuse(reader, "there is no data set \"%.64s\"", name.at);
    if (ranges_only && facts_set_kind(set) != FACTS_RANGES)
        return refuse(reader, "in_ranges \"%.64s\": the set holds %s; use in_set", name.at,
                      facts_set_kind_name(facts_set_kind(set)));
    bool addresses = facts_set_kind(set) == FACTS_CIDRS;
    bool fits =
        kind == POLICY_KIND_SOURCE ? addresses : (kind == POLICY_KIND_TEXT || kind == POLICY_KIND_HEADER) && !addresses;
    if (!fits)
        return refuse(reader, "a set of %s does not fit here", facts_set_kind_name(facts_set_kind(set)));
    out->op = POLICY_OP_SET;
    out->set = set;
    return OK;
}

static enum err read_prefix(struct when_reader *reader, struct policy_match *out)
{
    struct span text = string_at_top(reader->L);
    enum policy_kind kind = policy_field_kind(reader->condition->field);
    if ((kind != POLICY_KIND_TEXT && kind != POLICY_KIND_HEADER) || text.len == 0)
        return refuse(reader, "prefix \"...\" wants a text field and at least one byte");
    out->op = POLICY_OP_PREFIX;
    out->nocase = policy_field_nocase(reader->condition->field);
    out->text = policy_keep_text(reader->policy, text);
    return out->text.at ? OK : no_memory(reader);
}

/* One string of hours, or of `except`. */
typedef enum err (*hours_add_fn)(struct facts_hours *hours, struct span text, const char **out_reason);

static enum err read_hours_strings(struct when_reader *reader, struct facts_hours *hours, hours_add_fn add)
{
    lua_State *L = reader->L;
    size_t count = lua_type(L, -1) == LUA_TTABLE ? lua_rawlen(L, -1) : 1;
    for (size_t i = 0; i < count; i++) {
        const char *reason = "expected a string";
        if (lua_type(L, -1) == LUA_TTABLE)
            lua_rawgeti(L, -1, (lua_Integer)i + 1);
        else
            lua_pushvalue(L, -1);
        struct span text = string_at_top(L);
        enum err err = text.at ? add(hours, text, &reason) : ERR_INVALID;
        lua_pop(L, 1);
        if (err != OK)
            return refuse(reader, "\"%.40s\": %s", text.at ? text.at : "", reason);
    }
    return OK;
}

static enum err read_hours_zone(struct when_reader *reader, struct facts_hours *hours)
{
    struct span name = string_at_top(reader->L);
    enum err err = name.at ? facts_zone_load(&hours->zone, name) : ERR_SYNTAX;
    if (err == ERR_NOMEM)
        return no_memory(reader);
    if (err == ERR_NOT_FOUND)
        return refuse(reader, "zone \"%.64s\" is not known on this system (package tzdata)", name.at);
    if (err != OK)
        return refuse(reader, "zone: expected \"Europe/Paris\", \"UTC\" or \"+01:00\"");
    return OK;
}

static enum err check_hours_keys(struct when_reader *reader)
{
    static const char *const known[] = {"zone", "except"};
    lua_State *L = reader->L;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TNUMBER)
            continue;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        const char *near = suggest_of(key, known, 2);
        if (strcmp(key, "zone") != 0 && strcmp(key, "except") != 0)
            return refuse(reader, "hours: unknown field \"%.32s\"; known are zone and except%s%s", key,
                          near ? "; did you mean " : "", near ? near : "");
    }
    return OK;
}

/* hours "mon-fri 08:00-18:00", or a table of such with zone = and except =. */
static enum err read_hours(struct when_reader *reader, struct policy_match *out)
{
    lua_State *L = reader->L;
    if (policy_field_kind(reader->condition->field) != POLICY_KIND_HOURS)
        return refuse(reader, "hours { ... } stands at `hours`");
    struct facts_hours *hours = policy_keep(reader->policy, sizeof(*hours), hours_done);
    if (!hours)
        return no_memory(reader);
    out->op = POLICY_OP_HOURS;
    out->hours = hours;
    enum err err = read_hours_strings(reader, hours, facts_hours_add);
    if (err != OK || lua_type(L, -1) != LUA_TTABLE)
        return err;
    err = check_hours_keys(reader);
    if (err == OK && lua_getfield(L, -1, "zone") != LUA_TNIL)
        err = read_hours_zone(reader, hours);
    if (err != OK)
        return err;
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "except") != LUA_TNIL)
        err = read_hours_strings(reader, hours, facts_hours_except);
    lua_pop(L, 1);
    return err;
}

static enum err read_not(struct when_reader *reader, struct policy_match *out)
{
    struct policy_match *item = policy_keep(reader->policy, sizeof(*item), NULL);
    if (!item)
        return no_memory(reader);
    out->op = POLICY_OP_NOT;
    out->items.list = item;
    out->items.count = 1;
    return read_match(reader, item);
}

/* An object of our constructors: { op = , value = }. */
static enum err read_object(struct when_reader *reader, struct policy_match *out)
{
    lua_State *L = reader->L;
    lua_getfield(L, -1, "op");
    const char *op = lua_tostring(L, -1);
    lua_pop(L, 1);
    if (!op)
        return refuse(reader, "not a matcher");
    lua_getfield(L, -1, "value");
    enum err err = ERR_INVALID;
    if (strcmp(op, "matches") == 0)
        err = read_glob(reader, out);
    else if (strcmp(op, "prefix") == 0)
        err = read_prefix(reader, out);
    else if (strcmp(op, "in_set") == 0 || strcmp(op, "in_ranges") == 0)
        err = read_set(reader, op[3] == 'r', out);
    else if (strcmp(op, "any_of") == 0)
        err = read_list(reader, POLICY_OP_ANY, out);
    else if (strcmp(op, "all_of") == 0)
        err = read_list(reader, POLICY_OP_ALL, out);
    else if (strcmp(op, "not_") == 0)
        err = read_not(reader, out);
    else if (strcmp(op, "hours") == 0)
        err = read_hours(reader, out);
    else
        err = refuse(reader, "not a matcher");
    lua_pop(L, 1);
    return err;
}

/* The value at the top of the stack, which stays there. */
static enum err read_match(struct when_reader *reader, struct policy_match *out)
{
    lua_State *L = reader->L;
    if (reader->depth >= POLICY_MATCH_DEPTH_MAX || !lua_checkstack(L, 8))
        return refuse(reader, "nested more than %d deep", POLICY_MATCH_DEPTH_MAX);
    if (reader->policy->match_count++ >= POLICY_MATCHES_MAX)
        return refuse(reader, "the rules have more than %d values in all; use a data set", POLICY_MATCHES_MAX);
    reader->depth++;
    enum err err = OK;
    if (vm_class_is(L, -1, POLICY_CLASS_MATCH))
        err = read_object(reader, out);
    else if (lua_type(L, -1) == LUA_TSTRING)
        err = read_string(reader, out);
    else if (lua_type(L, -1) == LUA_TBOOLEAN)
        err = read_boolean(reader, out);
    else if (lua_type(L, -1) == LUA_TTABLE)
        err = read_list(reader, POLICY_OP_ANY, out);
    else
        err = refuse(reader, "expected a string, a list or a matcher such as matches \"a*\", got %s",
                     luaL_typename(L, -1));
    reader->depth--;
    return err;
}

static enum err add_condition(struct when_reader *reader, struct policy_when *when, enum policy_field field,
                              struct span header)
{
    struct policy_condition *condition = &when->list[when->count];
    *condition = (struct policy_condition){.field = field};
    reader->condition = condition;
    if (field == POLICY_FIELD_HEADER) {
        if (header.len == 0 || sip_text_run(header.at, header.at + header.len, SIP_TEXT_TOKEN) != header.len)
            return refuse(reader, "\"%.64s\" is not a header name", header.at ? header.at : "");
        condition->header_id = (unsigned char)sip_header_find(header);
        condition->header = policy_keep_text(reader->policy, header);
        if (!condition->header.at)
            return no_memory(reader);
    }
    enum err err = read_match(reader, &condition->match);
    if (err == OK)
        when->count++;
    return err;
}

/* header = { ["X-Name"] = matcher, ... } at the top of the stack. */
static enum err read_headers(struct when_reader *reader, struct policy_when *when)
{
    lua_State *L = reader->L;
    enum err err = OK;
    struct policy_condition here = {.field = POLICY_FIELD_HEADER};
    reader->condition = &here;
    if (lua_type(L, -1) != LUA_TTABLE)
        return refuse(reader, "expected { [\"X-Name\"] = matches \"...\" }, got %s", luaL_typename(L, -1));
    int top = lua_gettop(L);
    lua_pushnil(L);
    while (err == OK && lua_next(L, top)) {
        struct span name = {NULL, 0};
        reader->condition = &here;
        if (lua_type(L, -2) == LUA_TSTRING)
            name.at = lua_tolstring(L, -2, &name.len);
        err = when->count < POLICY_CONDITIONS_MAX ? add_condition(reader, when, POLICY_FIELD_HEADER, name)
                                                  : refuse(reader, "too many conditions");
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return err;
}

static enum err read_field(struct when_reader *reader, struct policy_when *when)
{
    lua_State *L = reader->L;
    enum policy_field field;
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    if (!name) {
        snprintf(reader->text, reader->text_cap, "when: expected fields with names, as in { method = \"INVITE\" }");
        return ERR_INVALID;
    }
    if (!policy_field_parse(name, &field)) {
        const char *near = suggest_of(name, policy_field_names(), POLICY_FIELD_COUNT);
        snprintf(reader->text, reader->text_cap, "when: unknown field \"%.32s\"%s%s%s", name,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        return ERR_INVALID;
    }
    if (field == POLICY_FIELD_HEADER)
        return read_headers(reader, when);
    return add_condition(reader, when, field, (struct span){NULL, 0});
}

/* By field, and what asks the directory (the last ones, its state at the very end) last: the same order in every process. */
static int compare_conditions(const void *a, const void *b)
{
    const struct policy_condition *left = a;
    const struct policy_condition *right = b;
    if (left->field != right->field)
        return left->field < right->field ? -1 : 1;
    return span_compare(left->header, right->header);
}

enum err policy_when_read(struct policy *policy, int index, struct policy_when *out_when, char *text, size_t text_cap)
{
    lua_State *L = policy->L;
    struct policy_condition list[POLICY_CONDITIONS_MAX];
    struct policy_when when = {.list = list};
    struct when_reader reader = {.policy = policy, .L = L, .text = text, .text_cap = text_cap};
    index = lua_absindex(L, index);
    int top = lua_gettop(L);
    enum err err = OK;
    lua_pushnil(L);
    while (err == OK && lua_next(L, index)) {
        err = read_field(&reader, &when);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    if (err == OK && when.count == 0) {
        snprintf(text, text_cap, "when: is empty; a rule that always fits has no `when`");
        err = ERR_INVALID;
    }
    if (err != OK)
        return err;
    qsort(list, when.count, sizeof(list[0]), compare_conditions);
    when.list = policy_keep(policy, when.count * sizeof(list[0]), NULL);
    if (!when.list)
        return no_memory(&reader);
    memcpy(when.list, list, when.count * sizeof(list[0]));
    *out_when = when;
    return OK;
}
