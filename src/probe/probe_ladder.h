/* SPDX-License-Identifier: Apache-2.0 */
/* What went over the wire, with times, as a ladder diagram in text or as JSON.  Draws only; whoever talks records. */
#pragma once

#include "util/buffer.h"
#include "util/json.h"

enum { CLI_LADDER_MAX = 512, CLI_LADDER_LABEL_MAX = 96 };

enum cli_direction { CLI_SENT, CLI_RECEIVED };

struct cli_rung {
    uint64_t at_us; /* from the ladder's start */
    enum cli_direction direction;
    char label[CLI_LADDER_LABEL_MAX]; /* "INVITE sip:+15550100@127.0.0.1", "410 Gone", cut where too long */
    uint64_t identity;                /* a hash of the whole message: equal bytes are a retransmission */
    unsigned times;                   /* 1: the first copy of it, 2: its first retransmission, ... */
};

struct cli_ladder {
    char left[64];  /* who we are */
    char right[64]; /* who they are */
    struct cli_rung rungs[CLI_LADDER_MAX];
    unsigned count;
    unsigned lost; /* rungs that did not fit */
};

void cli_ladder_init(struct cli_ladder *ladder, const char *left, const char *right);
/* Records one message; the label is its start line without "SIP/2.0" and with control bytes as '?'.  Returns how often
 * these bytes have gone this way now: 1 is the first time. */
unsigned cli_ladder_add(struct cli_ladder *ladder, uint64_t at_us, enum cli_direction direction, struct span message);
/* The ladder as text, a line a message:
 *
 *     127.0.0.1:41234                        127.0.0.1:5060
 *            |                                     |
 *      0.0 ms |-- INVITE sip:+15550100@127.0.0.1 -->|
 *      0.4 ms |<------------ 410 Gone --------------|
 */
void cli_ladder_draw(const struct cli_ladder *ladder, struct buffer *out);
/* An array of {"ms","direction","message","copy"}. */
void cli_ladder_json(const struct cli_ladder *ladder, struct json *json);
