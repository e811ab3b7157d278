/* SPDX-License-Identifier: Apache-2.0 */
/* A client that answers challenges, and a server's world with one user in it. */
#pragma once

#include "auth/auth_check.h"
#include "auth/auth_header.h"

enum { AUTH_TEST_TEXT = 4096 };

/* What the client sends; empty spans are left out of the header. */
struct auth_client {
    struct span user, realm, password;
    struct span method, request_uri, uri; /* uri empty: the Request-URI */
    struct span nonce, nc, cnonce, qop;
    struct span body;
    struct span more; /* header lines before Authorization */
    enum digest_kind kind;
    bool session;
};

/* alice@example.com with the password "secret", challenged by `nonce`. */
struct auth_client auth_client_alice(struct span nonce);

struct auth_world {
    struct auth *auth;
    struct net_address source;
    int64_t now_ms;
    unsigned lookups;
    enum err broken;            /* what the directory says, unless OK */
    struct auth_keys keys;      /* alice's */
    bool only_md5;              /* alice has no other HA1 */
    struct span ours;           /* a digest-uri that is for us as well */
    struct sip_message message; /* the last one */
    char text[AUTH_TEST_TEXT];
};

void auth_world_init(struct auth_world *world, const struct auth_options *options);
void auth_world_done(struct auth_world *world);
/* A nonce issued now; `out` is terminated. */
struct span auth_world_nonce(struct auth_world *world, char out[AUTH_NONCE_LEN + 1]);
/* Parses a request with these credentials, and one with this Authorization value or several header lines. */
void auth_world_send(struct auth_world *world, const struct auth_client *client);
void auth_world_send_raw(struct auth_world *world, const struct auth_client *client, struct span lines);
/* Checks the message; fails the test on an error. */
enum auth_outcome auth_world_check(struct auth_world *world, struct auth_result *out_result);
struct auth_question auth_world_question(struct auth_world *world);
enum auth_outcome auth_world_ask(struct auth_world *world, const struct auth_client *client);
