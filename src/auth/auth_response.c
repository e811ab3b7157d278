/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_response.h"

/* Digest of `count` texts with a colon between them. */
static enum err hash(enum digest_kind kind, const struct span *texts, size_t count, char out[DIGEST_HEX_MAX])
{
    struct span parts[11];
    size_t used = 0;
    for (size_t at = 0; at < count; at++) {
        if (at > 0)
            parts[used++] = SPAN(":");
        parts[used++] = texts[at];
    }
    return digest_hex(kind, parts, used, out);
}

/* HA1 of RFC 7616 3.4.2. */
static enum err hash_user(const struct auth_response_input *input, char out[DIGEST_HEX_MAX])
{
    struct span user[] = {input->username, input->realm, input->password};
    enum err err = OK;
    if (!input->ha1.len)
        err = hash(input->kind, user, 3, out);
    else if (!span_copy(input->ha1, out, DIGEST_HEX_MAX))
        err = ERR_TOO_LONG;
    if (err != OK || !input->session)
        return err;
    char inner[DIGEST_HEX_MAX];
    memcpy(inner, out, sizeof(inner));
    struct span session[] = {span_of(inner), input->nonce, input->cnonce};
    return hash(input->kind, session, 3, out);
}

/* HA2 of RFC 7616 3.4.3. */
static enum err hash_request(const struct auth_response_input *input, char out[DIGEST_HEX_MAX])
{
    char body[DIGEST_HEX_MAX];
    struct span parts[] = {input->method, input->uri, {body, 0}};
    if (!span_equal_nocase(input->qop, SPAN("auth-int")))
        return hash(input->kind, parts, 2, out);
    enum err err = digest_hex(input->kind, &input->body, 1, body);
    if (err != OK)
        return err;
    parts[2] = span_of(body);
    return hash(input->kind, parts, 3, out);
}

enum err auth_response(const struct auth_response_input *input, char out_hex[DIGEST_HEX_MAX])
{
    char user[DIGEST_HEX_MAX], request[DIGEST_HEX_MAX];
    enum err err = hash_user(input, user);
    if (err == OK)
        err = hash_request(input, request);
    if (err != OK)
        return err;
    struct span with_qop[] = {span_of(user), input->nonce, input->nc, input->cnonce, input->qop, span_of(request)};
    struct span without[] = {span_of(user), input->nonce, span_of(request)};
    return input->qop.len ? hash(input->kind, with_qop, 6, out_hex) : hash(input->kind, without, 3, out_hex);
}

enum err auth_response_ha1(enum digest_kind kind, struct span username, struct span realm, struct span password,
                           unsigned char out[DIGEST_MAX])
{
    const struct span parts[] = {username, SPAN(":"), realm, SPAN(":"), password};
    return digest_of(kind, parts, 5, out);
}
