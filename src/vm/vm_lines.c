/* SPDX-License-Identifier: Apache-2.0 */
/* The scan behind vm_value's line numbers.  It may miss a field that is set by a statement; it never fails on any text. */
#include "vm/vm_lines.h"
#include "vm/vm_value.h"
#include <ctype.h>
#include <stdlib.h>

enum { FIRST_CAP = 64, FNV_PRIME_LOW = 0x1b3 };

struct entry {
    uint64_t path;
    int line;
    int order;
};

struct vm_lines {
    struct entry *entries;
    size_t count;
    size_t cap;
    bool full;
};

/* An open bracket: braces hold fields, others only hide the commas inside them. */
struct frame {
    bool braces;
    bool at_field; /* a field may begin here */
    uint64_t path;
    uint64_t field;    /* the path of the present field */
    int64_t positions; /* fields without a name so far */
};

struct scan {
    struct vm_lines *lines;
    const char *at;
    const char *end;
    int line;
    int depth; /* open brackets; those beyond the cap are only counted */
    struct frame frames[VM_VALUE_DEPTH_MAX * 2];
};

uint64_t vm_lines_root(void)
{
    return 0xcbf29ce484222325u;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * ((uint64_t)1 << 40 | FNV_PRIME_LOW);
    return hash;
}

uint64_t vm_lines_name(uint64_t path, struct span name)
{
    return mix(mix(path, ".", 1), name.at, name.len);
}

uint64_t vm_lines_position(uint64_t path, int64_t position)
{
    return mix(mix(path, "[", 1), &position, sizeof(position));
}

static void note(struct scan *scan, uint64_t path, int line)
{
    struct vm_lines *lines = scan->lines;
    if (lines->count == lines->cap) {
        size_t cap = lines->cap ? lines->cap * 2 : FIRST_CAP;
        struct entry *grown = cap <= VM_VALUE_COUNT_MAX * 2 ? realloc(lines->entries, cap * sizeof(*grown)) : NULL;
        if (!grown) {
            lines->full = true; /* later fields have no line: that is all */
            return;
        }
        lines->entries = grown;
        lines->cap = cap;
    }
    lines->entries[lines->count] = (struct entry){.path = path, .line = line, .order = (int)lines->count};
    lines->count++;
}

static char peek(const struct scan *scan, size_t ahead)
{
    return (size_t)(scan->end - scan->at) > ahead ? scan->at[ahead] : '\0';
}

static void advance(struct scan *scan)
{
    if (*scan->at == '\n')
        scan->line++;
    scan->at++;
}

/* Behind "[[", "[=[", ... with `level` equal signs, to behind the bracket that closes it. */
static void skip_long(struct scan *scan, size_t level)
{
    for (; scan->at < scan->end; advance(scan)) {
        if (*scan->at != ']')
            continue;
        size_t equals = 0;
        while (peek(scan, 1 + equals) == '=')
            equals++;
        if (equals == level && peek(scan, 1 + equals) == ']') {
            scan->at += level + 2;
            return;
        }
    }
}

/* Whether a long bracket opens here; then it is skipped. */
static bool take_long(struct scan *scan)
{
    size_t level = 0;
    if (peek(scan, 0) != '[')
        return false;
    while (peek(scan, 1 + level) == '=')
        level++;
    if (peek(scan, 1 + level) != '[')
        return false;
    scan->at += level + 2;
    skip_long(scan, level);
    return true;
}

static void skip_comment(struct scan *scan)
{
    scan->at += 2;
    if (take_long(scan))
        return;
    while (scan->at < scan->end && *scan->at != '\n')
        scan->at++;
}

/* A quoted string; the bytes between the quotes as they are written. */
static struct span take_quoted(struct scan *scan)
{
    char quote = *scan->at++;
    const char *first = scan->at;
    while (scan->at < scan->end && *scan->at != quote && *scan->at != '\n') {
        if (*scan->at == '\\' && scan->at + 1 < scan->end)
            advance(scan);
        advance(scan);
    }
    struct span text = span_make(first, (size_t)(scan->at - first));
    if (scan->at < scan->end && *scan->at == quote)
        scan->at++;
    return text;
}

static void skip_blank(struct scan *scan)
{
    while (scan->at < scan->end) {
        if (peek(scan, 0) == '-' && peek(scan, 1) == '-')
            skip_comment(scan);
        else if (isspace((unsigned char)*scan->at))
            advance(scan);
        else
            return;
    }
}

static struct span take_name(struct scan *scan)
{
    const char *first = scan->at;
    while (scan->at < scan->end && (isalnum((unsigned char)*scan->at) || *scan->at == '_'))
        scan->at++;
    return span_make(first, (size_t)(scan->at - first));
}

static bool at_assignment(struct scan *scan)
{
    skip_blank(scan);
    return peek(scan, 0) == '=' && peek(scan, 1) != '=';
}

/* "name =" or ["name"] = or [7] =; false, and nothing taken, where the field is a positional one. */
static bool take_key(struct scan *scan, const struct frame *frame, uint64_t *out_field)
{
    const struct scan before = *scan;
    char first = peek(scan, 0);
    if (isalpha((unsigned char)first) || first == '_') {
        *out_field = vm_lines_name(frame->path, take_name(scan));
    } else if (first == '[' && peek(scan, 1) != '[' && peek(scan, 1) != '=') {
        scan->at++;
        skip_blank(scan);
        struct span digits = take_name(scan);
        uint64_t position = 0;
        *out_field = vm_lines_position(frame->path, -1); /* an expression: no line is known */
        if (digits.len == 0 && (peek(scan, 0) == '"' || peek(scan, 0) == '\''))
            *out_field = vm_lines_name(frame->path, take_quoted(scan));
        else if (span_to_u64(digits, &position))
            *out_field = vm_lines_position(frame->path, (int64_t)position);
        skip_blank(scan);
        if (peek(scan, 0) == ']')
            scan->at++;
    }
    if (scan->at != before.at && at_assignment(scan))
        return true;
    *scan = before;
    return false;
}

static void begin_field(struct scan *scan, struct frame *frame)
{
    int line = scan->line;
    frame->at_field = false;
    if (!take_key(scan, frame, &frame->field))
        frame->field = vm_lines_position(frame->path, ++frame->positions);
    note(scan, frame->field, line);
}

static void open_bracket(struct scan *scan, bool braces)
{
    enum { CAP = sizeof(scan->frames) / sizeof(scan->frames[0]) };
    const struct frame *above = scan->depth > 0 && scan->depth <= CAP ? &scan->frames[scan->depth - 1] : NULL;
    struct frame frame = {.braces = braces, .at_field = braces, .path = above ? above->field : vm_lines_root()};
    frame.field = frame.path;
    if (!above && scan->depth == 0 && braces)
        note(scan, frame.path, scan->line);
    if (scan->depth < CAP)
        scan->frames[scan->depth] = frame;
    scan->depth++;
    scan->at++;
}

static void take_token(struct scan *scan, struct frame *frame)
{
    char c = *scan->at;
    if (c == '}' || c == ')' || c == ']') {
        scan->depth -= scan->depth > 0;
        scan->at++;
    } else if (frame && frame->at_field) {
        begin_field(scan, frame);
    } else if (c == '"' || c == '\'') {
        take_quoted(scan);
    } else if (c == '[' && take_long(scan)) {
        return;
    } else if (c == '{' || c == '(' || c == '[') {
        open_bracket(scan, c == '{');
    } else {
        if (frame && frame->braces && (c == ',' || c == ';'))
            frame->at_field = true;
        scan->at++;
    }
}

/* By path, and of equal paths the one written last first: the table that is returned usually ends the file. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    if (a->path != b->path)
        return a->path < b->path ? -1 : 1;
    return b->order - a->order;
}

enum err vm_lines_scan(struct span source, struct vm_lines **out_lines)
{
    struct vm_lines *lines = calloc(1, sizeof(*lines));
    if (!lines)
        return ERR_NOMEM;
    struct scan scan = {.lines = lines, .at = source.at, .end = source.at + source.len, .line = 1};
    enum { CAP = sizeof(scan.frames) / sizeof(scan.frames[0]) };
    for (skip_blank(&scan); scan.at < scan.end; skip_blank(&scan))
        take_token(&scan, scan.depth > 0 && scan.depth <= CAP ? &scan.frames[scan.depth - 1] : NULL);
    if (lines->count)
        qsort(lines->entries, lines->count, sizeof(*lines->entries), compare_entries);
    *out_lines = lines;
    return OK;
}

void vm_lines_free(struct vm_lines *lines)
{
    if (!lines)
        return;
    free(lines->entries);
    free(lines);
}

int vm_lines_of(const struct vm_lines *lines, uint64_t path)
{
    size_t low = 0, high = lines->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lines->entries[middle].path < path)
            low = middle + 1;
        else
            high = middle;
    }
    return low < lines->count && lines->entries[low].path == path ? lines->entries[low].line : 0;
}
