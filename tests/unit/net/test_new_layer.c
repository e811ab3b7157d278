/* SPDX-License-Identifier: Apache-2.0 */
/* A layer written by the page in src/net/README.md alone: the text form of the PROXY protocol, whose one line stands before
 * everything else, and what passes is counted.  It lies under the framing, and under a layer with a handshake of its own. */
#include "support_net.h"

#include <stdlib.h>
#include <unistd.h>

enum { HEADER_MAX = 107 }; /* of its specification, version 1 */

struct proxy_counts {
    unsigned lines;
    size_t up, down;
};

struct proxy {
    char line[HEADER_MAX];
    size_t len;
    bool is_open;
};

static enum err proxy_start(struct net_layer *layer, bool client)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    if (!proxy)
        return net_layer_fail(layer, NET_CLOSE_NO_MEMORY, false);
    layer->state = proxy;
    proxy->is_open = client; /* towards others we say nothing */
    return client ? net_layer_ready(layer) : OK;
}

static bool is_good(struct span line)
{
    return span_starts_with(line, SPAN("PROXY TCP4 ")) || span_starts_with(line, SPAN("PROXY TCP6 ")) ||
           span_starts_with(line, SPAN("PROXY UNKNOWN"));
}

/* Bytes of the line, with its end, that `bytes` has; all of them are its when it is not whole yet. */
static enum err take_line(struct net_layer *layer, struct span bytes, size_t *out_used)
{
    struct proxy *proxy = layer->state;
    struct proxy_counts *counts = layer->ctx;
    size_t end = span_find(bytes, '\n');
    size_t used = end < bytes.len ? end + 1 : bytes.len;
    *out_used = used;
    if (proxy->len + used > HEADER_MAX)
        return net_layer_fail(layer, NET_CLOSE_TOO_LONG, false);
    memcpy(proxy->line + proxy->len, bytes.at, used);
    proxy->len += used;
    if (end == bytes.len)
        return OK;
    struct span line = span_make(proxy->line, proxy->len);
    if (!span_ends_with(line, SPAN("\r\n")) || !is_good(line))
        return net_layer_fail(layer, NET_CLOSE_LAYER, false);
    proxy->is_open = true;
    counts->lines++;
    return net_layer_ready(layer);
}

static enum err proxy_unwrap(struct net_layer *layer, struct span bytes)
{
    const struct proxy *proxy = layer->state;
    struct proxy_counts *counts = layer->ctx;
    size_t used = 0;
    enum err err = proxy->is_open ? OK : take_line(layer, bytes, &used);
    if (err != OK || used == bytes.len)
        return err;
    counts->up += bytes.len - used;
    return net_layer_up(layer, span_slice(bytes, used, bytes.len));
}

static enum err proxy_wrap(struct net_layer *layer, struct span bytes)
{
    struct proxy_counts *counts = layer->ctx;
    counts->down += bytes.len;
    return net_layer_down(layer, bytes);
}

static void proxy_free(struct net_layer *layer)
{
    free(layer->state);
}

static const struct net_layer_ops proxy_ops = {
    .name = "proxy",
    .start = proxy_start,
    .unwrap = proxy_unwrap,
    .wrap = proxy_wrap,
    .free = proxy_free,
};

/* A handshake that takes a turn of its own, as a costly one does: "?" is answered by "!". */
static enum err asks_start(struct net_layer *layer, bool client)
{
    (void)layer;
    (void)client;
    return OK;
}

static enum err asks_turn(struct net_layer *layer)
{
    enum err err = net_layer_down(layer, SPAN("!"));
    layer->state = layer;
    return err == OK ? net_layer_ready(layer) : err;
}

static enum err asks_unwrap(struct net_layer *layer, struct span bytes)
{
    if (layer->state)
        return net_layer_up(layer, bytes);
    if (!span_equal(bytes, SPAN("?")))
        return ERR_SYNTAX;
    net_layer_defer(layer);
    return OK;
}

static const struct net_layer_ops asks_ops = {
    .name = "asks", .start = asks_start, .unwrap = asks_unwrap, .wrap = net_layer_down, .turn = asks_turn};

static struct proxy_counts counts;
static const struct net_layer_use proxied[] = {{&proxy_ops, &counts}, {&net_layer_frame, NULL}, {NULL, NULL}};
static const struct net_layer_use proxied_asks[] = {
    {&proxy_ops, &counts}, {&asks_ops, NULL}, {&net_layer_frame, NULL}, {NULL, NULL}};

static int proxy_bench(struct bench *bench, const struct net_layer_use *layers)
{
    counts = (struct proxy_counts){0};
    bench_init(bench);
    bench->options.layers[NET_TCP] = layers;
    bench->echo = true;
    bench_open_one(bench, "tcp:127.0.0.1:0");
    return peer_open(NET_TCP, bench_address(bench, 0));
}

static void it_works_as_the_page_says(void **state)
{
    (void)state;
    struct bench bench;
    int peer = proxy_bench(&bench, proxied);
    peer_send(peer, "PROXY TCP4 192.0.2.1 ");
    bench_turns(&bench, 2);
    assert_int_equal(bench_counters(&bench)->stream_starting, 1);
    peer_send(peer, "192.0.2.2 4711 5060\r\n0005he");
    bench_until_u64(&bench, &bench_counters(&bench)->stream_started, 1);
    peer_send(peer, "llo");
    peer_expect(&bench, peer, "0005hello");
    assert_int_equal(counts.lines, 1);
    assert_int_equal(counts.up, 9);
    assert_int_equal(counts.down, 9);
    close(peer);
    bench_done(&bench);
}

static void it_lies_under_another(void **state)
{
    (void)state;
    struct bench bench;
    int peer = proxy_bench(&bench, proxied_asks);
    peer_send(peer, "PROXY UNKNOWN\r\n?");
    peer_expect(&bench, peer, "!");
    peer_send(peer, "0001x");
    peer_expect(&bench, peer, "0001x");
    close(peer);
    bench_done(&bench);
}

static void its_refusals_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum net_close reason;
    } cases[] = {
        {"GET / HTTP/1.1\r\n", NET_CLOSE_LAYER},
        {"PROXY TCP4 x\n", NET_CLOSE_LAYER},
        {"PROXY TCP4 ............................................................................................"
         "........................................................................",
         NET_CLOSE_TOO_LONG}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench bench;
        int peer = proxy_bench(&bench, proxied);
        peer_send(peer, cases[i].text);
        bench_until(&bench, &bench.closed_flows, 1);
        assert_int_equal(bench.closed_reason, cases[i].reason);
        assert_int_equal(bench_counters(&bench)->stream_starting, 0);
        close(peer);
        bench_done(&bench);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_works_as_the_page_says),
        cmocka_unit_test(it_lies_under_another),
        cmocka_unit_test(its_refusals_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
