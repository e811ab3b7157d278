/* SPDX-License-Identifier: Apache-2.0 */
/* Message digests by OpenSSL, fetched once a thread: fetching costs more than hashing. */
#pragma once

#include "util/err.h"
#include "util/span.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_KIND_COUNT };
enum { DIGEST_MAX = 32, DIGEST_HEX_MAX = 65 };

/* Bytes of a digest of this kind. */
size_t digest_len(enum digest_kind kind);
/* Digest of all parts in a row into out[digest_len(kind)]. */
MUST_CHECK enum err digest_of(enum digest_kind kind, const struct span *parts, size_t part_count,
                              unsigned char out[DIGEST_MAX]);
/* The same as lower-case hexadecimal with a terminator. */
MUST_CHECK enum err digest_hex(enum digest_kind kind, const struct span *parts, size_t part_count,
                               char out[DIGEST_HEX_MAX]);
/* In time that does not depend on the content. */
bool digest_equal(const void *a, const void *b, size_t len);
