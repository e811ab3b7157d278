/* SPDX-License-Identifier: Apache-2.0 */
/* The layer between a stack on loopback and an OpenSSL client. */
#include "support/failing_malloc.h"
#include "support_tls.h"

#include <netinet/tcp.h>
#include <unistd.h>

enum { FAILURES_MAX = 200 };

static void messages_pass(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 2; i++) {
        struct tls_bench bench;
        struct tls_peer peer;
        static char large[40000];
        tls_bench_init(&bench);
        tls_bench_open(&bench);
        tls_peer_open(&bench, &peer);
        SSL_set_min_proto_version(peer.ssl, versions[i]);
        SSL_set_max_proto_version(peer.ssl, versions[i]);
        assert_true(tls_peer_shake(&bench, &peer));
        tls_peer_send(&peer, "0005hello0001x\r\n");
        tls_peer_expect(&bench, &peer, "0005hello0001x+");
        memset(large, 'y', sizeof(large) - 1);
        memcpy(large, "9995", 4);
        large[9999] = '\0';
        for (int part = 0; part < 9; part++) /* over many records, in pieces */
            tls_peer_send(&peer, large);
        for (int part = 0; part < 9; part++)
            tls_peer_expect(&bench, &peer, large);
        assert_int_equal(bench.net.flow.transport, NET_TLS);
        assert_int_equal(bench.net.flow.peer, 0);
        assert_int_equal(bench.worker.counters.handshakes, 1);
        net_close_flow(bench.net.stack, &bench.net.flow);
        assert_int_equal(tls_peer_end(&bench, &peer), SSL_ERROR_ZERO_RETURN); /* close_notify */
        tls_peer_close(&peer);
        bench_until(&bench.net, &bench.net.closed_flows, 1);
        tls_bench_done(&bench);
    }
}

static void a_peers_goodbye_is_understood(void **state)
{
    (void)state;
    struct tls_bench bench;
    struct tls_peer peer;
    tls_bench_init(&bench);
    tls_bench_open(&bench);
    tls_peer_open(&bench, &peer);
    assert_true(tls_peer_shake(&bench, &peer));
    tls_peer_send(&peer, "0001x");
    (void)SSL_shutdown(peer.ssl);
    tls_peer_expect(&bench, &peer, "0001x"); /* the answer still goes out */
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_closed[NET_CLOSE_BY_PEER], 1);
    tls_peer_close(&peer);
    tls_bench_done(&bench);
}

static void update_keys(struct tls_bench *bench, struct tls_peer *peer, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(SSL_key_update(peer->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        if (SSL_do_handshake(peer->ssl) != 1)
            return; /* it has been cut off */
    }
    bench_turns(&bench->net, 2);
}

static void keys_change_now_and_then(void **state)
{
    (void)state;
    struct tls_bench bench;
    struct tls_peer peer;
    tls_bench_init(&bench);
    tls_bench_open(&bench);
    tls_peer_open(&bench, &peer);
    int on = 1; /* small records are not to wait for one another */
    assert_int_equal(setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    assert_true(tls_peer_shake(&bench, &peer));
    for (int i = 0; i < 5; i++) {
        update_keys(&bench, &peer, 16);
        tls_peer_send(&peer, "0001x");
        tls_peer_expect(&bench, &peer, "0001x"); /* under the new keys of both */
        fake_clock_pass(&bench.net.fake, 60000);
    }
    update_keys(&bench, &peer, 200); /* in one read, or nearly so */
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_closed[NET_CLOSE_TLS], 1);
    tls_peer_close(&peer);
    tls_bench_done(&bench);
}

/* What was recorded of a healthy client is damaged here and there; nothing else than a clean end comes of it. */
static void damaged_records_end_the_connection(void **state)
{
    (void)state;
    static const char junk[] = "\x17\x03\x03\x00\x20 is no record that anybody sealed";
    struct tls_bench bench;
    struct tls_peer peer;
    tls_bench_init(&bench);
    tls_bench_open(&bench);
    tls_peer_open(&bench, &peer);
    assert_true(tls_peer_shake(&bench, &peer));
    tls_peer_send(&peer, "0001x");
    tls_peer_expect(&bench, &peer, "0001x");
    peer_send_bytes(peer.fd, junk, sizeof(junk) - 1);
    assert_int_equal(tls_peer_end(&bench, &peer), SSL_ERROR_SSL); /* an alert */
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_closed[NET_CLOSE_TLS], 1);
    assert_int_equal(bench.failures, 0); /* it was no handshake */
    tls_peer_close(&peer);
    tls_peer_open(&bench, &peer);
    peer_send(peer.fd, "OPTIONS sip:a@b SIP/2.0\r\n");
    bench_until(&bench.net, &bench.failures, 1);
    assert_true(bench.why[0]);
    tls_peer_close(&peer);
    tls_bench_done(&bench);
}

static bool resumes(struct tls_bench *bench, SSL_SESSION *session)
{
    struct tls_peer peer;
    tls_peer_open(bench, &peer);
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    /* A connection that ends without a goodbye spoils its session. */
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    assert_int_equal(SSL_set_session(peer.ssl, copy), 1);
    assert_true(tls_peer_shake(bench, &peer));
    bool reused = SSL_session_reused(peer.ssl) == 1;
    tls_peer_close(&peer);
    SSL_SESSION_free(copy);
    return reused;
}

static void tickets_outlive_one_change_of_keys(void **state)
{
    (void)state;
    struct tls_bench bench;
    struct tls_peer peer;
    tls_bench_init(&bench);
    tls_bench_open(&bench);
    tls_peer_open(&bench, &peer);
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    assert_true(tls_peer_shake(&bench, &peer));
    SSL_SESSION *session = SSL_get1_session(peer.ssl);
    assert_true(resumes(&bench, session));
    /* Other certificates, the same keys. */
    assert_int_equal(tls_bench_load(&bench, bench.shown, bench.shown_key, NULL), OK);
    assert_true(resumes(&bench, session));
    assert_int_equal(tls_rotate_tickets(bench.tls), OK);
    assert_true(resumes(&bench, session));
    assert_int_equal(tls_rotate_tickets(bench.tls), OK);
    assert_false(resumes(&bench, session));
    assert_int_equal(bench.worker.counters.resumed, 3);
    SSL_SESSION_free(session);
    tls_peer_close(&peer);
    tls_bench_done(&bench);
}

static void a_client_is_known_by_its_names(void **state)
{
    (void)state;
    struct tls_bench bench;
    struct tls_peer peer;
    EVP_PKEY *key;
    X509 *certificate = make_certificate("x", "DNS:trunk.example,DNS:b.example", 60, &key);
    struct span names, name;
    char file[64];
    tls_bench_init(&bench);
    snprintf(file, sizeof(file), "%s/ca.pem", bench.folder);
    write_pem(file, certificate, NULL);
    bench.clients[0] = TLS_CLIENTS_REQUIRE;
    assert_int_equal(tls_bench_load(&bench, bench.shown, bench.shown_key, file), OK);
    tls_bench_open(&bench);
    tls_peer_open(&bench, &peer);
    SSL_use_certificate(peer.ssl, certificate);
    SSL_use_PrivateKey(peer.ssl, key);
    assert_true(tls_peer_shake(&bench, &peer));
    tls_peer_send(&peer, "0001x");
    tls_peer_expect(&bench, &peer, "0001x");
    names = tls_peer_names(bench.tls, bench.net.flow.peer);
    assert_true(tls_names_next(&names, &name) && span_equal(name, SPAN("trunk.example")));
    assert_true(tls_names_next(&names, &name) && span_equal(name, SPAN("b.example")));
    assert_false(tls_names_next(&names, &name));
    tls_peer_close(&peer);
    tls_peer_open(&bench, &peer); /* without one */
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    assert_false(tls_peer_shake(&bench, &peer));
    assert_int_equal(bench.failures, 1);
    tls_peer_close(&peer);
    unlink(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    tls_bench_done(&bench);
}

/* Many hellos wait; each turn of the loop takes one, and a datagram that comes meanwhile is not behind them all. */
static void handshakes_take_turns(void **state)
{
    (void)state;
    enum { PEERS = 8 };
    struct tls_bench bench;
    struct tls_peer peers[PEERS];
    tls_bench_init(&bench);
    tls_bench_open(&bench);
    for (int i = 0; i < PEERS; i++) {
        tls_peer_open(&bench, &peers[i]);
        assert_int_equal(SSL_get_error(peers[i].ssl, SSL_connect(peers[i].ssl)), SSL_ERROR_WANT_READ);
    }
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_starting, PEERS);
    int udp = peer_open(NET_UDP, bench_address(&bench.net, 1));
    peer_send(udp, "quick");
    bench_until(&bench.net, &bench.net.datagrams, 1);
    assert_true(bench.worker.counters.handshakes < PEERS);
    for (int i = 0; i < PEERS; i++) {
        assert_true(tls_peer_shake(&bench, &peers[i]));
        tls_peer_send(&peers[i], "0001x");
        tls_peer_expect(&bench, &peers[i], "0001x");
        tls_peer_close(&peers[i]);
    }
    assert_int_equal(bench.worker.counters.handshakes, PEERS);
    assert_int_equal(bench_counters(&bench.net)->stream_starting, 0);
    close(udp);
    tls_bench_done(&bench);
}

static void too_many_of_one_source_are_refused(void **state)
{
    (void)state;
    struct tls_bench bench;
    int peers[4];
    tls_bench_init(&bench);
    bench.net.options.limits.starting_per_source_max = 3;
    bench.net.options.limits.starts_per_source_max = 5;
    tls_bench_open(&bench);
    for (int i = 0; i < 4; i++)
        peers[i] = peer_open(NET_TLS, bench_address(&bench.net, 0));
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_closed[NET_CLOSE_BUSY], 1);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
    bench_until(&bench.net, &bench.net.closed_flows, 4);
    /* Two more in this second, and none behind them. */
    for (int i = 0; i < 3; i++) {
        peers[i] = peer_open(NET_TLS, bench_address(&bench.net, 0));
        bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_accepted, 5 + (uint64_t)i);
    }
    bench_until_u64(&bench.net, &bench_counters(&bench.net)->stream_closed[NET_CLOSE_BUSY], 2);
    fake_clock_pass(&bench.net.fake, 1000);
    struct tls_peer peer;
    tls_peer_open(&bench, &peer);
    assert_true(tls_peer_shake(&bench, &peer));
    tls_peer_close(&peer);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    tls_bench_done(&bench);
}

static void we_connect_to_whom_we_mean(void **state)
{
    (void)state;
    struct tls_bench bench;
    struct net_flow flow;
    tls_bench_init(&bench);
    char *certificates[] = {bench.certificate}, *keys[] = {bench.key};
    struct tls_files files = {.certificates = certificates, .keys = keys, .count = 1, .server_ca = bench.certificate};
    char notes[TLS_NOTES_MAX];
    assert_int_equal(tls_load(bench.tls, &files, notes, NULL), OK);
    tls_bench_open(&bench);
    struct net_target target = {NET_TLS, *bench_address(&bench.net, 0), SPAN("SIP.example.com")};
    assert_int_equal(net_connect_to(bench.net.stack, &target, &flow), OK);
    assert_int_equal(net_send(bench.net.stack, &flow, SPAN("0005hello")), OK);
    bench_until(&bench.net, &bench.net.messages, 2); /* the server's, and its echo */
    assert_int_equal(bench.worker.counters.connected, 1);
    static const struct span wrong[] = {{"other.example.com", 17}, {"", 0}, {"127.0.0.1", 9}};
    for (unsigned i = 0; i < 3; i++) {
        target.name = wrong[i];
        assert_int_equal(net_connect_to(bench.net.stack, &target, &flow), OK);
        assert_int_equal(net_send(bench.net.stack, &flow, SPAN("0006secret")), OK);
        bench_until(&bench.net, &bench.failures, i + 1);
    }
    assert_int_equal(bench.net.messages, 2);
    tls_bench_done(&bench);
}

/* With each allocation of ours failing once, a connection may be lost, and nothing else. */
static void without_memory_one_connection_is_lost(void **state)
{
    (void)state;
    bool complete = false;
    for (unsigned n = 1; !complete && n < FAILURES_MAX; n++) {
        struct tls_bench bench;
        struct tls_peer peer;
        tls_bench_init(&bench);
        tls_bench_open(&bench);
        tls_peer_open(&bench, &peer);
        failing_malloc_at(n);
        bool shaken = tls_peer_shake(&bench, &peer);
        if (shaken && SSL_write(peer.ssl, "0001x", 5) == 5)
            bench_turns(&bench.net, 6);
        complete = !failing_malloc_off();
        tls_peer_close(&peer);
        tls_peer_open(&bench, &peer);
        assert_true(tls_peer_shake(&bench, &peer));
        tls_peer_send(&peer, "0001z");
        tls_peer_expect(&bench, &peer, "0001z");
        tls_peer_close(&peer);
        tls_bench_done(&bench);
    }
    assert_true(complete);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_pass),
        cmocka_unit_test(a_peers_goodbye_is_understood),
        cmocka_unit_test(keys_change_now_and_then),
        cmocka_unit_test(damaged_records_end_the_connection),
        cmocka_unit_test(tickets_outlive_one_change_of_keys),
        cmocka_unit_test(a_client_is_known_by_its_names),
        cmocka_unit_test(handshakes_take_turns),
        cmocka_unit_test(too_many_of_one_source_are_refused),
        cmocka_unit_test(we_connect_to_whom_we_mean),
        cmocka_unit_test(without_memory_one_connection_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
