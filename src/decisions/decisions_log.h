/* SPDX-License-Identifier: Apache-2.0 */
/* The decision log: one JSON line a decision, and later one for what became of its ACK.  A worker copies the facts into
 * its own bounded ring and goes on; one thread formats and writes.  When the sink stands still the rings fill, further
 * records are dropped and counted, and no answer waits. */
#pragma once

#include "util/err.h"
#include "util/span.h"
#include <stdbool.h>

struct decisions_log;

enum decisions_mode { DECISIONS_ALL, DECISIONS_ERRORS, DECISIONS_SAMPLE, DECISIONS_OFF };

struct decisions_options {
    enum decisions_mode mode;
    uint32_t sample;    /* with DECISIONS_SAMPLE: one call in so many */
    const char *file;   /* NULL: standard output; copied */
    uint64_t max_bytes; /* rotate at this size; 0: never */
    uint32_t keep;      /* rotated files */
};

/* IN_CALL: what `on_request` said to a request inside a call. */
enum decisions_record_kind { DECISIONS_RECORD_DECISION, DECISIONS_RECORD_ACK, DECISIONS_RECORD_IN_CALL };

/* What a line says.  Spans are copied into the ring.  Empty spans are left out of the line. */
struct decisions_record {
    enum decisions_record_kind kind;
    bool failed; /* an error, a kill or a conflict: logged whatever the sampling */
    int64_t wall_ms;
    uint32_t version;         /* of the policy; 0: no policy was asked */
    uint32_t status;          /* final answer; for an ACK record the answer that it belongs to */
    uint32_t micros;          /* from receipt to answer; for an ACK record 0 */
    uint32_t retransmissions; /* ACK record */
    uint32_t waited_ms;       /* ACK record: from the answer to the ACK, or to giving up */
    uint64_t fuel;            /* spent by the decision; 0: no Lua ran */
    struct span call_id, method, source, from, target, rule, verdict, reason, note;
    /* What it takes to decide it again, with `log_request` alone: how and where it came in, as whom
     * its sender was known, our To tag, all its bytes. */
    struct span transport, local, authenticated_as, tag, request;
};

enum { DECISIONS_RECORD_SPANS = 14 };

/* One ring a worker. */
MUST_CHECK enum err decisions_log_new(const struct decisions_options *options, unsigned workers,
                                      struct decisions_log **out_log, struct fault *fault);
/* Writes what is in the rings (for at most a second), ends the thread, closes the file. */
void decisions_log_free(struct decisions_log *log);
/* Whether a decision with this hash of its Call-ID is to be logged: the same for all records of one call. */
bool decisions_log_wants(const struct decisions_log *log, uint64_t call_hash, bool failed);
/* Called by worker `worker` alone. Never waits. */
void decisions_log_put(struct decisions_log *log, unsigned worker, const struct decisions_record *record);
/* Asks the writer to close and open its file again (SIGUSR1, after an external rotation). Safe from any thread. */
void decisions_log_reopen(struct decisions_log *log);
uint64_t decisions_log_written(const struct decisions_log *log);
uint64_t decisions_log_dropped(const struct decisions_log *log);
/* Lines that could not be written (a full disk); the writer goes on with the next. */
uint64_t decisions_log_failed(const struct decisions_log *log);
