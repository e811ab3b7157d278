/* SPDX-License-Identifier: Apache-2.0 */
/* How `req` and its parts are indexed: one metatable a type, one reused object a part. */
#include "policy/policy_lua_object.h"

static const struct {
    const struct policy_lua_type *type;
    const char *path;
} part_rows[POLICY_PART_COUNT] = {
    [POLICY_PART_REQUEST] = {&policy_lua_request_type, "req"},
    [POLICY_PART_URI] = {&policy_lua_uri_type, "req.uri"},
    [POLICY_PART_FROM] = {&policy_lua_address_type, "req.from"},
    [POLICY_PART_FROM_URI] = {&policy_lua_uri_type, "req.from.uri"},
    [POLICY_PART_TO] = {&policy_lua_address_type, "req.to"},
    [POLICY_PART_TO_URI] = {&policy_lua_uri_type, "req.to.uri"},
    [POLICY_PART_CONTACT] = {&policy_lua_address_type, "req.contact"},
    [POLICY_PART_CONTACT_URI] = {&policy_lua_uri_type, "req.contact.uri"},
    [POLICY_PART_TARGET] = {&policy_lua_target_type, "req.target"},
    [POLICY_PART_SOURCE] = {&policy_lua_source_type, "req.source"},
    [POLICY_PART_RECORD] = {&policy_lua_record_type, "req.record"},
};

static const struct policy_lua_type *type_of_part(enum policy_part part)
{
    return part_rows[part].type;
}

const char *policy_part_path(enum policy_part part)
{
    return part_rows[part].path;
}

void policy_lua_push_text(lua_State *L, struct span text)
{
    if (!text.at)
        lua_pushnil(L);
    else
        lua_pushlstring(L, text.at, text.len < VM_STRING_MAX ? text.len : VM_STRING_MAX - 1);
}

static void check_present(lua_State *L, const struct policy_object *object)
{
    if (!object->policy->request)
        luaL_error(L, "%s: a request can be read only while it is decided", type_of_part(object->part)->name);
    if (object->generation != 0 && object->generation != object->policy->generation)
        luaL_error(L, "%s: kept from an earlier decision; copy what you need instead",
                   type_of_part(object->part)->name);
}

const struct policy_object *policy_lua_self(lua_State *L, const struct policy_lua_type *type)
{
    const struct policy_object *object = lua_touserdata(L, 1);
    bool fine = object && lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1);
    if (fine) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, type);
        fine = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
    }
    if (!fine)
        luaL_error(L, "expected %s: call a method with a colon, as in req:header \"Subject\"", type->name);
    check_present(L, object);
    return object;
}

enum { NAMES_MAX = 64 };

static size_t names_of(const struct policy_lua_type *type, const char *names[NAMES_MAX])
{
    size_t count = 0;
    for (const struct policy_lua_field *field = type->fields; field->name && count < NAMES_MAX; field++)
        names[count++] = field->name;
    for (const struct policy_lua_part *part = type->parts; part && part->name && count < NAMES_MAX; part++)
        names[count++] = part->name;
    for (const luaL_Reg *method = type->methods; method && method->name && count < NAMES_MAX; method++)
        names[count++] = method->name;
    return count;
}

static const struct policy_lua_type *type_named(struct span object)
{
    for (size_t i = 0; i < POLICY_PART_COUNT; i++) {
        if (span_equal(object, span_of(part_rows[i].path)))
            return part_rows[i].type;
    }
    return NULL;
}

size_t policy_object_names(struct span object, const char **out_names, size_t cap)
{
    const char *names[NAMES_MAX];
    const struct policy_lua_type *type = type_named(object);
    size_t count = type ? names_of(type, names) : 0;
    count = count < cap ? count : cap;
    memcpy(out_names, names, count * sizeof(names[0]));
    return count;
}

bool policy_object_has_field(struct span object, struct span field, const char **out_near)
{
    const char *names[NAMES_MAX];
    char name[32] = "";
    size_t count = policy_object_names(object, names, NAMES_MAX);
    if (count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (span_equal(field, span_of(names[i])))
            return true;
    }
    *out_near = span_copy(field, name, sizeof(name)) ? suggest_of(name, names, count) : NULL;
    return false;
}

static int unknown_field(lua_State *L, const struct policy_lua_type *type)
{
    const char *known[NAMES_MAX];
    size_t count = names_of(type, known);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    const char *near = suggest_of(key, known, count);
    if (near)
        return luaL_error(L, "%s has no field '%s'; did you mean '%s'?", type->name, key, near);
    return luaL_error(L, "%s has no field '%s'", type->name, key);
}

static void push_object(lua_State *L, struct policy *policy, enum policy_part part);

/* req.target and the like: the object waits in a user value of its parent, 1 for the first part. */
static void push_part(lua_State *L, const struct policy_object *object, int index, enum policy_part part)
{
    if (part == POLICY_PART_RECORD) {
        enum policy_state state = policy_record_state(object->policy);
        if (state == POLICY_STATE_COUNT)
            luaL_error(L, "the directory cannot be read");
        if (state == POLICY_STATE_NONE) {
            lua_pushnil(L);
            return;
        }
    }
    if (lua_getiuservalue(L, 1, index) == LUA_TUSERDATA)
        return;
    lua_pop(L, 1);
    push_object(L, object->policy, part);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, index);
}

/* __index(object, key); upvalue: key -> position in fields (light userdata), parts (negative), or a method. */
static int object_index(lua_State *L)
{
    const struct policy_object *object = lua_touserdata(L, 1);
    const struct policy_lua_type *type = type_of_part(object->part);
    check_present(L, object);
    lua_pushvalue(L, 2);
    int kind = lua_rawget(L, lua_upvalueindex(1));
    if (kind == LUA_TFUNCTION)
        return 1;
    if (kind != LUA_TNUMBER)
        return unknown_field(L, type);
    lua_Integer at = lua_tointeger(L, -1);
    if (at >= 0) {
        type->fields[at].push(L, object);
        if (object->policy->trace)
            policy_trace_read(L, object, span_of(type->fields[at].name));
        return 1;
    }
    enum policy_part part = type->parts[-at - 1].part;
    if (object->part == POLICY_PART_FROM || object->part == POLICY_PART_TO || object->part == POLICY_PART_CONTACT)
        part = (enum policy_part)(object->part + 1); /* an address's own URI */
    push_part(L, object, (int)-at, part);
    return 1;
}

static int object_newindex(lua_State *L)
{
    const struct policy_object *object = lua_touserdata(L, 1);
    return luaL_error(L, "%s is read-only", type_of_part(object->part)->name);
}

static int object_tostring(lua_State *L)
{
    const struct policy_object *object = lua_touserdata(L, 1);
    const struct policy_lua_type *type = type_of_part(object->part);
    check_present(L, object);
    if (type->text)
        type->text(L, object);
    else
        lua_pushstring(L, type->name);
    return 1;
}

static void open_type(lua_State *L, const struct policy_lua_type *type)
{
    lua_Integer at = 0;
    lua_createtable(L, 0, 5);
    lua_createtable(L, 0, 16);
    for (const struct policy_lua_field *field = type->fields; field->name; field++, at++) {
        lua_pushinteger(L, at);
        lua_setfield(L, -2, field->name);
    }
    at = -1;
    for (const struct policy_lua_part *part = type->parts; part && part->name; part++, at--) {
        lua_pushinteger(L, at);
        lua_setfield(L, -2, part->name);
    }
    for (const luaL_Reg *method = type->methods; method && method->name; method++) {
        lua_pushcfunction(L, method->func);
        lua_setfield(L, -2, method->name);
    }
    lua_pushcclosure(L, object_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, object_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, object_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushstring(L, type->name);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, type);
}

static void push_object(lua_State *L, struct policy *policy, enum policy_part part)
{
    const struct policy_lua_type *type = type_of_part(part);
    int parts = 0;
    for (const struct policy_lua_part *item = type->parts; item && item->name; item++)
        parts++;
    struct policy_object *object = lua_newuserdatauv(L, sizeof(*object), parts);
    *object = (struct policy_object){policy, policy->fresh_request ? policy->generation : 0, part};
    lua_rawgetp(L, LUA_REGISTRYINDEX, type);
    lua_setmetatable(L, -2);
}

void policy_lua_request_open(lua_State *L, struct policy *policy)
{
    (void)policy;
    open_type(L, &policy_lua_request_type);
    open_type(L, &policy_lua_uri_type);
    open_type(L, &policy_lua_address_type);
    open_type(L, &policy_lua_target_type);
    open_type(L, &policy_lua_source_type);
    open_type(L, &policy_lua_record_type);
}

/* All parts are made at once, so that reading one later allocates nothing. */
static void make_parts(lua_State *L, struct policy *policy, enum policy_part part)
{
    push_object(L, policy, part);
    int index = 1;
    for (const struct policy_lua_part *item = type_of_part(part)->parts; item && item->name; item++, index++) {
        bool address = type_of_part(part) == &policy_lua_address_type;
        make_parts(L, policy, address ? (enum policy_part)(part + 1) : item->part);
        lua_setiuservalue(L, -2, index);
    }
}

void policy_lua_request_push(lua_State *L, struct policy *policy)
{
    make_parts(L, policy, POLICY_PART_REQUEST);
}
