/* SPDX-License-Identifier: Apache-2.0 */
#include "errand/errand.h"

#include "sip/sip_address.h"
#include "txn/txn_slab.h"
#include "util/map.h"

#include <stdlib.h>

/* A datagram's way takes 64*T1 to fail: nobody wants more of them. */
enum { TRIES_MAX = 6, FAILED_MS = 32000, SCRATCH_LEN = 65536 };

struct errand_table {
    struct errand_options options;
    struct map out; /* those on a connection, by its slot */
    char *scratch;  /* where requests are built */
};

struct errand {
    struct map_node node; /* while it is out on a connection; first */
    struct errand_table *table;
    const struct errand_job *job;
    void *user;
    struct txn *txn;
    struct locate_search *search;
    struct locate_hops *hops;       /* once they are known; from the slab */
    struct errand_detours *detours; /* to the phone behind a GRUU; NULL: not asked for, or none */
    struct errand_detour *detour;   /* that it is on; NULL: none of them */
    struct locate_hop hop;          /* where it is now, if `has_hop` */
    struct net_flow home;           /* that the dialog came by */
    struct net_flow flow;           /* where it is now */
    struct net_address stream;
    unsigned next, next_detour, tries;
    bool is_linked, has_hop, asked_phone;
    bool is_located, is_trying;
    bool tried_home, tried_stream;
};

enum err errand_table_new(const struct errand_options *options, struct errand_table **out_table)
{
    struct errand_table *table = calloc(1, sizeof(*table));
    if (!table)
        return ERR_NOMEM;
    table->options = *options;
    table->scratch = malloc(SCRATCH_LEN);
    enum err err = table->scratch ? map_init(&table->out) : ERR_NOMEM;
    if (err != OK) {
        free(table->scratch);
        free(table);
        return err;
    }
    *out_table = table;
    return OK;
}

void errand_table_free(struct errand_table *table)
{
    if (!table)
        return;
    map_done(&table->out);
    free(table->scratch);
    free(table);
}

static struct txn_slab *slab_of(const struct errand *errand)
{
    return txn_table_slab(errand->table->options.txns);
}

static uint64_t hash_of(const struct net_flow *flow)
{
    return ((uint64_t)flow->slot << 32 | flow->generation) * 0x9e3779b97f4a7c15ULL;
}

/* An answer's way has another port than its connection; the slot's tenant is the same. */
static bool is_on(const struct map_node *node, const void *key)
{
    const struct errand *errand = container_of_const(node, struct errand, node);
    const struct net_flow *flow = key;
    return errand->flow.slot == flow->slot && errand->flow.generation == flow->generation &&
           errand->flow.worker == flow->worker;
}

static void link_errand(struct errand *errand)
{
    if (errand->flow.transport == NET_UDP)
        return;
    map_add(&errand->table->out, &errand->node, hash_of(&errand->flow));
    errand->is_linked = true;
}

static void unlink_errand(struct errand *errand)
{
    if (errand->is_linked)
        map_remove(&errand->table->out, &errand->node);
    errand->is_linked = false;
}

static void free_errand(struct errand *errand)
{
    struct txn_slab *slab = slab_of(errand);
    unlink_errand(errand);
    if (errand->search)
        locate_search_cancel(errand->search);
    if (errand->hops)
        txn_slab_give(slab, errand->hops, sizeof(*errand->hops));
    free(errand->detours);
    txn_slab_give(slab, errand, sizeof(*errand));
}

void errand_cancel(struct errand *errand)
{
    if (!errand)
        return;
    if (errand->txn)
        txn_client_detach(errand->txn);
    free_errand(errand);
}

static void drop_hops(struct errand *errand)
{
    if (errand->hops)
        txn_slab_give(slab_of(errand), errand->hops, sizeof(*errand->hops));
    errand->hops = NULL;
    errand->next = 0;
    errand->has_hop = false;
}

static bool go_on(struct errand *errand);

static void over(struct errand *errand, enum errand_end end, const struct sip_message *response)
{
    const struct errand_job *job = errand->job;
    void *user = errand->user;
    free_errand(errand);
    job->done(user, end, response);
}

/* The way it is on leads nowhere. */
static void try_next(struct errand *errand, uint64_t avoid_ms, enum errand_end end, const struct sip_message *response)
{
    errand->txn = NULL;
    unlink_errand(errand);
    if (errand->has_hop && avoid_ms && errand->table->options.ways.locator)
        locate_table_avoid(errand->table->options.ways.locator, &errand->hop, avoid_ms);
    if (!go_on(errand))
        over(errand, end, response);
}

/* The other places of this Path lead to the same phone, by the same flow. */
static void try_next_detour(struct errand *errand, const struct sip_message *response)
{
    drop_hops(errand);
    try_next(errand, 0, ERRAND_ANSWERED, response);
}

static uint64_t retry_after_ms(const struct sip_message *response)
{
    uint32_t seconds;
    struct span value = sip_message_value(response, SIP_HEADER_RETRY_AFTER);
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    return span_to_u32(span_slice(value, 0, digits), &seconds) ? 1000 * (uint64_t)seconds : 0;
}

static void acknowledge(struct errand *errand, struct txn *txn, const struct sip_message *response)
{
    struct errand_table *table = errand->table;
    char branch[TXN_BRANCH_LEN];
    txn_branch_new(table->options.txns, branch);
    struct errand_accepted accepted = {response, {&errand->flow, span_make(branch, TXN_BRANCH_LEN), errand->detour}};
    struct buffer out = buffer_over(table->scratch, SCRATCH_LEN);
    if (errand->job->build_ack(errand->user, &accepted, &out))
        txn_client_acknowledge(txn, buffer_span(&out));
}

/* 408 and 430 speak for one of a phone's ways only (RFC 5626 7); after 430 nobody else need try it. */
static bool has_failed_on_its_way(struct errand *errand, unsigned status)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    if (!errand->detour || (status != 430 && status != 408))
        return false;
    if (status == 430 && ways->lost_phone)
        ways->lost_phone(ways->ctx, errand->detour);
    return true;
}

/* Whatever the answer is, it is one; but 503 speaks for one server only. */
static void on_final(void *user, struct txn *txn, const struct sip_message *response)
{
    struct errand *errand = user;
    if (errand->job->build_ack && response->status < 300)
        acknowledge(errand, txn, response);
    txn_client_detach(txn);
    errand->txn = NULL;
    if (has_failed_on_its_way(errand, response->status))
        try_next_detour(errand, response);
    else if (response->status == 503 && errand->table->options.ways.locator)
        try_next(errand, retry_after_ms(response), ERRAND_ANSWERED, response);
    else
        over(errand, ERRAND_ANSWERED, response);
}

static void on_timeout(void *user, struct txn *txn)
{
    (void)txn;
    try_next(user, FAILED_MS, ERRAND_TIMEOUT, NULL);
}

static void on_transport_error(void *user, struct txn *txn, enum err err)
{
    (void)txn;
    (void)err;
    try_next(user, FAILED_MS, ERRAND_FAILED, NULL);
}

static const struct txn_client_handlers handlers = {
    .on_final = on_final,
    .on_timeout = on_timeout,
    .on_transport_error = on_transport_error,
};

static bool send_to(struct errand *errand, const struct locate_hop *hop);

/* A datagram that is too large goes to the same host over a stream first; where that fails, it goes as it is
 * (RFC 3261 18.1.1). */
static bool try_stream(struct errand *errand)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    if (errand->tried_stream || errand->stream.family == NET_FAMILY_NONE || !ways->open)
        return false;
    errand->tried_stream = true;
    struct locate_hop hop = {.transport = NET_TCP, .address = errand->stream};
    return send_to(errand, &hop);
}

static bool send_bytes(struct errand *errand, const struct net_flow *flow, struct span branch, struct span bytes)
{
    const struct errand_job *job = errand->job;
    struct txn_client_request request = {
        .method = job->method,
        .call_id = job->call_id(errand->user),
        .branch = branch,
        .flow = *flow,
        .bytes = bytes,
        .handlers = &handlers,
        .user = errand,
    };
    if (txn_client_new(errand->table->options.txns, &request, &errand->txn) != OK)
        return false;
    if (errand->tries++ == 0 && job->sent)
        job->sent(errand->user);
    errand->flow = *flow;
    link_errand(errand);
    return true;
}

static bool build(const struct errand *errand, const struct net_flow *flow, struct span branch, struct buffer *out)
{
    struct errand_way way = {flow, branch, errand->detour};
    return errand->job->build(errand->user, &way, out);
}

static bool send_over(struct errand *errand, const struct net_flow *flow)
{
    struct errand_table *table = errand->table;
    char text[TXN_BRANCH_LEN];
    txn_branch_new(table->options.txns, text);
    struct span branch = span_make(text, TXN_BRANCH_LEN);
    struct buffer out = buffer_over(table->scratch, SCRATCH_LEN);
    return build(errand, flow, branch, &out) && send_bytes(errand, flow, branch, buffer_span(&out));
}

static struct span next_hop(const struct errand *errand)
{
    struct sip_address first;
    if (!errand->detour)
        return errand->job->next_hop(errand->user);
    struct span rest = errand->detour->path;
    return sip_address_next(&rest, &first, NULL) == OK ? first.uri.text : SPAN("");
}

/* The domain that is meant, whatever the DNS made of it. */
static struct span target_name(const struct errand *errand)
{
    struct sip_uri uri;
    if (sip_uri_parse(next_hop(errand), &uri, NULL) != OK)
        return span_make(NULL, 0);
    return uri.host;
}

static bool send_to(struct errand *errand, const struct locate_hop *hop)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    struct net_flow flow;
    if (ways->open(ways->ctx, hop, target_name(errand), &flow) != OK) {
        if (ways->locator)
            locate_table_avoid(ways->locator, hop, FAILED_MS);
        return false;
    }
    errand->hop = *hop;
    errand->has_hop = true;
    return send_over(errand, &flow);
}

static bool send_if_allowed(struct errand *errand, const struct locate_hop *hop)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    return ways->may_reach(ways->ctx, &hop->address) && send_to(errand, hop);
}

static void on_found(void *user, enum err err, const struct locate_hops *hops)
{
    struct errand *errand = user;
    errand->search = NULL;
    if (err == OK)
        errand->hops = txn_slab_take(slab_of(errand), sizeof(*errand->hops));
    if (errand->hops)
        *errand->hops = *hops;
    if (!errand->is_trying && !go_on(errand))
        over(errand, ERRAND_FAILED, NULL);
}

/* What this request weighs on the way home: any branch will do for that. */
static bool is_large(struct errand *errand)
{
    char branch[TXN_BRANCH_LEN];
    memset(branch, 'x', sizeof(branch));
    struct buffer out = buffer_over(errand->table->scratch, SCRATCH_LEN);
    struct span any = span_make(branch, sizeof(branch));
    return build(errand, &errand->home, any, &out) && out.len > LOCATE_LARGE;
}

/* True when its answer has to be waited for. */
static bool locate(struct errand *errand)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    errand->is_located = true;
    if (!ways->locator)
        return false;
    struct locate_request request = {
        .uri = next_hop(errand),
        .transports = ways->transports,
        .ip6_first = errand->home.remote.family == NET_FAMILY_IP6,
        .is_large = is_large(errand),
    };
    errand->is_trying = true;
    enum err err = locate_table_find(ways->locator, &request, on_found, errand, &errand->search);
    errand->is_trying = false;
    return err == OK && errand->search != NULL;
}

/* Too large for a datagram, it is built again for the stream, or, where there is none, for the same way. */
static bool send_home(struct errand *errand)
{
    struct errand_table *table = errand->table;
    char text[TXN_BRANCH_LEN];
    txn_branch_new(table->options.txns, text);
    struct span branch = span_make(text, TXN_BRANCH_LEN);
    struct buffer out = buffer_over(table->scratch, SCRATCH_LEN);
    if (!build(errand, &errand->home, branch, &out))
        return false;
    bool is_large = errand->home.transport == NET_UDP && out.len > LOCATE_LARGE;
    if (!is_large || errand->tried_stream)
        return send_bytes(errand, &errand->home, branch, buffer_span(&out));
    if (try_stream(errand)) {
        errand->tried_home = false;
        return true;
    }
    errand->tried_stream = true;
    return send_over(errand, &errand->home);
}

static bool try_home(struct errand *errand)
{
    errand->tried_home = true;
    errand->has_hop = false;
    return send_home(errand);
}

/* Its Contact, or the edge of its route, asks that requests come by the flow that it came by (RFC 5626 4.3, 5.3): the
 * address that stands there is one that nobody may be able to reach.  The same goes for a GRUU (RFC 5627), whose host is the
 * registrar, perhaps ourselves. */
static bool wants_home(const struct errand *errand)
{
    struct sip_uri uri;
    return sip_uri_parse(errand->job->next_hop(errand->user), &uri, NULL) == OK &&
           (sip_uri_has_param(&uri, SPAN("ob")) || sip_uri_has_param(&uri, SPAN("gr")));
}

/* Home goes first where it is a connection that is open, or asked for; without a locator it is all there is. */
static bool home_goes_first(const struct errand *errand)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    if (errand->tried_home || !ways->locator)
        return false;
    if (errand->home.transport == NET_UDP)
        return wants_home(errand);
    return ways->is_open(ways->ctx, &errand->home);
}

/* The places that were found, one after the other. */
static bool try_hops(struct errand *errand)
{
    if (!errand->is_located && locate(errand))
        return true;
    while (errand->hops && errand->next < errand->hops->count && errand->tries < TRIES_MAX)
        if (send_if_allowed(errand, &errand->hops->hops[errand->next++]))
            return true;
    return false;
}

/* A dialog with routes of its own goes by these: they are the phone's edge, which knows what to do with the rest. */
static void ask_phone(struct errand *errand)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    struct sip_uri uri;
    struct span gruu = errand->job->next_hop(errand->user);
    errand->asked_phone = true;
    if (!ways->find_phone || sip_uri_parse(gruu, &uri, NULL) != OK || !sip_uri_has_param(&uri, SPAN("gr")))
        return;
    errand->detours = malloc(sizeof(*errand->detours)); /* without memory: as if nobody knew one */
    if (errand->detours)
        ways->find_phone(ways->ctx, gruu, errand->detours);
    if (errand->detours)
        errand_detours_put_first(errand->detours, &errand->home);
}

static bool try_detour(struct errand *errand)
{
    const struct errand_ways *ways = &errand->table->options.ways;
    const struct errand_detour *detour = errand->detour;
    if (!detour->is_direct)
        return try_hops(errand);
    if (errand->is_located)
        return false; /* it has been tried */
    errand->is_located = true;
    return ways->is_open(ways->ctx, &detour->flow) && send_over(errand, &detour->flow);
}

/* The next place of the way that it is on, else the next way; afterwards it is on none of them. */
static bool try_detours(struct errand *errand)
{
    if (!errand->asked_phone)
        ask_phone(errand);
    for (;;) {
        if (errand->detour && errand->tries < TRIES_MAX && try_detour(errand))
            return true;
        if (errand->detour)
            errand->is_located = false;
        drop_hops(errand);
        errand->detour = NULL;
        if (!errand->detours || errand->next_detour >= errand->detours->count)
            return false;
        errand->detour = &errand->detours->items[errand->next_detour++];
    }
}

/* Takes the next way; false when there is none. */
static bool go_on(struct errand *errand)
{
    if ((errand->detour || !errand->asked_phone) && try_detours(errand))
        return true;
    if (home_goes_first(errand) && try_home(errand))
        return true;
    return try_hops(errand) || (!errand->tried_home && try_home(errand));
}

enum err errand_send(struct errand_table *table, const struct errand_order *order, struct errand **out_errand)
{
    struct errand *errand = txn_slab_take(txn_table_slab(table->options.txns), sizeof(*errand));
    if (!errand)
        return ERR_NOMEM;
    *errand = (struct errand){
        .table = table, .job = order->job, .user = order->user, .home = order->flow, .stream = order->stream};
    if (!go_on(errand)) {
        free_errand(errand);
        return ERR_FULL;
    }
    *out_errand = errand;
    return OK;
}

void errand_table_flow_closed(struct errand_table *table, const struct net_flow *flow)
{
    struct map_node *node;
    while ((node = map_find(&table->out, hash_of(flow), is_on, flow))) {
        struct errand *errand = container_of(node, struct errand, node);
        unlink_errand(errand);
        if (errand->txn)
            txn_client_fail(errand->txn, ERR_CLOSED);
    }
}
