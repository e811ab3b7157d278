/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of errors.  A function that can fail returns `enum err`, is MUST_CHECK, and writes its
 * outputs (named out_...) only on OK.  Details for a human travel beside it in a `struct fault`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ERR_TABLE(X)                                                                                                   \
    X(OK, "ok")                                                                                                        \
    X(ERR_NOMEM, "out of memory")                                                                                      \
    X(ERR_FULL, "a cap was reached")                                                                                   \
    X(ERR_SYNTAX, "malformed input")                                                                                   \
    X(ERR_INVALID, "a value is not allowed here")                                                                      \
    X(ERR_NOT_FOUND, "no such thing")                                                                                  \
    X(ERR_EXISTS, "it exists already")                                                                                 \
    X(ERR_TOO_LONG, "longer than its cap")                                                                             \
    X(ERR_UNSUPPORTED, "not supported")                                                                                \
    X(ERR_IO, "input or output failed")                                                                                \
    X(ERR_CORRUPT, "stored data is damaged")                                                                           \
    X(ERR_BUSY, "in use by another")                                                                                   \
    X(ERR_AGAIN, "not now, try again")                                                                                 \
    X(ERR_CLOSED, "closed")                                                                                            \
    X(ERR_TIMEOUT, "timed out")                                                                                        \
    X(ERR_DENIED, "not permitted")                                                                                     \
    X(ERR_CONFLICT, "contradicts what is known")                                                                       \
    X(ERR_SCRIPT, "a script failed")                                                                                   \
    X(ERR_KILLED, "over budget, killed")

enum err {
#define X(name, text) name,
    ERR_TABLE(X)
#undef X
        ERR_COUNT
};

#define MUST_CHECK                       __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* The text of `err` for a human, never NULL. */
const char *err_text(enum err err);

/* The constant's own name ("ERR_NOMEM"), never NULL. */
const char *err_name(enum err err);

enum { FAULT_FILE_MAX = 256, FAULT_TEXT_MAX = 512 };

/* What went wrong, where, and what was expected, for a human: filled by loaders of scripts, configuration
 * and data.  `file` is empty and `line` 0 where they do not apply. */
struct fault {
    enum err err;
    int line;
    char file[FAULT_FILE_MAX];
    char text[FAULT_TEXT_MAX];
};

/* Fills `fault` (which may be NULL) and returns `err`, so that a caller can `return fault_set(...)`.
 * Texts that do not fit are cut; their control bytes become '?'. */
enum err fault_set(struct fault *fault, enum err err, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Writes "FILE:LINE: TEXT" (as much of it as is known) into `out`; always terminated. */
void fault_format(const struct fault *fault, char *out, size_t out_cap);
