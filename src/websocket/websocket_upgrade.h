/* SPDX-License-Identifier: Apache-2.0 */
/* The request by which HTTP becomes WebSocket (RFC 6455 4.2, RFC 7118 4), and what is answered.  A pure function over bytes:
 * small, strict, without memory of its own. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

enum {
    WEBSOCKET_UPGRADE_MAX = 8192, /* bytes of a request's head */
    WEBSOCKET_FIELDS_MAX = 64,    /* header fields */
    WEBSOCKET_KEY_LEN = 24        /* of Sec-WebSocket-Key: 16 bytes in base64 */
};

/* Web pages that may connect, as browsers name them: "https://phone.example.com".  None: all. */
struct websocket_origins {
    char *const *items;
    unsigned count;
};

struct websocket_upgrade {
    unsigned status; /* 101, or what it is refused with: 400, 403, 405, 426, 431 */
    const char *why; /* of a refusal: a sentence for the peer's log */
    size_t len;      /* bytes of the head; what follows are frames */
    struct span key; /* Sec-WebSocket-Key, in the request's bytes */
    bool wants_13;   /* 426 for another version than 13 */
};

/* ERR_AGAIN: the head is not whole yet.  OK: *out_upgrade says what to answer. */
MUST_CHECK enum err websocket_upgrade_read(struct span bytes, const struct websocket_origins *origins,
                                           struct websocket_upgrade *out_upgrade);
/* Appends the value of Sec-WebSocket-Accept for a key of WEBSOCKET_KEY_LEN bytes: the key and the protocol's own constant, by
 * SHA-1 and base64 (RFC 6455 4.2.2).  ERR_IO: no SHA-1. */
MUST_CHECK enum err websocket_upgrade_add_accept(struct span key, struct buffer *out);
/* Appends the answer; `out` overflows only where it is smaller than 512 bytes.  ERR_IO: no SHA-1. */
MUST_CHECK enum err websocket_upgrade_answer(const struct websocket_upgrade *upgrade, struct buffer *out);
