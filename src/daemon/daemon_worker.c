/* SPDX-License-Identifier: Apache-2.0 */
/* Messages come from this worker's sockets or over a ring, and go to the worker that owns their call or user; answers of a
 * stream go back by the worker that holds the connection. */
#include "daemon/daemon_worker.h"
#include "daemon/daemon_steer.h"
#include "daemon/daemon_wire.h"
#include "engine/engine_beside.h"
#include "util/invariant.h"
#include "util/log.h"
#include "vm/vm_watchdog.h"
#include <stdlib.h>

enum { PUBLISH_MS = 1000, TLS_FAILURES_BURST = 10 };

static unsigned peer_names(void *ctx, uint16_t peer, struct span *out_names)
{
    const struct daemon_worker *self = ctx;
    unsigned count = 0;
    if (!self->shared->tls->tls)
        return 0;
    struct span rest = tls_peer_names(self->shared->tls->tls, peer);
    while (count < ENGINE_PEER_NAMES_MAX && tls_names_next(&rest, &out_names[count]))
        count++;
    return count;
}

static void lend(void *ctx, const struct net_flow *flow, const struct sip_via *via)
{
    const struct daemon_worker *self = ctx;
    if (self->shared->tls->aliases)
        (void)tls_aliases_lend(self->shared->tls->aliases, flow, via->host, via->port);
}

static bool owns_user(void *ctx, struct span owner_key)
{
    const struct daemon_worker *self = ctx;
    return daemon_steer_user(&self->shared->steering, owner_key, worker_count(self->worker)) ==
           worker_index(self->worker);
}

static enum err make_core(struct daemon_worker *self)
{
    struct engine_core_options options = {
        .config = self->shared->config,
        .site = self->shared->site,
        .clock = worker_clock(self->worker),
        .wheel = worker_wheel(self->worker),
        .wire = daemon_wire(self),
        .lookup = {&self->lookup, daemon_lookup_find, daemon_lookup_keys},
        .decisions = self->shared->decisions,
        .meters = self->shared->meters,
        .auth = self->shared->auth,
        .users = self->shared->users,
        .key = self->shared->key,
        .worker = worker_index(self->worker),
        .workers = self->shared->config->workers,
        .calls = self->shared->calls,
        .ways = daemon_locate_ways(&self->locate),
        .peers = {self, peer_names, lend},
        .bindings = {self->shared->journal, self->shared->bindings_unreadable, owns_user, self},
    };
    return engine_core_new(&options, &self->core);
}

/* What an operator has to hear, at most once a second. */
static void complain(struct daemon_worker *self)
{
    const struct net_counters *net = self->stack ? net_stack_counters(self->stack) : NULL;
    if (net && net->udp_kernel_drops > self->said_drops) {
        log_warn("net", "worker %u: the kernel dropped %llu datagrams, its receive buffer was full (net.core.rmem_max)",
                 worker_index(self->worker), (unsigned long long)(net->udp_kernel_drops - self->said_drops));
        self->said_drops = net->udp_kernel_drops;
    }
    if (net && net->stream_accept_pauses > self->said_pauses) {
        log_warn("net", "worker %u: no descriptors are left, accepting connections rests a while",
                 worker_index(self->worker));
        self->said_pauses = net->stream_accept_pauses;
    }
}

static enum err make_trace(struct daemon_worker *self)
{
    const struct engine_config *config = self->shared->config;
    struct net_address collector;
    if (!config->trace_bytes && !config->hep)
        return OK;
    if (config->hep && net_address_parse(span_of(config->hep), 0, &collector) != OK)
        return ERR_INVALID; /* refused when the configuration was read */
    struct trace_options options = {
        .ring_bytes = config->trace_bytes,
        .hep = config->hep ? &collector : NULL,
        .hep_id = config->hep_id,
        .key = self->shared->key,
    };
    return trace_new(&options, &self->trace);
}

static void publish_again(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct daemon_worker *self = container_of(timer, struct daemon_worker, publish);
    daemon_worker_publish(self);
    registrar_tick(self->core->registrar);
    complain(self);
    wheel_arm(worker_wheel(self->worker), timer, worker_clock(self->worker)->mono_ms + PUBLISH_MS);
}

static enum err on_start(void *ctx, struct worker *worker)
{
    struct daemon_worker *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    self->shared = ctx;
    self->worker = worker;
    self->lookup.directory = self->shared->directory;
    worker_set_data(worker, self);
    timer_init(&self->publish, publish_again);
    daemon_shed_init(self);
    enum err err = daemon_locate_init(&self->locate, worker, self->shared->config, self->shared->site, &self->stack,
                                      self->shared->key);
    self->locate.aliases = self->shared->tls->aliases;
    self->locate.lost = daemon_wire_path_failed;
    if (err == OK)
        err = make_core(self);
    if (err == OK)
        err = make_trace(self);
    if (err == OK && self->shared->directory)
        err = directory_reader_open(self->shared->directory, &self->lookup.reader);
    if (err == OK)
        wheel_arm(worker_wheel(worker), &self->publish, worker_clock(worker)->mono_ms + PUBLISH_MS);
    return err;
}

static void on_stop(void *ctx, struct worker *worker)
{
    (void)ctx;
    struct daemon_worker *self = worker_data(worker);
    if (!self)
        return;
    wheel_cancel(worker_wheel(worker), &self->publish);
    daemon_shed_stop(self);
    if (self->stack)
        net_stack_close(self->stack, NULL, NULL);
    self->stack = NULL;
    daemon_locate_stop(&self->locate);
}

static void on_end(void *ctx, struct worker *worker)
{
    (void)ctx;
    struct daemon_worker *self = worker_data(worker);
    if (!self)
        return;
    vm_watchdog_leave(self->shared->watchdog);
    engine_core_free(self->core);
    daemon_locate_done(&self->locate);
    trace_free(self->trace);
    if (self->lookup.reader)
        directory_reader_close(self->lookup.reader);
    free(self);
}

/* After the answers are out: what the turn borrowed is given back, and the VM's garbage paid for. */
static void on_turn_end(void *ctx, struct worker *worker)
{
    (void)ctx;
    struct daemon_worker *self = worker_data(worker);
    struct engine_core *core = self->core;
    engine_core_turn_end(core);
    /* A version that decides beside is to find what the active one found: the look lasts until it has. */
    if (self->lookup.reader && !engine_beside_waits(core))
        directory_reader_turn_end(self->lookup.reader);
    if (self->trace)
        trace_turn_end(self->trace);
    daemon_shed_turn_end(self);
    if (!core->owes_collection || !core->policy)
        return;
    core->owes_collection = false;
    policy_collect(core->policy);
    if (!self->asked_rebuild && policy_wants_rebuild(core->policy)) {
        self->asked_rebuild = true;
        self->shared->wants_rebuild(self->shared->ctx, worker_index(worker));
    }
}

static void decide_beside(struct daemon_worker *self)
{
    engine_beside_turn(self->core);
    if (self->lookup.reader)
        directory_reader_turn_end(self->lookup.reader);
}

static void on_departed(void *ctx, struct worker *worker)
{
    (void)ctx;
    struct daemon_worker *self = worker_data(worker);
    if (engine_beside_waits(self->core))
        decide_beside(self);
    daemon_shed_departed(self);
}

static void on_turn_begin(void *ctx, struct worker *worker)
{
    (void)ctx;
    daemon_shed_turn_begin(worker_data(worker));
}

static unsigned owner_of(void *ctx, struct span bytes, unsigned count)
{
    const struct daemon_shared *shared = ctx;
    return daemon_steer(&shared->steering, bytes, count);
}

struct worker_ops daemon_worker_ops(struct daemon_shared *shared)
{
    return (struct worker_ops){
        .ctx = shared,
        .on_start = on_start,
        .on_stop = on_stop,
        .on_end = on_end,
        .on_post = daemon_wire_on_post,
        .on_posted = daemon_wire_on_posted,
        .on_turn_begin = on_turn_begin,
        .on_turn_end = on_turn_end,
        .on_departed = on_departed,
        .owner_of = owner_of,
    };
}

static void on_tls_failure(void *ctx, const struct net_flow *flow, const char *why)
{
    struct daemon_worker *self = ctx;
    char text[NET_ADDRESS_TEXT_MAX];
    net_address_text(&flow->remote, text);
    log_limited(&self->tls_failures, TLS_FAILURES_BURST, LOG_WARN, "tls", "%s %s: the handshake failed: %s",
                flow->outgoing ? "to" : "from", text, why);
}

static void make_layers(struct daemon_worker *self, struct net_stack_options *options)
{
    const struct daemon_tls *tls = self->shared->tls;
    const struct engine_list *origins = &self->shared->config->origins;
    self->websocket = (struct websocket_worker){.origins = {origins->items, origins->count}};
    self->ws_layers[0] = self->wss_layers[1] = (struct net_layer_use){&websocket_layer, &self->websocket};
    options->layers[NET_WS] = self->ws_layers;
    if (!tls->tls)
        return;
    self->tls = (struct tls_worker){.tls = tls->tls,
                                    .clients = tls->clients,
                                    .listener_count = tls->listener_count,
                                    .ctx = self,
                                    .on_failure = on_tls_failure};
    self->tls_layers[0] = self->wss_layers[0] = (struct net_layer_use){&tls_layer, &self->tls};
    self->tls_layers[1] = (struct net_layer_use){&net_layer_frame, NULL};
    options->layers[NET_TLS] = self->tls_layers;
    options->layers[NET_WSS] = self->wss_layers;
}

enum err daemon_worker_open(struct daemon_worker *self, struct net_listeners *listeners)
{
    const struct engine_config *config = self->shared->config;
    struct net_stack_options options = {
        .worker = worker_index(self->worker),
        .listeners = listeners,
        .clock = worker_clock(self->worker),
        .wheel = worker_wheel(self->worker),
        .key = self->shared->key,
        .limits = {.connections_max = self->shared->connections_max,
                   .connections_per_source_max = config->max_connections_per_source,
                   .starting_max = config->max_handshakes,
                   .starting_per_source_max = config->max_handshakes_per_source,
                   .starts_per_source_max = config->max_handshakes_per_second,
                   .start_ms = config->handshake_timeout_ms,
                   .message_max = config->max_message_bytes,
                   .output_max = config->max_unread_bytes,
                   .idle_ms = config->idle_timeout_ms,
                   .ping_ms = config->ping_interval_ms,
                   .pong_ms = config->ping_timeout_ms},
    };
    make_layers(self, &options);
    struct net_handlers handlers = daemon_wire_handlers(self);
    return net_stack_new(worker_loop(self->worker), &options, &handlers, &self->stack);
}

static struct daemon_held *find_held(struct daemon_worker *self, uint64_t version)
{
    for (int i = 0; i < DAEMON_VERSIONS_MAX; i++)
        if (self->held[i].version == version)
            return &self->held[i];
    return NULL;
}

enum err daemon_worker_stage(struct daemon_worker *self, uint64_t version, struct policy *policy)
{
    struct daemon_held *held = find_held(self, version);
    if (!held)
        held = find_held(self, 0);
    if (!held)
        return ERR_FULL;
    *held = (struct daemon_held){version, policy};
    if (self->core->version == version) { /* a fresh VM of the active version */
        engine_core_use(self->core, policy, version);
        self->asked_rebuild = false;
    }
    return OK;
}

void daemon_worker_activate(struct daemon_worker *self, uint64_t version)
{
    const struct daemon_held *held = find_held(self, version);
    invariant(held && version != 0);
    engine_core_use(self->core, held->policy, version);
    self->asked_rebuild = false;
}

void daemon_worker_withdraw(struct daemon_worker *self, uint64_t version)
{
    struct daemon_held *held = find_held(self, version);
    if (!held || version == 0)
        return;
    if (self->core->version == version)
        engine_core_use(self->core, NULL, 0);
    if (engine_beside_policy(self->core) == held->policy)
        engine_beside_stop(self->core);
    *held = (struct daemon_held){0};
}

void daemon_worker_compare(struct daemon_worker *self, const struct release_comparison *comparison)
{
    if (!comparison) {
        engine_beside_stop(self->core);
        return;
    }
    const struct daemon_held *held = find_held(self, comparison->version);
    invariant(held);
    const struct engine_beside_options options = {.policy = held->policy,
                                                  .tally = comparison->tallies[worker_index(self->worker)],
                                                  .sample = comparison->sample,
                                                  .shadow = comparison->shadow};
    if (engine_beside_start(self->core, &options) != OK)
        log_error("reload", "worker %u has no memory to decide beside: its requests are not compared",
                  worker_index(self->worker));
}
