/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_client.h"

#include "net/net_address.h"
#include "tls/tls_priv.h"
#include "util/clock.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>

struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
    bool is_open;
};

static bool is_for(X509 *certificate, struct span name)
{
    char bytes[TLS_NAMES_BYTES];
    struct buffer names = buffer_over(bytes, sizeof(bytes));
    struct net_address address;
    if (net_address_parse_ip(name, 0, &address) == OK)
        return X509_check_ip(certificate, address.ip, address.family == NET_FAMILY_IP4 ? 4 : 16, 0) == 1;
    tls_names_add(certificate, TLS_NAMES_OF_PEER, &names);
    return tls_names_have(buffer_span(&names), name);
}

static enum err check_name(struct tls_client *client, const struct tls_client_options *options, struct fault *fault)
{
    char bytes[TLS_NAMES_BYTES], text[FAULT_TEXT_MAX / 2];
    struct buffer names = buffer_over(bytes, sizeof(bytes)), list = buffer_over(text, sizeof(text));
    struct span rest, name;
    X509 *certificate = SSL_get0_peer_certificate(client->ssl);
    if (options->trusting || (certificate && is_for(certificate, span_of(options->name))))
        return OK;
    if (certificate)
        tls_names_add(certificate, TLS_NAMES_OF_PEER, &names);
    rest = buffer_span(&names);
    while (tls_names_next(&rest, &name))
        buffer_addf(&list, "%s%.*s", list.len ? ", " : "", SPAN_ARG(name));
    return fault_set(fault, ERR_DENIED, NULL, 0, "the certificate is not for %s but for %.*s", options->name,
                     SPAN_ARG(list.len && !list.overflow ? buffer_span(&list) : SPAN("nobody that could be named")));
}

static enum err refuse(const struct tls_client *client, struct fault *fault)
{
    long verified = SSL_get_verify_result(client->ssl);
    const char *why = tls_error_text();
    return fault_set(fault, ERR_DENIED, NULL, 0, "TLS: %s",
                     verified != X509_V_OK ? X509_verify_cert_error_string(verified) : why);
}

static enum err shake(struct tls_client *client, int fd, const struct tls_client_options *options, struct fault *fault)
{
    uint64_t until_ns = clock_mono_ns() + (uint64_t)options->timeout_ms * 1000000u;
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(client->ssl);
        int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(client->ssl, done);
        uint64_t now_ns = clock_mono_ns();
        if (done == 1)
            return check_name(client, options, fault);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return refuse(client, fault);
        if (now_ns >= until_ns)
            return fault_set(fault, ERR_TIMEOUT, NULL, 0, "TLS: no handshake in %d ms", options->timeout_ms);
        struct pollfd wait = {.fd = fd, .events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
        (void)poll(&wait, 1, (int)((until_ns - now_ns) / 1000000u) + 1);
    }
}

static bool set_up(struct tls_client *client, int fd, const struct tls_client_options *options)
{
    struct net_address address;
    client->context = tls_context_client();
    if (!client->context)
        return false;
    if (options->trusting)
        SSL_CTX_set_verify(client->context, SSL_VERIFY_NONE, NULL);
    client->ssl = SSL_new(client->context);
    if (!client->ssl || SSL_set_fd(client->ssl, fd) != 1)
        return false;
    bool is_address = net_address_parse_ip(span_of(options->name), 0, &address) == OK;
    /* OpenSSL copies the name; its macro casts to what is not const. */
    char *name = (char *)(uintptr_t)options->name;
    return is_address || SSL_set_tlsext_host_name(client->ssl, name) == 1;
}

static enum err believe(struct tls_client *client, const struct tls_client_options *options, struct fault *fault)
{
    SSL_CTX *context = client->context;
    int done = options->ca ? SSL_CTX_load_verify_file(context, options->ca) : SSL_CTX_set_default_verify_paths(context);
    if (done == 1)
        return OK;
    return fault_set(fault, ERR_INVALID, options->ca, 0, "no certificates in PEM can be read here (%s)",
                     tls_error_text());
}

enum err tls_client_new(int fd, const struct tls_client_options *options, struct tls_client **out_client,
                        struct fault *fault)
{
    struct tls_client *client = calloc(1, sizeof(*client));
    if (!client || !set_up(client, fd, options)) {
        tls_client_free(client);
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    }
    enum err err = believe(client, options, fault);
    if (err == OK)
        err = shake(client, fd, options, fault);
    if (err != OK) {
        tls_client_free(client);
        return err;
    }
    client->is_open = true;
    *out_client = client;
    return OK;
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    if (client->is_open)
        (void)SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    ERR_clear_error();
    free(client);
}

static long judge(struct tls_client *client, int returned)
{
    int error = SSL_get_error(client->ssl, returned);
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    client->is_open = false; /* nothing may be said any more */
    if (error == SSL_ERROR_SSL || errno == 0)
        errno = ECONNRESET;
    return -1;
}

long tls_client_read(struct tls_client *client, void *out_bytes, size_t cap)
{
    size_t got;
    ERR_clear_error();
    errno = 0;
    int done = SSL_read_ex(client->ssl, out_bytes, cap, &got);
    return done == 1 ? (long)got : judge(client, done);
}

long tls_client_write(struct tls_client *client, struct span bytes)
{
    size_t written;
    ERR_clear_error();
    errno = 0;
    int done = SSL_write_ex(client->ssl, bytes.at, bytes.len, &written);
    return done == 1 ? (long)written : judge(client, done);
}

bool tls_client_has_more(const struct tls_client *client)
{
    return SSL_has_pending(client->ssl) == 1;
}
