/* SPDX-License-Identifier: Apache-2.0 */
/* Digest challenges and credentials. */
#include "auth/auth_header.h"

#include "sip/sip_param.h"
#include "sip/sip_text.h"

/* name "=" ( token / quoted-string ).  ERR_NOT_FOUND at the end. */
static enum err take_field(const char **at, const char *end, struct sip_param *out_field)
{
    const char *next = sip_text_skip(*at, end);
    if (next == end)
        return ERR_NOT_FOUND;
    size_t len = sip_text_run(next, end, SIP_TEXT_TOKEN);
    *out_field = (struct sip_param){.name = span_make(next, len), .has_value = true};
    next = sip_text_skip(next + len, end);
    if (!len || next == end || *next != '=')
        return ERR_SYNTAX;
    next = sip_text_skip(next + 1, end);
    if (next < end && *next == '"') {
        const char *closed = sip_text_quoted_end(next, end);
        if (!closed)
            return ERR_SYNTAX;
        out_field->value = span_make(next + 1, (size_t)(closed - next) - 2);
        next = closed;
    } else {
        len = sip_text_run(next, end, SIP_TEXT_VALUE);
        if (!len)
            return ERR_SYNTAX;
        out_field->value = span_make(next, len);
        next += len;
    }
    const char *behind = sip_text_skip(next, end);
    bool comma = behind < end && *behind == ',';
    if (behind < end && !comma && (behind == next || next[-1] != '"'))
        return ERR_SYNTAX; /* behind a quoted value and a space the comma is missed by nobody; some leave it out */
    *at = comma ? behind + 1 : behind;
    return OK;
}

/* Stores a field that we know.  False when it was there before. */
static bool note_field(struct auth_header *digest, const struct sip_param *field)
{
    const struct {
        struct span name;
        struct span *value;
    } known[] = {
        {SPAN("username"), &digest->username},
        {SPAN("realm"), &digest->realm},
        {SPAN("nonce"), &digest->nonce},
        {SPAN("uri"), &digest->uri},
        {SPAN("response"), &digest->response},
        {SPAN("cnonce"), &digest->cnonce},
        {SPAN("opaque"), &digest->opaque},
        {SPAN("qop"), &digest->qop},
        {SPAN("nc"), &digest->nc},
        {SPAN("algorithm"), &digest->algorithm},
        {SPAN("domain"), &digest->domain},
        {SPAN("username*"), &digest->username_ext},
    };
    for (size_t at = 0; at < sizeof(known) / sizeof(known[0]); at++) {
        if (!span_equal_nocase(field->name, known[at].name))
            continue;
        if (known[at].value->at)
            return false;
        *known[at].value = field->value;
        return true;
    }
    if (span_equal_nocase(field->name, SPAN("userhash")))
        digest->userhash = span_equal_nocase(field->value, SPAN("true"));
    else if (span_equal_nocase(field->name, SPAN("stale")))
        digest->stale = span_equal_nocase(field->value, SPAN("true"));
    return true;
}

enum err auth_header_parse(struct span value, struct auth_header *out_digest)
{
    struct auth_header digest;
    struct sip_param field;
    const char *end = sip_text_end(value);
    size_t len = sip_text_run(value.at, end, SIP_TEXT_TOKEN);
    if (!len)
        return ERR_SYNTAX;
    memset(&digest, 0, sizeof(digest));
    digest.scheme = span_make(value.at, len);
    const char *at = sip_text_skip(value.at + len, end);
    if (at == value.at + len && at < end)
        return ERR_SYNTAX;
    digest.rest = span_make(at, (size_t)(end - at));
    digest.is_digest = span_equal_nocase(digest.scheme, SPAN("digest"));
    for (unsigned count = 0; digest.is_digest; count++) {
        enum err err = take_field(&at, end, &field);
        if (err == ERR_NOT_FOUND)
            break;
        if (err != OK || !note_field(&digest, &field))
            return ERR_SYNTAX;
        if (count == AUTH_HEADER_FIELDS_MAX)
            return ERR_FULL;
    }
    *out_digest = digest;
    return OK;
}

bool auth_header_algorithm(struct span algorithm, enum digest_kind *out_kind, bool *out_session)
{
    const struct span suffix = SPAN("-sess");
    bool session = algorithm.len > suffix.len &&
                   span_equal_nocase(span_slice(algorithm, algorithm.len - suffix.len, algorithm.len), suffix);
    if (session)
        algorithm.len -= suffix.len;
    enum digest_kind kind = DIGEST_MD5;
    if (algorithm.len)
        while (kind < DIGEST_KIND_COUNT && !span_equal_nocase(algorithm, auth_header_algorithm_text(kind)))
            kind++;
    if (kind == DIGEST_KIND_COUNT)
        return false;
    *out_kind = kind;
    *out_session = session;
    return true;
}

struct span auth_header_algorithm_text(enum digest_kind kind)
{
    static const struct span texts[DIGEST_KIND_COUNT] = {
        [DIGEST_MD5] = {"MD5", 3}, [DIGEST_SHA256] = {"SHA-256", 7}, [DIGEST_SHA512_256] = {"SHA-512-256", 11}};
    return texts[kind];
}

static void add_quoted(struct buffer *out, const char *name, struct span value)
{
    buffer_add_text(out, name);
    sip_text_quote(out, value);
}

void auth_header_add_challenge(struct buffer *out, const struct auth_header_challenge *challenge)
{
    add_quoted(out, "Digest realm=", challenge->realm);
    add_quoted(out, ", nonce=", challenge->nonce);
    if (challenge->opaque.len)
        add_quoted(out, ", opaque=", challenge->opaque);
    buffer_add_literal(out, ", algorithm=");
    buffer_add_span(out, auth_header_algorithm_text(challenge->kind));
    buffer_add_text(out, challenge->auth_int ? ", qop=\"auth,auth-int\"" : ", qop=\"auth\"");
    if (challenge->stale)
        buffer_add_literal(out, ", stale=true");
    if (challenge->userhash)
        buffer_add_literal(out, ", userhash=true");
}

void auth_header_add_credentials(struct buffer *out, const struct auth_response_input *input, struct span opaque,
                                 struct span response_hex)
{
    add_quoted(out, "Digest username=", input->username);
    add_quoted(out, ", realm=", input->realm);
    add_quoted(out, ", nonce=", input->nonce);
    add_quoted(out, ", uri=", input->uri);
    add_quoted(out, ", response=", response_hex);
    buffer_add_literal(out, ", algorithm=");
    buffer_add_span(out, auth_header_algorithm_text(input->kind));
    if (input->session)
        buffer_add_literal(out, "-sess");
    if (opaque.len)
        add_quoted(out, ", opaque=", opaque);
    if (input->cnonce.len)
        add_quoted(out, ", cnonce=", input->cnonce);
    if (!input->qop.len)
        return;
    if (!sip_text_is_clean(input->qop) || !sip_text_is_clean(input->nc))
        out->overflow = true;
    buffer_add_literal(out, ", qop=");
    buffer_add_span(out, input->qop);
    buffer_add_literal(out, ", nc=");
    buffer_add_span(out, input->nc);
}
