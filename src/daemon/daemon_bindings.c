/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of bindings: opened before the workers, closed while they live; what it has written goes back to them. */
#include "daemon/daemon_priv.h"
#include "store/store_file.h"
#include "util/log.h"
#include <time.h>

static void on_worker_written(struct worker *worker, void *arg)
{
    struct daemon_worker *self = worker_data(worker);
    registrar_batch_done(self->core->registrar, arg);
}

/* On the store thread. */
static void on_written(void *ctx, unsigned worker, struct registrar_batch *batch)
{
    const struct daemon *daemon = ctx;
    /* Full: that many others want something of the worker, which is at work on it. */
    while (worker_run(daemon->group, worker, on_worker_written, batch) == ERR_FULL)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void daemon_bindings_open(struct daemon *daemon)
{
    const struct engine_config *config = daemon->config;
    struct registrar_journal_options options = {.workers = config->workers, .written = on_written, .ctx = daemon};
    char path[STORE_PATH_MAX], text[FAULT_FILE_MAX + FAULT_TEXT_MAX + 16];
    struct fault fault = {0};
    enum err err = store_path(path, config->data_dir, "bindings");
    if (err == OK)
        err = registrar_journal_open(path, &options, &daemon->shared.journal, &fault);
    if (err == OK)
        return;
    fault_format(&fault, text, sizeof(text));
    daemon->shared.bindings_unreadable = true;
    log_error("registrar", "%s: every REGISTER is answered 503 (move the folder away to begin without bindings)", text);
}

static void on_worker_stop(struct worker *worker, void *arg)
{
    (void)arg;
    struct daemon_worker *self = worker_data(worker);
    registrar_stop(self->core->registrar);
}

static void on_worker_turn(struct worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
}

void daemon_bindings_close(struct daemon *daemon)
{
    struct registrar_journal *journal = daemon->shared.journal;
    if (!journal || worker_run_wait_all(daemon->group, on_worker_stop, NULL) != OK)
        return;
    daemon->shared.journal = NULL;
    registrar_journal_close(journal);
    /* What came back before the end is answered in this turn. */
    if (worker_run_wait_all(daemon->group, on_worker_turn, NULL) != OK)
        return;
}
