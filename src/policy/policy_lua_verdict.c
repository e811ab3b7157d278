/* SPDX-License-Identifier: Apache-2.0 */
/* ok{} gone{} moved{} redirect{} not_found{} unavailable{} challenge{} reject(code){} drop.  A verdict is the very table
 * that the script wrote, with the verdict's metatable: checked when it is made, and read (and checked again, for a
 * script may have changed it) when it is returned. */
#include "policy/policy_answer.h"

#include "reference/reference_refusal.h"

enum { UP_VERDICT = 1, UP_META, UP_CODE };

static enum policy_verdict verdict_upvalue(lua_State *L)
{
    return (enum policy_verdict)lua_tointeger(L, lua_upvalueindex(UP_VERDICT));
}

/* The argument, checked to be a plain table, alone on the stack. */
static void take_fields(lua_State *L, const char *name)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_createtable(L, 0, 1);
        return;
    }
    lua_settop(L, 1);
    if (!lua_istable(L, 1))
        luaL_error(L, "%s: expected a table of fields, as in %s {}, got %s", name, name, luaL_typename(L, 1));
    if (lua_getmetatable(L, 1))
        luaL_error(L, "%s: expected a plain table", name);
}

static int verdict_make(lua_State *L)
{
    enum policy_verdict verdict = verdict_upvalue(L);
    const char *name = policy_verdict_name(verdict);
    take_fields(L, name);
    if (verdict == POLICY_REJECT) {
        lua_getfield(L, 1, "code");
        if (!lua_isnil(L, -1))
            luaL_error(L, "reject: the code stands before the table, as in reject(486) {}");
        lua_pop(L, 1);
        lua_pushvalue(L, lua_upvalueindex(UP_CODE));
        lua_setfield(L, 1, "code");
    }
    char text[200];
    struct policy_answer scratch;
    struct policy_answer_reader reader = {.L = L, .answer = &scratch, .text = text, .text_cap = sizeof(text)};
    policy_answer_begin(&scratch, verdict, policy_verdict_code(verdict));
    if (!policy_answer_read(&reader, 1))
        return luaL_error(L, "%s: %s", name, text);
    lua_pushvalue(L, lua_upvalueindex(UP_META));
    lua_setmetatable(L, 1);
    return 1;
}

/* reject(code): the constructor for that code, made once. */
static int reject_code(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TNUMBER || !lua_isinteger(L, 1))
        return luaL_error(L, "reject: expected a status code, as in reject(486) {}, got %s", luaL_typename(L, 1));
    lua_Integer code = lua_tointeger(L, 1);
    const char *why = reference_refusal_instead(code);
    if (why)
        return luaL_error(L, "reject(%I): %s", (LUAI_UACINT)code, why);
    lua_settop(L, 1);
    if (lua_rawgeti(L, lua_upvalueindex(UP_CODE), code) == LUA_TFUNCTION)
        return 1;
    lua_pushinteger(L, POLICY_REJECT);
    lua_pushvalue(L, lua_upvalueindex(UP_META));
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, verdict_make, 3);
    lua_pushvalue(L, -1);
    lua_rawseti(L, lua_upvalueindex(UP_CODE), code);
    return 1;
}

/* Pushes the verdict's metatable and keeps it alive and known. */
static void push_meta(lua_State *L, struct policy *policy, enum policy_verdict verdict)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, policy_verdict_name(verdict));
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "verdict");
    lua_setfield(L, -2, "__metatable");
    policy->verdict_tables[verdict] = lua_topointer(L, -1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &policy->verdict_tables[verdict]);
}

void policy_lua_verdict_open(lua_State *L, struct policy *policy)
{
    for (unsigned i = 0; i < POLICY_VERDICT_COUNT; i++) {
        enum policy_verdict verdict = (enum policy_verdict)i;
        if (verdict == POLICY_DROP) {
            lua_newuserdatauv(L, 0, 0);
            push_meta(L, policy, verdict);
            lua_setmetatable(L, -2);
        } else {
            lua_pushinteger(L, verdict);
            push_meta(L, policy, verdict);
            if (verdict == POLICY_REJECT) {
                lua_createtable(L, 0, 0);
                lua_pushcclosure(L, reject_code, 3);
            } else {
                lua_pushcclosure(L, verdict_make, 2);
            }
        }
        vm_set_global(L, policy_verdict_name(verdict));
    }
}

/* POLICY_VERDICT_COUNT when the value is no verdict. */
static enum policy_verdict verdict_of(const struct policy *policy, int index)
{
    lua_State *L = policy->L;
    int type = lua_type(L, index);
    if ((type != LUA_TTABLE && type != LUA_TUSERDATA) || !lua_getmetatable(L, index))
        return POLICY_VERDICT_COUNT;
    const void *meta = lua_topointer(L, -1);
    lua_pop(L, 1);
    unsigned i = 0;
    while (i < POLICY_VERDICT_COUNT && policy->verdict_tables[i] != meta)
        i++;
    return (enum policy_verdict)i;
}

bool policy_lua_verdict_read(struct policy *policy, int index, bool keep, struct policy_answer *answer, char *text,
                             size_t text_cap)
{
    lua_State *L = policy->L;
    index = lua_absindex(L, index);
    enum policy_verdict verdict = verdict_of(policy, index);
    if (verdict == POLICY_VERDICT_COUNT) {
        bool function = lua_type(L, index) == LUA_TFUNCTION;
        snprintf(text, text_cap,
                 function ? "expected a verdict, got a function: write gone {} or reject(486) {}"
                          : "expected a verdict such as ok {} or gone {}, got %s",
                 luaL_typename(L, index));
        return false;
    }
    policy_answer_begin(answer, verdict, policy_verdict_code(verdict));
    if (verdict == POLICY_DROP)
        return true;
    char reason[160];
    struct policy_answer_reader reader = {.L = L,
                                          .answer = answer,
                                          .keeper = keep ? policy : NULL,
                                          .arena = keep ? NULL : &policy->arena,
                                          .text = reason,
                                          .text_cap = sizeof(reason)};
    if (policy_answer_read(&reader, index))
        return true;
    snprintf(text, text_cap, "%s: %s", policy_verdict_name(verdict), reason);
    return false;
}
