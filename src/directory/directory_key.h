/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry is about, as a human writes it and as the store orders it.  "sip:alice@example.com" is an account,
 * "+15550100" a number, "+15550100-+15550199" a range of numbers of one length, "example.com" a whole domain. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum directory_kind { DIRECTORY_ACCOUNT, DIRECTORY_NUMBER, DIRECTORY_RANGE, DIRECTORY_DOMAIN, DIRECTORY_KIND_COUNT };

enum {
    DIRECTORY_KEY_MAX = 511,      /* bytes of a stored key: LMDB's limit */
    DIRECTORY_NUMBER_DIGITS = 15, /* E.164 */
    DIRECTORY_KEY_TEXT_MAX = 1600 /* every byte of a user may be written as %XX */,
};

/* A key in the store's form: one byte of kind, then what orders entries of that kind. */
struct directory_name {
    unsigned char bytes[DIRECTORY_KEY_MAX + 1];
    size_t len;
};

static inline struct span directory_name_span(const struct directory_name *name)
{
    return span_make((const char *)name->bytes, name->len);
}

/* Reads what a human wrote and normalises it: the host to lower case without a final dot, escapes of the user part
 * decoded (RFC 3261 19.1.4), a number's visual separators dropped (RFC 3966 5.1.1); "sip:", "sips:", "tel:" may lead.
 * `kind` DIRECTORY_KIND_COUNT: by its form.  ERR_INVALID or ERR_TOO_LONG, with what was expected in `fault`. */
MUST_CHECK enum err directory_name_parse(struct span text, enum directory_kind kind, struct directory_name *out_name,
                                         struct fault *fault);
/* The canonical text of a stored key into out_text[DIRECTORY_KEY_TEXT_MAX] ("sip:alice@example.com", "+15550100", ...), terminated;
 * ERR_CORRUPT when it is none. */
MUST_CHECK enum err directory_name_text(struct span name, char *out_text, size_t *out_len);
/* Kind of a stored key; DIRECTORY_KIND_COUNT when it is none. */
enum directory_kind directory_name_kind(struct span name);
/* "account", "number", "range", "domain". */
const char *directory_kind_text(enum directory_kind kind);
bool directory_kind_parse(struct span text, enum directory_kind *out_kind);
