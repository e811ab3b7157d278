/* SPDX-License-Identifier: Apache-2.0 */
/* Digest header values: what can be read can be written as credentials and read again. */
#include "auth/auth_header.h"
#include "fuzz.h"
#include "sip/sip_text.h"

enum { OUT_CAP = 1 << 18 };

static char out_bytes[OUT_CAP], plain_bytes[OUT_CAP];

/* The content of a quoted value, without its escapes. */
static struct span plain(struct buffer *out, struct span quoted)
{
    size_t from = out->len;
    sip_text_unquote(out, quoted);
    return span_make(out->at + from, out->len - from);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span input = span_make((const char *)bytes, len);
    struct auth_header digest, again;
    enum digest_kind kind = DIGEST_MD5;
    bool session = false;
    char response[DIGEST_HEX_MAX];
    if (auth_header_parse(input, &digest) != OK || !digest.is_digest)
        return 0;
    const struct span parts[] = {digest.username, digest.realm, digest.nonce, digest.uri, digest.response};
    for (size_t at = 0; at < sizeof(parts) / sizeof(parts[0]); at++)
        invariant(fuzz_within(parts[at], input));
    if (!auth_header_algorithm(digest.algorithm, &kind, &session))
        return 0;
    struct buffer out = buffer_over(out_bytes, sizeof(out_bytes));
    struct buffer unquoted = buffer_over(plain_bytes, sizeof(plain_bytes));
    struct auth_response_input request = {.kind = kind,
                                          .session = session,
                                          .username = plain(&unquoted, digest.username),
                                          .realm = plain(&unquoted, digest.realm),
                                          .nonce = plain(&unquoted, digest.nonce),
                                          .uri = plain(&unquoted, digest.uri),
                                          .cnonce = plain(&unquoted, digest.cnonce),
                                          .method = SPAN("REGISTER"),
                                          .password = SPAN("secret")};
    invariant(auth_response(&request, response) == OK && strlen(response) == 2 * digest_len(kind));
    auth_header_add_credentials(&out, &request, plain(&unquoted, digest.opaque), span_of(response));
    if (out.overflow)
        return 0; /* a control byte */
    invariant(auth_header_parse(buffer_span(&out), &again) == OK);
    invariant(span_equal(plain(&unquoted, again.username), request.username));
    invariant(span_equal(plain(&unquoted, again.realm), request.realm));
    invariant(span_equal(plain(&unquoted, again.uri), request.uri));
    invariant(span_equal(again.response, span_of(response)));
    return 0;
}
