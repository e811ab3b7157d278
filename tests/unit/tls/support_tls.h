/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made in memory, the layer in a stack on loopback, and an OpenSSL client that takes turns with its loop. */
#pragma once

#include "support_net.h"

#include "tls/tls_layer.h"
#include <openssl/ssl.h>

/* A certificate of its own issuer, for so many seconds from now on (negative: long ago).  `alternatives` as openssl.cnf
 * writes them ("DNS:a,URI:sip:b"); NULL: none.  The key is for X509_free and EVP_PKEY_free to end. */
X509 *make_certificate(const char *common_name, const char *alternatives, long seconds, EVP_PKEY **out_key);

struct tls_bench {
    struct bench net;
    char folder[32];
    char certificate[64], key[64]; /* of the server, in PEM */
    X509 *shown;
    EVP_PKEY *shown_key;
    struct tls *tls;
    struct tls_worker worker;
    enum tls_clients clients[2];
    struct net_layer_use layers[3];
    unsigned failures;
    char why[128];
};

/* Everything but the sockets: a server called sip.example.com; clients have to be issued by `client_ca` (a file) if it is
 * not NULL. */
void tls_bench_init(struct tls_bench *bench);
/* Listens on tls:127.0.0.1:0 (listener 0) and udp:127.0.0.1:0 (listener 1). */
void tls_bench_open(struct tls_bench *bench);
void tls_bench_done(struct tls_bench *bench);
/* Writes a certificate and its key to files and loads them. */
enum err tls_bench_load(struct tls_bench *bench, X509 *certificate, EVP_PKEY *key, const char *client_ca);
void write_pem(const char *path, X509 *certificate, EVP_PKEY *key);

struct tls_peer {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

/* Connected, not shaken hands yet. */
void tls_peer_open(struct tls_bench *bench, struct tls_peer *peer);
/* False when either side refused. */
bool tls_peer_shake(struct tls_bench *bench, struct tls_peer *peer);
void tls_peer_send(struct tls_peer *peer, const char *text);
void tls_peer_expect(struct tls_bench *bench, struct tls_peer *peer, const char *text);
/* Reads on; returns SSL_get_error's word for what ended it. */
int tls_peer_end(struct tls_bench *bench, struct tls_peer *peer);
void tls_peer_close(struct tls_peer *peer);
