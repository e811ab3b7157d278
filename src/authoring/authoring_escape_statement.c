/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: what is assigned to what, and what a function hands out. */
#include "authoring/authoring_escape_priv.h"

#include <stdlib.h>

static size_t expressions(struct authoring_escape_parser *parser,
                          struct authoring_escape_value list[static AUTHORING_ESCAPE_LIST_MAX])
{
    size_t count = 0;
    do {
        struct authoring_escape_value value = authoring_escape_expression(parser);
        if (count < AUTHORING_ESCAPE_LIST_MAX)
            list[count++] = value;
    } while (authoring_escape_take(parser, ","));
    return count;
}

static void local_statement(struct authoring_escape_parser *parser)
{
    struct span names[AUTHORING_ESCAPE_LIST_MAX];
    struct authoring_escape_value values[AUTHORING_ESCAPE_LIST_MAX];
    size_t count = 0, given = 0;
    if (authoring_escape_take(parser, "function")) {
        struct span name = parser->token.text;
        authoring_escape_advance(parser);
        authoring_escape_declare(parser, name, false);
        size_t at = parser->name_count - 1;
        parser->names[at].holds = authoring_escape_function_body(parser, name, false).holds;
        return;
    }
    do {
        if (count < AUTHORING_ESCAPE_LIST_MAX)
            names[count++] = parser->token.text;
        authoring_escape_advance(parser);
        if (authoring_escape_take(parser, "<")) {
            authoring_escape_advance(parser);
            (void)authoring_escape_take(parser, ">");
        }
    } while (authoring_escape_take(parser, ","));
    if (authoring_escape_take(parser, "=")) {
        if (count == 1 && authoring_escape_take(parser, "function"))
            values[given++] = authoring_escape_function_body(parser, names[0], false);
        else
            given = expressions(parser, values);
    }
    for (size_t i = 0; i < count; i++)
        authoring_escape_declare(parser, names[i], i < given && values[i].holds);
}

static void function_statement(struct authoring_escape_parser *parser)
{
    bool is_method = false;
    struct span name = SPAN("");
    struct authoring_escape_value value;
    for (; !authoring_escape_is_end(parser) && !authoring_escape_is(parser, "("); authoring_escape_advance(parser)) {
        is_method = is_method || authoring_escape_is(parser, ":");
        if (parser->token.kind == AUTHORING_TOKEN_NAME)
            name = parser->token.text;
    }
    value = authoring_escape_function_body(parser, name, is_method);
    if (value.holds)
        authoring_escape_report(parser, &value);
}

static void assign(struct authoring_escape_parser *parser, const struct authoring_escape_target *target,
                   const struct authoring_escape_value *value)
{
    if (target->kind == AUTHORING_ESCAPE_TARGET_LOCAL)
        parser->names[target->local].holds = value->holds;
    else if (value->holds)
        authoring_escape_report(parser, value);
}

/* An assignment or a call. */
static void expression_statement(struct authoring_escape_parser *parser)
{
    struct authoring_escape_target targets[AUTHORING_ESCAPE_LIST_MAX];
    struct authoring_escape_value values[AUTHORING_ESCAPE_LIST_MAX];
    size_t count = 0;
    do {
        struct authoring_escape_target target;
        (void)authoring_escape_suffixed(parser, &target);
        if (count < AUTHORING_ESCAPE_LIST_MAX)
            targets[count++] = target;
    } while (authoring_escape_take(parser, ","));
    if (!authoring_escape_take(parser, "="))
        return;
    size_t given = expressions(parser, values);
    for (size_t i = 0; i < count && i < given; i++)
        assign(parser, &targets[i], &values[i]);
}

static void return_statement(struct authoring_escape_parser *parser)
{
    struct authoring_escape_value values[AUTHORING_ESCAPE_LIST_MAX];
    if (authoring_escape_is(parser, "end") || authoring_escape_is(parser, "else") ||
        authoring_escape_is(parser, "elseif") || authoring_escape_is(parser, "until") ||
        authoring_escape_is(parser, ";") || authoring_escape_is_end(parser))
        return;
    if (parser->frame == 0 && authoring_escape_take(parser, "function")) { /* a policy that is one function */
        (void)authoring_escape_function_body(parser, SPAN("return"), false);
        return;
    }
    size_t count = expressions(parser, values);
    for (size_t i = 0; i < count; i++)
        if (values[i].holds)
            authoring_escape_learn_return(parser);
}

static void for_statement(struct authoring_escape_parser *parser)
{
    struct span names[AUTHORING_ESCAPE_LIST_MAX];
    size_t count = 0;
    struct authoring_escape_value values[AUTHORING_ESCAPE_LIST_MAX];
    for (; !authoring_escape_is_end(parser) && !authoring_escape_is(parser, "=") && !authoring_escape_is(parser, "in");
         authoring_escape_advance(parser))
        if (parser->token.kind == AUTHORING_TOKEN_NAME && count < AUTHORING_ESCAPE_LIST_MAX)
            names[count++] = parser->token.text;
    authoring_escape_advance(parser);
    (void)expressions(parser, values);
    (void)authoring_escape_take(parser, "do");
    size_t before = parser->name_count;
    for (size_t i = 0; i < count; i++)
        authoring_escape_declare(parser, names[i], false);
    authoring_escape_block(parser);
    parser->name_count = before;
    (void)authoring_escape_take(parser, "end");
}

static void if_statement(struct authoring_escape_parser *parser)
{
    do {
        (void)authoring_escape_expression(parser);
        (void)authoring_escape_take(parser, "then");
        authoring_escape_block(parser);
    } while (authoring_escape_take(parser, "elseif"));
    if (authoring_escape_take(parser, "else"))
        authoring_escape_block(parser);
    (void)authoring_escape_take(parser, "end");
}

static void repeat_statement(struct authoring_escape_parser *parser)
{
    size_t before = parser->name_count;
    authoring_escape_block(parser);
    (void)authoring_escape_take(parser, "until");
    (void)authoring_escape_expression(parser);
    parser->name_count = before;
}

static void while_statement(struct authoring_escape_parser *parser)
{
    (void)authoring_escape_expression(parser);
    (void)authoring_escape_take(parser, "do");
    authoring_escape_block(parser);
    (void)authoring_escape_take(parser, "end");
}

static void statement(struct authoring_escape_parser *parser)
{
    if (authoring_escape_take(parser, "local"))
        local_statement(parser);
    else if (authoring_escape_take(parser, "function"))
        function_statement(parser);
    else if (authoring_escape_take(parser, "if"))
        if_statement(parser);
    else if (authoring_escape_take(parser, "for"))
        for_statement(parser);
    else if (authoring_escape_take(parser, "while"))
        while_statement(parser);
    else if (authoring_escape_take(parser, "repeat"))
        repeat_statement(parser);
    else if (authoring_escape_take(parser, "return"))
        return_statement(parser);
    else if (authoring_escape_take(parser, "do")) {
        authoring_escape_block(parser);
        (void)authoring_escape_take(parser, "end");
    } else if (authoring_escape_take(parser, "goto"))
        authoring_escape_advance(parser);
    else if (parser->token.kind == AUTHORING_TOKEN_NAME || authoring_escape_is(parser, "("))
        expression_statement(parser);
    else
        authoring_escape_advance(parser); /* `;`, `break`, the signs and the name of a label */
}

void authoring_escape_block(struct authoring_escape_parser *parser)
{
    size_t before = parser->name_count;
    if (parser->depth >= AUTHORING_ESCAPE_DEPTH_MAX) {
        authoring_escape_advance(parser);
        return;
    }
    parser->depth++;
    while (!authoring_escape_is_end(parser) && !authoring_escape_is(parser, "end") &&
           !authoring_escape_is(parser, "else") && !authoring_escape_is(parser, "elseif") &&
           !authoring_escape_is(parser, "until"))
        statement(parser);
    parser->depth--;
    parser->name_count = before;
}

void authoring_escape_walk(struct span source, struct authoring_escape_known *known, authoring_escape_fn found,
                           void *ctx)
{
    struct authoring_escape_parser *parser = calloc(1, sizeof(*parser));
    if (!parser)
        return;
    parser->scan = authoring_scan_begin(source);
    parser->known = known;
    parser->found = found;
    parser->ctx = ctx;
    known->changed = false;
    authoring_escape_advance(parser);
    while (!authoring_escape_is_end(parser)) {
        authoring_escape_block(parser);
        authoring_escape_advance(parser); /* an `end` too many */
    }
    free(parser);
}
