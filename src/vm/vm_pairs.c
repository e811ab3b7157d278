/* SPDX-License-Identifier: Apache-2.0 */
/* pairs() in an order that is the same in every process: numbers ascending, then strings by their bytes, then false and
 * true.  Lua's own order follows addresses and a random seed, so `next` is absent, and keys that have no order of their
 * own (tables, functions, userdata) are an error.  The keys are gathered when the loop begins; a field that is removed
 * meanwhile is passed over, one that is added is not seen. */
#include "vm/vm_priv.h"
#include <stdlib.h>

enum { START_UNITS = 20, KEY_UNITS = 6 };

enum rank { RANK_NUMBER, RANK_STRING, RANK_BOOLEAN };

struct key {
    enum rank rank;
    unsigned index; /* in the table of keys, from 1 */
    union {
        struct span text;
        struct {
            lua_Number number;
            lua_Integer integer;
            bool is_integer;
        };
    };
};

/* Of an integer and a float, or of two: -1, 0, 1.  No float key is whole (Lua makes those integers), and only integers
 * beyond 2^53 lose something as floats, where then no float lies between them. */
static int compare_numbers(const struct key *a, const struct key *b)
{
    if (a->is_integer && b->is_integer)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->rank == RANK_STRING)
        return span_compare(a->text, b->text);
    return compare_numbers(a, b);
}

/* The key on top of the stack, which stays there. */
static struct key describe(lua_State *state, unsigned index)
{
    struct key key = {.rank = RANK_STRING, .index = index};
    int type = lua_type(state, -1);
    if (type == LUA_TSTRING) {
        key.text.at = lua_tolstring(state, -1, &key.text.len);
    } else {
        key.rank = type == LUA_TBOOLEAN ? RANK_BOOLEAN : RANK_NUMBER;
        key.is_integer = lua_isinteger(state, -1) || type == LUA_TBOOLEAN;
        key.integer = type == LUA_TBOOLEAN ? lua_toboolean(state, -1) : lua_tointeger(state, -1);
        key.number = key.is_integer ? (lua_Number)key.integer : lua_tonumber(state, -1);
    }
    return key;
}

/* Counting first costs less than letting the table of keys grow. */
static int count_keys(lua_State *state)
{
    int count = 0;
    for (lua_pushnil(state); lua_next(state, 1); lua_pop(state, 1)) {
        count++;
        if (vm_is_stopped(vm_get(state))) /* keys that collide make each step long; the watchdog is heard here */
            vm_raise_kill(state);
    }
    return count;
}

/* Copies the keys of the table at 1 into a new table on top; returns how many, and whether they are in order as they
 * came, which is what Lua gives for a plain sequence. */
static unsigned gather(lua_State *state, bool *out_sorted)
{
    unsigned count = 0;
    lua_Integer before = LUA_MININTEGER;
    bool sorted = true;
    lua_createtable(state, count_keys(state), 0);
    lua_pushnil(state);
    while (lua_next(state, 1)) {
        lua_pop(state, 1);
        int type = lua_type(state, -1);
        if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
            luaL_error(state, "pairs: a key of type %s has no order", lua_typename(state, type));
        sorted = sorted && lua_isinteger(state, -1) && lua_tointeger(state, -1) >= before;
        before = sorted ? lua_tointeger(state, -1) : before;
        vm_spend(state, KEY_UNITS);
        lua_pushvalue(state, -1);
        lua_rawseti(state, -3, ++count);
    }
    *out_sorted = sorted;
    return count;
}

/* Puts the table of keys on top in the order of `keys`, cycle by cycle; nothing here can raise. */
static void permute(lua_State *state, struct key *keys, unsigned count)
{
    for (unsigned start = 0; start < count; start++) {
        if (keys[start].index == start + 1)
            continue;
        lua_rawgeti(state, -1, start + 1);
        unsigned at = start;
        while (keys[at].index != start + 1) {
            unsigned from = keys[at].index;
            lua_rawgeti(state, -2, from);
            lua_rawseti(state, -3, at + 1);
            keys[at].index = at + 1;
            at = from - 1;
        }
        lua_rawseti(state, -2, at + 1);
        keys[at].index = at + 1;
    }
}

/* The array is outside Lua's heap; so nothing between malloc and free may raise: the reads and writes below touch fields
 * that exist. */
static void sort_keys(lua_State *state, unsigned count)
{
    uint64_t depth = 1;
    while (count >> depth)
        depth++;
    vm_spend(state, count * depth);
    luaL_checkstack(state, 4, NULL);
    struct key *keys = malloc(count * sizeof(*keys));
    if (!keys) {
        vm_stop(vm_get(state), VM_MEMORY, "the system is out of memory");
        vm_raise_kill(state);
    }
    for (unsigned i = 0; i < count; i++) {
        lua_rawgeti(state, -1, i + 1);
        keys[i] = describe(state, i + 1);
        lua_pop(state, 1); /* the text stays: the table of keys holds it */
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    permute(state, keys, count);
    free(keys);
}

/* Upvalues: the table, its keys, the position. */
static int next_pair(lua_State *state)
{
    lua_Integer at = lua_tointeger(state, lua_upvalueindex(3));
    for (;;) {
        vm_spend(state, 1);
        if (lua_rawgeti(state, lua_upvalueindex(2), ++at) == LUA_TNIL)
            return 1;
        lua_pushvalue(state, -1);
        if (lua_rawget(state, lua_upvalueindex(1)) != LUA_TNIL)
            break;
        lua_pop(state, 2);
    }
    lua_pushinteger(state, at);
    lua_replace(state, lua_upvalueindex(3));
    return 2;
}

int vm_pairs(lua_State *state)
{
    luaL_checkany(state, 1);
    if (luaL_getmetafield(state, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(state, 1);
        lua_call(state, 1, 3);
        return 3;
    }
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_settop(state, 1);
    vm_spend(state, START_UNITS);
    bool sorted;
    lua_pushvalue(state, 1);
    unsigned count = gather(state, &sorted);
    if (!sorted && count > 1)
        sort_keys(state, count);
    lua_pushinteger(state, 0);
    lua_pushcclosure(state, next_pair, 3);
    lua_pushvalue(state, 1);
    lua_pushnil(state);
    return 3;
}
