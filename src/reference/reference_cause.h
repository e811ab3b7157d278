/* SPDX-License-Identifier: Apache-2.0 */
/* Q.850 causes and response codes, both ways: RFC 3398 8.2.6.1 (answer to cause) and 7.2.4.1 (cause to answer).  RFC 4497
 * 8.4.4 and 8.4.1 say the same of QSIG, but for one cause more (69) and one less (26). */
#pragma once

#include "reference/reference_text.h"

/* The answer to a cause that neither RFC lists. */
enum { REFERENCE_CAUSE_OTHERS_BECOME = 500 };

struct reference_cause {
    unsigned char cause;
    unsigned short code;    /* the answer that it becomes; 0: none, the call is ended by BYE or CANCEL */
    unsigned short instead; /* the answer that it may become where `condition` holds; 0: none */
    const char *names[REFERENCE_LANGUAGE_COUNT];
    const char *conditions[REFERENCE_LANGUAGE_COUNT]; /* NULL: none */
};

/* NULL: neither RFC lists it; such a cause becomes 500. */
const struct reference_cause *reference_cause_find(unsigned cause);
/* In order of causes; NULL behind the last. */
const struct reference_cause *reference_cause_at(size_t index);
/* The cause that a failure is sent on as, 31 where RFC 3398 8.2.6.1 lists none; 0: no failure, a redirection, or 487. */
unsigned reference_cause_of_code(unsigned code);
/* The cause instead where the answer's Warning says that the bearer is what cannot be had; 0: Warning changes nothing. */
unsigned reference_cause_by_warning(unsigned code);
