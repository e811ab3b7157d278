/* SPDX-License-Identifier: Apache-2.0 */
/* Lua's tokens, with their places: to say where in a policy something is written. */
#pragma once

#include "util/span.h"

enum authoring_token_kind {
    AUTHORING_TOKEN_END,
    AUTHORING_TOKEN_NAME,
    AUTHORING_TOKEN_KEYWORD,
    AUTHORING_TOKEN_STRING, /* text: without quotes or brackets, escapes as written */
    AUTHORING_TOKEN_NUMBER,
    AUTHORING_TOKEN_SIGN /* operators and punctuation, each one token: "==", "::", "..", "{" */
};

struct authoring_token {
    enum authoring_token_kind kind;
    struct span text;
    int line;
    int column; /* from 1, in bytes */
};

struct authoring_scan {
    struct span source;
    size_t at;
    size_t line_start;
    int line;
};

struct authoring_scan authoring_scan_begin(struct span source);
/* False at the end.  Text that is no Lua gives some tokens or other, never a crash. */
bool authoring_scan_next(struct authoring_scan *scan, struct authoring_token *out_token);
static inline bool authoring_token_is(const struct authoring_token *token, const char *text)
{
    return token->kind != AUTHORING_TOKEN_STRING && span_equal(token->text, span_of(text));
}
