/* SPDX-License-Identifier: Apache-2.0 */
/* What went over the wire, with times, as a ladder diagram in text or as JSON.  Draws only; whoever talks records. */
#pragma once

#include "util/buffer.h"
#include "util/json.h"

enum { PROBE_LADDER_MAX = 512, PROBE_LADDER_LABEL_MAX = 96 };

enum probe_direction { PROBE_SENT, PROBE_RECEIVED };

struct probe_rung {
    uint64_t at_us; /* from the ladder's start */
    enum probe_direction direction;
    char label[PROBE_LADDER_LABEL_MAX]; /* "INVITE sip:+15550100@127.0.0.1", "410 Gone", cut where too long */
    uint64_t identity;                  /* a hash of the whole message: equal bytes are a retransmission */
    unsigned times;                     /* 1: the first copy of it, 2: its first retransmission, ... */
};

struct probe_ladder {
    char left[64];  /* who we are */
    char right[64]; /* who they are */
    struct probe_rung rungs[PROBE_LADDER_MAX];
    unsigned count;
    unsigned lost; /* rungs that did not fit */
};

void probe_ladder_init(struct probe_ladder *ladder, const char *left, const char *right);
/* Records one message; the label is its start line without "SIP/2.0" and with control bytes as '?'.  Returns how often
 * these bytes have gone this way now: 1 is the first time. */
unsigned probe_ladder_add(struct probe_ladder *ladder, uint64_t at_us, enum probe_direction direction,
                          struct span message);
/* The ladder as text, a line a message:
 *
 *     127.0.0.1:41234                        127.0.0.1:5060
 *            |                                     |
 *      0.0 ms |-- INVITE sip:+15550100@127.0.0.1 -->|
 *      0.4 ms |<------------ 410 Gone --------------|
 */
void probe_ladder_draw(const struct probe_ladder *ladder, struct buffer *out);
/* An array of {"ms","direction","message","copy"}. */
void probe_ladder_json(const struct probe_ladder *ladder, struct json *json);
