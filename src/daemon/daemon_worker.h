/* SPDX-License-Identifier: Apache-2.0 */
/* One worker of the daemon: a core wired to a network stack, a directory reader and the other workers' rings.
 * Everything here runs on the worker's own thread, except where a comment says otherwise. */
#pragma once

#include "daemon/daemon_locate.h"
#include "daemon/daemon_lookup.h"
#include "daemon/daemon_publish.h"
#include "daemon/daemon_shed.h"
#include "daemon/daemon_steer.h"
#include "daemon/daemon_tls.h"
#include "engine/engine_core.h"
#include "gate/gate.h"
#include "net/net_layer.h"
#include "release/release.h"
#include "tls/tls_layer.h"
#include "trace/trace.h"
#include "websocket/websocket_layer.h"
#include "worker/worker_group.h"
#include <stdatomic.h>

enum { DAEMON_VERSIONS_MAX = 8 };

/* A policy version that this worker holds; the VM is borrowed from release. */
struct daemon_held {
    uint64_t version; /* 0: the place is free */
    struct policy *policy;
};

/* What all workers share; read only, but for the atomics inside of its parts. */
struct daemon_shared {
    const struct engine_config *config;
    const struct engine_site *site;
    struct decisions_log *decisions;
    struct engine_meters *meters;
    struct facts_gauge *calls; /* of all workers */
    struct daemon_gauges *gauges;
    struct directory *directory;       /* NULL: no data folder */
    struct registrar_journal *journal; /* of bindings; NULL: no data folder, or it cannot be opened */
    bool bindings_unreadable;
    struct gate *gate;
    struct vm_watchdog *watchdog;
    const struct daemon_tls *tls; /* `tls` in it is NULL: nothing speaks TLS */
    struct siphash_key key;
    struct auth *auth;
    struct facts_limit *users; /* requests for one user; NULL: no limit */
    struct daemon_steering steering;
    unsigned connections_max; /* a worker: the configuration's, or what the descriptor limit leaves */
    /* Asks the control thread for a fresh VM; thread-safe. */
    void (*wants_rebuild)(void *ctx, unsigned index);
    void *ctx;
};

/* A connection opened in the place of one that had gone. */
struct daemon_reopened {
    bool used;
    uint16_t owner; /* who sends over it */
    uint32_t slot, generation;
    struct net_flow was;
};
/* Who else wants to know when the connection ends: the worker plus one; UINT8_MAX: several. */
struct daemon_registered {
    uint32_t generation; /* of the connection; 0: none yet */
    uint8_t owner;
};
enum { DAEMON_REOPENED_MAX = 64, DAEMON_REGISTERED_MAX = 65536 };

/* Datagrams that were read and wait to be handled, in order; the bytes are the receiver's until then. */
struct daemon_group {
    unsigned count;
    struct net_flow flows[ENGINE_GROUP];
    struct span bytes[ENGINE_GROUP];
};

struct daemon_worker {
    const struct daemon_shared *shared;
    struct worker *worker;
    struct tls_worker tls;
    struct websocket_worker websocket;
    struct net_layer_use tls_layers[3], ws_layers[2], wss_layers[3];
    struct log_limit tls_failures;
    struct daemon_reopened
        reopened[DAEMON_REOPENED_MAX]; /* the latest; older ones' senders wait for their own timers */
    unsigned reopened_next;
    struct daemon_registered registered[DAEMON_REGISTERED_MAX]; /* by a connection's slot */
    struct net_stack *stack;                                    /* NULL until daemon_worker_open */
    struct engine_core *core;
    struct daemon_locate locate;
    struct daemon_lookup lookup;
    struct trace *trace; /* NULL: nothing is kept or exported */
    struct daemon_held held[DAEMON_VERSIONS_MAX];
    struct timer publish;
    struct daemon_shed shed;
    struct gate_view gate;
    struct daemon_group group;
    bool asked_rebuild;
    uint64_t said_drops, said_pauses; /* of these the log has spoken */
};

/* For worker_ops: `ctx` is the struct daemon_shared. */
struct worker_ops daemon_worker_ops(struct daemon_shared *shared);

/* Takes this worker's sockets out of `listeners` and begins to receive. */
MUST_CHECK enum err daemon_worker_open(struct daemon_worker *self, struct net_listeners *listeners);
/* ERR_FULL when too many versions are held. A version that is held already gets the new VM. */
MUST_CHECK enum err daemon_worker_stage(struct daemon_worker *self, uint64_t version, struct policy *policy);
/* Decides with `version`, which is held. */
void daemon_worker_activate(struct daemon_worker *self, uint64_t version);
void daemon_worker_withdraw(struct daemon_worker *self, uint64_t version);
/* Another version decides beside the active one from now on (NULL: none). */
void daemon_worker_compare(struct daemon_worker *self, const struct release_comparison *comparison);
/* Copies the plain counters of this thread into the metrics; by itself once a second. */
void daemon_worker_publish(struct daemon_worker *self);
