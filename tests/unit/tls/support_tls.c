/* SPDX-License-Identifier: Apache-2.0 */
#include "support_tls.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

enum { TURNS = 4000, PIECE = 512 };

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

X509 *make_certificate(const char *common_name, const char *alternatives, long seconds, EVP_PKEY **out_key)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), seconds < 0 ? seconds - 3600 : -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    if (alternatives)
        add_extension(certificate, NID_subject_alt_name, alternatives);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    *out_key = key;
    return certificate;
}

void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (certificate)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

enum err tls_bench_load(struct tls_bench *bench, X509 *certificate, EVP_PKEY *key, const char *client_ca)
{
    char *certificates[] = {bench->certificate}, *keys[] = {bench->key};
    struct tls_files files = {.certificates = certificates, .keys = keys, .count = 1, .client_ca = client_ca};
    char notes[TLS_NOTES_MAX];
    write_pem(bench->certificate, certificate, NULL);
    write_pem(bench->key, NULL, key);
    return tls_load(bench->tls, &files, notes, NULL);
}

static void on_failure(void *ctx, const struct net_flow *flow, const char *why)
{
    struct tls_bench *bench = ctx;
    (void)flow;
    bench->failures++;
    snprintf(bench->why, sizeof(bench->why), "%s", why);
}

void tls_bench_init(struct tls_bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    bench_init(&bench->net);
    strcpy(bench->folder, "/tmp/verdict-tls-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->certificate, sizeof(bench->certificate), "%s/c.pem", bench->folder);
    snprintf(bench->key, sizeof(bench->key), "%s/k.pem", bench->folder);
    bench->shown = make_certificate("sip.example.com", "DNS:sip.example.com", 3600, &bench->shown_key);
    assert_int_equal(tls_new(&bench->tls), OK);
    assert_int_equal(tls_bench_load(bench, bench->shown, bench->shown_key, NULL), OK);
    bench->worker = (struct tls_worker){
        .tls = bench->tls, .clients = bench->clients, .listener_count = 2, .ctx = bench, .on_failure = on_failure};
    bench->layers[0] = (struct net_layer_use){&tls_layer, &bench->worker};
    bench->layers[1] = (struct net_layer_use){&net_layer_frame, NULL};
    bench->net.options.layers[NET_TLS] = bench->layers;
    bench->net.echo = true;
}

void tls_bench_open(struct tls_bench *bench)
{
    static const char *const specs[] = {"tls:127.0.0.1:0", "udp:127.0.0.1:0"};
    bench_open(&bench->net, specs, 2);
}

void tls_bench_done(struct tls_bench *bench)
{
    bench_done(&bench->net);
    tls_free(bench->tls);
    X509_free(bench->shown);
    EVP_PKEY_free(bench->shown_key);
    unlink(bench->certificate);
    unlink(bench->key);
    rmdir(bench->folder);
}

void tls_peer_open(struct tls_bench *bench, struct tls_peer *peer)
{
    peer->fd = peer_open(NET_TLS, bench_address(&bench->net, 0));
    assert_int_equal(fcntl(peer->fd, F_SETFL, O_NONBLOCK), 0);
    peer->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(peer->context);
    peer->ssl = SSL_new(peer->context);
    assert_non_null(peer->ssl);
    assert_int_equal(SSL_set_fd(peer->ssl, peer->fd), 1);
}

bool tls_peer_shake(struct tls_bench *bench, struct tls_peer *peer)
{
    for (int i = 0; i < TURNS; i++) {
        int done = SSL_connect(peer->ssl);
        if (done == 1)
            return true;
        if (SSL_get_error(peer->ssl, done) != SSL_ERROR_WANT_READ)
            return false;
        bench_turns(&bench->net, 1);
    }
    fail_msg("the handshake does not end");
    return false;
}

void tls_peer_send(struct tls_peer *peer, const char *text)
{
    int len = (int)strlen(text);
    assert_int_equal(SSL_write(peer->ssl, text, len), len);
}

static int read_some(struct tls_bench *bench, struct tls_peer *peer, char *out, int cap)
{
    for (int i = 0; i < TURNS; i++) {
        int got = SSL_read(peer->ssl, out, cap);
        if (got > 0 || SSL_get_error(peer->ssl, got) != SSL_ERROR_WANT_READ)
            return got;
        bench_turns(&bench->net, 1);
    }
    fail_msg("nothing comes");
    return -1;
}

void tls_peer_expect(struct tls_bench *bench, struct tls_peer *peer, const char *text)
{
    char bytes[PIECE];
    size_t left = strlen(text);
    while (left > 0) {
        int got = read_some(bench, peer, bytes, (int)(left < PIECE ? left : PIECE));
        assert_true(got > 0);
        assert_memory_equal(bytes, text, (size_t)got);
        text += got;
        left -= (size_t)got;
    }
}

int tls_peer_end(struct tls_bench *bench, struct tls_peer *peer)
{
    char bytes[PIECE];
    int got = read_some(bench, peer, bytes, PIECE);
    assert_true(got <= 0);
    return SSL_get_error(peer->ssl, got);
}

void tls_peer_close(struct tls_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    close(peer->fd);
}
