/* SPDX-License-Identifier: Apache-2.0 */
/* Tables are summed up (lua_next's order is not fixed), functions are their source text. */
#include "vm/vm_fingerprint.h"

#include "util/siphash.h"

enum { HASH_DEPTH_MAX = 16 };

struct hasher {
    lua_State *L;
    const struct source *source;
};

static uint64_t hash_value(const struct hasher *hasher, int index, int depth);

static uint64_t hash_function(const struct hasher *hasher, int index)
{
    lua_State *L = hasher->L;
    static const struct siphash_key key;
    lua_Debug info;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &info);
    const struct source_file *file = source_find(hasher->source, info.short_src);
    struct siphash_state state;
    siphash_begin(&state, &key);
    struct span rest = file ? file->bytes : (struct span){NULL, 0};
    for (int line = 1; rest.len > 0 && line <= info.lastlinedefined; line++) {
        size_t end = span_find(rest, '\n');
        if (line >= info.linedefined)
            siphash_add(&state, span_trim(span_slice(rest, 0, end)));
        rest = span_slice(rest, end + 1, rest.len);
    }
    return siphash_end(&state);
}

static uint64_t hash_table(const struct hasher *hasher, int index, int depth)
{
    lua_State *L = hasher->L;
    uint64_t sum = 17;
    if (lua_getmetatable(L, index)) { /* a verdict: its kind is its metatable */
        lua_pushliteral(L, "__name");
        lua_rawget(L, -2);
        sum += hash_value(hasher, lua_gettop(L), depth + 1);
        lua_pop(L, 2);
    }
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        uint64_t key = hash_value(hasher, lua_gettop(L) - 1, depth + 1);
        uint64_t value = hash_value(hasher, lua_gettop(L), depth + 1);
        sum += (key ^ (value << 1 | value >> 63)) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return sum;
}

static uint64_t hash_value(const struct hasher *hasher, int index, int depth)
{
    static const struct siphash_key key;
    lua_State *L = hasher->L;
    struct span text = {NULL, 0};
    if (depth > HASH_DEPTH_MAX || !lua_checkstack(L, 6))
        return 1;
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text.at = lua_tolstring(L, index, &text.len);
        return siphash(&key, text.at, text.len);
    case LUA_TBOOLEAN:
        return lua_toboolean(L, index) ? 3 : 2;
    case LUA_TNUMBER: {
        lua_Number number = lua_tonumber(L, index);
        return siphash(&key, &number, sizeof(number)) ^ 4;
    }
    case LUA_TFUNCTION:
        return hash_function(hasher, index);
    case LUA_TTABLE:
        return hash_table(hasher, index, depth);
    default:
        return 5; /* drop: the one userdata */
    }
}

uint64_t vm_fingerprint(lua_State *L, int index, const struct source *source)
{
    const struct hasher hasher = {L, source};
    return hash_value(&hasher, lua_absindex(L, index), 0);
}
