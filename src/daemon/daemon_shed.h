/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does when more comes than it can serve: new requests are dropped before they are read, by a filter on its
 * sockets, so that what belongs to calls gets through and what is served is served in time.  Of the rest a sample is
 * told 503, without Retry-After: this server is busy, not away. */
#pragma once

#include "net/net_flow.h"
#include "util/span.h"
#include "util/wheel.h"
#include "worker/worker_load.h"

struct daemon_worker;

struct daemon_shed {
    struct worker_load load;
    struct worker_turns turns; /* of streams */
    uint64_t turn_cpu_us;      /* the worker's processor time when the last turn ended, if that was long; 0 */
    uint64_t messages_seen;    /* net_counters.stream_messages at the last look */
    struct timer timer;        /* while a turn alone would not do: the load may have ended */
    uint64_t departed_us;      /* when the loop last went to sleep; 0: nothing is measured */
    uint64_t slept_us;         /* before the present turn */
    uint64_t bound_us;         /* when what may wait was last bounded; what had been received by then */
    uint64_t received_seen, bytes_seen, bound_cpu_us;
    bool bounds;           /* the sockets' buffers are smaller than they were opened with */
    bool filters;          /* the sockets have a filter */
    uint64_t refused_seen; /* worker_counters.post_full at the last look */
    uint64_t said_ms;      /* when the log was last told */
};

/* `self->stack` is open. */
void daemon_shed_init(struct daemon_worker *self);
void daemon_shed_stop(struct daemon_worker *self);
/* At the beginning and the end of each turn, and when the loop is about to sleep. */
void daemon_shed_turn_begin(struct daemon_worker *self);
void daemon_shed_departed(struct daemon_worker *self);
void daemon_shed_turn_end(struct daemon_worker *self);

/* Whether this request, if it turns out to be a new one, is to be refused: never without overload. */
bool daemon_shed_refuses(const struct daemon_worker *self, const struct net_flow *flow, struct span bytes);
