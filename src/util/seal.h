/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts that only who has the key can read or make: AES-SIV (RFC 5297) by OpenSSL.  The same text gives the same bytes:
 * a caller that does not want that puts a few random ones in front.  Shared by any threads. */
#pragma once

#include "util/buffer.h"

enum { SEAL_KEY_LEN = 32, SEAL_EXTRA = 16 /* bytes longer than the text */ };

struct seal;

/* ERR_NOMEM, ERR_UNSUPPORTED: OpenSSL has no AES-SIV. */
MUST_CHECK enum err seal_new(const unsigned char key[SEAL_KEY_LEN], struct seal **out_seal);
void seal_free(struct seal *seal); /* NULL is fine */
/* Appends the sealed form of a text that is not empty.  ERR_NOMEM, ERR_TOO_LONG. */
MUST_CHECK enum err seal_close(const struct seal *seal, struct span text, struct buffer *out);
/* Appends the text.  ERR_INVALID: nobody sealed that; ERR_NOMEM, ERR_TOO_LONG. */
MUST_CHECK enum err seal_open(const struct seal *seal, struct span sealed, struct buffer *out);
