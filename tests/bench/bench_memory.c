/* SPDX-License-Identifier: Apache-2.0 */
/* What live things take, with the whole process's memory beside what the engine counts itself:
 *
 *   bench_memory [COUNT]     finished transactions (INVITE, 410), with an ACK and without one: then each has its stored answer; default 1,000,000
 *
 * then a fifth as many calls.  One JSON line at the peak and one after all have ended: memory goes back. */
#include "engine_load.h"
#include "util/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct bench bench;

static double resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void report(const char *what, unsigned long count, double base, double counted)
{
    double bytes = resident() - base;
    printf("{\"bench\":\"memory\",\"what\":\"%s\",\"live\":%lu,\"process_bytes\":%.0f,\"process_bytes_each\":%.0f,"
           "\"counted_bytes_each\":%.0f}\n",
           what, count, bytes, count ? bytes / (double)count : 0, count ? counted / (double)count : 0);
    fflush(stdout);
}

static size_t live_transactions(void)
{
    struct txn_census census;
    txn_table_census(bench.core->txns, &census);
    return census.servers + census.clients;
}

static double counted(void)
{
    struct txn_census census;
    txn_table_census(bench.core->txns, &census);
    return (double)census.memory;
}

static void pass(uint64_t ms)
{
    for (uint64_t end = bench.clock.mono_ms + ms; bench.clock.mono_ms < end;) {
        bench.clock.mono_ms += 100;
        wheel_advance(&bench.wheel, bench.clock.mono_ms);
    }
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, calls = count / 5;
    struct fault fault = {0};
    log_set_level(LOG_ERROR); /* that nobody acknowledges is meant */
    if (engine_load_open(&bench, &(struct engine_load_options){.t1_ms = 500}, &fault) != OK) {
        fprintf(stderr, "bench_memory: %s\n", fault.text);
        return 1;
    }
    for (unsigned long i = 0; i < 6400; i += BATCH) { /* tables and VM at their size */
        engine_load_batch(&bench, "INVITE", true, i);
        engine_load_batch(&bench, "ACK", true, i);
    }
    pass(60000);
    double base = resident(), own = counted();
    /* The clock stands: none of them has ended when the last one comes. */
    for (unsigned long i = 0; i < count; i += BATCH) {
        engine_load_batch(&bench, "INVITE", true, 10000 + i);
        engine_load_batch(&bench, "ACK", true, 10000 + i);
    }
    size_t live = live_transactions();
    report("finished and acknowledged transactions", live, base, counted() - own);
    pass(60000);
    report("after them", live_transactions(), base, 0);
    bool right = live >= count && live_transactions() == 0;
    base = resident(), own = counted();
    for (unsigned long i = 0; i < count; i += BATCH) /* no ACK yet: the answer is kept to be sent again */
        engine_load_batch(&bench, "INVITE", true, 10000000 + i);
    live = live_transactions();
    report("finished, with the answer", live, base, counted() - own);
    bench.clock.mono_ms += 40000; /* at once: nothing is sent again */
    wheel_advance(&bench.wheel, bench.clock.mono_ms);
    pass(1000);
    report("after them", live_transactions(), base, 0);
    right = right && live >= count && live_transactions() == 0;
    base = resident(), own = counted();
    for (unsigned long i = 0; i < calls; i += BATCH) {
        engine_load_batch(&bench, "INVITE", false, 20000000 + i);
        engine_load_batch(&bench, "ACK", false, 20000000 + i);
    }
    pass(60000); /* the INVITEs' own transactions are over, the calls stand */
    live = call_table_count(bench.core->calls);
    report("calls", live, base, counted() - own);
    right = right && live >= calls;
    if (!right)
        fprintf(stderr, "bench_memory: not as many live as there should be\n");
    engine_load_close(&bench);
    return right ? 0 : 1;
}
