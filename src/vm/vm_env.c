/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of every chunk, from nothing: a base table that only C fills, behind a read-only view, so that writing a
 * global is an error whenever it happens, and so is reading one that is not there. */
#include "vm/vm_class.h"
#include "vm/vm_priv.h"
#include <lualib.h>

/* Their addresses are the registry's keys of the classes. */
static const char class_keys[VM_CLASS_MAX];

/* Upvalue 1: the view's name. */
static int refuse_write(lua_State *state)
{
    const char *name = lua_tostring(state, lua_upvalueindex(1));
    if (lua_type(state, 2) == LUA_TSTRING)
        return luaL_error(state, "%s is read-only: cannot set '%s'", name, lua_tostring(state, 2));
    return luaL_error(state, "%s is read-only", name);
}

static int refuse_global_write(lua_State *state)
{
    const char *name = lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : "?";
    return luaL_error(state, "cannot write global '%s' (use 'local')", name);
}

static int refuse_global_read(lua_State *state)
{
    const char *name = lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : "?";
    return luaL_error(state, "there is no global '%s'", name);
}

/* Upvalue 1: the table behind the view. */
static int view_length(lua_State *state)
{
    lua_pushinteger(state, (lua_Integer)lua_rawlen(state, lua_upvalueindex(1)));
    return 1;
}

static int view_pairs(lua_State *state)
{
    lua_settop(state, 0);
    lua_pushvalue(state, lua_upvalueindex(1));
    return vm_pairs(state);
}

/* [table] -> [view]: an empty table whose metatable leads to the other one and is itself out of reach. */
void vm_push_readonly(lua_State *state, const char *name)
{
    int table = lua_gettop(state);
    lua_createtable(state, 0, 0);
    lua_createtable(state, 0, 5);
    lua_pushvalue(state, table);
    lua_setfield(state, -2, "__index");
    lua_pushstring(state, name);
    lua_pushcclosure(state, refuse_write, 1);
    lua_setfield(state, -2, "__newindex");
    lua_pushvalue(state, table);
    lua_pushcclosure(state, view_length, 1);
    lua_setfield(state, -2, "__len");
    lua_pushvalue(state, table);
    lua_pushcclosure(state, view_pairs, 1);
    lua_setfield(state, -2, "__pairs");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    lua_replace(state, table);
}

void vm_set_global(lua_State *state, const char *name)
{
    struct vm *vm = vm_get(state);
    lua_rawgeti(state, LUA_REGISTRYINDEX, vm->base_ref);
    lua_insert(state, -2);
    lua_pushstring(state, name);
    lua_insert(state, -2);
    lua_rawset(state, -3);
    lua_pop(state, 1);
}

void vm_set_global_table(lua_State *state, const char *name)
{
    vm_push_readonly(state, name);
    vm_set_global(state, name);
}

/* Arithmetic on numeric strings comes from the stock metatable, charged by length; its __index is our own table, without a
 * view between, since a script cannot get at it. */
static void lock_string_metatable(lua_State *state, int string_table)
{
    static const char *const arithmetic[] = {"__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm"};
    lua_pushliteral(state, "");
    lua_getmetatable(state, -1);
    for (size_t i = 0; i < sizeof(arithmetic) / sizeof(arithmetic[0]); i++) {
        lua_getfield(state, -1, arithmetic[i]);
        vm_stock_wrap_top(state);
        lua_setfield(state, -2, arithmetic[i]);
    }
    lua_pushvalue(state, string_table);
    lua_setfield(state, -2, "__index");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_pop(state, 2);
}

static void open_library(lua_State *state, const char *name, void (*open)(lua_State *state))
{
    lua_newtable(state);
    open(state);
    vm_set_global_table(state, name);
}

static void open_string(lua_State *state)
{
    lua_newtable(state);
    vm_string_open(state); /* opens the stock library and with it makes the metatable of strings */
    vm_match_open(state);
    lock_string_metatable(state, lua_gettop(state));
    vm_set_global_table(state, "string");
}

/* _ENV: an empty table; what is not in the base table is an error to read. */
static void open_views(struct vm *vm, lua_State *state)
{
    lua_newtable(state); /* the base */
    lua_createtable(state, 0, 1);
    lua_pushcfunction(state, refuse_global_read);
    lua_setfield(state, -2, "__index");
    lua_setmetatable(state, -2);
    lua_newtable(state); /* the environment */
    lua_createtable(state, 0, 3);
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, refuse_global_write);
    lua_setfield(state, -2, "__newindex");
    lua_pushboolean(state, 0);
    lua_setfield(state, -2, "__metatable");
    lua_setmetatable(state, -2);
    vm->environment_ref = luaL_ref(state, LUA_REGISTRYINDEX);
    vm->base_ref = luaL_ref(state, LUA_REGISTRYINDEX);
    lua_newtable(state);
    vm->modules_ref = luaL_ref(state, LUA_REGISTRYINDEX);
}

/* The library makes the metatable of its larger buffers when it first needs one; a decision shall not pay for that. */
static void warm_buffers(lua_State *state)
{
    luaL_Buffer buffer;
    luaL_buffinitsize(state, &buffer, 2 * LUAL_BUFFERSIZE);
    luaL_pushresultsize(&buffer, 0);
    lua_pop(state, 1);
}

void vm_env_open(lua_State *state)
{
    struct vm *vm = vm_get(state);
    warm_buffers(state);
    open_views(vm, state);
    vm_base_open(state);
    open_string(state);
    open_library(state, "table", vm_table_open);
    open_library(state, "math", vm_math_open);
    open_library(state, "utf8", vm_utf8_open);
}

void vm_class_open(lua_State *L, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        lua_createtable(L, 0, 2);
        lua_pushstring(L, names[i]);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__metatable");
        lua_setfield(L, -2, "__name");
        lua_rawsetp(L, LUA_REGISTRYINDEX, &class_keys[i]);
    }
}

void vm_class_set(lua_State *L, unsigned class)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_keys[class]);
    lua_setmetatable(L, -2);
}

bool vm_class_is(lua_State *L, int index, unsigned class)
{
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_keys[class]);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}
