/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded schedules of calls, by default a million: bench_simulate [COUNT [FIRST_SEED]].  A seed that breaks a promise is
 * printed; SIMULATE_SEED=N with the unit test of the same name shows it message by message. */
#include "support/call_simulator.h"

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct sim *sim = sim_new();
    uint64_t begin = clock_thread_cpu_ns();
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (sim_run(sim, seed))
            continue;
        fprintf(stderr, "%s: SIMULATE_SEED=%llu\n", sim->failure ? sim->failure : "out of memory",
                (unsigned long long)seed);
        return 1;
    }
    printf("{\"bench\":\"simulate\",\"what\":\"verdict\",\"schedules\":%llu,\"messages\":%llu,\"byes\":%llu,"
           "\"us_per_schedule\":%.1f}\n",
           (unsigned long long)sim->schedules, (unsigned long long)sim->sent, (unsigned long long)sim->byes,
           (double)(clock_thread_cpu_ns() - begin) / 1000.0 / (double)count);
    sim_free(sim);
    return 0;
}
