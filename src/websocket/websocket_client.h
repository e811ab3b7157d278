/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of SIP over WebSocket (RFC 7118), for a tool with one conversation: bytes in, bytes out, no sockets. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

struct websocket_client;

/* `host` for the Host field, such as "127.0.0.1:8080".  The request to upgrade lies in websocket_client_out(). */
MUST_CHECK enum err websocket_client_new(struct span host, struct websocket_client **out_client);
void websocket_client_free(struct websocket_client *client); /* NULL is fine */

/* What came from the server, in any pieces.  The fault says who refused the upgrade and how, or with which code the server
 * closed: ERR_CLOSED; ERR_SYNTAX where it speaks something else. */
MUST_CHECK enum err websocket_client_feed(struct websocket_client *client, struct span bytes, struct fault *fault);
/* Whether the upgrade is done: messages may go. */
bool websocket_client_is_open(const struct websocket_client *client);
/* The next message that has come; false: none.  Valid until the next call for this client. */
bool websocket_client_take(struct websocket_client *client, struct span *out_message);
/* One message, which is copied, as a frame.  ERR_NOMEM, ERR_CLOSED. */
MUST_CHECK enum err websocket_client_put(struct websocket_client *client, struct span message);
/* Says goodbye (1000). */
void websocket_client_finish(struct websocket_client *client);
/* What is to be sent; the caller empties it. */
struct buffer *websocket_client_out(struct websocket_client *client);
