/* SPDX-License-Identifier: Apache-2.0 */
/* What is spoken: TLS 1.2 and 1.3, ephemeral keys and authenticated ciphers only, no renegotiation, no compression. */
#include "tls/tls_priv.h"

#include <openssl/x509_vfy.h>
#include <string.h>

enum { CERTIFICATE_BYTES_MAX = 32768, DEPTH_MAX = 8 };

static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char suites[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

/* A key behind a password would make OpenSSL ask for it on the terminal. */
static int no_password(char *out, int cap, int writes, void *arg)
{
    (void)out;
    (void)cap;
    (void)writes;
    (void)arg;
    return 0;
}

static bool set_common(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_cert_list(context, CERTIFICATE_BYTES_MAX);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_verify_depth(context, DEPTH_MAX);
    char list[sizeof(groups)]; /* OpenSSL's macro casts to what is not const */
    memcpy(list, groups, sizeof(groups));
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers) == 1 && SSL_CTX_set_ciphersuites(context, suites) == 1 &&
           SSL_CTX_set1_groups_list(context, list) == 1;
}

/* The entry that a client asks for by name: letter for letter, else by a wildcard, else the default. */
static unsigned entry_for(const struct tls_set *set, struct span host)
{
    for (unsigned i = 0; i < set->count; i++)
        if (tls_names_have(set->entries[i].names, host))
            return i;
    for (unsigned i = 0; i < set->count; i++)
        if (tls_names_cover(set->entries[i].names, host))
            return i;
    return 0;
}

/* RFC 6066 3.  An unknown name gets the default certificate: SIP clients ask for all sorts of names, and judge themselves. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_set *set = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    unsigned chosen = entry_for(set, span_of(name));
    for (unsigned clients = 0; chosen && clients < TLS_CLIENTS_COUNT; clients++)
        if (SSL_get_SSL_CTX(ssl) == set->entries[0].contexts[clients])
            SSL_set_SSL_CTX(ssl, set->entries[chosen].contexts[clients]);
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tls_context_server(struct tls_set *set, struct span session_context)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return NULL;
    const unsigned char *id = (const unsigned char *)session_context.at;
    if (!set_common(context) || SSL_CTX_set_session_id_context(context, id, (unsigned)session_context.len) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Sessions are in the client's ticket alone: nothing to share between workers but the keys, nothing to fill up. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    tls_tickets_serve(set->tickets, context);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, set);
    return context;
}

SSL_CTX *tls_context_client(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context && !set_common(context)) {
        SSL_CTX_free(context);
        return NULL;
    }
    if (context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}
