/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/directory_warm.h"
#include "directory/directory.h"
#include "util/clock.h"
#include "util/log.h"
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void *run(void *arg)
{
    struct directory_warm *warm = arg;
    uint64_t began_ns = clock_mono_ns();
    /* On Linux this is the thread's own: what calls need of the processor goes first. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    size_t bytes = directory_warm(warm->directory, &warm->stop);
    if (bytes > 0)
        log_info("directory", "%zu MiB are in memory after %llu ms", bytes >> 20,
                 (unsigned long long)((clock_mono_ns() - began_ns) / 1000000));
    return NULL;
}

void directory_warm_start(struct directory_warm *warm, struct directory *directory)
{
    sigset_t all, before;
    if (!directory)
        return;
    warm->directory = directory;
    atomic_init(&warm->stop, false);
    sigfillset(&all); /* signals are the control thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    warm->runs = pthread_create(&warm->thread, NULL, run, warm) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void directory_warm_stop(struct directory_warm *warm)
{
    if (!warm->runs)
        return;
    atomic_store(&warm->stop, true);
    pthread_join(warm->thread, NULL);
    warm->runs = false;
}
