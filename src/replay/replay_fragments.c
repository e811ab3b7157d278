/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/replay_fragments.h"

#include <stdlib.h>

enum { PACKET_MAX = 65535, BLOCKS = PACKET_MAX / 8 + 1 };

/* One packet in the making.  A block of eight bytes has come when its bit is set. */
struct slot {
    bool used;
    bool taken; /* handed out: free at the next call */
    struct net_address from, to;
    uint8_t protocol; /* of the first piece, which is the one that says it */
    bool is_ip6;
    uint32_t id;
    int64_t since_ms;
    size_t len; /* 0: the last piece has not come */
    size_t come;
    uint8_t blocks[BLOCKS / 8 + 1];
    char *bytes; /* PACKET_MAX, made at its first use */
};

struct replay_fragments {
    uint64_t incomplete;
    struct slot slots[REPLAY_FRAGMENTS_MAX];
};

enum err replay_fragments_new(struct replay_fragments **out_fragments)
{
    struct replay_fragments *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    *out_fragments = self;
    return OK;
}

void replay_fragments_free(struct replay_fragments *self)
{
    if (!self)
        return;
    for (size_t i = 0; i < REPLAY_FRAGMENTS_MAX; i++)
        free(self->slots[i].bytes);
    free(self);
}

static void give_up(struct replay_fragments *self, struct slot *slot)
{
    slot->used = false;
    if (!slot->taken)
        self->incomplete++;
}

static bool is_same(const struct slot *slot, const struct replay_packet *packet)
{
    return slot->used && !slot->taken && slot->id == packet->fragment_id &&
           net_address_equal(&slot->from, &packet->from) && net_address_equal(&slot->to, &packet->to) &&
           /* IPv6 identifies by addresses and number alone, and only the first piece's next header counts. */
           (slot->is_ip6 || slot->protocol == packet->protocol);
}

static struct slot *start(struct replay_fragments *self, struct slot *slot, int64_t wall_ms,
                          const struct replay_packet *packet)
{
    char *bytes = slot->bytes ? slot->bytes : malloc(PACKET_MAX);
    if (slot->used)
        give_up(self, slot);
    if (!bytes)
        return NULL;
    *slot = (struct slot){
        .used = true,
        .from = packet->from,
        .to = packet->to,
        .protocol = packet->protocol,
        .is_ip6 = packet->from.family == NET_FAMILY_IP6,
        .id = packet->fragment_id,
        .since_ms = wall_ms,
        .bytes = bytes,
    };
    return slot;
}

static struct slot *find(struct replay_fragments *self, int64_t wall_ms, const struct replay_packet *packet)
{
    struct slot *room = &self->slots[0];
    for (struct slot *slot = self->slots; slot < self->slots + REPLAY_FRAGMENTS_MAX; slot++) {
        if (slot->used && (slot->taken || wall_ms - slot->since_ms > REPLAY_FRAGMENTS_MS))
            give_up(self, slot);
        if (is_same(slot, packet))
            return slot;
        if (room->used && (!slot->used || slot->since_ms < room->since_ms))
            room = slot;
    }
    return start(self, room, wall_ms, packet);
}

/* Marks the blocks of a piece: false when some of them had come, *out_again when all had. */
static bool mark(struct slot *slot, size_t offset, size_t len, bool *out_again)
{
    size_t first = offset / 8, end = (offset + len + 7) / 8, had = 0;
    for (size_t i = first; i < end; i++)
        had += slot->blocks[i / 8] >> (i % 8) & 1;
    *out_again = had == end - first;
    if (had)
        return false;
    for (size_t i = first; i < end; i++)
        slot->blocks[i / 8] |= (uint8_t)(1u << (i % 8));
    return true;
}

/* Whether the piece goes with what is known of the packet's length. */
static bool fits(const struct slot *slot, const struct replay_packet *packet)
{
    size_t end = packet->fragment_offset + packet->payload.len;
    if (end > PACKET_MAX || packet->payload.len == 0 || (packet->more_fragments && packet->payload.len % 8))
        return false;
    if (slot->len)
        return packet->more_fragments ? end <= slot->len : end == slot->len;
    return true;
}

bool replay_fragments_add(struct replay_fragments *self, int64_t wall_ms, struct replay_packet *packet)
{
    bool again = false;
    struct slot *slot = find(self, wall_ms, packet);
    if (!slot)
        return false;
    if (!fits(slot, packet) || !mark(slot, packet->fragment_offset, packet->payload.len, &again)) {
        if (!again)
            give_up(self, slot);
        return false;
    }
    memcpy(slot->bytes + packet->fragment_offset, packet->payload.at, packet->payload.len);
    slot->come += packet->payload.len;
    if (!packet->more_fragments)
        slot->len = packet->fragment_offset + packet->payload.len;
    if (packet->fragment_offset == 0)
        slot->protocol = packet->protocol;
    if (!slot->len || slot->come < slot->len)
        return false;
    if (slot->come > slot->len) { /* an earlier piece lies beyond what is now the end */
        give_up(self, slot);
        return false;
    }
    slot->taken = true;
    packet->protocol = slot->protocol;
    packet->payload = span_make(slot->bytes, slot->len);
    packet->fragment_offset = 0;
    packet->more_fragments = false;
    return !slot->is_ip6 || replay_packet_skip_extensions(packet);
}

uint64_t replay_fragments_incomplete(const struct replay_fragments *self)
{
    uint64_t count = self->incomplete;
    for (size_t i = 0; i < REPLAY_FRAGMENTS_MAX; i++)
        count += self->slots[i].used && !self->slots[i].taken;
    return count;
}
