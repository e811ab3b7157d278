/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in before a message is looked at: sources that an operator has banned for a time are not heard at all, and
 * one that is not trusted may send so many new requests a second.  Trusted sources (the upstream proxy) pass both. */
#pragma once

#include "facts/facts_block.h"
#include "facts/facts_limit.h"
#include "net/net_address.h"
#include "net/net_flow.h"
#include "util/buffer.h"
#include <pthread.h>
#include <stdatomic.h>

enum { GATE_BANS_MAX = 256, GATE_BAN_NOTE_MAX = 64 };

struct gate_entry {
    struct facts_block block;
    int64_t until_ms; /* Unix time */
    char text[48];    /* the block as it was said */
    char note[GATE_BAN_NOTE_MAX];
};

/* Shared by all workers. */
struct gate {
    struct facts_limit *sources; /* NULL: no limit */
    const struct net_prefix *trusted;
    unsigned trusted_count;
    _Atomic uint32_t version; /* of the bans; changes with them */
    pthread_mutex_t lock;     /* for the rest */
    struct gate_entry bans[GATE_BANS_MAX];
    unsigned count;
};

/* One worker's copy of the bans: looking at them needs no lock. */
struct gate_view {
    uint32_t version;
    unsigned count;
    struct {
        struct facts_block block;
        int64_t until_ms;
    } bans[GATE_BANS_MAX];
};

enum gate_admission { GATE_ADMIT, GATE_REFUSE /* 503 if it is new */, GATE_IGNORE };

struct gate_options {
    uint32_t rate, burst; /* new requests a second of a source; rate 0: no limit; burst 0: those of one second */
    const struct net_prefix *trusted; /* borrowed: it outlives the gate */
    unsigned trusted_count;
};
MUST_CHECK enum err gate_init(struct gate *gate, const struct gate_options *options);
void gate_done(struct gate *gate);

struct gate_question {
    const struct net_flow *flow;
    struct span bytes;
    uint64_t mono_ms;
    int64_t wall_ms;
};
/* On a worker's thread. */
enum gate_admission gate_ask(struct gate *gate, struct gate_view *view, const struct gate_question *question);

/* ACK, CANCEL, BYE and answers end work; they get through where new work has to wait. */
bool gate_is_urgent(struct span bytes);

/* From any thread.  `text` is an address or a block; one that is there already gets the new end and note.  ERR_INVALID:
 * no address, or one that is trusted; ERR_FULL. */
MUST_CHECK enum err gate_ban(struct gate *gate, struct span text, int64_t until_ms, struct span note);
/* ERR_NOT_FOUND: there is no such ban. */
MUST_CHECK enum err gate_unban(struct gate *gate, struct span text);
/* A JSON object; bans that have ended are left out, and forgotten. */
void gate_list(struct gate *gate, int64_t wall_ms, struct buffer *out);
