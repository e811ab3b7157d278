/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls_aliases.h"

#include "tls/tls_names.h"
#include <pthread.h>
#include <stdlib.h>

/* Looked through from end to end: trunks are few, and a record's decryption costs more than the whole table. */
struct alias {
    struct net_flow flow;
    uint16_t port;
    uint8_t host_len; /* of a domain; 0: the connection's own address */
    char host[TLS_NAME_MAX];
};

struct tls_aliases {
    const struct tls *tls;
    pthread_mutex_t mutex;
    unsigned count;
    struct alias items[TLS_ALIASES_MAX];
};

enum err tls_aliases_new(const struct tls *tls, struct tls_aliases **out_aliases)
{
    struct tls_aliases *aliases = calloc(1, sizeof(*aliases));
    if (!aliases)
        return ERR_NOMEM;
    aliases->tls = tls;
    pthread_mutex_init(&aliases->mutex, NULL);
    *out_aliases = aliases;
    return OK;
}

void tls_aliases_free(struct tls_aliases *aliases)
{
    if (!aliases)
        return;
    pthread_mutex_destroy(&aliases->mutex);
    free(aliases);
}

static bool is_same_connection(const struct net_flow *a, const struct net_flow *b)
{
    return a->slot == b->slot && a->generation == b->generation && a->worker == b->worker;
}

static struct span host_of(const struct alias *alias)
{
    return span_make(alias->host, alias->host_len);
}

static bool is_same_place(const struct alias *a, const struct alias *b)
{
    return a->port == b->port && span_equal_nocase(host_of(a), host_of(b)) &&
           (a->host_len || net_address_equal_ip(&a->flow.remote, &b->flow.remote));
}

/* The place of this peer's alias for this sent-by, a new one, or NULL. */
static struct alias *place_for(struct tls_aliases *aliases, const struct alias *wanted)
{
    struct alias *own = NULL;
    unsigned owned = 0;
    for (unsigned i = 0; i < aliases->count; i++) {
        struct alias *alias = &aliases->items[i];
        if (alias->flow.peer != wanted->flow.peer)
            continue;
        if (is_same_place(alias, wanted))
            return alias;
        own = owned++ ? own : alias;
    }
    if (owned >= TLS_ALIASES_PER_PEER_MAX)
        return own;
    return aliases->count < TLS_ALIASES_MAX ? &aliases->items[aliases->count++] : NULL;
}

bool tls_aliases_lend(struct tls_aliases *aliases, const struct net_flow *flow, struct span host, uint16_t port)
{
    struct alias wanted = {.flow = *flow, .port = port ? port : net_transport_default_port(NET_TLS)};
    struct net_address address;
    if (flow->transport != NET_TLS || flow->outgoing || !flow->peer)
        return false;
    if (net_address_parse_ip(host, 0, &address) == OK) {
        if (!net_address_equal_ip(&address, &flow->remote))
            return false;
    } else if (host.len > sizeof(wanted.host) || !tls_names_have(tls_peer_names(aliases->tls, flow->peer), host)) {
        return false;
    } else {
        memcpy(wanted.host, host.at, host.len);
        wanted.host_len = (uint8_t)host.len;
    }
    pthread_mutex_lock(&aliases->mutex);
    struct alias *place = place_for(aliases, &wanted);
    if (place)
        *place = wanted;
    pthread_mutex_unlock(&aliases->mutex);
    return place != NULL;
}

/* The advertised place: by its name, which the certificate has proven, or by the address that it came from. */
static bool is_at(const struct alias *alias, struct span name, const struct net_address *remote)
{
    if (alias->port != remote->port)
        return false;
    return (alias->host_len && span_equal_nocase(host_of(alias), name)) ||
           net_address_equal_ip(&alias->flow.remote, remote);
}

bool tls_aliases_find(struct tls_aliases *aliases, struct span name, const struct net_address *remote,
                      struct net_flow *out_flow)
{
    bool found = false;
    pthread_mutex_lock(&aliases->mutex);
    for (unsigned i = 0; i < aliases->count && !found; i++) {
        const struct alias *alias = &aliases->items[i];
        found = is_at(alias, name, remote) && tls_names_have(tls_peer_names(aliases->tls, alias->flow.peer), name);
        if (found)
            *out_flow = alias->flow;
    }
    pthread_mutex_unlock(&aliases->mutex);
    return found;
}

bool tls_aliases_find_again(struct tls_aliases *aliases, const struct net_flow *gone, struct net_flow *out_flow)
{
    bool found = false;
    pthread_mutex_lock(&aliases->mutex);
    for (unsigned i = 0; i < aliases->count && gone->peer && !found; i++) {
        const struct alias *alias = &aliases->items[i];
        found = alias->flow.peer == gone->peer && alias->port == gone->remote.port &&
                net_address_equal_ip(&alias->flow.remote, &gone->remote) && !is_same_connection(&alias->flow, gone);
        if (found)
            *out_flow = alias->flow;
    }
    pthread_mutex_unlock(&aliases->mutex);
    return found;
}

void tls_aliases_forget(struct tls_aliases *aliases, const struct net_flow *flow)
{
    pthread_mutex_lock(&aliases->mutex);
    for (unsigned i = aliases->count; i-- > 0;)
        if (is_same_connection(&aliases->items[i].flow, flow))
            aliases->items[i] = aliases->items[--aliases->count];
    pthread_mutex_unlock(&aliases->mutex);
}
