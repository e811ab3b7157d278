/* SPDX-License-Identifier: Apache-2.0 */
/* `require`: chunks that the VM's owner provides, compiled into the same sandbox, run once, while loading only: a decision
 * finds what was loaded, and compiles nothing. */
#include "vm/vm_priv.h"
#include <ctype.h>
#include <stdio.h>

enum { NAME_MAX_LEN = 128, DEPTH_MAX = 32 };

static bool is_module_name(struct span name)
{
    bool after_dot = true;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (c == '.' ? after_dot : !(isalnum(c) || c == '_' || c == '-'))
            return false;
        after_dot = c == '.';
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN && !after_dot;
}

/* Pushes the compiled chunk of the module. */
static void compile(lua_State *state, struct vm *vm, struct span name)
{
    struct span source;
    char chunk[FAULT_FILE_MAX] = "@";
    if (!vm->options.require)
        luaL_error(state, "require: there is no module '%s'", name.at);
    enum err err = vm->options.require(vm->options.require_ctx, name, &source, chunk + 1, sizeof(chunk) - 1);
    if (err == ERR_NOT_FOUND)
        luaL_error(state, "require: there is no module '%s'", name.at);
    if (err != OK)
        luaL_error(state, "require: module '%s': %s", name.at, err_text(err));
    if (source.len > VM_SOURCE_MAX)
        luaL_error(state, "require: module '%s' is longer than %d bytes", name.at, (int)VM_SOURCE_MAX);
    if (luaL_loadbufferx(state, source.at, source.len, chunk, "t") != LUA_OK) {
        if (vm_is_stopped(vm))
            vm_raise_kill(state);
        lua_error(state);
    }
    lua_rawgeti(state, LUA_REGISTRYINDEX, vm->environment_ref);
    if (!lua_setupvalue(state, -2, 1))
        lua_pop(state, 1);
}

int vm_require(lua_State *state)
{
    struct vm *vm = vm_get(state);
    struct span name;
    name.at = luaL_checklstring(state, 1, &name.len);
    if (!is_module_name(name))
        return luaL_argerror(state, 1, "expected a module's name: letters, digits, '_', '-' and single dots");
    lua_settop(state, 1);
    lua_rawgeti(state, LUA_REGISTRYINDEX, vm->modules_ref);
    lua_pushvalue(state, 1);
    int type = lua_rawget(state, 2);
    if (type == LUA_TLIGHTUSERDATA)
        return luaL_error(state, "require: module '%s' requires itself, or failed before", name.at);
    if (type != LUA_TNIL)
        return 1;
    if (!vm->loading)
        return luaL_error(state, "require: module '%s' was not loaded with the policy", name.at);
    lua_pushvalue(state, 1);
    lua_pushlightuserdata(state, vm); /* the mark of a module that is being loaded */
    lua_rawset(state, 2);
    compile(state, vm, name);
    lua_call(state, 0, 1);
    if (lua_isnil(state, -1)) {
        lua_pop(state, 1);
        lua_pushboolean(state, 1);
    }
    lua_pushvalue(state, 1);
    lua_pushvalue(state, -2);
    lua_rawset(state, 2);
    return 1;
}
