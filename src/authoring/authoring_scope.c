/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a script's tokens with a stack of blocks and brackets and a stack of local names. */
#include "authoring/authoring_scope.h"

#include <stdlib.h>

enum { DEPTH_MAX = 256, NAMES_MAX = 2048, PENDING_MAX = 16 };

/* An open bracket, or (kind 'b', and 'f' for a function's) a block with the names that it ends. */
struct level {
    char kind;
    size_t first_name;
};

/* What a local variable is known to be. */
enum local_kind { LOCAL_ANY, LOCAL_REQUEST, LOCAL_ENV };

struct local_name {
    struct span text;
    enum local_kind kind;
};

struct walk {
    struct authoring_scan scan;
    struct authoring_token before[3]; /* the last one first */
    struct authoring_token token;
    authoring_use_fn found;
    void *ctx;
    size_t depth;
    struct level levels[DEPTH_MAX];
    size_t name_count;
    struct local_name names[NAMES_MAX];
    /* The variables of `for ... do`, which begin to live at the `do` of this depth. */
    size_t pending_depth, pending_count;
    struct span pending[PENDING_MAX];
};

static struct authoring_token peek(const struct walk *walk)
{
    struct authoring_scan ahead = walk->scan;
    struct authoring_token token;
    authoring_scan_next(&ahead, &token);
    return token;
}

static bool advance(struct walk *walk)
{
    walk->before[2] = walk->before[1];
    walk->before[1] = walk->before[0];
    walk->before[0] = walk->token;
    return authoring_scan_next(&walk->scan, &walk->token);
}

static void declare(struct walk *walk, struct span name, enum local_kind kind)
{
    if (walk->name_count < NAMES_MAX)
        walk->names[walk->name_count++] = (struct local_name){name, kind};
}

static void push(struct walk *walk, char kind)
{
    if (walk->depth < DEPTH_MAX)
        walk->levels[walk->depth] = (struct level){kind, walk->name_count};
    walk->depth++;
}

static void pop(struct walk *walk)
{
    if (walk->depth == 0)
        return;
    walk->depth--;
    char kind = walk->depth < DEPTH_MAX ? walk->levels[walk->depth].kind : '\0';
    if (kind == 'b' || kind == 'f')
        walk->name_count = walk->levels[walk->depth].first_name;
}

static char innermost(const struct walk *walk)
{
    return walk->depth > 0 && walk->depth <= DEPTH_MAX ? walk->levels[walk->depth - 1].kind : 'b';
}

/* The index of the innermost local variable of that name; NAMES_MAX: there is none. */
static size_t find_local(const struct walk *walk, struct span name)
{
    for (size_t i = walk->name_count; i > 0; i--) {
        if (span_equal(walk->names[i - 1].text, name))
            return i - 1;
    }
    return NAMES_MAX;
}

static void report(struct walk *walk, enum authoring_use_kind kind, struct span object, struct authoring_token name)
{
    const struct authoring_use use = {kind, object, name};
    walk->found(walk->ctx, &use);
}

/* "name, name <const>, ..." behind `local`, at the first name. */
static void take_locals(struct walk *walk)
{
    while (advance(walk) && walk->token.kind == AUTHORING_TOKEN_NAME) {
        declare(walk, walk->token.text, LOCAL_ANY);
        struct authoring_token next = peek(walk);
        if (authoring_token_is(&next, "<")) {
            for (int i = 0; i < 3; i++)
                advance(walk);
            next = peek(walk);
        }
        if (!authoring_token_is(&next, ","))
            return;
        advance(walk);
    }
}

/* A rule's own function, or the one that a policy is: its parameters are the request and `env`, whatever they are called. */
static bool is_of_rule(const struct walk *walk)
{
    const struct authoring_token *sign = &walk->before[0], *key = &walk->before[1];
    if (authoring_token_is(sign, "return"))
        return walk->depth == 0;
    return authoring_token_is(sign, "=") && (authoring_token_is(key, "check") || authoring_token_is(key, "decide"));
}

static enum local_kind parameter_kind(const struct walk *walk, bool of_rule, unsigned at)
{
    if (authoring_token_is(&walk->token, "req") || (of_rule && at == 0))
        return LOCAL_REQUEST;
    return authoring_token_is(&walk->token, "env") || (of_rule && at == 1) ? LOCAL_ENV : LOCAL_ANY;
}

/* Behind `function`: its name, if any, and its parameters. */
static void take_function(struct walk *walk, bool local)
{
    bool method = false, of_rule = is_of_rule(walk);
    unsigned at = 0;
    for (bool first = true; advance(walk) && !authoring_token_is(&walk->token, "("); first = false) {
        if (authoring_token_is(&walk->token, ":"))
            method = true;
        if (!first || walk->token.kind != AUTHORING_TOKEN_NAME)
            continue;
        if (local)
            declare(walk, walk->token.text, LOCAL_ANY);
        else if (find_local(walk, walk->token.text) == NAMES_MAX)
            report(walk, AUTHORING_USE_WRITE, (struct span){NULL, 0}, walk->token);
    }
    push(walk, 'f');
    if (method)
        declare(walk, SPAN("self"), LOCAL_ANY);
    while (advance(walk) && !authoring_token_is(&walk->token, ")")) {
        if (walk->token.kind == AUTHORING_TOKEN_NAME)
            declare(walk, walk->token.text, parameter_kind(walk, of_rule, at++));
    }
}

static void take_for(struct walk *walk)
{
    walk->pending_count = 0;
    walk->pending_depth = walk->depth;
    while (advance(walk) && walk->token.kind != AUTHORING_TOKEN_KEYWORD && !authoring_token_is(&walk->token, "=")) {
        if (walk->token.kind == AUTHORING_TOKEN_NAME && walk->pending_count < PENDING_MAX)
            walk->pending[walk->pending_count++] = walk->token.text;
    }
}

static void open_do(struct walk *walk)
{
    bool mine = walk->pending_count > 0 && walk->pending_depth == walk->depth;
    push(walk, 'b');
    for (size_t i = 0; mine && i < walk->pending_count; i++)
        declare(walk, walk->pending[i], LOCAL_ANY);
    if (mine)
        walk->pending_count = 0;
}

static void take_keyword(struct walk *walk)
{
    const struct authoring_token *token = &walk->token;
    if (authoring_token_is(token, "local")) {
        struct authoring_token next = peek(walk);
        if (authoring_token_is(&next, "function")) {
            advance(walk);
            take_function(walk, true);
        } else {
            take_locals(walk);
        }
    } else if (authoring_token_is(token, "function")) {
        take_function(walk, false);
    } else if (authoring_token_is(token, "for")) {
        take_for(walk);
    } else if (authoring_token_is(token, "do")) {
        open_do(walk);
    } else if (authoring_token_is(token, "then") || authoring_token_is(token, "repeat")) {
        push(walk, 'b');
    } else if (authoring_token_is(token, "else")) {
        pop(walk);
        push(walk, 'b');
    } else if (authoring_token_is(token, "end") || authoring_token_is(token, "elseif")) {
        pop(walk);
    } else if (authoring_token_is(token, "until") && walk->depth > 0) {
        walk->depth--; /* the condition still sees the block's names; they die with the block around it */
    } else if (authoring_token_is(token, "goto")) {
        advance(walk);
    }
}

/* A part of the request under the name that `req` would have; empty: it is none. */
static struct span part_of(struct span name)
{
    static const struct span parts[] = {{"req.uri", 7},     {"req.from", 8},    {"req.to", 6},     {"req.contact", 11},
                                        {"req.target", 10}, {"req.source", 10}, {"req.record", 10}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (span_equal(span_slice(parts[i], 4, parts[i].len), name))
            return parts[i];
    return SPAN("");
}

/* At a request: what is read of it. */
static void take_fields(struct walk *walk)
{
    struct span object = SPAN("req");
    while (object.len) {
        struct authoring_token next = peek(walk);
        if (!authoring_token_is(&next, ".") && !authoring_token_is(&next, ":"))
            return;
        advance(walk);
        next = peek(walk);
        if (next.kind != AUTHORING_TOKEN_NAME)
            return;
        advance(walk);
        report(walk, AUTHORING_USE_FIELD, object, walk->token);
        object = object.len == 3 ? part_of(walk->token.text) : SPAN("");
    }
}

/* At `env` or a library: the one name behind it. */
static void take_member(struct walk *walk, struct span object)
{
    struct authoring_token next = peek(walk);
    if (!authoring_token_is(&next, "."))
        return;
    advance(walk);
    next = peek(walk);
    if (next.kind != AUTHORING_TOKEN_NAME)
        return;
    advance(walk);
    report(walk, AUTHORING_USE_FIELD, object, walk->token);
}

static bool is_library(const struct authoring_token *token)
{
    static const char *const libraries[] = {"string", "table", "math", "utf8", "log"};
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
        if (authoring_token_is(token, libraries[i]))
            return true;
    return false;
}

static void take_name(struct walk *walk)
{
    struct authoring_token next = peek(walk);
    const struct authoring_token *before = &walk->before[0];
    bool assigned = authoring_token_is(&next, "=");
    bool item = authoring_token_is(before, "{") || authoring_token_is(before, ",") || authoring_token_is(before, ";");
    if (authoring_token_is(before, ".") || authoring_token_is(before, ":") || authoring_token_is(before, "::"))
        return;
    if (assigned && item && innermost(walk) == '{')
        return; /* a table's field */
    size_t local = find_local(walk, walk->token.text);
    enum local_kind kind = local == NAMES_MAX ? LOCAL_ANY : walk->names[local].kind;
    if (local == NAMES_MAX)
        report(walk,
               assigned && (innermost(walk) == 'b' || innermost(walk) == 'f') ? AUTHORING_USE_WRITE
                                                                              : AUTHORING_USE_READ,
               (struct span){NULL, 0}, walk->token);
    if (kind == LOCAL_REQUEST)
        take_fields(walk);
    else if (kind == LOCAL_ENV)
        take_member(walk, SPAN("env"));
    else if (local == NAMES_MAX && is_library(&walk->token))
        take_member(walk, walk->token.text);
}

static void take_sign(struct walk *walk)
{
    char sign = walk->token.text.len == 1 ? walk->token.text.at[0] : '\0';
    if (sign == '{' || sign == '(' || sign == '[')
        push(walk, sign);
    else if (sign == '}' || sign == ')' || sign == ']')
        pop(walk);
}

void authoring_scope_walk(struct span source, authoring_use_fn found, void *ctx)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return;
    walk->scan = authoring_scan_begin(source);
    walk->found = found;
    walk->ctx = ctx;
    while (advance(walk)) {
        if (walk->token.kind == AUTHORING_TOKEN_KEYWORD)
            take_keyword(walk);
        else if (walk->token.kind == AUTHORING_TOKEN_NAME)
            take_name(walk);
        else if (walk->token.kind == AUTHORING_TOKEN_SIGN)
            take_sign(walk);
    }
    free(walk);
}
