/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_locate.h"
#include "registrar/registrar_way.h"
#include "util/invariant.h"
#include <stdlib.h>

enum { SEARCH_MS = 4000 };

/* One socket of c-ares'; freed when its handle has closed. */
struct daemon_dns_socket {
    uv_poll_t poll;
    struct daemon_locate *owner;
    int fd;
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct daemon_dns_socket *socket = container_of(poll, struct daemon_dns_socket, poll);
    struct daemon_locate *self = socket->owner;
    worker_turn_begin(self->worker);
    /* After an error c-ares is to find out by itself what is wrong. */
    bool readable = status != 0 || events & UV_READABLE, writable = status != 0 || events & UV_WRITABLE;
    if (self->ares)
        locate_ares_ready(self->ares, socket->fd, readable, writable);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)handle, struct daemon_dns_socket, poll));
}

static unsigned place_of(const struct daemon_locate *self, int fd)
{
    unsigned place = 0;
    while (place < DAEMON_DNS_SOCKETS && (!self->sockets[place] || self->sockets[place]->fd != fd))
        place++;
    return place;
}

static struct daemon_dns_socket *open_socket(struct daemon_locate *self, int fd)
{
    unsigned place = 0;
    while (place < DAEMON_DNS_SOCKETS && self->sockets[place])
        place++;
    struct daemon_dns_socket *socket = place < DAEMON_DNS_SOCKETS ? calloc(1, sizeof(*socket)) : NULL;
    if (!socket)
        return NULL;
    socket->owner = self;
    socket->fd = fd;
    if (uv_poll_init(worker_loop(self->worker), &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    self->sockets[place] = socket;
    return socket;
}

/* Where a socket cannot be watched, its question times out. */
static void watch(void *ctx, int fd, bool readable, bool writable)
{
    struct daemon_locate *self = ctx;
    unsigned place = place_of(self, fd);
    struct daemon_dns_socket *socket = place < DAEMON_DNS_SOCKETS ? self->sockets[place] : NULL;
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events && !socket)
        socket = open_socket(self, fd);
    if (!socket)
        return;
    if (events) {
        int failed = uv_poll_start(&socket->poll, events, on_ready);
        invariant(failed == 0);
        return;
    }
    self->sockets[place] = NULL;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
}

/* The table may still ask when c-ares has gone. */
static enum err ask(void *ctx, uint64_t id, enum locate_type type, struct span name)
{
    struct daemon_locate *self = ctx;
    if (!self->ares)
        return ERR_CLOSED;
    struct locate_resolver resolver = locate_ares_resolver(self->ares);
    return resolver.ask(resolver.ctx, id, type, name);
}

enum err daemon_locate_init(struct daemon_locate *self, struct worker *worker, const struct engine_config *config,
                            const struct engine_site *site, struct net_stack *const *stack, struct siphash_key key)
{
    *self = (struct daemon_locate){.worker = worker, .site = site, .stack = stack};
    if (!config->egress.count)
        return OK;
    struct locate_ares_options ares = {.clock = worker_clock(worker),
                                       .wheel = worker_wheel(worker),
                                       .servers = config->dns_servers.items,
                                       .server_count = config->dns_servers.count,
                                       .ctx = self,
                                       .watch = watch};
    /* Half of the time that a request has, and half of the end's (64*T1); at most four seconds. */
    uint32_t half_ms = 32 * config->t1_ms;
    struct locate_options options = {.timeout_ms = half_ms < SEARCH_MS ? half_ms : SEARCH_MS,
                                     .clock = worker_clock(worker),
                                     .wheel = worker_wheel(worker),
                                     .resolver = {self, ask},
                                     .key = key};
    enum err err = locate_ares_new(&ares, &self->ares);
    if (err == OK)
        err = locate_table_new(&options, &self->table);
    if (err == OK)
        locate_ares_serve(self->ares, self->table);
    return err;
}

void daemon_locate_stop(struct daemon_locate *self)
{
    struct locate_ares *ares = self->ares;
    self->ares = NULL;
    locate_ares_free(ares);
}

void daemon_locate_done(struct daemon_locate *self)
{
    locate_table_free(self->table);
    self->table = NULL;
}

/* Another worker's connection is not ours to look at: that worker makes a new one if it has to. */
static bool is_open(void *ctx, const struct net_flow *flow)
{
    const struct daemon_locate *self = ctx;
    if (flow->worker != worker_index(self->worker))
        return true;
    return *self->stack && net_flow_is_open(*self->stack, flow);
}

static bool may_reach(void *ctx, const struct net_address *address)
{
    const struct daemon_locate *self = ctx;
    return engine_site_may_reach(self->site, address);
}

static enum err open_way(void *ctx, const struct locate_hop *hop, struct span name, struct net_flow *out_flow)
{
    const struct daemon_locate *self = ctx;
    if (!*self->stack)
        return ERR_CLOSED;
    struct net_target target = {.transport = (enum net_transport)hop->transport, .remote = hop->address};
    if (target.transport == NET_TLS) {
        target.name = name;
        if (self->aliases && tls_aliases_find(self->aliases, name, &hop->address, out_flow))
            return OK;
    }
    return net_connect_to(*self->stack, &target, out_flow);
}

static void find_phone(void *ctx, struct span gruu, struct errand_detours *out)
{
    const struct daemon_locate *self = ctx;
    struct registrar_reach reach[REGISTRAR_WAYS_MAX];
    struct sip_uri uri;
    _Static_assert((int)ERRAND_DETOURS_MAX == (int)REGISTRAR_WAYS_MAX &&
                       (int)ERRAND_DETOUR_TEXT_MAX == (int)REGISTRAR_WAY_TEXT_MAX,
                   "a way fits into a detour");
    out->count = sip_uri_parse(gruu, &uri, NULL) == OK ? engine_site_reach(self->site, &uri, reach) : 0;
    for (unsigned i = 0; i < out->count; i++) {
        struct buffer text = buffer_over(out->texts[i], ERRAND_DETOUR_TEXT_MAX);
        const struct registrar_reach *from = &reach[i];
        buffer_add_span(&text, from->aor);
        buffer_add_span(&text, from->uri);
        buffer_add_span(&text, from->path);
        struct span all = buffer_span(&text);
        size_t uri_at = from->aor.len, path_at = uri_at + from->uri.len;
        out->items[i] = (struct errand_detour){.flow = from->flow,
                                               .is_direct = from->is_direct,
                                               .aor = span_slice(all, 0, uri_at),
                                               .target = span_slice(all, uri_at, path_at),
                                               .path = span_slice(all, path_at, all.len)};
    }
}

/* To the worker that owns the user, whoever it is. */
static void lost_phone(void *ctx, const struct errand_detour *detour)
{
    const struct daemon_locate *self = ctx;
    if (detour->path.len)
        self->lost(self->worker, detour->aor, detour->path);
}

struct errand_ways daemon_locate_ways(struct daemon_locate *self)
{
    return (struct errand_ways){.ctx = self,
                                .locator = self->table,
                                .transports = 1u << NET_UDP | 1u << NET_TCP | 1u << NET_TLS,
                                .is_open = is_open,
                                .may_reach = may_reach,
                                .find_phone = find_phone,
                                .lost_phone = lost_phone,
                                .open = open_way};
}
