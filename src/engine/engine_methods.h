/* SPDX-License-Identifier: Apache-2.0 */
/* What each method gets outside a dialog before any policy is asked, and which verdict means which status for which
 * method: two tables, walked cell by cell by the tests. */
#pragma once

#include "policy/policy_decision.h"
#include "sip/sip_method.h"

enum engine_treatment {
    ENGINE_TREAT_POLICY,      /* the policy decides */
    ENGINE_TREAT_NO_DIALOG,   /* lives in a dialog only: 481 (RFC 3261 15.1.2, 3311, 3262, 6665, 6086) */
    ENGINE_TREAT_NOT_ALLOWED, /* known, not served: 405 with Allow (RFC 3261 8.2.1) */
    ENGINE_TREAT_UNKNOWN,     /* not implemented: 501 with Allow */
    ENGINE_TREAT_NEVER        /* ACK and CANCEL: never get this far */
};

enum engine_treatment engine_treatment(enum sip_method method);

/* The value of Allow. */
struct span engine_allow(void);

enum { ENGINE_STATUS_OWN = -1, ENGINE_STATUS_NONE = 0 };

/* The status that `verdict` means for `method`: a code, ENGINE_STATUS_OWN (the answer's own), or ENGINE_STATUS_NONE
 * (nothing is sent). */
int engine_status_of(enum policy_verdict verdict, enum sip_method method);
