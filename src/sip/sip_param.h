/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters behind a header value: *( SEMI generic-param ), RFC 3261 25.1.  A params span starts at the first ';'
 * or is empty; it may hold folds and any white space around ';' and '='. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum { SIP_PARAMS_MAX = 64 }; /* parameters of one value; more are ERR_FULL */

struct sip_param {
    struct span name;
    struct span value; /* without the quotes, but with its backslash escapes: see sip_text_unquote */
    bool has_value;    /* "lr" has none, "lr=" is refused */
    bool quoted;
};

/* Takes the next parameter off `rest`.  ERR_NOT_FOUND at the end, ERR_SYNTAX when what stands there is no parameter. */
MUST_CHECK enum err sip_param_next(struct span *rest, struct sip_param *out_param);

/* The first parameter called `name` (in any case).  ERR_NOT_FOUND, or ERR_SYNTAX when a broken one comes before it. */
MUST_CHECK enum err sip_param_find(struct span params, struct span name, struct sip_param *out_param);

/* The value of parameter `name`, empty (at == NULL) where it is missing, broken, or without a value. */
struct span sip_param_value(struct span params, struct span name);

/* Whether the parameter is there, with or without a value. */
bool sip_param_has(struct span params, struct span name);

/* Whole grammar and cap: OK, ERR_SYNTAX or ERR_FULL; *out_at is where it stopped (may be NULL). */
MUST_CHECK enum err sip_param_check(struct span params, const char **out_at);
