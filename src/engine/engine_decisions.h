/* SPDX-License-Identifier: Apache-2.0 */
/* The decision log: one JSON line a decision, and later one for what became of its ACK.  A worker copies the facts into
 * its own bounded ring and goes on; one thread formats and writes.  When the sink stands still the rings fill, further
 * records are dropped and counted, and no answer waits. */
#pragma once

#include "engine/engine_config.h"
#include "util/span.h"

struct engine_decisions_log;

enum engine_record_kind { ENGINE_RECORD_DECISION, ENGINE_RECORD_ACK };

/* What a line says.  Spans are copied into the ring.  Empty spans are left out of the line. */
struct engine_record {
    enum engine_record_kind kind;
    bool failed; /* an error, a kill or a conflict: logged whatever the sampling */
    int64_t wall_ms;
    uint32_t version;         /* of the policy; 0: no policy was asked */
    uint32_t status;          /* final answer; for an ACK record the answer that it belongs to */
    uint32_t micros;          /* from receipt to answer; for an ACK record 0 */
    uint32_t retransmissions; /* ACK record */
    uint32_t waited_ms;       /* ACK record: from the answer to the ACK, or to giving up */
    uint64_t fuel;            /* spent by the decision; 0: no Lua ran */
    struct span call_id, method, source, from, target, rule, verdict, reason, note;
    /* What it takes to decide it again, with `log_request` alone: how and where it came in, our To tag, all its bytes. */
    struct span transport, local, tag, request;
};

enum { ENGINE_RECORD_SPANS = 13 };

/* One ring a worker.  With no file, lines go to standard output. */
MUST_CHECK enum err engine_decisions_new(const struct engine_config *config, unsigned workers,
                                         struct engine_decisions_log **out_log, struct fault *fault);
/* Writes what is in the rings (for at most a second), ends the thread, closes the file. */
void engine_decisions_free(struct engine_decisions_log *log);
/* Whether a decision with this hash of its Call-ID is to be logged: the same for all records of one call. */
bool engine_decisions_wants(const struct engine_decisions_log *log, uint64_t call_hash, bool failed);
/* Called by worker `worker` alone. Never waits. */
void engine_decisions_put(struct engine_decisions_log *log, unsigned worker, const struct engine_record *record);
/* Asks the writer to close and open its file again (SIGUSR1, after an external rotation). Safe from any thread. */
void engine_decisions_reopen(struct engine_decisions_log *log);
uint64_t engine_decisions_written(const struct engine_decisions_log *log);
uint64_t engine_decisions_dropped(const struct engine_decisions_log *log);
/* Lines that could not be written (a full disk); the writer goes on with the next. */
uint64_t engine_decisions_failed(const struct engine_decisions_log *log);
