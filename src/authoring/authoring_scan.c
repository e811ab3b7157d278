/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner of Lua tokens (manual, section 3.1). */
#include "authoring/authoring_scan.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_keyword(struct span text)
{
    static const char *const words[] = {"and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
                                        "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
                                        "repeat",   "return", "then", "true", "until",  "while"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (span_equal(text, span_of(words[i])))
            return true;
    }
    return false;
}

struct authoring_scan authoring_scan_begin(struct span source)
{
    return (struct authoring_scan){.source = source, .line = 1};
}

static char peek(const struct authoring_scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->source.len ? scan->source.at[scan->at + ahead] : '\0';
}

static void step(struct authoring_scan *scan)
{
    if (scan->source.at[scan->at++] == '\n') {
        scan->line++;
        scan->line_start = scan->at;
    }
}

/* At "[[" or "[==[": the number of equal signs, -1 when it opens no long bracket. */
static int long_level(const struct authoring_scan *scan)
{
    size_t level = 0;
    while (peek(scan, 1 + level) == '=')
        level++;
    return peek(scan, 1 + level) == '[' ? (int)level : -1;
}

/* Behind the opening bracket; gives what stands before the closing one. */
static struct span take_long(struct authoring_scan *scan, int level)
{
    size_t from = scan->at;
    for (; scan->at < scan->source.len; step(scan)) {
        if (peek(scan, 0) != ']')
            continue;
        size_t equals = 0;
        while (peek(scan, 1 + equals) == '=')
            equals++;
        if ((int)equals == level && peek(scan, 1 + equals) == ']') {
            struct span text = span_slice(scan->source, from, scan->at);
            scan->at += equals + 2;
            return text;
        }
    }
    return span_slice(scan->source, from, scan->at);
}

static void skip_comment(struct authoring_scan *scan)
{
    scan->at += 2;
    int level = peek(scan, 0) == '[' ? long_level(scan) : -1;
    if (level >= 0) {
        scan->at += (size_t)level + 2;
        take_long(scan, level);
        return;
    }
    while (scan->at < scan->source.len && peek(scan, 0) != '\n')
        scan->at++;
}

static void skip_space(struct authoring_scan *scan)
{
    while (scan->at < scan->source.len) {
        char c = peek(scan, 0);
        if (c == '-' && peek(scan, 1) == '-')
            skip_comment(scan);
        else if (c == ' ' || (c >= '\t' && c <= '\r'))
            step(scan);
        else
            return;
    }
}

static struct span take_quoted(struct authoring_scan *scan)
{
    char quote = peek(scan, 0);
    size_t from = ++scan->at;
    while (scan->at < scan->source.len && peek(scan, 0) != quote && peek(scan, 0) != '\n') {
        if (peek(scan, 0) == '\\' && scan->at + 1 < scan->source.len)
            step(scan);
        step(scan);
    }
    struct span text = span_slice(scan->source, from, scan->at);
    if (peek(scan, 0) == quote)
        scan->at++;
    return text;
}

static size_t sign_len(const struct authoring_scan *scan)
{
    static const char *const signs[] = {"...", "..", "==", "~=", "<=", ">=", "::", "//", "<<", ">>"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (span_starts_with(span_slice(scan->source, scan->at, scan->source.len), span_of(signs[i])))
            return strlen(signs[i]);
    }
    return 1;
}

bool authoring_scan_next(struct authoring_scan *scan, struct authoring_token *out)
{
    if (scan->at == 0 && peek(scan, 0) == '#') { /* a first line for the shell */
        while (scan->at < scan->source.len && peek(scan, 0) != '\n')
            scan->at++;
    }
    skip_space(scan);
    out->line = scan->line;
    out->column = (int)(scan->at - scan->line_start) + 1;
    out->kind = AUTHORING_TOKEN_END;
    out->text = (struct span){NULL, 0};
    if (scan->at >= scan->source.len)
        return false;
    size_t from = scan->at;
    char c = peek(scan, 0);
    int level = c == '[' ? long_level(scan) : -1;
    if (c == '"' || c == '\'') {
        out->kind = AUTHORING_TOKEN_STRING;
        out->text = take_quoted(scan);
        return true;
    }
    if (level >= 0) {
        scan->at += (size_t)level + 2;
        out->kind = AUTHORING_TOKEN_STRING;
        out->text = take_long(scan, level);
        return true;
    }
    bool digit = (c >= '0' && c <= '9') || (c == '.' && peek(scan, 1) >= '0' && peek(scan, 1) <= '9');
    if (digit || is_name_byte(c)) {
        while (is_name_byte(peek(scan, 0)) || (digit && peek(scan, 0) == '.'))
            scan->at++;
        out->text = span_slice(scan->source, from, scan->at);
        out->kind = digit                   ? AUTHORING_TOKEN_NUMBER
                    : is_keyword(out->text) ? AUTHORING_TOKEN_KEYWORD
                                            : AUTHORING_TOKEN_NAME;
        return true;
    }
    scan->at += sign_len(scan);
    out->kind = AUTHORING_TOKEN_SIGN;
    out->text = span_slice(scan->source, from, scan->at);
    return true;
}
