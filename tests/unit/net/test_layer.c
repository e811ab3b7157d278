/* SPDX-License-Identifier: Apache-2.0 */
/* Layers as TLS will be one: a handshake, bytes that change on the way, a goodbye, and failures in each. */
#include "support_net.h"

#include <stdlib.h>
#include <unistd.h>

/* The client greets with "HELO", the server answers "EHLO"; then every byte is exclusive-ored with `key`; "BYE!" ends. */
struct toy {
    bool greeted;
    char key;
};

static unsigned toys; /* states that live */
static bool refuse_start;

static enum err toy_start(struct net_layer *layer, bool client)
{
    struct toy *toy = calloc(1, sizeof(*toy));
    if (!toy || refuse_start) {
        free(toy);
        return ERR_NOMEM;
    }
    toy->key = *(const char *)layer->ctx;
    toys++;
    layer->state = toy;
    return client ? net_layer_down(layer, SPAN("HELO")) : OK;
}

static enum err toy_wrap(struct net_layer *layer, struct span bytes)
{
    const struct toy *toy = layer->state;
    char out[256];
    while (bytes.len > 0) {
        size_t len = bytes.len < sizeof(out) ? bytes.len : sizeof(out);
        for (size_t i = 0; i < len; i++)
            out[i] = (char)(bytes.at[i] ^ toy->key);
        enum err err = net_layer_down(layer, span_make(out, len));
        if (err != OK)
            return err;
        bytes = span_slice(bytes, len, bytes.len);
    }
    return OK;
}

static enum err toy_greet(struct net_layer *layer, struct span greeting)
{
    struct toy *toy = layer->state;
    bool client = span_equal(greeting, SPAN("EHLO"));
    if (!client && !span_equal(greeting, SPAN("HELO")))
        return ERR_SYNTAX;
    toy->greeted = true;
    if (!client) {
        enum err err = net_layer_down(layer, SPAN("EHLO"));
        if (err != OK)
            return err;
    }
    return net_layer_ready(layer);
}

static enum err toy_unwrap(struct net_layer *layer, struct span bytes)
{
    const struct toy *toy = layer->state;
    char out[256];
    if (!toy->greeted) {
        enum err err = toy_greet(layer, span_slice(bytes, 0, 4));
        if (err != OK)
            return err;
        bytes = span_slice(bytes, 4, bytes.len);
    }
    while (bytes.len > 0) { /* all goes up: what is above holds what it cannot take */
        size_t len = bytes.len < sizeof(out) ? bytes.len : sizeof(out);
        for (size_t i = 0; i < len; i++)
            out[i] = (char)(bytes.at[i] ^ toy->key);
        enum err err = net_layer_up(layer, span_make(out, len));
        if (err != OK)
            return err;
        bytes = span_slice(bytes, len, bytes.len);
    }
    return OK;
}

static void toy_finish(struct net_layer *layer)
{
    enum err err = net_layer_down(layer, SPAN("BYE!"));
    (void)err; /* the connection is closed then */
}

static void toy_free(struct net_layer *layer)
{
    if (layer->state)
        toys--;
    free(layer->state);
}

static const struct net_layer_ops toy_ops = {
    .name = "toy",
    .start = toy_start,
    .unwrap = toy_unwrap,
    .wrap = toy_wrap,
    .finish = toy_finish,
    .free = toy_free,
};

static char key_of_test = 1;
static const struct net_layer_use toy_layers[] = {{&toy_ops, &key_of_test}, {&net_layer_frame, NULL}, {NULL, NULL}};
static const struct net_layer_use two_toys[] = {
    {&toy_ops, &key_of_test}, {&toy_ops, &key_of_test}, {&net_layer_frame, NULL}, {NULL, NULL}};

static void toy_bench(struct bench *bench, const struct net_layer_use *layers)
{
    toys = 0;
    refuse_start = false;
    bench_init(bench);
    bench->options.layers[NET_TLS] = layers;
    bench->echo = true;
    bench_open_one(bench, "tls:127.0.0.1:0");
}

static void bytes_pass_through_a_layer(void **state)
{
    (void)state;
    struct bench bench;
    toy_bench(&bench, toy_layers);
    int peer = peer_open(NET_TLS, bench_address(&bench, 0));
    /* The message may come with the handshake's last bytes. */
    peer_send(peer, "HELO1115idmm"); /* "0004hell", each byte ^ 1 */
    peer_expect(&bench, peer, "EHLO1115idmm");
    assert_int_equal(bench.flow.transport, NET_TLS);
    net_close_flow(bench.stack, &bench.flow);
    peer_expect(&bench, peer, "BYE!");
    peer_expect_end(&bench, peer);
    close(peer);
    bench_until(&bench, &bench.closed_flows, 1);
    bench_done(&bench);
    assert_int_equal(toys, 0);
}

static void layers_lie_upon_each_other(void **state)
{
    (void)state;
    static const struct net_layer_use *const stacks[] = {toy_layers, two_toys};
    for (unsigned i = 0; i < 2; i++) {
        struct bench bench;
        struct net_flow flow;
        char text[1001];
        toy_bench(&bench, stacks[i]);
        memset(text, 'x', sizeof(text));
        memcpy(text, "0996", 4);
        /* Sent before the handshakes, it waits for them. */
        assert_int_equal(net_connect(bench.stack, NET_TLS, bench_address(&bench, 0), &flow), OK);
        assert_int_equal(net_send(bench.stack, &flow, span_make(text, 1000)), OK);
        assert_int_equal(net_send(bench.stack, &flow, SPAN("0001y")), OK);
        bench_until(&bench, &bench.messages, 4);
        assert_int_equal(bench.bytes, 2 * 1005);
        assert_int_equal(toys, 2 * (i + 1));
        bench_done(&bench);
        assert_int_equal(toys, 0);
    }
}

static void a_layer_that_gives_up_closes(void **state)
{
    (void)state;
    struct bench bench;
    toy_bench(&bench, toy_layers);
    int peer = peer_open(NET_TLS, bench_address(&bench, 0));
    peer_send(peer, "GET / HTTP/1.0");
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_LAYER);
    peer_expect_end(&bench, peer);
    close(peer);
    refuse_start = true;
    peer = peer_open(NET_TLS, bench_address(&bench, 0));
    bench_until(&bench, &bench.closed_flows, 2);
    assert_int_equal(bench.closed_reason, NET_CLOSE_LAYER);
    close(peer);
    bench_done(&bench);
    assert_int_equal(toys, 0);
}

static void a_handshake_must_end_in_time(void **state)
{
    (void)state;
    struct bench bench;
    toy_bench(&bench, toy_layers);
    int peer = peer_open(NET_TLS, bench_address(&bench, 0));
    bench_until_u64(&bench, &bench_counters(&bench)->stream_accepted, 1);
    fake_clock_pass(&bench.fake, 10000);
    bench_until(&bench, &bench.closed_flows, 1);
    assert_int_equal(bench.closed_reason, NET_CLOSE_SLOW_START);
    close(peer);
    bench_done(&bench);
}

static void a_refused_message_waits_above_a_layer(void **state)
{
    (void)state;
    struct bench bench;
    toy_bench(&bench, toy_layers);
    bench.refuse = true;
    int peer = peer_open(NET_TLS, bench_address(&bench, 0));
    char many[4 + 200 * 5 + 1] = "HELO";
    for (int i = 0; i < 200; i++)
        memcpy(many + 4 + (size_t)i * 5, "1110y", 6);
    peer_send(peer, many);
    bench_until_u64(&bench, &bench_counters(&bench)->stream_stalls, 1);
    bench.refuse = false;
    fake_clock_pass(&bench.fake, 2);
    memcpy(many, "EHLO", 4);
    peer_expect(&bench, peer, many);
    close(peer);
    bench_done(&bench);
}

static void a_transport_without_layers_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    struct net_listen_spec spec;
    struct net_bind_options options = {.worker_count = 1};
    bench_init(&bench);
    assert_int_equal(net_listen_spec_parse(SPAN("wss:127.0.0.1:0"), &spec, NULL), OK);
    assert_int_equal(net_bind(&spec, 1, &options, &bench.listeners, NULL), OK);
    bench.options.listeners = bench.listeners;
    assert_int_equal(net_stack_new(&bench.loop, &bench.options, &bench.handlers, &bench.stack), ERR_UNSUPPORTED);
    bench_done(&bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_through_a_layer),
        cmocka_unit_test(layers_lie_upon_each_other),
        cmocka_unit_test(a_layer_that_gives_up_closes),
        cmocka_unit_test(a_handshake_must_end_in_time),
        cmocka_unit_test(a_refused_message_waits_above_a_layer),
        cmocka_unit_test(a_transport_without_layers_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
