/* SPDX-License-Identifier: Apache-2.0 */
/* The walk that follows a request: what its expressions and its statements share. */
#pragma once

#include "authoring/authoring_escape.h"

enum {
    AUTHORING_ESCAPE_NAMES_MAX = 2048,
    AUTHORING_ESCAPE_FRAMES_MAX = 64,
    AUTHORING_ESCAPE_DEPTH_MAX = 210,
    AUTHORING_ESCAPE_LIST_MAX = 16
};

struct authoring_escape_name {
    struct span text;
    unsigned frame; /* of the function that it belongs to */
    bool holds;     /* a request, a part of one, or a function that caught one */
};

struct authoring_escape_frame {
    struct span name; /* of the function, where it has one */
    bool caught;      /* it reads a request of a function around it */
};

/* What an expression yields: whether it may be a request, and where it is written. */
struct authoring_escape_value {
    bool holds;
    struct authoring_token first, last;
};

/* Where an assignment goes. */
struct authoring_escape_target {
    enum { AUTHORING_ESCAPE_TARGET_NONE, AUTHORING_ESCAPE_TARGET_LOCAL, AUTHORING_ESCAPE_TARGET_OUTSIDE } kind;
    size_t local;
};

struct authoring_escape_parser {
    struct authoring_scan scan;
    struct authoring_token token, last;
    struct authoring_escape_known *known;
    authoring_escape_fn found;
    void *ctx;
    unsigned depth;
    size_t name_count;
    struct authoring_escape_name names[AUTHORING_ESCAPE_NAMES_MAX];
    unsigned frame;
    struct authoring_escape_frame frames[AUTHORING_ESCAPE_FRAMES_MAX];
};

bool authoring_escape_is_one_of(struct span text, const char *const *list, size_t count);
#define AUTHORING_ESCAPE_ONE_OF(text, list) authoring_escape_is_one_of((text), (list), sizeof(list) / sizeof((list)[0]))

/* Tokens. */
void authoring_escape_advance(struct authoring_escape_parser *parser);
bool authoring_escape_is(const struct authoring_escape_parser *parser, const char *text);
bool authoring_escape_take(struct authoring_escape_parser *parser, const char *text);
bool authoring_escape_is_end(const struct authoring_escape_parser *parser);

/* authoring_escape.c: names, functions, expressions. */
void authoring_escape_report(struct authoring_escape_parser *parser, const struct authoring_escape_value *value);
void authoring_escape_declare(struct authoring_escape_parser *parser, struct span text, bool holds);
struct authoring_escape_value authoring_escape_function_body(struct authoring_escape_parser *parser, struct span name,
                                                             bool is_method);
struct authoring_escape_value authoring_escape_suffixed(struct authoring_escape_parser *parser,
                                                        struct authoring_escape_target *out_target);
struct authoring_escape_value authoring_escape_expression(struct authoring_escape_parser *parser);
void authoring_escape_learn_return(struct authoring_escape_parser *parser);

/* authoring_escape_statement.c */
void authoring_escape_block(struct authoring_escape_parser *parser);
