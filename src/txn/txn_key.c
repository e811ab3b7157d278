/* SPDX-License-Identifier: Apache-2.0 */
/* What makes two messages one transaction (RFC 3261 17.1.3, 17.2.3, 8.2.2.2), as keyed hashes: no string is kept. */
#include "txn/txn_priv.h"

/* The end of a span as a number: the part of a branch or Call-ID that varies most. */
static uint64_t tail_of(struct span span)
{
    uint64_t word = span.len;
    if (!span.len) /* a request of RFC 2543 may have no branch */
        return 0;
    memcpy(&word, span.at + (span.len > sizeof(word) ? span.len - sizeof(word) : 0),
           span.len < sizeof(word) ? span.len : sizeof(word));
    return word;
}

/* The keyed hash alone cannot be forged; the print makes an accident beyond counting as well. */
static uint64_t print_of(struct span a, struct span b)
{
    uint64_t ends = tail_of(a) * 0x9e3779b97f4a7c15ULL ^ tail_of(b);
    return ends ^ (uint64_t)a.len << 32 ^ (uint64_t)b.len << 48;
}

/* 0 is kept free: it marks what is not indexed. */
static uint64_t hash_end(struct siphash_state *state)
{
    uint64_t hash = siphash_end(state);
    return hash ? hash : 1;
}

static struct txn_key key_of(struct siphash_state *state, uint64_t print)
{
    return (struct txn_key){hash_end(state), print};
}

static struct span number_span(const uint64_t *number)
{
    return span_make((const char *)number, sizeof(*number));
}

/* RFC 2543: no branch to rely on.  The To tag stays out: an ACK has the answer's. */
static struct txn_key key_without_branch(const struct txn_table *table, const struct sip_message *request,
                                         uint64_t numbers)
{
    struct siphash_state state;
    siphash_begin(&state, &table->options.key);
    numbers |= (uint64_t)1 << 48;
    siphash_add(&state, number_span(&numbers));
    uint64_t cseq = request->cseq;
    siphash_add(&state, number_span(&cseq));
    siphash_add(&state, request->uri_text);
    siphash_add(&state, request->from.tag);
    /* The Via by its parts: an ACK may echo the received and rport that our answer added. */
    siphash_add_nocase(&state, request->via.transport_text);
    siphash_add_nocase(&state, request->via.host);
    siphash_add(&state, request->via.branch);
    siphash_add(&state, request->call_id);
    return key_of(&state, print_of(request->via.branch, request->call_id));
}

struct txn_key txn_key_server(const struct txn_table *table, const struct sip_message *request, enum sip_method method)
{
    uint64_t numbers = (uint64_t)method << 16 | request->via.port;
    if (!request->via.has_cookie)
        return key_without_branch(table, request, numbers);
    struct siphash_state state;
    siphash_begin(&state, &table->options.key);
    siphash_add(&state, number_span(&numbers));
    siphash_add(&state, request->via.branch);
    siphash_add_nocase(&state, request->via.host);
    siphash_add(&state, request->call_id);
    if (method == SIP_METHOD_OTHER)
        siphash_add(&state, request->method_text);
    return key_of(&state, print_of(request->via.branch, request->call_id));
}

struct txn_key txn_key_client(const struct txn_table *table, struct span branch, struct span method,
                              struct span call_id)
{
    struct siphash_state state;
    siphash_begin(&state, &table->options.key);
    siphash_add(&state, SPAN("client"));
    siphash_add(&state, branch);
    siphash_add(&state, method);
    siphash_add(&state, call_id);
    return key_of(&state, print_of(branch, call_id));
}

uint64_t txn_key_merge(const struct txn_table *table, const struct sip_message *request)
{
    if (request->to.tag.at)
        return 0;
    uint64_t numbers = (uint64_t)request->method << 32 | request->cseq;
    struct siphash_state state;
    siphash_begin(&state, &table->merge_key);
    siphash_add(&state, number_span(&numbers));
    siphash_add(&state, request->from.tag);
    siphash_add(&state, request->call_id);
    if (request->method == SIP_METHOD_OTHER)
        siphash_add(&state, request->method_text);
    return hash_end(&state);
}

struct txn *txn_find(const struct txn_table *table, struct txn_key key)
{
    struct txn_link *link = txn_index_find(&table->by_key, key.hash);
    struct txn *txn = link ? container_of(link, struct txn, link) : NULL;
    if (txn)
        txn_prefetch(txn);
    return txn && txn->print == key.print ? txn : NULL;
}
