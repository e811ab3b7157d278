/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher: recursion where a pattern may have to go back, loops where not.  Every look at a character is a step. */
#include "vm/vm_pattern.h"
#include <ctype.h>

enum { DEPTH_MAX = 200, DRAW = 64, ESCAPE = '%' };

void vm_pattern_init(struct vm_pattern *match, lua_State *state, struct span subject, struct span pattern)
{
    match->state = state;
    match->subject = subject.at;
    match->subject_end = subject.at + subject.len;
    match->pattern_end = pattern.at + pattern.len;
    match->depth = DEPTH_MAX;
    match->fuel = 0;
    match->level = 0;
}

void vm_pattern_done(struct vm_pattern *match)
{
    vm_get(match->state)->fuel += match->fuel;
    match->fuel = 0;
}

static inline void step(struct vm_pattern *match)
{
    if (match->fuel == 0) {
        vm_spend(match->state, DRAW);
        match->fuel = DRAW;
    }
    match->fuel--;
}

/* The end of the single-character class that begins at `pattern`. */
static const char *class_end(struct vm_pattern *match, const char *pattern)
{
    char first = *pattern++;
    if (first == ESCAPE) {
        if (pattern == match->pattern_end)
            luaL_error(match->state, "malformed pattern (ends with '%%')");
        return pattern + 1;
    }
    if (first != '[')
        return pattern;
    if (pattern < match->pattern_end && *pattern == '^')
        pattern++;
    do { /* a ']' that comes first is a member */
        if (pattern == match->pattern_end)
            luaL_error(match->state, "malformed pattern (missing ']')");
        step(match);
        if (*pattern++ == ESCAPE && pattern < match->pattern_end)
            pattern++;
    } while (pattern == match->pattern_end || *pattern != ']');
    return pattern + 1;
}

/* %a, %d, ...: an upper-case letter is the complement; what is no letter stands for itself. */
static bool matches_class(int c, int class)
{
    bool in;
    switch (tolower(class)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z': /* deprecated, but there */
        in = c == 0;
        break;
    default:
        return class == c;
    }
    return isupper(class) ? !in : in;
}

/* A set from '[' at `pattern` to ']' at `last`. */
static bool matches_set(struct vm_pattern *match, int c, const char *pattern, const char *last)
{
    bool wanted = true;
    if (*++pattern == '^') {
        wanted = false;
        pattern++;
    }
    for (; pattern < last; pattern++) {
        step(match);
        if (*pattern == ESCAPE) {
            if (matches_class(c, (unsigned char)*++pattern))
                return wanted;
        } else if (pattern + 2 < last && pattern[1] == '-') {
            if ((unsigned char)pattern[0] <= c && c <= (unsigned char)pattern[2])
                return wanted;
            pattern += 2;
        } else if ((unsigned char)*pattern == c) {
            return wanted;
        }
    }
    return !wanted;
}

/* Whether the character at `at` is in the class [pattern, end). */
static bool matches_single(struct vm_pattern *match, const char *at, const char *pattern, const char *end)
{
    step(match);
    if (at >= match->subject_end)
        return false;
    int c = (unsigned char)*at;
    switch (*pattern) {
    case '.':
        return true;
    case ESCAPE:
        return matches_class(c, (unsigned char)pattern[1]);
    case '[':
        return matches_set(match, c, pattern, end - 1);
    default:
        return (unsigned char)*pattern == c;
    }
}

/* %bxy with `pattern` at the x. */
static const char *match_balance(struct vm_pattern *match, const char *at, const char *pattern)
{
    if (match->pattern_end - pattern < 2)
        luaL_error(match->state, "malformed pattern (missing arguments to '%%b')");
    if (at >= match->subject_end || *at != pattern[0])
        return NULL;
    int open = 1;
    for (at++; at < match->subject_end; at++) {
        step(match);
        if (*at == pattern[1]) {
            if (--open == 0)
                return at + 1;
        } else if (*at == pattern[0]) {
            open++;
        }
    }
    return NULL;
}

/* c* and c+ (with `least` 1): as many as there are, then fewer. */
static const char *match_longest(struct vm_pattern *match, const char *at, const char *pattern, const char *end)
{
    ptrdiff_t count = 0;
    while (matches_single(match, at + count, pattern, end))
        count++;
    for (; count >= 0; count--) {
        const char *found = vm_pattern_match(match, at + count, end + 1);
        if (found)
            return found;
    }
    return NULL;
}

/* c-: as few as will do. */
static const char *match_shortest(struct vm_pattern *match, const char *at, const char *pattern, const char *end)
{
    for (;; at++) {
        const char *found = vm_pattern_match(match, at, end + 1);
        if (found)
            return found;
        if (!matches_single(match, at, pattern, end))
            return NULL;
    }
}

static const char *open_capture(struct vm_pattern *match, const char *at, const char *pattern, ptrdiff_t kind)
{
    if (match->level >= VM_PATTERN_CAPTURES)
        luaL_error(match->state, "too many captures");
    match->captures[match->level++] = (struct vm_capture){.at = at, .len = kind};
    const char *found = vm_pattern_match(match, at, pattern);
    if (!found)
        match->level--;
    return found;
}

static const char *close_capture(struct vm_pattern *match, const char *at, const char *pattern)
{
    int level = match->level - 1;
    while (level >= 0 && match->captures[level].len != VM_CAPTURE_OPEN)
        level--;
    if (level < 0)
        luaL_error(match->state, "invalid pattern capture");
    match->captures[level].len = at - match->captures[level].at;
    const char *found = vm_pattern_match(match, at, pattern);
    if (!found)
        match->captures[level].len = VM_CAPTURE_OPEN;
    return found;
}

/* %1 to %9: the same bytes again; the place behind them. */
static const char *match_back_reference(struct vm_pattern *match, const char *at, int digit)
{
    int level = digit - '1';
    if (level < 0 || level >= match->level || match->captures[level].len == VM_CAPTURE_OPEN)
        luaL_error(match->state, "invalid capture index %%%d", level + 1);
    ptrdiff_t len = match->captures[level].len;
    if (len == VM_CAPTURE_POSITION)
        return NULL; /* a position is no text that could come again */
    vm_spend(match->state, (uint64_t)len / 16);
    if (match->subject_end - at < len || memcmp(match->captures[level].at, at, (size_t)len) != 0)
        return NULL;
    return at + len;
}

/* %f[set] with `pattern` behind the f: true at a place where a character out of the set is followed by one in it. */
static bool matches_frontier(struct vm_pattern *match, const char *at, const char *pattern, const char **out_rest)
{
    if (pattern == match->pattern_end || *pattern != '[')
        luaL_error(match->state, "missing '[' after '%%f' in pattern");
    const char *end = class_end(match, pattern);
    int before = at == match->subject ? 0 : (unsigned char)at[-1];
    int here = at == match->subject_end ? 0 : (unsigned char)*at;
    *out_rest = end;
    return !matches_set(match, before, pattern, end - 1) && matches_set(match, here, pattern, end - 1);
}

/* One item that takes text by itself: %b, %f, %1.  The text behind it, with *pattern moved on, or NULL. */
static const char *match_special(struct vm_pattern *match, const char *at, const char **pattern)
{
    int kind = (unsigned char)(*pattern)[1];
    if (kind == 'b') {
        at = match_balance(match, at, *pattern + 2);
        *pattern += 4;
        return at;
    }
    if (kind == 'f')
        return matches_frontier(match, at, *pattern + 2, pattern) ? at : NULL;
    *pattern += 2;
    return match_back_reference(match, at, kind);
}

static bool is_special(const struct vm_pattern *match, const char *pattern)
{
    return *pattern == ESCAPE && pattern + 1 < match->pattern_end &&
           (pattern[1] == 'b' || pattern[1] == 'f' || isdigit((unsigned char)pattern[1]));
}

/* A single character with its suffix.  True: go on at *at and *pattern; false: *at is the result (the rest was matched by
 * recursion) or NULL. */
static bool match_item(struct vm_pattern *match, const char **at, const char **pattern)
{
    const char *end = class_end(match, *pattern);
    char suffix = end < match->pattern_end ? *end : '\0';
    if (suffix == '-' || suffix == '*') {
        *at = suffix == '-' ? match_shortest(match, *at, *pattern, end) : match_longest(match, *at, *pattern, end);
        return false;
    }
    bool matched = matches_single(match, *at, *pattern, end);
    if (suffix == '+') {
        *at = matched ? match_longest(match, *at + 1, *pattern, end) : NULL;
        return false;
    }
    if (suffix == '?') {
        const char *found = matched ? vm_pattern_match(match, *at + 1, end + 1) : NULL;
        *pattern = end + 1;
        if (found)
            *at = found;
        return !found;
    }
    *pattern = end;
    *at = matched ? *at + 1 : NULL;
    return matched;
}

/* The loop over items that need no way back. */
static const char *match_items(struct vm_pattern *match, const char *at, const char *pattern)
{
    while (pattern < match->pattern_end) {
        step(match);
        if (*pattern == '(') {
            bool position = pattern + 1 < match->pattern_end && pattern[1] == ')';
            return open_capture(match, at, pattern + (position ? 2 : 1),
                                position ? VM_CAPTURE_POSITION : VM_CAPTURE_OPEN);
        }
        if (*pattern == ')')
            return close_capture(match, at, pattern + 1);
        if (*pattern == '$' && pattern + 1 == match->pattern_end)
            return at == match->subject_end ? at : NULL;
        if (is_special(match, pattern)) {
            at = match_special(match, at, &pattern);
            if (!at)
                return NULL;
        } else if (!match_item(match, &at, &pattern)) {
            return at;
        }
    }
    return at;
}

const char *vm_pattern_match(struct vm_pattern *match, const char *at, const char *pattern)
{
    if (match->depth-- == 0)
        luaL_error(match->state, "pattern too complex");
    const char *end = match_items(match, at, pattern);
    match->depth++;
    return end;
}

void vm_pattern_push_capture(struct vm_pattern *match, int index, const char *at, const char *end)
{
    if (index >= match->level) {
        if (index != 0)
            luaL_error(match->state, "invalid capture index %%%d", index + 1);
        lua_pushlstring(match->state, at, (size_t)(end - at));
        return;
    }
    const struct vm_capture *capture = &match->captures[index];
    if (capture->len == VM_CAPTURE_OPEN)
        luaL_error(match->state, "unfinished capture");
    if (capture->len == VM_CAPTURE_POSITION)
        lua_pushinteger(match->state, capture->at - match->subject + 1);
    else
        lua_pushlstring(match->state, capture->at, (size_t)capture->len);
}

int vm_pattern_push_captures(struct vm_pattern *match, const char *at, const char *end)
{
    int count = match->level == 0 && at ? 1 : match->level;
    luaL_checkstack(match->state, count, "too many captures");
    for (int i = 0; i < count; i++)
        vm_pattern_push_capture(match, i, at, end);
    return count;
}
