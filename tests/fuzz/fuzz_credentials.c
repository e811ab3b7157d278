/* SPDX-License-Identifier: Apache-2.0 */
/* Authorization values in a request, judged: nothing but the right response is ever good. */
#include "auth/auth_check.h"
#include "fuzz.h"

enum { TEXT_CAP = 1 << 16 };

static char text[TEXT_CAP];
static struct sip_message message;
static struct auth_result result;

static enum err find_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys)
{
    (void)ctx;
    invariant(user.len > 0 && realm.len > 0);
    memset(out_keys, 0x5a, sizeof(*out_keys)); /* no text hashes to these */
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        out_keys->known[kind] = true;
    return OK;
}

static bool is_ours(void *ctx, struct span uri)
{
    (void)ctx;
    return uri.len % 2 == 0;
}

/* Line feeds in the input begin further header fields. */
static void add_lines(struct buffer *out, struct span input)
{
    while (input.len) {
        size_t len = span_find(input, '\n');
        buffer_add_literal(out, "Authorization: ");
        buffer_add_span(out, span_slice(input, 0, len));
        buffer_add_literal(out, "\r\n");
        input = span_slice(input, len + 1, input.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct auth *auth;
    const struct auth_options options = {.key = {1, 2},
                                         .algorithms = SPAN("MD5,SHA-256,SHA-512-256"),
                                         .nonce_ms = 300000,
                                         .nonces_max = 64,
                                         .tries_source_max = 4000,
                                         .tries_user_max = 4000,
                                         .tries_ms = 1000};
    const struct net_address source = {.ip = {192, 0, 2, 1}, .family = NET_FAMILY_IP4};
    static int64_t now_ms = 1700000000000;
    struct buffer out = buffer_over(text, sizeof(text));
    struct sip_problem problem;
    invariant(auth || auth_new(&options, &auth) == OK);
    buffer_add_literal(&out, "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                             "From: <sip:a@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n");
    add_lines(&out, span_make((const char *)bytes, len));
    buffer_add_literal(&out, "\r\n");
    if (out.overflow || sip_message_parse(&message, buffer_span(&out), SIP_DATAGRAM, &problem) != OK)
        return 0;
    now_ms += 60000; /* tries leak away, so that every input is looked at */
    struct auth_question question = {
        .message = &message, .source = &source, .now_ms = now_ms, .keys = find_keys, .is_ours = is_ours};
    invariant(auth_check(auth, &question, &result) == OK);
    invariant(result.outcome == AUTH_NONE || result.outcome == AUTH_WRONG);
    return 0;
}
