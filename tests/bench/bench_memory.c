/* SPDX-License-Identifier: Apache-2.0 */
/* What live things take, with the whole process's memory beside what the engine counts itself:
 *
 *   bench_memory [COUNT]     finished transactions (INVITE, 410), with an ACK and without one: then each has its stored answer; default 1,000,000
 *
 * then a fifth as many calls, bindings and subscriptions.  One JSON line at the peak and one after all have ended: memory goes back. */
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

static struct registrar_census bindings(void)
{
    struct registrar_census census;
    registrar_census(bench.core->registrar, &census);
    return census;
}

static void make(const char *method, unsigned long first, unsigned long end)
{
    for (unsigned long i = first; i < end; i += BATCH) {
        engine_load_batch(&bench, method, false, i);
        for (bench.at = 0; method[0] == 'S' && bench.at < BATCH; bench.at++) { /* the NOTIFYs' answers */
            engine_load_answer(&bench, bench.at);
            engine_core_receive(bench.core, &bench.flow, span_make(bench.texts[bench.at], bench.lens[bench.at]),
                                SIP_DATAGRAM);
        }
        bench.clock.mono_ms += 2;
        wheel_advance(&bench.wheel, bench.clock.mono_ms);
    }
}

/* `count` users with one each, in an engine of its own; what their transactions took has gone by then. */
static bool hold(const char *what, const char *method, unsigned long count)
{
    struct fault fault = {0};
    memset(&bench, 0, sizeof(bench));
    if (engine_load_open(&bench, &(struct engine_load_options){.t1_ms = 50, .users = 1000000000}, &fault) != OK) {
        fprintf(stderr, "bench_memory: %s\n", fault.text);
        return false;
    }
    bool binds = method[0] == 'R';
    make(method, 0, 64000); /* tables and transactions at their size */
    pass(10000);
    unsigned long before = binds ? bindings().bindings : notifier_count(bench.core->notifier);
    double base = resident(), own = binds ? (double)bindings().bytes : counted();
    make(method, 100000, 100000 + count);
    pass(10000);
    unsigned long live = (binds ? bindings().bindings : notifier_count(bench.core->notifier)) - before;
    report(what, live, base, (binds ? (double)bindings().bytes : counted()) - own);
    engine_load_close(&bench);
    return live >= count;
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
    engine_load_close(&bench);
    right = hold("bindings", "REGISTER", calls) && hold("subscriptions", "SUBSCRIBE", calls) && right;
    if (!right)
        fprintf(stderr, "bench_memory: not as many live as there should be\n");
    return right ? 0 : 1;
}
