/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_shed.h"
#include "daemon/daemon_worker.h"
#include "gate/gate.h"
#include "net/net_shed.h"
#include "sip/sip_message.h"
#include "util/log.h"

enum {
    TIMER_MS = WORKER_LOAD_INTERVAL_US / 1000,
    SAY_MS = 1000,
    ROOM = 20,               /* times the target: more work than that may not wait, whatever comes */
    ROOM_LEAST = 64,         /* messages */
    BOUND_US = 5000,         /* so often */
    BOUND_MOST_US = 1000000, /* what is longer ago says nothing of now */
    TURNS = 2,               /* times the target: how long a turn of streams may take */
    SAMPLE_MASK = 31,        /* one new request in 32 of those that are read */
};

/* Our own Contact has no user, so a request inside of a dialog of ours, and an upstream's heartbeat, have no '@' in
 * their Request-URI; a REGISTER never has one. */
static const struct net_shed_rule rules[] = {
    {"INVI", 7, NET_SHED_ADDRESSED}, {"ACK ", 4, NET_SHED_NEVER},     {"BYE ", 4, NET_SHED_NEVER},
    {"CANC", 7, NET_SHED_NEVER},     {"SIP/", 8, NET_SHED_NEVER},     {"PRAC", 6, NET_SHED_NEVER},
    {"UPDA", 7, NET_SHED_NEVER},     {"INFO", 5, NET_SHED_NEVER},     {"NOTI", 7, NET_SHED_NEVER},
    {"OPTI", 8, NET_SHED_ADDRESSED}, {"MESS", 8, NET_SHED_ADDRESSED}, {"SUBS", 10, NET_SHED_ADDRESSED},
    {"REFE", 6, NET_SHED_ADDRESSED}, {"REGI", 9, NET_SHED_ALWAYS},    {"PUBL", 8, NET_SHED_ALWAYS},
    {"\r\n\r\n", 0, NET_SHED_NEVER},
};

bool daemon_shed_refuses(const struct daemon_worker *self, const struct net_flow *flow, struct span bytes)
{
    bool is_stream = flow->transport != NET_UDP;
    double share = self->shed.load.share;
    if (is_stream && self->shed.turns.share < share)
        share = self->shed.turns.share;
    if (share >= 1 || gate_is_urgent(bytes))
        return false;
    /* By Call-ID, so that a request that is sent again meets the same fate. */
    struct span call_id = sip_call_id_scan(bytes);
    uint64_t hash = siphash(&self->shared->key, call_id.at, call_id.len);
    bool is_excess = is_stream && (double)(hash >> 48) >= share * 65536; /* no filter sees streams */
    return is_excess || (hash & SAMPLE_MASK) == 0;
}

static void say(struct daemon_worker *self, uint64_t now_ms)
{
    struct daemon_shed *shed = &self->shed;
    if (now_ms - shed->said_ms < SAY_MS && shed->load.share < 1)
        return;
    shed->said_ms = now_ms;
    if (shed->load.share < 1)
        log_warn("overload", "worker %u takes on %.0f %% of new requests: the last one read had waited %llu ms",
                 worker_index(self->worker), 100 * shed->load.share, (unsigned long long)(shed->load.before_us / 1000));
    else
        log_info("overload", "worker %u takes on all new requests again", worker_index(self->worker));
}

/* The filter follows what comes, and is late where that changes at once; the buffer is what holds then.  It is given as
 * many messages as are worth so much work, by what the latest ones took of the processor: while others have it, what belongs to
 * calls is not to be lost. */
static void bound(struct daemon_worker *self, uint64_t now_us)
{
    struct daemon_shed *shed = &self->shed;
    const struct net_counters *counters = net_stack_counters(self->stack);
    uint64_t count = counters->udp_received - shed->received_seen, elapsed_us = now_us - shed->bound_us;
    uint64_t bytes = counters->udp_received_bytes - shed->bytes_seen;
    if (elapsed_us < BOUND_US)
        return;
    uint64_t cpu_us = clock_thread_cpu_ns() / 1000, took_us = cpu_us - shed->bound_cpu_us;
    shed->received_seen = counters->udp_received;
    shed->bytes_seen = counters->udp_received_bytes;
    shed->bound_us = now_us;
    shed->bound_cpu_us = cpu_us;
    if (elapsed_us > BOUND_MOST_US || count == 0 || took_us == 0)
        return;
    uint64_t messages = ROOM * shed->load.target_us * count / took_us;
    shed->bounds = true;
    net_shed_bound(self->stack, messages < ROOM_LEAST ? ROOM_LEAST : (unsigned)messages, (unsigned)(bytes / count));
}

static void unbound(struct daemon_worker *self)
{
    if (self->shed.bounds)
        net_shed_bound(self->stack, 0, 0);
    self->shed.bounds = false;
}

static void apply(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    bool filters = shed->load.share < 1;
    struct net_shed program = {rules, sizeof(rules) / sizeof(rules[0]), (uint32_t)(shed->load.share * 4294967295.0)};
    if ((filters || shed->filters) && net_shed_set(self->stack, filters ? &program : NULL) != OK)
        log_warn("overload", "worker %u: a socket refuses the filter; its buffer alone limits what waits",
                 worker_index(self->worker));
    shed->filters = filters;
    say(self, worker_clock(self->worker)->mono_ms);
}

/* How long a turn took, in microseconds; where that is long, and the one before was, what it took of the processor: while others
 * have that, refusing makes no turn shorter. */
static uint64_t worth_of(struct daemon_shed *shed, uint64_t took_us)
{
    uint64_t before_us = shed->turn_cpu_us;
    shed->turn_cpu_us = 0;
    if (took_us <= shed->turns.target_us)
        return took_us;
    shed->turn_cpu_us = clock_thread_cpu_ns() / 1000;
    return before_us ? shed->turn_cpu_us - before_us : took_us;
}

static void look_at_streams(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    uint64_t messages = net_stack_counters(self->stack)->stream_messages;
    if (messages == shed->messages_seen) {
        shed->turn_cpu_us = 0;
        return;
    }
    shed->messages_seen = messages;
    uint64_t now_us = clock_mono_ns() / 1000;
    uint64_t took_us = worth_of(shed, now_us - worker_clock(self->worker)->mono_ms * 1000);
    double before = shed->turns.share;
    if (!worker_turns_note(&shed->turns, now_us, took_us) || (before < 1 && shed->turns.share < 1))
        return;
    if (shed->turns.share < 1)
        log_warn("overload", "worker %u refuses new requests over streams: a turn took %llu ms",
                 worker_index(self->worker), (unsigned long long)(took_us / 1000));
    else
        log_info("overload", "worker %u takes on all new requests over streams again", worker_index(self->worker));
}

/* A full ring is a queue as well, in front of another worker. */
static uint64_t wait_us(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    uint64_t refused = worker_counters(self->worker)->post_full;
    uint64_t wait = net_queue_delay_us(self->stack);
    if (refused != shed->refused_seen && wait < 2 * shed->load.target_us)
        wait = 2 * shed->load.target_us;
    shed->refused_seen = refused;
    return wait;
}

static void look(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    uint64_t wait = wait_us(self);
    if (wait == 0 && worker_load_is_idle(&shed->load)) {
        unbound(self);
        return;
    }
    struct worker_load_turn turn = {clock_mono_ns() / 1000, shed->slept_us, wait};
    if (worker_load_note(&shed->load, &turn))
        apply(self);
    if (wait > shed->load.target_us)
        bound(self, turn.now_us);
    if (!worker_load_is_idle(&shed->load) && !timer_is_armed(&shed->timer))
        wheel_arm(worker_wheel(self->worker), &shed->timer, worker_clock(self->worker)->mono_ms + TIMER_MS);
}

/* Its being due is a turn, whose end looks. */
static void on_timer(struct timer *timer, void *ctx)
{
    (void)timer;
    (void)ctx;
}

void daemon_shed_init(struct daemon_worker *self)
{
    timer_init(&self->shed.timer, on_timer);
    worker_load_init(&self->shed.load, (uint64_t)self->shared->config->max_queue_ms * 1000);
    worker_turns_init(&self->shed.turns, TURNS * self->shed.load.target_us);
}

void daemon_shed_stop(struct daemon_worker *self)
{
    wheel_cancel(worker_wheel(self->worker), &self->shed.timer);
}

void daemon_shed_turn_begin(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    shed->slept_us = shed->departed_us ? clock_mono_ns() / 1000 - shed->departed_us : 0;
    shed->departed_us = 0;
}

void daemon_shed_departed(struct daemon_worker *self)
{
    struct daemon_shed *shed = &self->shed;
    shed->departed_us = worker_load_is_idle(&shed->load) ? 0 : clock_mono_ns() / 1000;
}

void daemon_shed_turn_end(struct daemon_worker *self)
{
    if (!self->stack)
        return;
    look(self);
    look_at_streams(self);
}
