/* SPDX-License-Identifier: Apache-2.0 */
/* A generator of load for loopback: texts of requests with a number in them, and ways to send them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLOOD_TEXT_MAX = 2048, FLOOD_CONNECTIONS_MAX = 10240 };

enum flood_kind { FLOOD_OPTIONS, FLOOD_MESSAGE, FLOOD_CALL };

struct flood_text {
    const char *at;
    size_t len;
};

struct flood_way;

/* Sends one message by connection `at` (UDP: by socket); false: it would have had to wait too long.  What belongs to a call is
 * `urgent`: it may wait. */
bool flood_way_send(struct flood_way *way, unsigned at, struct flood_text text, bool urgent);
/* Whatever was collected leaves. */
void flood_way_flush(struct flood_way *way);
/* Waits at most so long; each message goes to `on_message` with the connection that it came by. */
typedef void (*flood_message_fn)(void *ctx, unsigned at, char *text, size_t len);
void flood_way_take(struct flood_way *way, int timeout_ms, flood_message_fn on_message, void *ctx);

struct flood_way_options {
    const char *source, *host; /* addresses of 127.0.0.0/8 */
    unsigned port, connections;
    bool tcp;
};
/* NULL: it was said on standard error why. */
struct flood_way *flood_way_open(const struct flood_way_options *options);
unsigned flood_way_port(const struct flood_way *way, unsigned at);
void flood_way_close(struct flood_way *way);

uint64_t flood_now_ns(void);
