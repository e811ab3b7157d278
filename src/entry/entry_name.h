/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry is about, as a human writes it and as the store orders it.  "sip:alice@example.com" is an account,
 * "+15550100" a number, "+15550100-+15550199" a range of numbers of one length, "example.com" a whole domain. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum entry_kind { ENTRY_ACCOUNT, ENTRY_NUMBER, ENTRY_RANGE, ENTRY_DOMAIN, ENTRY_KIND_COUNT };

enum {
    ENTRY_KEY_MAX = 511,      /* bytes of a stored key: LMDB's limit */
    ENTRY_NUMBER_DIGITS = 15, /* E.164 */
    ENTRY_KEY_TEXT_MAX = 1600 /* every byte of a user may be written as %XX */,
};

/* A key in the store's form: one byte of kind, then what orders entries of that kind. */
struct entry_name {
    unsigned char bytes[ENTRY_KEY_MAX + 1];
    size_t len;
};

static inline struct span entry_name_span(const struct entry_name *name)
{
    return span_make((const char *)name->bytes, name->len);
}

/* Reads what a human wrote and normalises it: the host to lower case without a final dot, escapes of the user part
 * decoded (RFC 3261 19.1.4), a number's visual separators dropped (RFC 3966 5.1.1); "sip:", "sips:", "tel:" may lead.
 * `kind` ENTRY_KIND_COUNT: by its form.  ERR_INVALID or ERR_TOO_LONG, with what was expected in `fault`. */
MUST_CHECK enum err entry_name_parse(struct span text, enum entry_kind kind, struct entry_name *out_name,
                                     struct fault *fault);
/* The name of an account, both parts without escapes; ERR_TOO_LONG, or ERR_INVALID where one is empty. */
MUST_CHECK enum err entry_name_account(struct span user, struct span host, struct entry_name *out_name);
/* The other way round; false when it is no account's. */
bool entry_name_account_parts(struct span name, struct span *out_user, struct span *out_host);
/* The canonical text of a stored key into out_text[ENTRY_KEY_TEXT_MAX] ("sip:alice@example.com", "+15550100", ...), terminated;
 * ERR_CORRUPT when it is none. */
MUST_CHECK enum err entry_name_text(struct span name, char *out_text, size_t *out_len);
/* Kind of a stored key; ENTRY_KIND_COUNT when it is none. */
enum entry_kind entry_name_kind(struct span name);
/* The first byte of a stored key. */
extern const unsigned char entry_kind_bytes[ENTRY_KIND_COUNT];
void entry_range_name(unsigned digits, uint64_t from, uint64_t to, struct entry_name *out_name);
/* Digits of a range's numbers and its ends; 0: the name is no range's. */
unsigned entry_range_bounds(struct span name, uint64_t *out_from, uint64_t *out_to);
/* "account", "number", "range", "domain". */
const char *entry_kind_text(enum entry_kind kind);
bool entry_kind_parse(struct span text, enum entry_kind *out_kind);
