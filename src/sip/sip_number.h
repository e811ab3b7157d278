/* SPDX-License-Identifier: Apache-2.0 */
/* Telephone numbers: from what users and trunks write to E.164 digits (RFC 3966, ITU-T E.164). */
#pragma once

#include "sip/sip_uri.h"

enum { SIP_NUMBER_MAX = 33 }; /* '+', 15 digits of E.164 at most; room for longer private numbers */

/* How a number without '+' becomes a global one.  Tried in order; the first whose `prefix` fits and whose length is
 * within bounds wins.  Example for Germany: {"00", 2, "+"}, {"0", 1, "+49"}. */
struct sip_number_rule {
    struct span prefix;  /* what the number starts with; empty fits all */
    unsigned strip;      /* how many leading digits go */
    struct span prepend; /* "+" or "+49" */
    unsigned min_digits; /* of the number as written, 0: any */
    unsigned max_digits; /* 0: any */
};

/* Whether `text` is a telephone number: digits, visual separators "-.() " and an optional leading '+', at least one
 * digit. Escapes (%2B) must be resolved before. */
bool sip_number_is(struct span text);

/* Drops visual separators and applies the rules; "+15550100".  `out` gets a terminator.
 * ERR_SYNTAX when it is no number, ERR_TOO_LONG when it does not fit. */
MUST_CHECK enum err sip_number_normalise(struct span text, const struct sip_number_rule *rules, size_t rule_count,
                                         char out[SIP_NUMBER_MAX], size_t *out_len);

/* The number in a URI: tel:, or sip: whose user is a number and either starts with '+', has user=phone, or fits a rule.
 * A local number with phone-context=+49... takes the context as its prefix; with a domain there it stays as it is (a
 * private number).  ERR_NOT_FOUND when the URI names no number. */
MUST_CHECK enum err sip_number_of_uri(const struct sip_uri *uri, const struct sip_number_rule *rules, size_t rule_count,
                                      char out[SIP_NUMBER_MAX], size_t *out_len);
