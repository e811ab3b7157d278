/* SPDX-License-Identifier: Apache-2.0 */
/* Searches: each runs the plan again whenever an answer came, over the answers that it holds. */
#include "locate/locate_priv.h"
#include "util/random.h"
#include <stdlib.h>

enum { TIMEOUT_MS = 4000, SEARCH_CAP = 4096, QUESTION_CAP = 256, CACHE_CAP = 1024 };

static void on_timer(struct timer *timer, void *ctx);

enum err locate_table_new(const struct locate_options *options, struct locate_table **out_table)
{
    struct locate_table *table = calloc(1, sizeof(*table));
    if (!table)
        return ERR_NOMEM;
    table->options = *options;
    if (!table->options.timeout_ms)
        table->options.timeout_ms = TIMEOUT_MS;
    if (!table->options.search_cap)
        table->options.search_cap = SEARCH_CAP;
    if (!table->options.question_cap)
        table->options.question_cap = QUESTION_CAP;
    if (!table->options.cache_cap)
        table->options.cache_cap = CACHE_CAP;
    list_init(&table->recent);
    list_init(&table->searches);
    enum err err = OK;
    if (options->seed)
        random_seed(&table->random, options->seed);
    else
        err = random_seed_system(&table->random);
    if (err == OK)
        err = map_init(&table->entries);
    if (err != OK) {
        free(table);
        return err;
    }
    *out_table = table;
    return OK;
}

static void search_free(struct locate_search *search)
{
    struct locate_table *table = search->table;
    wheel_cancel(table->options.wheel, &search->timer);
    list_remove(&search->node);
    table->search_count--;
    for (unsigned i = 0; i < search->count; i++)
        locate_entry_release(table, search->entries[i]);
    free(search);
}

void locate_table_free(struct locate_table *table)
{
    if (!table)
        return;
    struct list *node;
    while ((node = list_first(&table->searches)))
        search_free(container_of(node, struct locate_search, node));
    locate_entries_free(table);
    free(table);
}

void locate_search_cancel(struct locate_search *search)
{
    search_free(search);
}

static struct locate_entry *held(const struct locate_search *search, enum locate_type type, struct span name)
{
    for (unsigned i = 0; i < search->count; i++) {
        struct locate_entry *entry = search->entries[i];
        if (entry->type == type && span_equal(span_make(entry->name, entry->name_len), name))
            return entry;
    }
    return NULL;
}

static const struct locate_answer *find(void *ctx, enum locate_type type, struct span name)
{
    static const struct locate_answer timed_out = {.status = LOCATE_TIMED_OUT}, failed = {.status = LOCATE_FAILED};
    const struct locate_search *search = ctx;
    const struct locate_entry *entry = held(search, type, name);
    if (entry && !entry->id)
        return &entry->answer;
    if (search->is_late)
        return &timed_out;
    return !entry && search->count == LOCATE_ENTRIES_MAX ? &failed : NULL;
}

/* True when an answer was there at once, so that the plan may go on. */
static bool ask(struct locate_search *search, const struct locate_needs *needs)
{
    bool is_known = false;
    for (unsigned i = 0; i < needs->count; i++) {
        const struct locate_need *need = &needs->needs[i];
        struct span name = span_make(need->name, need->len);
        if (held(search, need->type, name))
            continue;
        if (search->count == LOCATE_ENTRIES_MAX)
            return true;
        struct locate_entry *entry = locate_entry_get(search->table, need->type, name);
        if (!entry) {
            search->is_late = true; /* no room for questions: what is known has to do */
            return true;
        }
        search->entries[search->count++] = entry;
        is_known |= entry->id == 0;
    }
    return is_known;
}

static bool is_avoided(const struct locate_table *table, const struct locate_hop *hop)
{
    for (unsigned i = 0; i < LOCATE_AVOID_MAX; i++) {
        const struct locate_avoided *one = &table->avoided[i];
        if (one->until_ms > table->options.clock->mono_ms && one->hop.transport == hop->transport &&
            net_address_equal(&one->hop.address, &hop->address))
            return true;
    }
    return false;
}

static void put_avoided_last(const struct locate_table *table, struct locate_hops *hops)
{
    struct locate_hops kept = {0}, last = {0};
    for (unsigned i = 0; i < hops->count; i++) {
        struct locate_hops *to = is_avoided(table, &hops->hops[i]) ? &last : &kept;
        to->hops[to->count++] = hops->hops[i];
    }
    for (unsigned i = 0; i < last.count; i++)
        kept.hops[kept.count++] = last.hops[i];
    *hops = kept;
}

void locate_table_avoid(struct locate_table *table, const struct locate_hop *hop, uint64_t for_ms)
{
    struct locate_avoided *place = &table->avoided[0];
    for (unsigned i = 0; i < LOCATE_AVOID_MAX; i++) {
        struct locate_avoided *one = &table->avoided[i];
        if (one->hop.transport == hop->transport && net_address_equal(&one->hop.address, &hop->address)) {
            place = one;
            break;
        }
        if (one->until_ms < place->until_ms)
            place = one;
    }
    *place = (struct locate_avoided){*hop, table->options.clock->mono_ms +
                                               (for_ms < LOCATE_AVOID_MAX_MS ? for_ms : LOCATE_AVOID_MAX_MS)};
}

/* ERR_AGAIN: it waits for answers. */
static enum err advance(struct locate_search *search, struct locate_hops *out_hops)
{
    struct locate_view view = {search, find};
    struct locate_needs needs;
    enum err err;
    do
        err = locate_plan(&search->request, &view, search->seed, &needs, out_hops);
    while (err == ERR_AGAIN && ask(search, &needs));
    if (err == OK)
        put_avoided_last(search->table, out_hops);
    return err;
}

static void tell(struct locate_search *search, enum err err, const struct locate_hops *hops)
{
    struct locate_table *table = search->table;
    locate_found_fn found = search->found;
    void *user = search->user;
    if (err == OK)
        table->counters.found++;
    else
        table->counters.failed++;
    search_free(search);
    found(user, err, err == OK ? hops : NULL);
}

static void arm(struct locate_search *search)
{
    const struct locate_options *options = &search->table->options;
    wheel_arm(options->wheel, &search->timer, search->is_woken ? options->clock->mono_ms : search->deadline_ms);
}

static struct locate_search *search_new(struct locate_table *table, const struct locate_request *request)
{
    struct locate_search *search = calloc(1, sizeof(*search));
    if (!search)
        return NULL;
    search->table = table;
    search->request = *request;
    if (request->uri.len)
        memcpy(search->uri, request->uri.at, request->uri.len);
    search->request.uri = span_make(search->uri, request->uri.len);
    search->seed = random_u64(&table->random);
    timer_init(&search->timer, on_timer);
    list_push_back(&table->searches, &search->node);
    table->search_count++;
    table->counters.searches++;
    search->deadline_ms = table->options.clock->mono_ms + table->options.timeout_ms;
    return search;
}

enum err locate_table_find(struct locate_table *table, const struct locate_request *request, locate_found_fn found,
                           void *user, struct locate_search **out_search)
{
    if (table->search_count >= table->options.search_cap) {
        table->counters.refused_full++;
        return ERR_FULL;
    }
    if (request->uri.len > LOCATE_URI_MAX)
        return ERR_TOO_LONG;
    struct locate_search *search = search_new(table, request);
    if (!search)
        return ERR_NOMEM;
    search->found = found;
    search->user = user;
    struct locate_hops hops;
    enum err err = advance(search, &hops);
    *out_search = NULL;
    if (err != ERR_AGAIN) {
        tell(search, err, &hops);
        return OK;
    }
    arm(search);
    *out_search = search;
    return OK;
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct locate_search *search = container_of(timer, struct locate_search, timer);
    struct locate_table *table = search->table;
    struct locate_hops hops;
    if (search->deadline_ms <= table->options.clock->mono_ms) {
        table->counters.timeouts++;
        search->is_late = true;
    }
    search->is_woken = false;
    enum err err = advance(search, &hops);
    if (err == ERR_AGAIN)
        arm(search);
    else
        tell(search, err, &hops);
}

static bool waits_for(const struct locate_search *search, const struct locate_entry *entry)
{
    for (unsigned i = 0; i < search->count; i++)
        if (search->entries[i] == entry)
            return true;
    return false;
}

/* The searches go on from the wheel: an answer may come out of a question that one of them is just asking. */
void locate_table_answer(struct locate_table *table, uint64_t id, const struct locate_answer *answer)
{
    struct locate_entry *entry = locate_entry_by_id(table, id);
    if (!entry)
        return;
    entry->holders++;
    locate_entry_fill(table, entry, answer);
    for (struct list *node = table->searches.next; node != &table->searches; node = node->next) {
        struct locate_search *search = container_of(node, struct locate_search, node);
        if (!waits_for(search, entry))
            continue;
        search->is_woken = true;
        if (timer_is_armed(&search->timer))
            arm(search);
    }
    locate_entry_release(table, entry);
}

const struct locate_counters *locate_table_counters(const struct locate_table *table)
{
    return &table->counters;
}

struct locate_census locate_table_census(const struct locate_table *table)
{
    return (struct locate_census){table->search_count, table->question_count, table->cache_count};
}
