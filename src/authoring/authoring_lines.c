/* SPDX-License-Identifier: Apache-2.0 */
#include "authoring/authoring_lines.h"

#include "util/buffer.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

/* Reads what lua_dump wrote.  After a short read everything is zero and `bad` is set. */
struct reader {
    const unsigned char *at;
    const unsigned char *end;
    bool *lines;
    bool bad;
    unsigned depth;
};

enum { DEPTH_MAX = 250, ABSOLUTE_LINE = -0x80, OP_TAIL_CALL = 69 };
enum {
    TAG_NIL = 0x00,
    TAG_FALSE = 0x01,
    TAG_TRUE = 0x11,
    TAG_INTEGER = 0x03,
    TAG_FLOAT = 0x13,
    TAG_SHORT = 0x04,
    TAG_LONG = 0x14
};

static const unsigned char *take(struct reader *reader, size_t len)
{
    static const unsigned char zeros[16];
    const unsigned char *at = reader->at;
    if (len > (size_t)(reader->end - reader->at)) {
        reader->bad = true;
        reader->at = reader->end;
        return zeros;
    }
    reader->at += len;
    return at;
}

static void skip(struct reader *reader, size_t count, size_t size)
{
    if (count > (size_t)(reader->end - reader->at) / (size ? size : 1))
        reader->bad = true;
    else
        reader->at += count * size;
}

/* Seven bits a byte, the highest first; the last one is marked. */
static size_t take_size(struct reader *reader)
{
    size_t value = 0;
    unsigned char byte = 0;
    for (int i = 0; i < 10 && !reader->bad && !(byte & 0x80); i++) {
        byte = *take(reader, 1);
        value = (value << 7) | (byte & 0x7f);
    }
    return value;
}

static void skip_string(struct reader *reader)
{
    size_t size = take_size(reader);
    if (size > 0)
        skip(reader, size - 1, 1);
}

static void skip_constants(struct reader *reader)
{
    size_t count = take_size(reader);
    for (size_t i = 0; i < count && !reader->bad; i++) {
        switch (*take(reader, 1)) {
        case TAG_INTEGER:
            skip(reader, 1, sizeof(lua_Integer));
            break;
        case TAG_FLOAT:
            skip(reader, 1, sizeof(lua_Number));
            break;
        case TAG_SHORT:
        case TAG_LONG:
            skip_string(reader);
            break;
        case TAG_NIL:
        case TAG_FALSE:
        case TAG_TRUE:
            break;
        default:
            reader->bad = true;
        }
    }
}

static void mark(struct reader *reader, int64_t line)
{
    if (line > 0 && line < AUTHORING_LINES_MAX)
        reader->lines[line] = true;
}

/* Each instruction has its distance to the line before, or says that an absolute one follows in the second table.  The
 * first instruction of a function with `...` only prepares it; the last one is the return that nobody wrote, and so is one behind a tail call. */
static void read_lines(struct reader *reader, const unsigned char *code, int64_t defined, bool is_vararg)
{
    size_t count = take_size(reader);
    const unsigned char *deltas = reader->at;
    skip(reader, count, 1); /* as many as instructions, or none */
    size_t absolutes = take_size(reader);
    int64_t line = defined;
    size_t next = 0;
    for (size_t i = 0; i < count && !reader->bad; i++) {
        int delta = (signed char)deltas[i];
        if (delta == ABSOLUTE_LINE && next < absolutes) {
            (void)take_size(reader); /* the instruction */
            line = (int64_t)take_size(reader);
            next++;
        } else {
            line += delta;
        }
        bool prepares = is_vararg && i == 0;
        bool is_behind_tail_call = i > 0 && (code[(i - 1) * 4] & 0x7f) == OP_TAIL_CALL;
        if (!prepares && !is_behind_tail_call && i + 1 < count)
            mark(reader, line);
    }
    for (; next < absolutes && !reader->bad; next++) {
        (void)take_size(reader);
        (void)take_size(reader);
    }
}

static void skip_names(struct reader *reader)
{
    size_t count = take_size(reader);
    for (size_t i = 0; i < count && !reader->bad; i++) {
        skip_string(reader);
        (void)take_size(reader);
        (void)take_size(reader);
    }
    count = take_size(reader);
    for (size_t i = 0; i < count && !reader->bad; i++)
        skip_string(reader);
}

static void read_function(struct reader *reader)
{
    if (++reader->depth > DEPTH_MAX) {
        reader->bad = true;
        return;
    }
    skip_string(reader); /* the source's name */
    int64_t defined = (int64_t)take_size(reader);
    (void)take_size(reader); /* last line */
    (void)take(reader, 1);   /* parameters */
    bool is_vararg = *take(reader, 1) != 0;
    (void)take(reader, 1); /* registers */
    size_t instructions = take_size(reader);
    const unsigned char *code = reader->at;
    skip(reader, instructions, 4);
    skip_constants(reader);
    skip(reader, take_size(reader), 3); /* upvalues */
    size_t functions = take_size(reader);
    for (size_t i = 0; i < functions && !reader->bad; i++)
        read_function(reader);
    read_lines(reader, code, defined, is_vararg);
    skip_names(reader);
    reader->depth--;
}

static int collect(lua_State *L, const void *bytes, size_t len, void *ctx)
{
    (void)L;
    buffer_add_span(ctx, span_make(bytes, len));
    return ((struct buffer *)ctx)->overflow;
}

static bool is_known_form(struct reader *reader)
{
    static const char head[] = LUA_SIGNATURE "\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
    if ((size_t)(reader->end - reader->at) < sizeof(head) - 1 || memcmp(reader->at, head, sizeof(head) - 1) != 0)
        return false;
    skip(reader, sizeof(head) - 1, 1);
    skip(reader, 1, sizeof(lua_Integer) + sizeof(lua_Number)); /* samples of both */
    (void)take(reader, 1);                                     /* number of upvalues */
    return !reader->bad;
}

enum err authoring_lines_find(struct span script, bool out_lines[AUTHORING_LINES_MAX])
{
    struct buffer bytes = buffer_heap(16 << 20);
    lua_State *L = luaL_newstate();
    if (!L)
        return ERR_NOMEM;
    enum err err =
        luaL_loadbufferx(L, script.at ? script.at : "", script.len, "=script", "t") == LUA_OK ? OK : ERR_SYNTAX;
    if (err == OK && lua_dump(L, collect, &bytes, 0) != 0)
        err = ERR_NOMEM;
    lua_close(L);
    struct span made = buffer_span(&bytes);
    const unsigned char *at = (const unsigned char *)made.at;
    struct reader reader = {.at = at, .end = at + made.len, .lines = out_lines};
    if (err == OK) {
        if (is_known_form(&reader))
            read_function(&reader);
        else
            reader.bad = true;
        err = reader.bad ? ERR_UNSUPPORTED : OK;
    }
    buffer_done(&bytes);
    return err;
}
