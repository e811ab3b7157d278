/* SPDX-License-Identifier: Apache-2.0 */
/* A parser by recursive descent that keeps nothing but names.  The script is known to compile, so what does not fit the
 * grammar is stepped over; nesting is bounded as Lua bounds it. */
#include "authoring/authoring_escape_priv.h"

#include <string.h>

void authoring_escape_advance(struct authoring_escape_parser *parser)
{
    parser->last = parser->token;
    (void)authoring_scan_next(&parser->scan, &parser->token);
}

bool authoring_escape_is(const struct authoring_escape_parser *parser, const char *text)
{
    return authoring_token_is(&parser->token, text);
}

bool authoring_escape_take(struct authoring_escape_parser *parser, const char *text)
{
    bool there = authoring_escape_is(parser, text);
    if (there)
        authoring_escape_advance(parser);
    return there;
}

bool authoring_escape_is_end(const struct authoring_escape_parser *parser)
{
    return parser->token.kind == AUTHORING_TOKEN_END;
}

bool authoring_escape_is_one_of(struct span text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(text, span_of(list[i])))
            return true;
    return false;
}

void authoring_escape_report(struct authoring_escape_parser *parser, const struct authoring_escape_value *value)
{
    const char *end = value->last.text.at + value->last.text.len;
    if (parser->found && value->first.text.at)
        parser->found(parser->ctx, span_make(value->first.text.at, (size_t)(end - value->first.text.at)), &value->last);
}

/* ---- Names ---- */

void authoring_escape_declare(struct authoring_escape_parser *parser, struct span text, bool holds)
{
    if (parser->name_count < AUTHORING_ESCAPE_NAMES_MAX)
        parser->names[parser->name_count++] = (struct authoring_escape_name){text, parser->frame, holds};
}

static struct authoring_escape_name *escape_find_name(struct authoring_escape_parser *parser, struct span text)
{
    for (size_t i = parser->name_count; i > 0; i--)
        if (span_equal(parser->names[i - 1].text, text))
            return &parser->names[i - 1];
    return NULL;
}

static struct authoring_escape_function *function_of(struct authoring_escape_parser *parser, struct span name,
                                                     bool make)
{
    struct authoring_escape_known *known = parser->known;
    for (size_t i = 0; i < known->count; i++)
        if (span_equal(known->list[i].name, name))
            return &known->list[i];
    if (!make || !name.len || known->count == AUTHORING_ESCAPE_FUNCTIONS_MAX)
        return NULL;
    known->list[known->count] = (struct authoring_escape_function){.name = name};
    return &known->list[known->count++];
}

static void learn_parameter(struct authoring_escape_parser *parser, struct span name, unsigned at)
{
    struct authoring_escape_function *function = at < 32 ? function_of(parser, name, true) : NULL;
    if (!function || function->parameters & 1u << at)
        return;
    function->parameters |= 1u << at;
    parser->known->changed = true;
}

void authoring_escape_learn_return(struct authoring_escape_parser *parser)
{
    struct authoring_escape_function *function = function_of(parser, parser->frames[parser->frame].name, true);
    if (!function || function->returns)
        return;
    function->returns = true;
    parser->known->changed = true;
}

/* ---- Functions ---- */

/* Parameters and body; the parameter of a rule's function is the request, whatever it is called. */
struct authoring_escape_value authoring_escape_function_body(struct authoring_escape_parser *parser, struct span name,
                                                             bool is_method)
{
    static const char *const rule_keys[] = {"check", "decide", "return"};
    size_t names = parser->name_count;
    unsigned at = is_method;
    const struct authoring_escape_function *known = function_of(parser, name, false);
    struct authoring_escape_value value = {.first = parser->last, .last = parser->last};
    if (parser->frame + 1 < AUTHORING_ESCAPE_FRAMES_MAX)
        parser->frame++;
    parser->frames[parser->frame] = (struct authoring_escape_frame){.name = name};
    if (is_method)
        authoring_escape_declare(parser, SPAN("self"), known && known->parameters & 1);
    (void)authoring_escape_take(parser, "(");
    for (; !authoring_escape_is_end(parser) && !authoring_escape_take(parser, ")"); authoring_escape_advance(parser)) {
        if (parser->token.kind != AUTHORING_TOKEN_NAME)
            continue;
        bool given = known && at < 32 && known->parameters & 1u << at;
        bool of_rule = at == 0 && AUTHORING_ESCAPE_ONE_OF(name, rule_keys);
        authoring_escape_declare(parser, parser->token.text, given || of_rule || authoring_escape_is(parser, "req"));
        at++;
    }
    authoring_escape_block(parser);
    (void)authoring_escape_take(parser, "end");
    value.holds = parser->frames[parser->frame].caught;
    parser->name_count = names;
    if (parser->frame > 0)
        parser->frame--;
    if (value.holds && parser->frame > 0) /* what it caught was outside of this one too, or belongs to it */
        value.first.text = SPAN("function");
    return value;
}

/* ---- Expressions ---- */

/* A use of a request from inside a function catches it there, and in those between. */
static bool read_name(struct authoring_escape_parser *parser, struct span text)
{
    const struct authoring_escape_name *name = escape_find_name(parser, text);
    if (!name || !name->holds)
        return false;
    for (unsigned frame = parser->frame; frame > name->frame; frame--)
        parser->frames[frame].caught = true;
    return true;
}

static struct authoring_escape_value table(struct authoring_escape_parser *parser)
{
    struct authoring_escape_value value = {.first = parser->token, .last = parser->token};
    (void)authoring_escape_take(parser, "{");
    while (!authoring_escape_is_end(parser) && !authoring_escape_take(parser, "}")) {
        struct span key = SPAN("");
        struct authoring_scan ahead = parser->scan;
        struct authoring_token next;
        (void)authoring_scan_next(&ahead, &next);
        if (authoring_escape_take(parser, "[")) {
            (void)authoring_escape_expression(parser);
            (void)authoring_escape_take(parser, "]");
            (void)authoring_escape_take(parser, "=");
        } else if (parser->token.kind == AUTHORING_TOKEN_NAME && authoring_token_is(&next, "=")) {
            key = parser->token.text;
            authoring_escape_advance(parser);
            authoring_escape_advance(parser);
        }
        struct authoring_escape_value item;
        if (authoring_escape_is(parser, "function")) {
            authoring_escape_advance(parser);
            item = authoring_escape_function_body(parser, key, false);
        } else {
            item = authoring_escape_expression(parser);
        }
        if (item.holds)
            authoring_escape_report(parser, &item);
        if (!authoring_escape_take(parser, ",") && !authoring_escape_take(parser, ";") &&
            !authoring_escape_is(parser, "}") && !authoring_escape_is_end(parser))
            authoring_escape_advance(parser);
    }
    value.last = parser->last;
    return value;
}

/* One argument: library functions that store it, functions of the policy that it is given to. */
static void take_argument(struct authoring_escape_parser *parser, struct span callee, unsigned at,
                          const struct authoring_escape_value *argument)
{
    static const char *const storing[] = {"insert", "pack", "setmetatable"};
    if (!argument->holds)
        return;
    if (AUTHORING_ESCAPE_ONE_OF(callee, storing))
        authoring_escape_report(parser, argument);
    else
        learn_parameter(parser, callee, at);
}

/* The arguments at the present token; whether the result may be a request. */
static bool arguments(struct authoring_escape_parser *parser, struct span callee, unsigned at)
{
    static const char *const handing_on[] = {"assert", "select", "pcall"};
    const struct authoring_escape_function *function = function_of(parser, callee, false);
    bool any = false;
    struct span first = callee;
    if (authoring_escape_is(parser, "{")) {
        (void)table(parser);
    } else if (!authoring_escape_take(parser, "(")) {
        authoring_escape_advance(parser); /* a string */
    } else {
        for (; !authoring_escape_is_end(parser) && !authoring_escape_take(parser, ")"); at++) {
            struct authoring_escape_value argument = authoring_escape_expression(parser);
            any = any || argument.holds;
            bool through = span_equal(callee, SPAN("pcall")); /* pcall(f, req) */
            if (through && at == 0)
                first = argument.last.text;
            take_argument(parser, through ? first : callee, through ? at - 1 : at, &argument);
            if (!authoring_escape_take(parser, ",") && !authoring_escape_is(parser, ")"))
                authoring_escape_advance(parser);
        }
    }
    return (function && function->returns) || (any && AUTHORING_ESCAPE_ONE_OF(callee, handing_on));
}

static bool is_part(struct span name)
{
    static const char *const parts[] = {"uri", "from", "to", "contact", "target", "source", "record"};
    return AUTHORING_ESCAPE_ONE_OF(name, parts);
}

static bool starts_arguments(const struct authoring_escape_parser *parser)
{
    return authoring_escape_is(parser, "(") || authoring_escape_is(parser, "{") ||
           parser->token.kind == AUTHORING_TOKEN_STRING;
}

/* A name or a parenthesis and everything behind it; where an assignment to it would go. */
struct authoring_escape_value authoring_escape_suffixed(struct authoring_escape_parser *parser,
                                                        struct authoring_escape_target *out_target)
{
    struct authoring_escape_value value = {.first = parser->token, .last = parser->token};
    struct span callee = parser->token.text;
    *out_target = (struct authoring_escape_target){AUTHORING_ESCAPE_TARGET_NONE, 0};
    if (authoring_escape_take(parser, "(")) {
        value = authoring_escape_expression(parser);
        (void)authoring_escape_take(parser, ")");
        callee = SPAN("");
    } else {
        const struct authoring_escape_name *name = escape_find_name(parser, callee);
        bool inside = name && name->frame == parser->frame;
        *out_target =
            (struct authoring_escape_target){inside ? AUTHORING_ESCAPE_TARGET_LOCAL : AUTHORING_ESCAPE_TARGET_OUTSIDE,
                                             inside ? (size_t)(name - parser->names) : 0};
        value.holds = read_name(parser, callee);
        authoring_escape_advance(parser);
    }
    for (;;) {
        unsigned at = 0;
        if (authoring_escape_take(parser, ".")) {
            callee = parser->token.text;
            value.holds = value.holds && is_part(callee);
            value.last = parser->token;
            authoring_escape_advance(parser);
            *out_target = (struct authoring_escape_target){AUTHORING_ESCAPE_TARGET_OUTSIDE, 0};
            continue;
        }
        if (authoring_escape_take(parser, "[")) {
            (void)authoring_escape_expression(parser);
            (void)authoring_escape_take(parser, "]");
            value.holds = false;
            *out_target = (struct authoring_escape_target){AUTHORING_ESCAPE_TARGET_OUTSIDE, 0};
            continue;
        }
        if (authoring_escape_take(parser, ":")) {
            callee = parser->token.text;
            value.holds = false;
            authoring_escape_advance(parser);
            at = 1;
        } else if (!starts_arguments(parser)) {
            return value;
        }
        value.holds = arguments(parser, callee, at);
        *out_target = (struct authoring_escape_target){AUTHORING_ESCAPE_TARGET_NONE, 0};
        callee = SPAN("");
    }
}

static struct authoring_escape_value operand(struct authoring_escape_parser *parser)
{
    static const char *const prefixes[] = {"not", "-", "#", "~"};
    struct authoring_escape_target ignored;
    struct authoring_escape_value value = {.first = parser->token, .last = parser->token};
    bool is_prefixed = false;
    for (; parser->token.kind != AUTHORING_TOKEN_STRING && AUTHORING_ESCAPE_ONE_OF(parser->token.text, prefixes);
         is_prefixed = true)
        authoring_escape_advance(parser);
    if (authoring_escape_is(parser, "{")) {
        value = table(parser);
    } else if (authoring_escape_take(parser, "function")) {
        value = authoring_escape_function_body(parser, SPAN(""), false);
    } else if (parser->token.kind == AUTHORING_TOKEN_NAME || authoring_escape_is(parser, "(")) {
        value = authoring_escape_suffixed(parser, &ignored);
    } else {
        authoring_escape_advance(parser); /* a literal */
    }
    value.holds = value.holds && !is_prefixed;
    return value;
}

struct authoring_escape_value authoring_escape_expression(struct authoring_escape_parser *parser)
{
    static const char *const operators[] = {
        "+", "-", "*", "/", "//", "%", "^", "..", "<", "<=", ">", ">=", "==", "~=", "&", "|", "~", "<<", ">>"};
    struct authoring_escape_value value = {0};
    if (parser->depth >= AUTHORING_ESCAPE_DEPTH_MAX) {
        authoring_escape_advance(parser);
        return value;
    }
    parser->depth++;
    value = operand(parser);
    for (;;) {
        bool logical = authoring_escape_is(parser, "and") || authoring_escape_is(parser, "or");
        if (!logical &&
            (parser->token.kind != AUTHORING_TOKEN_SIGN || !AUTHORING_ESCAPE_ONE_OF(parser->token.text, operators)))
            break;
        bool keeps_left = authoring_escape_is(parser, "or") && value.holds;
        authoring_escape_advance(parser);
        struct authoring_escape_value right = operand(parser);
        /* `a and b` is b where it matters; `a or b` is either; all others make a new value. */
        if (!logical)
            value.holds = false;
        else if (!keeps_left)
            value = right;
    }
    parser->depth--;
    return value;
}
