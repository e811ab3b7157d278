/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog.  Each thread that runs decisions has a slot; `state` is twice the number of its decision, odd while Lua
 * runs.  The watchdog takes the thread's CPU time when it first sees a decision (at most a tick after its start) and
 * signals once its limit, less half a tick, is used up: so a kill comes between 4 and 6 ms of CPU time.
 *
 * Thread-local variables: a signal handler has no context of its own. */
#include "vm/vm_watchdog.h"
#include "util/clock.h"
#include "vm/vm_priv.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 2 * 1000 * 1000, FINE_NS = 100 * 1000, MS_NS = 1000 * 1000, PRIORITY = -10 };

struct vm_watch_slot {
    _Alignas(64) _Atomic uint64_t state;
    _Atomic uint64_t limit_ns;
    _Atomic uint64_t kill_number; /* the decision that the signal under way is for */
    bool taken;                   /* this and the next two under the watchdog's lock */
    pthread_t thread;
    clockid_t cpu_clock;
    uint64_t last_number; /* the thread's own: given out so far */
    /* The watchdog's own notes. */
    uint64_t seen_state;
    uint64_t seen_number;
    uint64_t began_ns;
    uint64_t killed_number;
};

struct vm_watchdog {
    _Atomic bool asleep;
    _Atomic bool closing;
    _Atomic uint64_t kills;
    uint64_t id; /* tells it from one that was freed and had the same address */
    sem_t wake;
    pthread_t thread;
    pthread_mutex_t lock; /* of giving out slots and looking at them; no decision ever takes it */
    struct vm_watch_slot slots[VM_WATCHDOG_THREADS];
};

struct vm_watch_local {
    struct vm_watchdog *watchdog;
    uint64_t id;
    struct vm_watch_slot *slot;
    struct vm *volatile running;
};

static _Thread_local struct vm_watch_local local;

/* Only marks and lua_sethook, which is made for this.  A signal that comes late finds another decision's number. */
static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    struct vm *vm = local.running;
    if (vm && vm->watch_number == atomic_load_explicit(&local.slot->kill_number, memory_order_relaxed)) {
        int none = VM_NONE;
        atomic_compare_exchange_strong(&vm->stop, &none, VM_CLOCK);
        lua_sethook(vm->state, vm_on_count, LUA_MASKCOUNT, 1);
    }
    errno = saved;
}

static uint64_t cpu_ns(clockid_t clock)
{
    struct timespec at;
    if (clock_gettime(clock, &at) != 0)
        return 0; /* the thread has ended */
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* How long the watchdog may sleep for this slot's sake; 0: it saw nothing that runs or ran. */
static uint64_t look_at(struct vm_watchdog *watchdog, struct vm_watch_slot *slot)
{
    uint64_t state = atomic_load(&slot->state);
    bool changed = state != slot->seen_state;
    slot->seen_state = state;
    if (!(state & 1))
        return changed ? TICK_NS : 0;
    uint64_t now = cpu_ns(slot->cpu_clock);
    if (state >> 1 != slot->seen_number) {
        slot->seen_number = state >> 1;
        slot->began_ns = now;
        return TICK_NS;
    }
    uint64_t limit = atomic_load_explicit(&slot->limit_ns, memory_order_relaxed) - TICK_NS / 2;
    uint64_t used = now - slot->began_ns;
    if (used < limit)
        return limit - used < FINE_NS ? FINE_NS : limit - used < TICK_NS ? limit - used : TICK_NS;
    if (slot->killed_number != slot->seen_number)
        atomic_fetch_add_explicit(&watchdog->kills, 1, memory_order_relaxed);
    slot->killed_number = slot->seen_number;
    atomic_store_explicit(&slot->kill_number, slot->seen_number, memory_order_relaxed);
    pthread_kill(slot->thread, SIGURG); /* again at the next tick: a call of lua_sethook may have been interrupted */
    return FINE_NS;
}

static uint64_t look_at_all(struct vm_watchdog *watchdog)
{
    uint64_t sleep_ns = 0;
    pthread_mutex_lock(&watchdog->lock);
    for (int i = 0; i < VM_WATCHDOG_THREADS; i++) {
        if (!watchdog->slots[i].taken)
            continue;
        uint64_t wanted = look_at(watchdog, &watchdog->slots[i]);
        if (wanted && (!sleep_ns || wanted < sleep_ns))
            sleep_ns = wanted;
    }
    pthread_mutex_unlock(&watchdog->lock);
    return sleep_ns;
}

/* After saying that it sleeps it looks once more, so that no decision starts unseen in between. */
static void sleep_until_woken(struct vm_watchdog *watchdog)
{
    atomic_store(&watchdog->asleep, true);
    if (look_at_all(watchdog) == 0 && !atomic_load(&watchdog->closing))
        while (sem_wait(&watchdog->wake) != 0 && errno == EINTR)
            ;
    atomic_store(&watchdog->asleep, false);
}

/* To be on time on a busy machine; what the process may not do is left undone.  The thread works for a microsecond every
 * two milliseconds, so it takes nothing from anybody. */
static void hurry(void)
{
    const struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) != 0)
        setpriority(PRIO_PROCESS, (id_t)gettid(), PRIORITY);
}

static void *watch(void *ctx)
{
    struct vm_watchdog *watchdog = ctx;
    hurry();
    while (!atomic_load(&watchdog->closing)) {
        uint64_t sleep_ns = look_at_all(watchdog);
        if (sleep_ns) {
            struct timespec span = {.tv_nsec = (long)sleep_ns};
            nanosleep(&span, NULL);
        } else {
            sleep_until_woken(watchdog);
        }
    }
    return NULL;
}

static enum err install_handler(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(SIGURG, &action, NULL) == 0 ? OK : ERR_IO;
}

/* The thread takes no signals: they are the process's other threads' to handle. */
static int start_thread(struct vm_watchdog *watchdog)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum err vm_watchdog_new(struct vm_watchdog **out_watchdog)
{
    struct vm_watchdog *watchdog = aligned_alloc(64, sizeof(*watchdog));
    if (!watchdog)
        return ERR_NOMEM;
    memset(watchdog, 0, sizeof(*watchdog));
    watchdog->id = clock_mono_ns();
    enum err err = install_handler();
    if (err != OK)
        goto fail;
    err = ERR_NOMEM;
    if (sem_init(&watchdog->wake, 0, 0) != 0)
        goto fail;
    pthread_mutex_init(&watchdog->lock, NULL);
    if (start_thread(watchdog) != 0)
        goto fail_thread;
    *out_watchdog = watchdog;
    return OK;
fail_thread:
    pthread_mutex_destroy(&watchdog->lock);
    sem_destroy(&watchdog->wake);
fail:
    free(watchdog);
    return err;
}

void vm_watchdog_free(struct vm_watchdog *watchdog)
{
    if (!watchdog)
        return;
    atomic_store(&watchdog->closing, true);
    sem_post(&watchdog->wake);
    pthread_join(watchdog->thread, NULL);
    pthread_mutex_destroy(&watchdog->lock);
    sem_destroy(&watchdog->wake);
    free(watchdog);
}

uint64_t vm_watchdog_kills(const struct vm_watchdog *watchdog)
{
    return atomic_load_explicit(&watchdog->kills, memory_order_relaxed);
}

/* Whoever started this thread may have blocked all signals in it. */
static void admit_signal(void)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGURG);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

static enum err take_slot(struct vm_watchdog *watchdog)
{
    enum err err = ERR_FULL;
    admit_signal();
    pthread_mutex_lock(&watchdog->lock);
    for (int i = 0; i < VM_WATCHDOG_THREADS && err != OK; i++) {
        struct vm_watch_slot *slot = &watchdog->slots[i];
        if (slot->taken || pthread_getcpuclockid(pthread_self(), &slot->cpu_clock) != 0)
            continue;
        slot->thread = pthread_self();
        local.watchdog = watchdog;
        local.id = watchdog->id;
        local.slot = slot;
        slot->taken = true;
        err = OK;
    }
    pthread_mutex_unlock(&watchdog->lock);
    return err;
}

void vm_watchdog_leave(struct vm_watchdog *watchdog)
{
    if (!watchdog || local.watchdog != watchdog || local.id != watchdog->id)
        return;
    invariant(!local.running);
    pthread_mutex_lock(&watchdog->lock);
    local.slot->taken = false;
    pthread_mutex_unlock(&watchdog->lock);
    local = (struct vm_watch_local){0};
}

enum err vm_watch_enter(struct vm *vm)
{
    struct vm_watchdog *watchdog = vm->options.watchdog;
    if (!watchdog)
        return OK;
    if (local.watchdog != watchdog || local.id != watchdog->id) {
        enum err err = take_slot(watchdog);
        if (err != OK)
            return err;
    }
    struct vm_watch_slot *slot = local.slot;
    if (!vm->watch_number) {
        vm->watch_number = ++slot->last_number;
        uint64_t limit_ms = vm->loading ? VM_LOAD_MS : VM_DECISION_MS;
        atomic_store_explicit(&slot->limit_ns, limit_ms * MS_NS, memory_order_relaxed);
    }
    local.running = vm;
    atomic_store(&slot->state, vm->watch_number << 1 | 1);
    if (atomic_load(&watchdog->asleep) && atomic_exchange(&watchdog->asleep, false))
        sem_post(&watchdog->wake);
    return OK;
}

void vm_watch_leave(struct vm *vm)
{
    if (!vm->options.watchdog)
        return;
    local.running = NULL;
    atomic_store_explicit(&local.slot->state, vm->watch_number << 1, memory_order_release);
}
