/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer adds to the topmost Via: received and rport (RFC 3261 18.2.1, RFC 3581 4), from where the request
 * really came. */
#pragma once

#include "net/net_flow.h"
#include "sip/sip_reply.h"

enum { TXN_RECEIVED_MAX = 64 };

/* `out_text` holds the address that out_via->received borrows.  Nothing is added where sent-by already says it, unless
 * rport asks (RFC 3581: then received is a must). */
void txn_reply_via(const struct sip_message *request, const struct net_address *source,
                   char out_text[static TXN_RECEIVED_MAX], struct sip_reply_via *out_via);
