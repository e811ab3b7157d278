/* SPDX-License-Identifier: Apache-2.0 */
/* Q.850 causes and response codes, both ways: RFC 3398 8.2.6.1 (answer to cause) and 7.2.4.1 (cause to answer), with
 * where RFC 4497 8.4 differs. */
#pragma once

#include "reference/reference_text.h"

struct reference_cause {
    unsigned char cause;
    unsigned short code;    /* the answer that it becomes; 0: none, the call is ended otherwise */
    unsigned short instead; /* the answer that it may become where `condition` holds; 0: none */
    const char *names[REFERENCE_LANGUAGE_COUNT];
    const char *conditions[REFERENCE_LANGUAGE_COUNT]; /* NULL: none */
};

/* NULL: the RFCs say nothing about it. */
const struct reference_cause *reference_cause_find(unsigned cause);
/* In order of causes; NULL behind the last. */
const struct reference_cause *reference_cause_at(size_t index);
/* The cause that a final answer is sent on as; 0: it has none of its own. */
unsigned reference_cause_of_code(unsigned code);
