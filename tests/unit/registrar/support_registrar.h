/* SPDX-License-Identifier: Apache-2.0 */
/* A registrar with its transactions on a fake clock and wire, and a real journal in a folder of its own, whose thread's
 * answers a test takes when it wants to. */
#pragma once

#include "registrar/registrar_priv.h"
#include "support/cmocka_all.h"
#include "support/fake_clock.h"
#include "support/fake_wire.h"
#include "support/sip_ask.h"
#include <pthread.h>

enum { BENCH_WRITTEN_MAX = 64, BENCH_TEXT = 4096 };

struct bench {
    struct fake_clock fake;
    struct fake_wire wire;
    struct txn_table *txns;
    struct registrar *registrar;
    struct registrar_journal *journal;
    struct registrar_journal_options options; /* for bench_open: map_bytes, slack */
    char folder[64], path[96];
    struct sip_asked asked;
    struct net_flow flow; /* that REGISTERs come by; all zero: UDP */
    /* What the store thread gave back. */
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct registrar_batch *written[BENCH_WRITTEN_MAX];
    unsigned written_count;
    uint64_t cpu_ns, cpu_ns_max; /* of the store thread: so far, and of the costliest batch */
    /* What the registrar said. */
    unsigned kept, failed;
    enum err last_err;
    char answer[BENCH_TEXT];
    unsigned ready;
    char order[256]; /* a letter an event: 'k'ept, 'f'ailed, 'r'eady */
};

int bench_setup(void **state);
int bench_teardown(void **state);
/* The journal and a registrar on it, loaded; fails the test when that cannot be done. */
void bench_open(struct bench *bench);
/* The end of a process without a word: nothing of what has not been taken is told to anybody. */
void bench_close(struct bench *bench);

/* A REGISTER for `aor` with this value of Contact (NULL: none), its Call-ID and CSeq; returns what registrar_commit says,
 * or OK where nothing was to be changed, or ERR_BUSY where it waits.  `bench->answer` is the 200 as it was built. */
enum err bench_register(struct bench *bench, const char *aor, const char *contact, const char *call_id, unsigned cseq);
/* Waits for the batch that is with the store thread, and gives it back to the registrar. */
void bench_take(struct bench *bench);
/* Flushes, and waits until the store thread has given as many batches back as it has. */
void bench_commit(struct bench *bench);
/* The bindings that `aor` has now, as "uri;params|uri;params". */
const char *bench_bindings(struct bench *bench, const char *aor);
