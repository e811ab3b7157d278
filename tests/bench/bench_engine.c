/* SPDX-License-Identifier: Apache-2.0 */
/* What one transaction costs inside of the engine, without sockets: parse, transactions, checks, policy, guard, answer.
 *
 *   bench_engine [options|gone|call|register|subscribe|beside|all] [ROUNDS [T1_MS]]     one JSON line each: nanoseconds of CPU a transaction
 *
 * The messages are those of an ordinary load: options (one datagram in, one out), gone (INVITE, 410, ACK), call
 * (INVITE, 200, ACK, BYE, 200), register (REGISTER, 200 once it is on the disk), subscribe (SUBSCRIBE, 200, NOTIFY, 200) and beside (as options, with a second version that
 * decides each request once more).  They come in batches of 32, as a socket hands them over, and are made outside of what
 * is measured.  tests/bench/instructions counts what runs inside of the functions called measured_. */
#include "engine_load.h"
#include "util/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 3 };

static const struct mode {
    const char *name;
    const char *steps[STEPS_MAX]; /* methods, or 200 to what was asked of us; NULL: no more */
    unsigned answers;
} modes[] = {
    {"options", {"OPTIONS"}, 1},   {"gone", {"INVITE", "ACK"}, 1},         {"call", {"INVITE", "ACK", "BYE"}, 2},
    {"register", {"REGISTER"}, 1}, {"subscribe", {"SUBSCRIBE", "200"}, 2}, {"beside", {"OPTIONS"}, 1},
};

/* A group of the batch, as a worker takes it. */
__attribute__((noinline)) static void measured_receive(struct bench *bench, unsigned from)
{
    for (unsigned i = 0; i < ENGINE_GROUP; i++)
        engine_core_read(bench->core, i, span_make(bench->texts[from + i], bench->lens[from + i]), SIP_DATAGRAM);
    for (unsigned i = 0; i < ENGINE_GROUP; i++) {
        bench->at = from + i;
        engine_core_handle(bench->core, i, &bench->flow);
    }
}

/* The end of a turn of the loop. */
__attribute__((noinline)) static void measured_turn(struct bench *bench)
{
    policy_collect(bench->policy);
    engine_core_turn_end(bench->core);
    engine_beside_turn(bench->core);
    wheel_advance(&bench->wheel, bench->clock.mono_ms);
}

/* What the disk has is answered. */
__attribute__((noinline)) static void measured_kept(struct bench *bench)
{
    bench->at = 0; /* where the answers go */
    registrar_batch_done(bench->core->registrar, bench->written);
}

static uint64_t run_step(struct bench *bench, const struct mode *mode, unsigned step, unsigned long first)
{
    const char *method = mode->steps[step];
    for (unsigned i = 0; i < BATCH; i++)
        if (method[0] == '2')
            engine_load_answer(bench, first + i);
        else
            engine_load_request(bench, method, mode->name[0] == 'g' || (strchr("ob", mode->name[0]) && i % 2),
                                first + i);
    uint64_t started = clock_thread_cpu_ns();
    for (unsigned from = 0; from < BATCH; from += ENGINE_GROUP)
        measured_receive(bench, from);
    measured_turn(bench);
    if (bench->journal) {
        engine_load_wait(bench);
        measured_kept(bench);
    }
    uint64_t ns = clock_thread_cpu_ns() - started;
    for (unsigned i = 0; i < BATCH && step == 0; i++)
        engine_load_keep_tag(bench, i);
    return ns;
}

/* `rounds` is a multiple of BATCH.  16,000 transactions a second on the clock. */
static uint64_t run(struct bench *bench, const struct mode *mode, unsigned long first, unsigned long rounds)
{
    uint64_t ns = 0;
    for (unsigned long at = first; at < first + rounds; at += BATCH) {
        for (unsigned step = 0; step < STEPS_MAX && mode->steps[step]; step++)
            ns += run_step(bench, mode, step, at);
        bench->clock.mono_ms += 2;
    }
    return ns;
}

static int measure(const struct mode *mode, unsigned long rounds, unsigned t1_ms)
{
    static struct bench bench;
    struct fault fault = {0};
    memset(&bench, 0, sizeof(bench));
    struct release_tally *tally = mode->name[0] == 'b' ? calloc(1, sizeof(*tally)) : NULL;
    struct engine_load_options options = {.t1_ms = t1_ms, .keeps = mode->name[0] == 'r', .tally = tally};
    if (engine_load_open(&bench, &options, &fault) != OK) {
        fprintf(stderr, "bench_engine: %s\n", fault.text);
        free(tally);
        return 1;
    }
    uint64_t ns = run(&bench, mode, 0, rounds);
    printf("{\"bench\":\"engine\",\"what\":\"%s\",\"ns\":%llu,\"rounds\":%lu,\"decided_twice\":%llu}\n", mode->name,
           (unsigned long long)(ns / rounds), rounds, (unsigned long long)(tally ? tally->pairs : 0));
    bool right = bench.answer_count == (uint64_t)mode->answers * rounds;
    if (!right)
        fprintf(stderr, "bench_engine: %s: %llu answers to %lu transactions\n", mode->name,
                (unsigned long long)bench.answer_count, rounds);
    engine_load_close(&bench);
    free(tally);
    return right ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "all";
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000;
    unsigned t1_ms = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 50;
    int failed = 0;
    rounds = (rounds + BATCH - 1) / BATCH * BATCH;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(which, "all") == 0 || strcmp(which, modes[i].name) == 0)
            failed |= measure(&modes[i], rounds ? rounds : BATCH, t1_ms);
    return failed;
}
