/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: what comes in pieces comes to the same as what comes at once, down to the bytes that are answered; nothing is
 * ever longer than it may be, and nothing is left behind.  The connection that the layer lies on is made up here. */
#include "fuzz.h"
#include "websocket/websocket_layer.h"

enum { MESSAGE_MAX = 512, OUTPUT_MAX = 1 << 16 };

static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Protocol: sip\r\n\r\n";

/* What the layer did. */
struct world {
    uint64_t messages, output; /* digests */
    unsigned count;
    size_t output_len;
    unsigned refuse; /* every so many messages one is not taken at first; 0: all are */
    bool stalled, failed, ready;
    enum net_close reason;
};

static struct world *now;
static struct net_limits limits = {.message_max = MESSAGE_MAX};
static struct net_counters counters;

static uint64_t mix(uint64_t digest, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        digest = digest * 1099511628211u + (unsigned char)bytes.at[i] + 1;
    return digest;
}

enum err net_layer_ready(struct net_layer *layer)
{
    (void)layer;
    invariant(!now->ready);
    now->ready = true;
    return OK;
}

enum err net_layer_down(struct net_layer *layer, struct span bytes)
{
    (void)layer;
    fuzz_touch(bytes);
    now->output = mix(now->output, bytes);
    now->output_len += bytes.len;
    return now->output_len > OUTPUT_MAX ? ERR_FULL : OK;
}

bool net_layer_message(struct net_layer *layer, struct span message)
{
    (void)layer;
    invariant(!now->stalled && message.len > 0 && message.len <= MESSAGE_MAX);
    if (now->refuse && now->count % now->refuse == now->refuse - 1) {
        now->count++;
        now->stalled = true;
        return false;
    }
    fuzz_touch(message);
    now->messages = mix(now->messages * 31, message);
    now->count += now->refuse != 0;
    return true;
}

void net_layer_progress(struct net_layer *layer, bool whole, bool part_held)
{
    (void)layer;
    (void)whole;
    (void)part_held;
}

bool net_layer_must_stop(const struct net_layer *layer)
{
    (void)layer;
    return now->stalled || now->failed;
}

enum err net_layer_fail(struct net_layer *layer, enum net_close reason, bool polite)
{
    (void)layer;
    (void)polite;
    invariant(reason == NET_CLOSE_WEBSOCKET || reason == NET_CLOSE_BY_PEER);
    now->reason = reason;
    return ERR_CLOSED;
}

const struct net_limits *net_layer_limits(const struct net_layer *layer)
{
    (void)layer;
    return &limits;
}

struct net_counters *net_layer_counters(struct net_layer *layer)
{
    (void)layer;
    return &counters;
}

static void feed(struct net_layer *layer, struct span bytes)
{
    if (now->failed || bytes.len == 0)
        return;
    now->failed = websocket_layer.unwrap(layer, bytes) != OK;
    while (now->stalled && !now->failed) {
        now->stalled = false;
        now->failed = websocket_layer.resume(layer) != OK;
    }
}

static struct world run(struct span input, size_t step, unsigned refuse)
{
    struct world world = {.refuse = refuse};
    struct websocket_worker worker = {{0}, {0}};
    struct net_layer layer = {.ops = &websocket_layer, .ctx = &worker};
    now = &world;
    enum err err = websocket_layer.start(&layer, false);
    invariant(err == OK);
    feed(&layer, span_make(request, sizeof(request) - 1));
    invariant(world.ready && !world.failed);
    for (size_t at = 0; at < input.len; at += step)
        feed(&layer, span_slice(input, at, at + step < input.len ? at + step : input.len));
    if (!world.failed)
        websocket_layer.finish(&layer);
    websocket_layer.free(&layer);
    world.refuse = world.count = 0;
    return world;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2 || len > 8192)
        return 0;
    struct span input = span_make((const char *)bytes + 2, len - 2);
    struct world whole = run(input, len, 0);
    struct world pieces = run(input, bytes[0] % 32u + 1, 0);
    struct world slow = run(input, bytes[0] % 32u + 1, bytes[1] % 4u + 2);
    /* How soon a close frame with a broken reason is noticed depends on its pieces; no message comes behind it. */
    invariant(whole.messages == pieces.messages);
    /* A pong that waits is not sent behind a close frame, so what comes just before one may be answered or not. */
    invariant(whole.output == pieces.output || whole.failed || pieces.failed || whole.output_len > OUTPUT_MAX);
    invariant(slow.messages == whole.messages || whole.output_len > OUTPUT_MAX);
    return 0;
}
