/* SPDX-License-Identifier: Apache-2.0 */
/* What keeping and exporting a message costs, in nanoseconds a message: an INVITE of 600 bytes and an answer of 400, as
 * they come in turn.
 *   bench_trace [RING_BYTES] */
#include "trace/trace.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 200000, ROUNDS = 15 };

static char request[600], answer[400];

static void fill(char *out, size_t len, const char *line)
{
    int used =
        snprintf(out, len, "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nCall-ID: a@b\r\nSubject: ", line);
    for (size_t i = (size_t)used; i < len; i++)
        out[i] = 'x';
}

static double best_ns(const struct trace_options *options)
{
    struct net_flow flow = {.remote.family = NET_FAMILY_IP4, .local.family = NET_FAMILY_IP4};
    double best = 1e9;
    struct trace *trace = NULL;
    if (trace_new(options, &trace) != OK)
        exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t from = clock_thread_cpu_ns();
        for (int i = 0; i < MESSAGES / 2; i++) {
            trace_put(trace, TRACE_IN, &flow, span_make(request, sizeof(request)));
            trace_put(trace, TRACE_OUT, &flow, span_make(answer, sizeof(answer)));
            if (i % 32 == 31)
                trace_turn_end(trace);
        }
        double each = (double)(clock_thread_cpu_ns() - from) / MESSAGES;
        best = each < best ? each : best;
    }
    trace_free(trace);
    return best;
}

int main(int argc, char **argv)
{
    size_t ring = argc > 1 ? strtoul(argv[1], NULL, 10) : 262144;
    struct net_address nowhere;
    fill(request, sizeof(request), "INVITE sip:a@example.com SIP/2.0");
    fill(answer, sizeof(answer), "SIP/2.0 200 OK");
    if (net_address_parse(SPAN("127.0.0.1:9"), 9, &nowhere) != OK)
        return 1;
    printf("{\"bench\":\"trace\",\"what\":\"neither\",\"ns\":%.0f}\n", best_ns(&(struct trace_options){0}));
    printf("{\"bench\":\"trace\",\"what\":\"ring of %zu\",\"ns\":%.0f}\n", ring,
           best_ns(&(struct trace_options){.ring_bytes = ring}));
    printf("{\"bench\":\"trace\",\"what\":\"hep\",\"ns\":%.0f}\n", best_ns(&(struct trace_options){.hep = &nowhere}));
    return 0;
}
