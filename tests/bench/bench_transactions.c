/* SPDX-License-Identifier: Apache-2.0 */
/* What one more transaction costs with so many alive, from a thousand to a million: INVITE, 410, ACK, in the steady state
 * (as many end as begin).  One JSON line each.  tests/bench/bench_growth.py prints this curve beside the others.
 *   bench_transactions [MOST] */
#include "engine_load.h"

#include "util/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURED = 64000, PER_MS = 16 };

static struct bench bench;

/* A confirmed transaction ends after T4, ten times T1; 32 begin every 2 ms. */
static double run(unsigned long rounds)
{
    static unsigned long number;
    uint64_t ns = 0;
    for (unsigned long i = 0; i < rounds; i += BATCH, number += BATCH) {
        for (unsigned step = 0; step < 2; step++) {
            for (unsigned at = 0; at < BATCH; at++)
                engine_load_request(&bench, step ? "ACK" : "INVITE", true, number + at);
            uint64_t began = clock_thread_cpu_ns();
            for (bench.at = 0; bench.at < BATCH; bench.at++)
                engine_core_receive(bench.core, &bench.flow, span_make(bench.texts[bench.at], bench.lens[bench.at]),
                                    SIP_DATAGRAM);
            policy_collect(bench.policy);
            wheel_advance(&bench.wheel, bench.clock.mono_ms);
            ns += clock_thread_cpu_ns() - began;
        }
        bench.clock.mono_ms += BATCH / PER_MS;
    }
    return (double)ns / (double)rounds;
}

int main(int argc, char **argv)
{
    unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    double first = 0;
    for (unsigned long live = 1000; live <= most; live *= 10) {
        struct fault fault = {0};
        memset(&bench, 0, sizeof(bench));
        struct engine_load_options options = {.t1_ms = (unsigned)(live / (PER_MS * 10) + 1)};
        if (engine_load_open(&bench, &options, &fault) != OK) {
            fprintf(stderr, "bench_transactions: %s\n", fault.text);
            return 1;
        }
        run(live + live / 10 + BATCH);
        double ns = run(MEASURED);
        struct txn_census census;
        txn_table_census(bench.core->txns, &census);
        first = first > 0 ? first : ns;
        printf("{\"bench\":\"transactions\",\"live\":%zu,\"ns\":%.0f,\"of_first\":%.2f}\n", census.servers, ns,
               ns / first);
        fflush(stdout);
        engine_load_close(&bench);
    }
    return 0;
}
