/* SPDX-License-Identifier: Apache-2.0 */
/* What the table owns: packages, addresses and their caps, and what can be asked of it. */
#include "notifier/notifier_priv.h"

#include <stdlib.h>

enum {
    SUBSCRIPTIONS = 1000000,
    PER_USER = 10000,
    PUBLICATIONS = 100000,
    PUBLICATIONS_PER_USER = 8,
    PUBLICATION_BYTES = 16384,
    RATE = 10000,
    MIN_S = 60,
    DEFAULT_S = 3600,
    MAX_S = 7200
};

const char *notifier_reason_text(enum notifier_reason reason)
{
    static const char *const texts[NOTIFIER_REASON_COUNT] = {
        [NOTIFIER_DEACTIVATED] = "deactivated", [NOTIFIER_PROBATION] = "probation",
        [NOTIFIER_REJECTED] = "rejected",       [NOTIFIER_TIMEOUT] = "timeout",
        [NOTIFIER_GIVEUP] = "giveup",           [NOTIFIER_NORESOURCE] = "noresource",
        [NOTIFIER_INVARIANT] = "invariant",
    };
    return texts[reason];
}

static void fill_lifetime(struct notifier_lifetime *lifetime)
{
    if (!lifetime->min_s)
        lifetime->min_s = MIN_S;
    if (!lifetime->max_s)
        lifetime->max_s = MAX_S > lifetime->min_s ? MAX_S : lifetime->min_s;
    if (!lifetime->default_s)
        lifetime->default_s = DEFAULT_S < lifetime->max_s ? DEFAULT_S : lifetime->max_s;
}

static size_t or_default(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

static void fill_options(struct notifier_options *options)
{
    struct notifier_caps *caps = &options->caps;
    fill_lifetime(&options->subscribe);
    fill_lifetime(&options->publish);
    caps->subscriptions = or_default(caps->subscriptions, SUBSCRIPTIONS);
    caps->per_user = or_default(caps->per_user, PER_USER);
    caps->per_source = or_default(caps->per_source, (caps->subscriptions + 1) / 2);
    caps->publications = or_default(caps->publications, PUBLICATIONS);
    caps->publications_per_user = or_default(caps->publications_per_user, PUBLICATIONS_PER_USER);
    caps->publication_bytes = or_default(caps->publication_bytes, PUBLICATION_BYTES);
    if (!options->rate)
        options->rate = RATE;
}

static enum err make_maps(struct notifier_table *table)
{
    struct map *const maps[] = {&table->by_tag, &table->users, &table->peers};
    for (unsigned i = 0; i < 3; i++) {
        if (map_init(maps[i]) == OK)
            continue;
        while (i--)
            map_done(maps[i]);
        return ERR_NOMEM;
    }
    return OK;
}

enum err notifier_table_new(const struct notifier_options *options, struct notifier_table **out_table)
{
    struct notifier_table *table = calloc(1, sizeof(*table));
    if (!table)
        return ERR_NOMEM;
    table->options = *options;
    fill_options(&table->options);
    table->txns = options->txns;
    table->slab = txn_table_slab(options->txns);
    table->clock = txn_table_clock(options->txns);
    table->wheel = txn_table_wheel(options->txns);
    notifier_pump_init(table);
    if (make_maps(table) != OK) {
        free(table);
        return ERR_NOMEM;
    }
    const struct errand_options errands = {.txns = options->txns, .ways = options->ways};
    enum err err = errand_table_new(&errands, &table->errands);
    table->body = malloc(NOTIFIER_BODY_MAX);
    table->texts = malloc(NOTIFIER_TEXTS_MAX);
    if (err == OK && (!table->body || !table->texts))
        err = ERR_NOMEM;
    if (err == OK)
        err = notifier_add_package(table, &notifier_presence_package, table);
    if (err != OK) {
        notifier_table_free(table);
        return err;
    }
    *out_table = table;
    return OK;
}

static void free_users(struct notifier_table *table)
{
    struct map_node *next = table->users.count ? map_next(&table->users, NULL) : NULL;
    while (next) {
        struct notifier_user *user = container_of(next, struct notifier_user, node);
        next = map_next(&table->users, next);
        notifier_publications_drop(table, user);
        notifier_user_give(table, user);
    }
}

void notifier_table_free(struct notifier_table *table)
{
    if (!table)
        return;
    table->is_closed = true;
    for (unsigned i = 0; i < table->package_count; i++)
        table->packages[i].ctx = NULL; /* nobody is told any more */
    struct map_node *next = table->by_tag.count ? map_next(&table->by_tag, NULL) : NULL;
    while (next) {
        struct notifier_subscription *subscription = container_of(next, struct notifier_subscription, node);
        next = map_next(&table->by_tag, next);
        notifier_free(subscription);
    }
    free_users(table);
    wheel_cancel(table->wheel, &table->pump);
    map_done(&table->by_tag);
    map_done(&table->users);
    map_done(&table->peers);
    errand_table_free(table->errands);
    free(table->body);
    free(table->texts);
    free(table);
}

enum err notifier_add_package(struct notifier_table *table, const struct notifier_package *package, void *ctx)
{
    struct span name = span_of(package->name);
    if (notifier_package_find(table, name) < table->package_count)
        return ERR_EXISTS;
    struct buffer events = buffer_over(table->events + table->events_len, sizeof(table->events) - table->events_len);
    if (table->package_count)
        buffer_add_literal(&events, ", ");
    buffer_add_span(&events, name);
    if (events.overflow || table->package_count == NOTIFIER_PACKAGES_MAX)
        return ERR_FULL;
    table->events_len += events.len;
    table->packages[table->package_count++] = (struct notifier_entry){package, ctx, name, span_of(package->media_type)};
    return OK;
}

unsigned notifier_package_find(const struct notifier_table *table, struct span name)
{
    unsigned at = 0;
    while (at < table->package_count && !span_equal(table->packages[at].name, name))
        at++;
    return at;
}

struct span notifier_events(const struct notifier_table *table)
{
    return span_make(table->events, table->events_len);
}

const struct notifier_package *notifier_presence(const struct notifier_table *table)
{
    (void)table;
    return &notifier_presence_package;
}

bool notifier_bytes_set(struct notifier_table *table, struct notifier_bytes *out, struct span bytes)
{
    char *at = txn_slab_take(table->slab, bytes.len);
    if (!at)
        return false;
    if (bytes.len)
        memcpy(at, bytes.at, bytes.len);
    notifier_bytes_clear(table, out);
    *out = (struct notifier_bytes){at, (uint32_t)bytes.len};
    return true;
}

void notifier_bytes_clear(struct notifier_table *table, struct notifier_bytes *bytes)
{
    txn_slab_give(table->slab, bytes->at, bytes->len);
    *bytes = (struct notifier_bytes){0};
}

static bool is_peer(const struct map_node *node, const void *key)
{
    const struct notifier_peer *peer = container_of_const(node, struct notifier_peer, node);
    return net_address_equal_ip(&peer->address, key);
}

/* An IPv6 peer has a whole /64 of addresses. */
static struct net_address network_of(const struct net_address *address)
{
    struct net_address network = *address;
    network.port = 0;
    network.scope = 0;
    if (network.family == NET_FAMILY_IP6)
        memset(network.ip + 8, 0, 8);
    return network;
}

enum err notifier_peer_take(struct notifier_table *table, const struct net_address *address,
                            struct notifier_peer **out_peer)
{
    struct net_address network = network_of(address);
    uint64_t hash = siphash(&table->options.key, network.ip, sizeof(network.ip));
    struct map_node *node = map_find(&table->peers, hash, is_peer, &network);
    struct notifier_peer *peer = node ? container_of(node, struct notifier_peer, node) : NULL;
    if (peer && peer->count >= table->options.caps.per_source)
        return ERR_FULL;
    if (!peer) {
        peer = txn_slab_take(table->slab, sizeof(*peer));
        if (!peer)
            return ERR_NOMEM;
        *peer = (struct notifier_peer){.address = network};
        map_add(&table->peers, &peer->node, hash);
    }
    peer->count++;
    *out_peer = peer;
    return OK;
}

void notifier_peer_give(struct notifier_table *table, struct notifier_peer *peer)
{
    if (!peer || --peer->count)
        return;
    map_remove(&table->peers, &peer->node);
    txn_slab_give(table->slab, peer, sizeof(*peer));
}

void notifier_flow_closed(struct notifier_table *table, const struct net_flow *flow)
{
    errand_table_flow_closed(table->errands, flow);
}

size_t notifier_count(const struct notifier_table *table)
{
    return table->by_tag.count;
}

const struct notifier_counters *notifier_table_counters(const struct notifier_table *table)
{
    return &table->counters;
}

struct notifier_census notifier_table_census(const struct notifier_table *table)
{
    return (struct notifier_census){.subscriptions = table->by_tag.count,
                                    .publications = table->publications,
                                    .users = table->users.count,
                                    .sources = table->peers.count};
}
