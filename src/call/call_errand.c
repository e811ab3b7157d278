/* SPDX-License-Identifier: Apache-2.0 */
/* Our BYE on its way: one way after the other (RFC 3263 4.3), each with a transaction and a branch of its own, until one
 * of them is answered. */
#include "call/call_priv.h"

/* A datagram's way takes 64*T1 to fail: nobody wants more of them. */
enum { TRIES_MAX = 6, FAILED_MS = 32000 };

struct call_errand {
    struct map_node node; /* while it is out on a connection; first */
    struct call *call;
    struct locate_search *search;
    struct locate_hops hops;
    struct locate_hop hop; /* where it is now, if `has_hop` */
    struct net_flow flow;
    unsigned next, tries;
    bool is_linked, has_hop;
    bool is_located, is_trying;
    bool tried_flow; /* the one that the call came by */
};

static bool go_on(struct call_errand *errand);

static uint64_t hash_of(const struct net_flow *flow)
{
    return ((uint64_t)flow->slot << 32 | flow->generation) * 0x9e3779b97f4a7c15ULL;
}

/* An answer's way has another port than its connection; the slot's tenant is the same. */
static bool is_on(const struct map_node *node, const void *key)
{
    const struct call_errand *errand = container_of_const(node, struct call_errand, node);
    const struct net_flow *flow = key;
    return errand->flow.slot == flow->slot && errand->flow.generation == flow->generation &&
           errand->flow.worker == flow->worker;
}

static void unlink_errand(struct call_errand *errand)
{
    if (errand->is_linked)
        map_remove(&errand->call->table->errands, &errand->node);
    errand->is_linked = false;
}

void call_errand_free(struct call *call)
{
    struct call_errand *errand = call->errand;
    if (!errand)
        return;
    unlink_errand(errand);
    if (errand->search)
        locate_search_cancel(errand->search);
    txn_slab_give(call->table->slab, errand, sizeof(*errand));
    call->errand = NULL;
}

static void over(struct call *call, bool is_answered)
{
    call->bye = NULL;
    if (!is_answered)
        call->table->counters.bye_failures++;
    call_run(call, CALL_EV_BYE_DONE);
}

/* The way it is on leads nowhere. */
static void try_next(struct call *call, uint64_t avoid_ms, bool is_answered)
{
    struct call_errand *errand = call->errand;
    call->bye = NULL;
    unlink_errand(errand);
    if (errand->has_hop && avoid_ms)
        locate_table_avoid(call->table->options.ways.locator, &errand->hop, avoid_ms);
    if (!go_on(errand))
        over(call, is_answered);
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

/* Whatever the answer is, 481 and 408 included, the call is over; 503 speaks for one server only. */
static void on_final(void *user, struct txn *txn, const struct sip_message *response)
{
    struct call *call = user;
    txn_client_detach(txn);
    if (response->status == 503 && call->table->options.ways.locator)
        try_next(call, retry_after_ms(response), true);
    else
        over(call, true);
}

static void on_timeout(void *user, struct txn *txn)
{
    (void)txn;
    try_next(user, FAILED_MS, false);
}

static void on_transport_error(void *user, struct txn *txn, enum err err)
{
    (void)txn;
    (void)err;
    try_next(user, FAILED_MS, false);
}

static const struct txn_client_handlers handlers = {
    .on_final = on_final,
    .on_timeout = on_timeout,
    .on_transport_error = on_transport_error,
};

static void link_errand(struct call_errand *errand)
{
    if (errand->flow.transport == NET_UDP)
        return;
    map_add(&errand->call->table->errands, &errand->node, hash_of(&errand->flow));
    errand->is_linked = true;
}

static bool send_over(struct call_errand *errand, const struct net_flow *flow)
{
    struct call *call = errand->call;
    struct call_table *table = call->table;
    char branch[TXN_BRANCH_LEN];
    txn_branch_new(table->options.txns, branch);
    struct buffer out = buffer_over(table->scratch, CALL_SCRATCH_LEN);
    struct txn_client_request request = {
        .method = SPAN("BYE"),
        .call_id = call_text(call, CALL_TEXT_ID),
        .branch = span_make(branch, TXN_BRANCH_LEN),
        .flow = *flow,
        .handlers = &handlers,
        .user = call,
    };
    if (!call_bye_build(call, flow, branch, &out))
        return false;
    request.bytes = buffer_span(&out);
    if (txn_client_new(table->options.txns, &request, &call->bye) != OK)
        return false;
    table->counters.byes_sent += errand->tries++ == 0;
    errand->flow = *flow;
    link_errand(errand);
    return true;
}

static bool send_to(struct call_errand *errand, const struct locate_hop *hop)
{
    const struct call_ways *ways = &errand->call->table->options.ways;
    struct net_flow flow;
    if (!ways->may_reach(ways->ctx, &hop->address))
        return false;
    if (ways->open(ways->ctx, hop, &flow) != OK) {
        locate_table_avoid(ways->locator, hop, FAILED_MS);
        return false;
    }
    errand->hop = *hop;
    errand->has_hop = true;
    return send_over(errand, &flow);
}

static void on_found(void *user, enum err err, const struct locate_hops *hops)
{
    struct call_errand *errand = user;
    errand->search = NULL;
    if (err == OK)
        errand->hops = *hops;
    if (!errand->is_trying && !go_on(errand))
        over(errand->call, false);
}

/* True when its answer has to be waited for. */
static bool locate(struct call_errand *errand)
{
    struct call *call = errand->call;
    const struct call_ways *ways = &call->table->options.ways;
    char branch[TXN_BRANCH_LEN]; /* any, for its length */
    memset(branch, 'x', sizeof(branch));
    errand->is_located = true;
    if (!ways->locator)
        return false;
    struct buffer out = buffer_over(call->table->scratch, CALL_SCRATCH_LEN);
    struct locate_request request = {
        .uri = call_bye_next_hop(call),
        .transports = ways->transports,
        .ip6_first = call->flow.remote.family == NET_FAMILY_IP6,
        .is_large = call_bye_build(call, &call->flow, branch, &out) && out.len > LOCATE_LARGE,
    };
    errand->is_trying = true;
    enum err err = locate_table_find(ways->locator, &request, on_found, errand, &errand->search);
    errand->is_trying = false;
    return err == OK && errand->search != NULL;
}

static bool try_flow(struct call_errand *errand)
{
    errand->tried_flow = true;
    errand->has_hop = false;
    return send_over(errand, &errand->call->flow);
}

/* Takes the next way; false when there is none. */
static bool go_on(struct call_errand *errand)
{
    const struct call *call = errand->call;
    const struct call_ways *ways = &call->table->options.ways;
    bool is_connection = call->flow.transport != NET_UDP;
    if (!errand->tried_flow && is_connection && ways->locator && ways->is_open(ways->ctx, &call->flow) &&
        try_flow(errand))
        return true;
    if (!errand->is_located && locate(errand))
        return true;
    while (errand->next < errand->hops.count && errand->tries < TRIES_MAX)
        if (send_to(errand, &errand->hops.hops[errand->next++]))
            return true;
    return !errand->tried_flow && try_flow(errand);
}

bool call_bye_send(struct call *call)
{
    struct call_table *table = call->table;
    struct call_errand *errand = txn_slab_take(table->slab, sizeof(*errand));
    call->local_cseq++;
    if (errand) {
        *errand = (struct call_errand){.call = call};
        call->errand = errand;
    }
    if (errand && go_on(errand))
        return true;
    table->counters.bye_failures++;
    return false;
}

void call_errand_lost(struct call_table *table, const struct net_flow *flow)
{
    struct map_node *node;
    while ((node = map_find(&table->errands, hash_of(flow), is_on, flow))) {
        struct call_errand *errand = container_of(node, struct call_errand, node);
        unlink_errand(errand);
        if (errand->call->bye)
            txn_client_fail(errand->call->bye, ERR_CLOSED);
    }
}
