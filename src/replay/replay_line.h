/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the decision log, read back: the request as it came, and what was decided of it then. */
#pragma once

#include "offline/offline_trial.h"
#include "util/buffer.h"

/* What was decided once. */
struct replay_then {
    unsigned status;     /* of the final answer; 0: none was sent, or it is not known */
    struct span rule;    /* empty: not known, or no policy was asked */
    struct span verdict; /* "refused" where no policy was asked */
};

struct replay_line {
    struct offline_trial_message message;
    struct replay_then then;
    struct buffer bytes; /* heap; what the spans point into */
};

enum replay_line_kind {
    REPLAY_LINE_DECISION,   /* it can be decided again */
    REPLAY_LINE_NO_REQUEST, /* a decision, but the log was kept without `log_request` */
    REPLAY_LINE_IN_CALL,    /* a request inside a call: without that call it cannot be decided again */
    REPLAY_LINE_OTHER,      /* what became of an ACK, an empty line */
    REPLAY_LINE_BAD         /* no line of a decision log */
};

/* `line` comes zeroed at first, and is used again for the next line.  For a bad line *out_why says what is wrong with it
 * (valid until the next call). */
enum replay_line_kind replay_line_read(struct span text, struct replay_line *line, const char **out_why);
void replay_line_done(struct replay_line *line);
