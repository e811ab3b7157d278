/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a file that returns a table and copies the table out of Lua into plain C. */
#include "vm/vm_value.h"
#include "util/buffer.h"
#include "vm/vm_lines.h"
#include "vm/vm_priv.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything that a file's values consist of, freed together. */
struct block {
    struct block *next;
    max_align_t bytes[];
};

struct vm_value_file {
    struct block *blocks;
    struct vm_lines *lines;
    char *name;
    size_t count;
    struct vm_value root;
    struct fault *fault; /* while loading; may be NULL */
    enum err err;
};

/* Zeroed; raises when memory is short. */
static void *allocate(lua_State *state, struct vm_value_file *file, size_t len)
{
    struct block *block = calloc(1, sizeof(*block) + len);
    if (!block)
        luaL_error(state, "out of memory");
    block->next = file->blocks;
    file->blocks = block;
    return block->bytes;
}

static struct span copy_text(lua_State *state, struct vm_value_file *file, int index)
{
    size_t len;
    const char *text = lua_tolstring(state, index, &len);
    char *copy = allocate(state, file, len + 1);
    memcpy(copy, text, len);
    return span_make(copy, len);
}

/* Raises after filling the fault, so that vm_protect's caller finds it. */
static void refuse(lua_State *state, struct vm_value_file *file, const struct vm_value *value, const char *text)
{
    file->err = vm_value_fault(value, file->fault, "%s", text);
    luaL_error(state, "refused");
}

/* Positions first, then other integers, then names. */
static int compare_children(const void *left, const void *right)
{
    const struct vm_value *a = left, *b = right;
    bool a_named = a->key.at != NULL, b_named = b->key.at != NULL;
    if (a_named != b_named)
        return a_named ? 1 : -1;
    if (a_named)
        return span_compare(a->key, b->key);
    if ((a->index < 1) != (b->index < 1))
        return a->index < 1 ? 1 : -1;
    return (a->index > b->index) - (a->index < b->index);
}

/* The key at -2 of lua_next. */
static void read_key(lua_State *state, struct vm_value_file *file, struct vm_value *child)
{
    if (lua_type(state, -2) == LUA_TSTRING)
        child->key = copy_text(state, file, -2);
    else if (lua_isinteger(state, -2))
        child->index = lua_tointeger(state, -2);
    else
        refuse(state, file, child->parent, "expected names and positions as keys");
}

static uint64_t path_of(const struct vm_value *value)
{
    if (!value->parent)
        return vm_lines_root();
    uint64_t above = path_of(value->parent);
    return value->key.at ? vm_lines_name(above, value->key) : vm_lines_position(above, value->index);
}

static void read_value(lua_State *state, struct vm_value_file *file, struct vm_value *value, int depth);

static void read_children(lua_State *state, struct vm_value_file *file, struct vm_value *table, int depth)
{
    size_t count = 0;
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1))
        count++;
    file->count += count;
    if (file->count > VM_VALUE_COUNT_MAX || depth >= VM_VALUE_DEPTH_MAX)
        refuse(state, file, table, "expected fewer values, or less nesting");
    struct vm_value *children = allocate(state, file, (count + 1) * sizeof(*children));
    size_t at = 0;
    for (lua_pushnil(state); lua_next(state, -2); lua_pop(state, 1)) {
        children[at] = (struct vm_value){.parent = table, .file = file->name};
        read_key(state, file, &children[at++]);
    }
    qsort(children, count, sizeof(*children), compare_children);
    table->children = children;
    table->child_count = count;
    while (table->position_count < count && children[table->position_count].key.at == NULL &&
           children[table->position_count].index == (int64_t)table->position_count + 1)
        table->position_count++;
    for (size_t i = 0; i < count; i++) {
        if (children[i].key.at)
            lua_pushlstring(state, children[i].key.at, children[i].key.len);
        else
            lua_pushinteger(state, children[i].index);
        lua_rawget(state, -2);
        read_value(state, file, &children[i], depth + 1);
        lua_pop(state, 1);
    }
}

/* The value on top of the stack, which stays there; `value` has its key and parent. */
static void read_value(lua_State *state, struct vm_value_file *file, struct vm_value *value, int depth)
{
    luaL_checkstack(state, 8, NULL);
    int line = vm_lines_of(file->lines, path_of(value));
    value->line = line ? line : value->parent ? value->parent->line : 0;
    switch (lua_type(state, -1)) {
    case LUA_TBOOLEAN:
        value->kind = VM_VALUE_BOOLEAN;
        value->boolean = lua_toboolean(state, -1);
        break;
    case LUA_TNUMBER:
        value->kind = lua_isinteger(state, -1) ? VM_VALUE_INTEGER : VM_VALUE_NUMBER;
        value->number = lua_tonumber(state, -1);
        value->integer = lua_tointeger(state, -1);
        break;
    case LUA_TSTRING:
        value->kind = VM_VALUE_TEXT;
        value->text = copy_text(state, file, -1);
        break;
    case LUA_TTABLE:
        value->kind = VM_VALUE_TABLE;
        read_children(state, file, value, depth);
        break;
    default:
        refuse(state, file, value, "expected a boolean, a number, a string or a table");
    }
}

/* Calls the chunk at 1 and copies what it returns into the file at 2. */
static int run(lua_State *state)
{
    struct vm_value_file *file = lua_touserdata(state, 2);
    lua_pushvalue(state, 1);
    lua_call(state, 0, 1);
    file->root.file = file->name;
    if (!lua_istable(state, -1)) {
        file->root.line = 0;
        refuse(state, file, &file->root, "expected the file to return a table");
    }
    read_value(state, file, &file->root, 0);
    return 0;
}

static enum err run_in(struct vm *vm, struct vm_value_file *file, struct span source, struct fault *fault)
{
    enum err err = vm_load(vm, file->name, source, fault);
    if (err != OK)
        return err;
    lua_pushcfunction(vm_state(vm), run);
    lua_insert(vm_state(vm), -2);
    lua_pushlightuserdata(vm_state(vm), file);
    struct vm_outcome outcome;
    file->fault = fault;
    err = vm_call(vm, 2, 0, &outcome);
    file->fault = NULL;
    if (err == OK || file->err != OK)
        return err == OK ? OK : file->err;
    return fault_set(fault, err, file->name, outcome.line, "%s", outcome.text);
}

enum err vm_value_load(const char *name, struct span source, struct vm_value_file **out_file, struct fault *fault)
{
    const struct vm_options options = {.hard_bytes = 4 * (size_t)VM_HARD_BYTES, .block_max = VM_HARD_BYTES};
    struct vm *vm = NULL;
    struct vm_value_file *file = calloc(1, sizeof(*file));
    if (!file)
        return fault_set(fault, ERR_NOMEM, name, 0, "out of memory");
    file->name = strdup(name);
    enum err err = file->name ? vm_lines_scan(source, &file->lines) : ERR_NOMEM;
    if (err == OK)
        err = vm_new(&options, &vm);
    if (err != OK) {
        fault_set(fault, err, name, 0, "%s", err_text(err));
        goto fail;
    }
    err = run_in(vm, file, source, fault);
    if (err != OK)
        goto fail;
    vm_free(vm);
    vm_lines_free(file->lines);
    file->lines = NULL;
    *out_file = file;
    return OK;
fail:
    vm_free(vm);
    vm_value_file_free(file);
    return err;
}

enum err vm_value_load_path(const char *path, struct vm_value_file **out_file, struct fault *fault)
{
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return fault_set(fault, ERR_IO, path, 0, "cannot be read: %s", strerror(errno));
    char *bytes = malloc(VM_SOURCE_MAX + 1);
    size_t len = bytes ? fread(bytes, 1, VM_SOURCE_MAX + 1, stream) : 0;
    bool failed = ferror(stream);
    fclose(stream);
    enum err err;
    if (!bytes)
        err = fault_set(fault, ERR_NOMEM, path, 0, "out of memory");
    else if (failed)
        err = fault_set(fault, ERR_IO, path, 0, "cannot be read");
    else
        err = vm_value_load(path, span_make(bytes, len), out_file, fault);
    free(bytes);
    return err;
}

void vm_value_file_free(struct vm_value_file *file)
{
    if (!file)
        return;
    while (file->blocks) {
        struct block *next = file->blocks->next;
        free(file->blocks);
        file->blocks = next;
    }
    vm_lines_free(file->lines);
    free(file->name);
    free(file);
}

const struct vm_value *vm_value_root(const struct vm_value_file *file)
{
    return &file->root;
}

const struct vm_value *vm_value_get(const struct vm_value *table, const char *name)
{
    if (!table || table->kind != VM_VALUE_TABLE)
        return NULL;
    struct span wanted = span_of(name);
    for (size_t i = table->position_count; i < table->child_count; i++)
        if (table->children[i].key.at && span_equal(table->children[i].key, wanted))
            return &table->children[i];
    return NULL;
}

const char *vm_value_kind_name(const struct vm_value *value)
{
    static const char *const names[] = {"nil", "boolean", "number", "number", "string", "table"};
    return value ? names[value->kind] : "nil";
}

static void add_path(const struct vm_value *value, struct buffer *out)
{
    if (!value->parent)
        return;
    add_path(value->parent, out);
    if (!value->key.at) {
        buffer_addf(out, "[%lld]", (long long)value->index);
        return;
    }
    if (out->len)
        buffer_add_byte(out, '.');
    buffer_add_span(out, value->key);
}

void vm_value_path(const struct vm_value *value, char *out, size_t out_cap)
{
    struct buffer buffer = buffer_over(out, out_cap - 1);
    add_path(value, &buffer);
    out[buffer.len] = '\0';
}

enum err vm_value_expected(const struct vm_value *value, struct fault *fault, const char *expected)
{
    char got[80];
    switch (value->kind) {
    case VM_VALUE_BOOLEAN:
        snprintf(got, sizeof(got), "%s", value->boolean ? "true" : "false");
        break;
    case VM_VALUE_INTEGER:
        snprintf(got, sizeof(got), "%lld", (long long)value->integer);
        break;
    case VM_VALUE_NUMBER:
        snprintf(got, sizeof(got), "%.14g", value->number);
        break;
    case VM_VALUE_TEXT:
        snprintf(got, sizeof(got), "\"%.60s\"%s", value->text.at, value->text.len > 60 ? "..." : "");
        break;
    default:
        snprintf(got, sizeof(got), "%s", vm_value_kind_name(value));
        break;
    }
    return vm_value_fault(value, fault, "expected %s, got %s", expected, got);
}

enum err vm_value_fault(const struct vm_value *value, struct fault *fault, const char *format, ...)
{
    char path[FAULT_TEXT_MAX / 2], text[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    vm_value_path(value, path, sizeof(path));
    return fault_set(fault, ERR_INVALID, value->file, value->line, "%s%s%s", path, path[0] ? ": " : "", text);
}
