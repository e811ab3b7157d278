/* SPDX-License-Identifier: Apache-2.0 */
/* Two rows of counters (a count-min sketch whose events are also taken back), and one row of times at which a
 * destination's next BYE is due (the virtual scheduling algorithm). */
#include "txn/txn_reflect.h"

#include <stdlib.h>

enum { SLOTS = 8192, ROWS = 2, DUE_SLOTS = 4096 };

struct txn_reflect {
    struct siphash_key key;
    uint32_t cap;
    uint64_t refused;
    struct net_address last; /* the address that was hashed last, which is often the next one too */
    uint64_t last_hash;
    uint32_t counts[ROWS][SLOTS];
    uint64_t due_ms[DUE_SLOTS]; /* when a BYE would be exactly on the long-term rate */
};

enum err txn_reflect_new(uint32_t cap, const struct siphash_key *key, struct txn_reflect **out_reflect)
{
    struct txn_reflect *reflect = calloc(1, sizeof(*reflect));
    if (!reflect)
        return ERR_NOMEM;
    reflect->cap = cap;
    reflect->key = *key;
    struct net_address source = net_address_source(&reflect->last);
    reflect->last_hash = siphash(key, &source, sizeof(source));
    *out_reflect = reflect;
    return OK;
}

void txn_reflect_free(struct txn_reflect *reflect)
{
    free(reflect);
}

static uint64_t hash_of(struct txn_reflect *reflect, const struct net_address *address)
{
    if (!net_address_equal(address, &reflect->last)) {
        struct net_address source = net_address_source(address);
        reflect->last = *address;
        reflect->last_hash = siphash(&reflect->key, &source, sizeof(source));
    }
    return reflect->last_hash;
}

static uint32_t least(const struct txn_reflect *reflect, uint64_t hash)
{
    uint32_t a = reflect->counts[0][hash % SLOTS];
    uint32_t b = reflect->counts[1][(hash >> 32) % SLOTS];
    return a < b ? a : b;
}

bool txn_reflect_may_answer(struct txn_reflect *reflect, const struct net_address *source)
{
    if (least(reflect, hash_of(reflect, source)) < reflect->cap)
        return true;
    reflect->refused++;
    return false;
}

uint64_t txn_reflect_refused(const struct txn_reflect *reflect)
{
    return reflect->refused;
}

void txn_reflect_answered(struct txn_reflect *reflect, const struct net_address *source)
{
    uint64_t hash = hash_of(reflect, source);
    reflect->counts[0][hash % SLOTS]++;
    reflect->counts[1][(hash >> 32) % SLOTS]++;
}

void txn_reflect_settled(struct txn_reflect *reflect, const struct net_address *source)
{
    uint64_t hash = hash_of(reflect, source);
    reflect->counts[0][hash % SLOTS]--;
    reflect->counts[1][(hash >> 32) % SLOTS]--;
}

uint32_t txn_reflect_outstanding(struct txn_reflect *reflect, const struct net_address *source)
{
    return least(reflect, hash_of(reflect, source));
}

uint32_t txn_reflect_bye_wait_ms(struct txn_reflect *reflect, const struct net_address *destination, uint64_t now_ms)
{
    uint64_t *due_ms = &reflect->due_ms[hash_of(reflect, destination) % DUE_SLOTS];
    uint64_t due = *due_ms > now_ms ? *due_ms : now_ms;
    uint64_t early = (uint64_t)(TXN_REFLECT_BURST - 1) * TXN_REFLECT_GAP_MS;
    uint64_t wait = due - now_ms > early ? due - now_ms - early : 0;
    if (wait > TXN_REFLECT_WAIT_MAX_MS)
        return UINT32_MAX;
    *due_ms = due + TXN_REFLECT_GAP_MS;
    return (uint32_t)wait;
}
