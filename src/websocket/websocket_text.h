/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "util/span.h"

/* RFC 3629: what a text frame may hold; no surrogates, nothing beyond U+10FFFF, nothing longer than it has to be. */
bool websocket_is_utf8(struct span text);
