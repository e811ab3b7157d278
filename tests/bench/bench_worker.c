/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to hand a message to another worker: worker 0 posts bursts of a size, worker 1 counts, and each burst is
 * sent when the one before has been acknowledged.  CPU time of both threads a message.
 *   bench_worker [MESSAGES] */
#include "worker/worker_group.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { REQUEST = 500, KIND_MESSAGE, KIND_LAST, KIND_ACK };

struct side {
    uint64_t cpu_ns;
};

struct bench {
    struct worker_group *group;
    unsigned burst;
    uint64_t left;
    uint64_t received;
    struct side sides[2];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void burst(struct bench *bench, struct worker *worker)
{
    static char bytes[REQUEST];
    for (unsigned i = 0; i < bench->burst; i++) {
        struct worker_post post = {.bytes = span_make(bytes, REQUEST),
                                   .kind = (uint16_t)(i + 1 == bench->burst ? KIND_LAST : KIND_MESSAGE)};
        if (worker_post(worker, 1, &post) != OK)
            abort();
    }
}

static void on_post(void *ctx, struct worker *worker, const struct worker_post *post)
{
    struct bench *bench = ctx;
    struct worker_post ack = {.kind = KIND_ACK, .answer = true};
    if (post->kind == KIND_ACK) {
        bench->left -= bench->left < bench->burst ? bench->left : bench->burst;
        if (bench->left > 0) {
            burst(bench, worker);
            return;
        }
        pthread_mutex_lock(&bench->lock);
        bench->done = true;
        pthread_cond_signal(&bench->changed);
        pthread_mutex_unlock(&bench->lock);
        return;
    }
    bench->received++;
    if (post->kind == KIND_LAST && worker_post(worker, post->from, &ack) != OK)
        abort();
}

static enum err on_start(void *ctx, struct worker *worker)
{
    (void)ctx;
    (void)worker;
    return OK;
}

static void on_stop(void *ctx, struct worker *worker)
{
    (void)ctx;
    (void)worker;
}

static void begin(struct worker *worker, void *arg)
{
    burst(arg, worker);
}

static void read_cpu(struct worker *worker, void *arg)
{
    struct bench *bench = arg;
    bench->sides[worker_index(worker)].cpu_ns = clock_thread_cpu_ns();
}

static double measure(unsigned burst_len, uint64_t messages)
{
    struct bench bench = {.burst = burst_len, .left = messages};
    struct worker_group_options options = {
        .count = 2, .ops = {.ctx = &bench, .on_start = on_start, .on_stop = on_stop, .on_post = on_post}};
    pthread_mutex_init(&bench.lock, NULL);
    pthread_cond_init(&bench.changed, NULL);
    if (worker_group_new(&options, &bench.group, NULL) != OK || worker_run(bench.group, 0, begin, &bench) != OK)
        abort();
    pthread_mutex_lock(&bench.lock);
    while (!bench.done)
        pthread_cond_wait(&bench.changed, &bench.lock);
    pthread_mutex_unlock(&bench.lock);
    if (worker_run_wait_all(bench.group, read_cpu, &bench) != OK)
        abort();
    worker_group_free(bench.group);
    return (double)(bench.sides[0].cpu_ns + bench.sides[1].cpu_ns) / (double)bench.received;
}

int main(int argc, char **argv)
{
    static const unsigned bursts[] = {1, 8, 64};
    uint64_t messages = argc > 1 ? (uint64_t)strtoull(argv[1], NULL, 10) : 200000;
    for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
        printf("{\"bench\":\"worker\",\"what\":\"hand over, bursts of %u\",\"ns\":%.0f}\n", bursts[i],
               measure(bursts[i], messages));
    return 0;
}
