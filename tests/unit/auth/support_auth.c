/* SPDX-License-Identifier: Apache-2.0 */
#include "support_auth.h"
#include "support/cmocka_all.h"

struct auth_client auth_client_alice(struct span nonce)
{
    return (struct auth_client){
        .user = SPAN("alice"),
        .realm = SPAN("example.com"),
        .password = SPAN("secret"),
        .method = SPAN("REGISTER"),
        .request_uri = SPAN("sip:example.com"),
        .nonce = nonce,
        .nc = SPAN("00000001"),
        .cnonce = SPAN("abc"),
        .qop = SPAN("auth"),
        .kind = DIGEST_SHA256,
    };
}

void auth_world_init(struct auth_world *world, const struct auth_options *options)
{
    struct auth_options usual = {
        .key = {11, 22},
        .algorithms = SPAN("MD5, SHA-256, SHA-512-256"),
        .nonce_ms = 300000,
        .nonces_max = 1024,
        .tries_source_max = 1000,
        .tries_user_max = 1000,
        .tries_ms = 300000,
    };
    memset(world, 0, sizeof(*world));
    world->now_ms = 1700000000000;
    world->source = (struct net_address){.ip = {192, 0, 2, 1}, .family = NET_FAMILY_IP4, .port = 5060};
    assert_int_equal(auth_new(options ? options : &usual, &world->auth), OK);
    for (enum digest_kind kind = DIGEST_MD5; kind < DIGEST_KIND_COUNT; kind++) {
        unsigned char *ha1 = world->keys.ha1[kind];
        assert_int_equal(auth_response_ha1(kind, SPAN("alice"), SPAN("example.com"), SPAN("secret"), ha1), OK);
        world->keys.known[kind] = true;
    }
}

void auth_world_done(struct auth_world *world)
{
    auth_free(world->auth);
}

struct span auth_world_nonce(struct auth_world *world, char out[AUTH_NONCE_LEN + 1])
{
    static uint64_t unique;
    auth_nonce_new(world->auth, world->now_ms, unique++, out);
    out[AUTH_NONCE_LEN] = '\0';
    return span_of(out);
}

void auth_world_send_raw(struct auth_world *world, const struct auth_client *client, struct span lines)
{
    struct buffer out = buffer_over(world->text, sizeof(world->text));
    struct sip_problem problem;
    buffer_addf(&out, "%.*s %.*s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n",
                SPAN_ARG(client->method), SPAN_ARG(client->request_uri));
    buffer_addf(&out, "To: <sip:a@h>\r\nCall-ID: x\r\nCSeq: 1 %.*s\r\n", SPAN_ARG(client->method));
    buffer_add_span(&out, client->more);
    buffer_add_span(&out, lines);
    buffer_addf(&out, "Content-Length: %zu\r\n\r\n", client->body.len);
    buffer_add_span(&out, client->body);
    assert_false(out.overflow);
    assert_int_equal(sip_message_parse(&world->message, buffer_span(&out), SIP_DATAGRAM, &problem), OK);
}

void auth_world_send(struct auth_world *world, const struct auth_client *client)
{
    char hex[DIGEST_HEX_MAX], text[AUTH_TEST_TEXT];
    struct buffer lines = buffer_over(text, sizeof(text));
    struct auth_response_input input = {
        .kind = client->kind,
        .session = client->session,
        .username = client->user,
        .realm = client->realm,
        .password = client->password,
        .nonce = client->nonce,
        .nc = client->nc,
        .cnonce = client->cnonce,
        .qop = client->qop,
        .method = client->method,
        .uri = client->uri.len ? client->uri : client->request_uri,
        .body = client->body,
    };
    assert_int_equal(auth_response(&input, hex), OK);
    buffer_add_literal(&lines, "Authorization: ");
    auth_header_add_credentials(&lines, &input, SPAN(""), span_of(hex));
    buffer_add_literal(&lines, "\r\n");
    assert_false(lines.overflow);
    auth_world_send_raw(world, client, buffer_span(&lines));
}

static enum err find_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys)
{
    struct auth_world *world = ctx;
    world->lookups++;
    if (world->broken != OK)
        return world->broken;
    if (!span_equal(user, SPAN("alice")) || !span_equal(realm, SPAN("example.com")))
        return ERR_NOT_FOUND;
    *out_keys = world->keys;
    out_keys->known[DIGEST_SHA256] = out_keys->known[DIGEST_SHA512_256] = !world->only_md5;
    return OK;
}

static bool is_ours(void *ctx, struct span uri)
{
    const struct auth_world *world = ctx;
    return world->ours.len && span_equal(uri, world->ours);
}

struct auth_question auth_world_question(struct auth_world *world)
{
    return (struct auth_question){
        .message = &world->message,
        .source = &world->source,
        .now_ms = world->now_ms,
        .ctx = world,
        .keys = find_keys,
        .is_ours = is_ours,
    };
}

enum auth_outcome auth_world_check(struct auth_world *world, struct auth_result *out_result)
{
    struct auth_question question = auth_world_question(world);
    assert_int_equal(auth_check(world->auth, &question, out_result), OK);
    return out_result->outcome;
}

enum auth_outcome auth_world_ask(struct auth_world *world, const struct auth_client *client)
{
    struct auth_result result;
    auth_world_send(world, client);
    return auth_world_check(world, &result);
}
