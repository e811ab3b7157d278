/* SPDX-License-Identifier: Apache-2.0 */
#include "decisions/decisions_ring.h"
#include "util/invariant.h"
#include <stdlib.h>

/* In the ring a record is this header, the struct, and the bytes of its spans in order. */
struct stored {
    uint32_t len; /* of everything, this header included, rounded up to 8 */
    uint16_t span_len[DECISIONS_RECORD_SPANS];
    struct decisions_record record;
};

/* What is read by people is cut; the request, the last one, is whole or of no use. */
enum { SPAN_MAX = 300, REQUEST_MAX = UINT16_MAX };

static struct span *spans_of(struct decisions_record *record)
{
    return &record->call_id;
}

enum err decisions_ring_init(struct decisions_ring *ring)
{
    _Static_assert(offsetof(struct decisions_record, request) - offsetof(struct decisions_record, call_id) ==
                       (DECISIONS_RECORD_SPANS - 1) * sizeof(struct span),
                   "the spans of a record are one run");
    _Static_assert(sizeof(struct stored) + (DECISIONS_RECORD_SPANS - 1) * SPAN_MAX + REQUEST_MAX < DECISIONS_RECORD_MAX,
                   "a record fits");
    memset(ring, 0, sizeof(*ring));
    ring->bytes = malloc(DECISIONS_RING_BYTES);
    return ring->bytes ? OK : ERR_NOMEM;
}

void decisions_ring_done(struct decisions_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

static void copy_in(struct decisions_ring *ring, uint64_t at, const void *from, size_t len)
{
    if (!len)
        return; /* an empty span has no address, which memcpy must not be given */
    size_t offset = at % DECISIONS_RING_BYTES, first = DECISIONS_RING_BYTES - offset;
    if (first > len)
        first = len;
    memcpy(ring->bytes + offset, from, first);
    memcpy(ring->bytes, (const char *)from + first, len - first);
}

static void copy_out(const struct decisions_ring *ring, uint64_t at, void *to, size_t len)
{
    size_t offset = at % DECISIONS_RING_BYTES, first = DECISIONS_RING_BYTES - offset;
    if (first > len)
        first = len;
    memcpy(to, ring->bytes + offset, first);
    memcpy((char *)to + first, ring->bytes, len - first);
}

void decisions_ring_put(struct decisions_ring *ring, const struct decisions_record *record)
{
    struct stored stored = {.record = *record};
    const struct span *spans = spans_of(&stored.record);
    size_t len = sizeof(stored);
    for (int i = 0; i < DECISIONS_RECORD_SPANS; i++) {
        size_t most = i == DECISIONS_RECORD_SPANS - 1 ? REQUEST_MAX : SPAN_MAX;
        stored.span_len[i] = (uint16_t)(spans[i].len < most ? spans[i].len : most);
        len += stored.span_len[i];
    }
    size_t used = len;
    len = (len + 7) & ~(size_t)7;
    stored.len = (uint32_t)len;
    uint64_t at = atomic_load_explicit(&ring->written, memory_order_relaxed);
    if (at + len - atomic_load_explicit(&ring->taken, memory_order_acquire) > DECISIONS_RING_BYTES) {
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return;
    }
    copy_in(ring, at, &stored, sizeof(stored));
    uint64_t to = at + sizeof(stored);
    for (int i = 0; i < DECISIONS_RECORD_SPANS; i++) {
        copy_in(ring, to, spans[i].at, stored.span_len[i]);
        to += stored.span_len[i];
    }
    invariant(to == at + used);
    atomic_store_explicit(&ring->written, at + len, memory_order_release);
}

bool decisions_ring_take(struct decisions_ring *ring, char scratch[DECISIONS_RECORD_MAX],
                         struct decisions_record *out_record)
{
    uint64_t at = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (at == atomic_load_explicit(&ring->written, memory_order_acquire))
        return false;
    struct stored stored;
    copy_out(ring, at, &stored, sizeof(stored));
    invariant(stored.len >= sizeof(stored) && stored.len <= DECISIONS_RECORD_MAX);
    copy_out(ring, at + sizeof(stored), scratch, stored.len - sizeof(stored));
    *out_record = stored.record;
    struct span *spans = spans_of(out_record);
    char *from = scratch;
    for (int i = 0; i < DECISIONS_RECORD_SPANS; i++) {
        spans[i] = span_make(from, stored.span_len[i]);
        from += stored.span_len[i];
    }
    atomic_store_explicit(&ring->taken, at + stored.len, memory_order_release);
    return true;
}
