/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and questions: one entry a name and type, shared by all who ask, kept while its TTL lasts. */
#include "locate/locate_priv.h"
#include <stdlib.h>

/* How long to leave a server alone that failed or said nothing (RFC 2308 7): a storm of calls is one question. */
enum { FAILURE_S = 5 };

struct key {
    enum locate_type type;
    struct span name;
};

static bool is_key(const struct map_node *node, const void *key)
{
    const struct locate_entry *entry = container_of_const(node, struct locate_entry, node);
    const struct key *wanted = key;
    return entry->type == wanted->type && span_equal(span_make(entry->name, entry->name_len), wanted->name);
}

static uint64_t hash_of(const struct locate_table *table, const struct key *key)
{
    struct siphash_state state;
    char type = (char)key->type;
    siphash_begin(&state, &table->options.key);
    siphash_add(&state, span_make(&type, 1));
    siphash_add(&state, key->name);
    return siphash_end(&state);
}

void locate_entry_release(struct locate_table *table, struct locate_entry *entry)
{
    (void)table;
    if (--entry->holders)
        return;
    free(entry->memory);
    free(entry);
}

/* Out of the map; those who hold it keep it. */
static void forget(struct locate_table *table, struct locate_entry *entry)
{
    if (!entry->in_map)
        return;
    map_remove(&table->entries, &entry->node);
    entry->in_map = false;
    if (!list_is_unlinked(&entry->recent)) {
        list_remove(&entry->recent);
        table->cache_count--;
    }
    locate_entry_release(table, entry);
}

static struct locate_entry *entry_new(struct locate_table *table, const struct key *key, uint64_t hash)
{
    struct locate_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    list_init(&entry->recent);
    entry->type = (uint8_t)key->type;
    entry->id = ++table->next_id;
    entry->holders = 2; /* the map and the caller */
    entry->in_map = true;
    entry->name_len = key->name.len;
    memcpy(entry->name, key->name.at, key->name.len);
    map_add(&table->entries, &entry->node, hash);
    table->question_count++;
    return entry;
}

struct locate_entry *locate_entry_get(struct locate_table *table, enum locate_type type, struct span name)
{
    struct key key = {type, name};
    uint64_t hash = hash_of(table, &key);
    struct map_node *node = map_find(&table->entries, hash, is_key, &key);
    struct locate_entry *entry = node ? container_of(node, struct locate_entry, node) : NULL;
    if (entry && !entry->id && entry->expires_ms <= table->options.clock->mono_ms) {
        forget(table, entry);
        entry = NULL;
    }
    if (entry) {
        table->counters.cache_hits += entry->id == 0;
        entry->holders++;
        if (!list_is_unlinked(&entry->recent)) {
            list_remove(&entry->recent);
            list_push_back(&table->recent, &entry->recent);
        }
        return entry;
    }
    if (table->question_count >= table->options.question_cap)
        return NULL;
    entry = entry_new(table, &key, hash);
    if (!entry)
        return NULL;
    table->counters.asked++;
    struct locate_answer failed = {.status = LOCATE_FAILED};
    uint64_t id = entry->id;
    if (table->options.resolver.ask(table->options.resolver.ctx, id, type, name) != OK)
        locate_table_answer(table, id, &failed);
    return entry;
}

struct locate_entry *locate_entry_by_id(struct locate_table *table, uint64_t id)
{
    struct map_node *node = NULL;
    while (id && (node = map_next(&table->entries, node))) {
        struct locate_entry *entry = container_of(node, struct locate_entry, node);
        if (entry->id == id)
            return entry;
    }
    return NULL;
}

/* Records and the names that they point to, in one block. */
static bool copy_answer(struct locate_entry *entry, const struct locate_answer *answer)
{
    unsigned count = answer->count < LOCATE_RECORDS_MAX ? answer->count : LOCATE_RECORDS_MAX;
    size_t names = 0;
    for (unsigned i = 0; i < count; i++)
        names += answer->records[i].name.len;
    entry->answer = *answer;
    entry->answer.count = count;
    entry->answer.records = NULL;
    if (!count)
        return true;
    struct locate_record *records = malloc(count * sizeof(*records) + names);
    if (!records)
        return false;
    memcpy(records, answer->records, count * sizeof(*records));
    char *at = (char *)(records + count);
    for (unsigned i = 0; i < count; i++) {
        if (records[i].name.len)
            memcpy(at, records[i].name.at, records[i].name.len);
        records[i].name.at = at;
        at += records[i].name.len;
    }
    entry->memory = records;
    entry->answer.records = records;
    return true;
}

void locate_entry_fill(struct locate_table *table, struct locate_entry *entry, const struct locate_answer *answer)
{
    entry->id = 0;
    table->question_count--;
    if (!copy_answer(entry, answer))
        entry->answer = (struct locate_answer){.status = LOCATE_FAILED};
    enum locate_status status = entry->answer.status;
    uint32_t ttl_s = status == LOCATE_FAILED || status == LOCATE_TIMED_OUT ? FAILURE_S : entry->answer.ttl_s;
    if (ttl_s > LOCATE_TTL_MAX_S)
        ttl_s = LOCATE_TTL_MAX_S;
    entry->expires_ms = table->options.clock->mono_ms + 1000 * (uint64_t)ttl_s;
    if (!ttl_s) {
        forget(table, entry); /* good for those who asked for it, and for nobody else */
        return;
    }
    list_push_back(&table->recent, &entry->recent);
    if (++table->cache_count > table->options.cache_cap)
        forget(table, container_of(list_first(&table->recent), struct locate_entry, recent));
}

void locate_entries_free(struct locate_table *table)
{
    struct map_node *node;
    while ((node = map_next(&table->entries, NULL)))
        forget(table, container_of(node, struct locate_entry, node));
    map_done(&table->entries);
}
