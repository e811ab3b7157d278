/* SPDX-License-Identifier: Apache-2.0 */
/* Which final answers a script may choose freely, and which end more than a request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Why a script cannot send this code by reject(), as "gone {} sends it, past the guard"; NULL: it can. */
const char *reference_refusal_instead(long long code);
/* Whether a refusal with this code ends the dialog that it is sent in, or our usage of it (RFC 5057 5.1; for 408, 5.2). */
bool reference_refusal_ends_dialog(int code);
