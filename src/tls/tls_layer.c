/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_layer.h"

#include "tls/tls_priv.h"
#include "util/invariant.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
    PLAIN_BYTES = 16384,        /* a record's plaintext */
    HELD_BYTES_MAX = 2 * 65536, /* of a handshake that waits for its turn: what one read brings, and some */
    KEY_UPDATES_MAX = 16,       /* of a peer's in ... */
    KEY_UPDATES_MS = 60000,
};

struct session {
    struct tls_pipe pipe;
    SSL *ssl;
    struct tls_set *set;
    struct tls *tls;
    struct buffer held;   /* of the handshake; empty once it is done */
    uint16_t peer;        /* counted in tls->identities */
    unsigned key_updates; /* since `updates_ms` */
    uint64_t updates_ms;
    bool is_open;
    bool is_broken; /* after a fatal error nothing may be said any more, not even goodbye */
};

static struct tls_worker *worker_of(const struct net_layer *layer)
{
    return layer->ctx;
}

static SSL_CTX *context_for(const struct net_layer *layer, const struct tls_set *set)
{
    const struct tls_worker *worker = worker_of(layer);
    const struct net_flow *flow = net_layer_flow(layer);
    if (flow->outgoing)
        return set->client;
    invariant(flow->listener < worker->listener_count);
    return set->count ? set->entries[0].contexts[worker->clients[flow->listener]] : NULL;
}

/* An address is nothing to ask for by name (RFC 6066 3). */
static bool name_server(SSL *ssl, struct span name)
{
    struct net_address address;
    char text[NET_NAME_MAX + 1];
    if (name.len == 0 || net_address_parse_ip(name, 0, &address) == OK)
        return true;
    return span_copy(name, text, sizeof(text)) && SSL_set_tlsext_host_name(ssl, text) == 1;
}

/* A new key for the price of a few bytes, and one of ours with it: nobody needs one more often than once in many gigabytes
 * (RFC 8446 5.5).  Over the limit OpenSSL gets nothing more to read, and read_all() ends the connection. */
static void on_record(int write, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
    struct session *session = arg;
    (void)version;
    (void)ssl;
    if (write || type != SSL3_RT_HANDSHAKE || len == 0 || *(const unsigned char *)bytes != SSL3_MT_KEY_UPDATE)
        return;
    uint64_t now_ms = net_layer_now_ms(session->pipe.layer);
    if (now_ms - session->updates_ms >= KEY_UPDATES_MS) {
        session->updates_ms = now_ms;
        session->key_updates = 0;
    }
    if (++session->key_updates > KEY_UPDATES_MAX)
        session->pipe.incoming = span_make(NULL, 0);
}

static bool set_up(struct net_layer *layer, struct session *session, bool client)
{
    const struct tls_worker *worker = worker_of(layer);
    session->tls = worker->tls;
    session->set = tls_set_take(worker->tls);
    SSL_CTX *context = session->set ? context_for(layer, session->set) : NULL;
    session->ssl = context ? SSL_new(context) : NULL;
    BIO *bio = session->ssl ? tls_bio_new(worker->tls->bio, &session->pipe) : NULL;
    if (!bio)
        return false;
    SSL_set_bio(session->ssl, bio, bio);
    SSL_set_msg_callback(session->ssl, on_record);
    SSL_set_msg_callback_arg(session->ssl, session);
    if (client)
        SSL_set_connect_state(session->ssl);
    else
        SSL_set_accept_state(session->ssl);
    return !client || name_server(session->ssl, net_layer_name(layer));
}

static enum err start(struct net_layer *layer, bool client)
{
    struct session *session = calloc(1, sizeof(*session));
    if (!session)
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    layer->state = session;
    session->pipe.layer = layer;
    session->held = buffer_heap(HELD_BYTES_MAX);
    if (!set_up(layer, session, client)) {
        ERR_clear_error();
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    }
    if (client)
        net_layer_defer(layer);
    return OK;
}

static void free_state(struct net_layer *layer)
{
    struct session *session = layer->state;
    if (!session)
        return;
    if (session->peer)
        tls_identities_give(session->tls->identities, session->peer, net_layer_now_ms(layer));
    SSL_free(session->ssl); /* with its BIO */
    tls_set_unref(session->set);
    buffer_done(&session->held);
    free(session);
    layer->state = NULL;
}

static enum err fail(struct net_layer *layer, const char *why)
{
    struct tls_worker *worker = worker_of(layer);
    struct session *session = layer->state;
    session->is_broken = true;
    if (!session->is_open) {
        worker->counters.failed++;
        if (worker->on_failure)
            worker->on_failure(worker->ctx, net_layer_flow(layer), why);
    }
    return net_layer_fail(layer, NET_CLOSE_TLS, true); /* an alert may be waiting to be sent */
}

/* OpenSSL's word for a handshake that failed; where it was for the peer's certificate, what is wrong with that. */
static enum err fail_by_openssl(struct net_layer *layer)
{
    const struct session *session = layer->state;
    char text[160];
    long verified = SSL_get_verify_result(session->ssl);
    const char *why = tls_error_text();
    if (verified == X509_V_OK)
        return fail(layer, why);
    (void)snprintf(text, sizeof(text), "%s: %s", why, X509_verify_cert_error_string(verified));
    return fail(layer, text);
}

/* What OpenSSL's call came to, when it did not succeed. */
static enum err judge(struct net_layer *layer, int returned)
{
    struct session *session = layer->state;
    switch (SSL_get_error(session->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return OK;
    case SSL_ERROR_ZERO_RETURN:
        return net_layer_fail(layer, NET_CLOSE_BY_PEER, true);
    case SSL_ERROR_SSL:
        return fail_by_openssl(layer);
    default:
        /* Our own BIO: the connection was closed beneath it. */
        ERR_clear_error();
        session->is_broken = true;
        return ERR_CLOSED;
    }
}

/* RFC 5922 7.3: whom we meant to reach has to be whom the certificate is for. */
static bool is_whom_we_mean(const struct net_layer *layer, X509 *certificate)
{
    char bytes[TLS_NAMES_BYTES];
    struct buffer names = buffer_over(bytes, sizeof(bytes));
    struct net_address address;
    struct span name = net_layer_name(layer);
    if (name.len == 0 || !certificate)
        return false;
    if (net_address_parse_ip(name, 0, &address) == OK)
        return X509_check_ip(certificate, address.ip, address.family == NET_FAMILY_IP4 ? 4 : 16, 0) == 1;
    tls_names_add(certificate, TLS_NAMES_OF_PEER, &names);
    return tls_names_have(buffer_span(&names), name);
}

static void name_peer(struct net_layer *layer, X509 *certificate)
{
    struct session *session = layer->state;
    char bytes[TLS_NAMES_BYTES];
    struct buffer names = buffer_over(bytes, sizeof(bytes));
    if (!certificate || SSL_get_verify_result(session->ssl) != X509_V_OK)
        return;
    worker_of(layer)->counters.with_clients++;
    tls_names_add(certificate, TLS_NAMES_OF_PEER, &names);
    session->peer = tls_identities_take(session->tls->identities, buffer_span(&names), net_layer_now_ms(layer));
    net_layer_set_peer(layer, session->peer);
}

static enum err on_shaken(struct net_layer *layer)
{
    struct session *session = layer->state;
    struct tls_worker *worker = worker_of(layer);
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    bool client = net_layer_flow(layer)->outgoing;
    if (client && !is_whom_we_mean(layer, certificate))
        return fail(layer, "the certificate is not for the name that was asked for");
    if (!client)
        name_peer(layer, certificate);
    session->is_open = true;
    worker->counters.connected += client;
    worker->counters.handshakes += !client;
    worker->counters.resumed += !client && SSL_session_reused(session->ssl);
    return net_layer_ready(layer);
}

/* Gives all that has come upwards. */
static enum err read_all(struct net_layer *layer)
{
    const struct session *session = layer->state;
    char plain[PLAIN_BYTES];
    size_t got;
    for (;;) {
        ERR_clear_error();
        int done = SSL_read_ex(session->ssl, plain, sizeof(plain), &got);
        if (session->key_updates > KEY_UPDATES_MAX)
            return fail(layer, "too many KeyUpdates");
        if (done != 1)
            return judge(layer, done);
        enum err err = net_layer_up(layer, span_make(plain, got));
        if (err != OK)
            return err;
    }
}

static enum err turn(struct net_layer *layer)
{
    struct session *session = layer->state;
    session->pipe.incoming = buffer_span(&session->held);
    ERR_clear_error();
    int done = SSL_do_handshake(session->ssl);
    enum err err = done == 1 ? on_shaken(layer) : judge(layer, done);
    /* The first message may have come with the handshake's last bytes. */
    if (err == OK && session->is_open)
        err = read_all(layer);
    buffer_done(&session->held);
    session->pipe.incoming = span_make(NULL, 0);
    return err;
}

static enum err unwrap(struct net_layer *layer, struct span bytes)
{
    struct session *session = layer->state;
    if (!session->is_open) {
        buffer_add_span(&session->held, bytes);
        if (session->held.overflow)
            return net_layer_fail(layer, NET_CLOSE_TOO_LONG, false);
        net_layer_defer(layer);
        return OK;
    }
    session->pipe.incoming = bytes;
    enum err err = read_all(layer);
    session->pipe.incoming = span_make(NULL, 0);
    return err;
}

static enum err wrap(struct net_layer *layer, struct span bytes)
{
    const struct session *session = layer->state;
    size_t written;
    if (bytes.len == 0)
        return OK;
    ERR_clear_error();
    int done = SSL_write_ex(session->ssl, bytes.at, bytes.len, &written);
    if (done != 1)
        return judge(layer, done);
    invariant(written == bytes.len);
    return OK;
}

static void finish(struct net_layer *layer)
{
    const struct session *session = layer->state;
    if (!session->is_broken)
        (void)SSL_shutdown(session->ssl); /* close_notify; the peer's is not waited for */
    ERR_clear_error();
}

const struct net_layer_ops tls_layer = {
    .name = "tls",
    .start = start,
    .unwrap = unwrap,
    .wrap = wrap,
    .turn = turn,
    .finish = finish,
    .free = free_state,
};
