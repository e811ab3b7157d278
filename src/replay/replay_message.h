/* SPDX-License-Identifier: Apache-2.0 */
/* A SIP message that was found in a capture, and how SIP is told from everything else. */
#pragma once

#include "net/net_flow.h"

struct replay_message {
    struct span bytes;
    struct net_flow flow; /* `remote` sent it, `local` was to get it */
    int64_t wall_ms;      /* when its last byte was captured */
};

/* Called for each one in turn; the spans live for the call. */
typedef void (*replay_message_fn)(void *ctx, const struct replay_message *message);

enum replay_is_sip { REPLAY_IS_SIP, REPLAY_MAY_BE_SIP, REPLAY_IS_NO_SIP };

/* Whether `bytes` start as a SIP message does, with empty lines in front: a request line that ends in "SIP/2.0", or a
 * status line.  MAY_BE: it takes more bytes to say. */
enum replay_is_sip replay_is_sip(struct span bytes);
