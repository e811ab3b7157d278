/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of entries, and an index over it by open addressing that is twice as long. */
#include "replay/replay_ledger.h"
#include "util/siphash.h"

#include <stdlib.h>

enum { INDEX_LEN = 4 * REPLAY_LEDGER_MAX, NONE = 0 };

struct replay_ledger {
    uint64_t unanswered;
    uint32_t next;             /* the entry that is used next */
    uint32_t index[INDEX_LEN]; /* entry + 1; NONE: free */
    struct replay_entry entries[REPLAY_LEDGER_MAX];
};

enum err replay_ledger_new(struct replay_ledger **out_ledger)
{
    struct replay_ledger *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    *out_ledger = self;
    return OK;
}

void replay_ledger_free(struct replay_ledger *self)
{
    free(self);
}

/* Branch, Call-ID, CSeq and From tag: an old-style branch alone would not do, and a response echoes all of them. */
static uint64_t key_of(const struct sip_message *message)
{
    static const struct siphash_key fixed = {3, 4};
    uint64_t cseq = message->cseq;
    struct siphash_state state;
    siphash_begin(&state, &fixed);
    siphash_add(&state, span_make((const char *)&cseq, sizeof(cseq)));
    siphash_add(&state, message->cseq_method_text);
    siphash_add(&state, message->via.branch);
    siphash_add(&state, message->from.tag);
    siphash_add(&state, message->call_id);
    return siphash_end(&state);
}

static uint32_t *find_slot(struct replay_ledger *self, uint64_t key)
{
    uint32_t at = (uint32_t)key & (INDEX_LEN - 1);
    while (self->index[at] != NONE && self->entries[self->index[at] - 1].key != key)
        at = (at + 1) & (INDEX_LEN - 1);
    return &self->index[at];
}

/* Takes an entry out of the index; those behind it that it pushed away move up (no tombstones, so it never fills). */
static void remove_key(struct replay_ledger *self, uint64_t key)
{
    uint32_t hole = (uint32_t)(find_slot(self, key) - self->index), at = hole;
    for (;;) {
        at = (at + 1) & (INDEX_LEN - 1);
        if (self->index[at] == NONE)
            break;
        uint32_t home = (uint32_t)self->entries[self->index[at] - 1].key & (INDEX_LEN - 1);
        if (((at - home) & (INDEX_LEN - 1)) >= ((at - hole) & (INDEX_LEN - 1))) {
            self->index[hole] = self->index[at];
            hole = at;
        }
    }
    self->index[hole] = NONE;
}

static struct replay_entry *use_next(struct replay_ledger *self, uint64_t key)
{
    struct replay_entry *entry = &self->entries[self->next];
    if (entry->used)
        remove_key(self, entry->key);
    if (entry->used && !entry->answered)
        self->unanswered++;
    *find_slot(self, key) = self->next + 1;
    self->next = (self->next + 1) % REPLAY_LEDGER_MAX;
    return entry;
}

struct replay_entry *replay_ledger_add(struct replay_ledger *self, const struct sip_message *request, int64_t wall_ms)
{
    uint64_t key = key_of(request);
    uint32_t slot = *find_slot(self, key);
    struct replay_entry *entry = slot == NONE ? NULL : &self->entries[slot - 1];
    if (entry && (!entry->answered || wall_ms - entry->wall_ms <= REPLAY_LEDGER_MS)) {
        entry->wall_ms = wall_ms;
        return NULL;
    }
    if (!entry)
        entry = use_next(self, key);
    *entry =
        (struct replay_entry){.key = key, .wall_ms = wall_ms, .at = (uint32_t)(entry - self->entries), .used = true};
    return entry;
}

struct replay_entry *replay_ledger_settle(struct replay_ledger *self, const struct sip_message *response,
                                          int64_t wall_ms)
{
    uint32_t slot = *find_slot(self, key_of(response));
    struct replay_entry *entry = slot == NONE ? NULL : &self->entries[slot - 1];
    if (!entry)
        return NULL;
    entry->wall_ms = wall_ms;
    if (entry->answered)
        return NULL;
    entry->answered = true;
    return entry;
}

uint64_t replay_ledger_unanswered(const struct replay_ledger *self)
{
    uint64_t count = self->unanswered;
    for (uint32_t i = 0; i < REPLAY_LEDGER_MAX; i++)
        count += self->entries[i].used && !self->entries[i].answered;
    return count;
}
