/* SPDX-License-Identifier: Apache-2.0 */
#include "retirement/retirement.h"
#include "retirement/retirement_position.h"
#include "util/log.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH_MAX = 64, ROWS_A_LOOK = 1000, RETRY_MS_DEFAULT = 1000 };

struct retirement {
    struct retirement_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below but the batch */
    pthread_cond_t changed;
    bool woken, stopping;
    unsigned waiting; /* orders that are on their way */
    enum err failed;  /* of those that came back */
    struct retirement_status status;
    struct log_limit complaints;
    /* The thread's own. */
    uint64_t next, saved; /* UINT64_MAX: not known yet; nothing saved */
    unsigned count;
    struct retirement_order orders[BATCH_MAX];
};

/* ---- orders and their return ---- */

static void on_carried(void *arg, enum err err)
{
    struct retirement *self = arg;
    pthread_mutex_lock(&self->mutex);
    if (err != OK)
        self->failed = err;
    self->waiting--;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

static enum err carry_out_batch(struct retirement *self)
{
    enum err err;
    pthread_mutex_lock(&self->mutex);
    self->waiting = self->count;
    self->failed = OK;
    pthread_mutex_unlock(&self->mutex);
    for (unsigned i = 0; i < self->count; i++)
        self->options.carry_out(self->options.ctx, &self->orders[i], on_carried, self);
    pthread_mutex_lock(&self->mutex);
    while (self->waiting)
        pthread_cond_wait(&self->changed, &self->mutex);
    err = self->failed;
    for (unsigned i = 0; err == OK && i < self->count; i++) {
        self->status.orders++;
        self->status.sweeps += self->orders[i].scope == RETIREMENT_ALL;
    }
    pthread_mutex_unlock(&self->mutex);
    return err;
}

/* ---- reading on ---- */

static enum err on_row(void *ctx, const struct directory_row *row)
{
    struct retirement *self = ctx;
    if (self->count == BATCH_MAX)
        return ERR_FULL; /* this row begins the next batch */
    if (retirement_order_of(row, &self->orders[self->count]))
        self->count++;
    self->next = row->seq + 1;
    return OK;
}

static void order_all(struct retirement *self, uint64_t next, const char *why)
{
    log_info("retirement", "%s: everybody is looked at once", why);
    retirement_order_all(&self->orders[0]);
    self->count = 1;
    self->next = next;
}

static enum err learn_position(struct retirement *self)
{
    uint64_t next;
    enum err err = retirement_position_read(self->options.data_dir, &next);
    if (err == OK)
        self->next = self->saved = next;
    else if (err == ERR_NOT_FOUND || err == ERR_CORRUPT)
        err = OK; /* to be begun from the directory itself */
    return err;
}

/* Fills the batch from the rows at self->next on.  Where these cannot tell (they are not kept any more, or another
 * directory has taken the place of the one that was followed) everybody is looked at instead. */
static enum err read_batch(struct retirement *self)
{
    struct directory_info info;
    self->count = 0;
    enum directory_status status = directory_status(self->options.directory);
    if (status == DIRECTORY_NEVER_MADE || status == DIRECTORY_EMPTY || status == DIRECTORY_IMPORTING)
        return OK; /* that nobody is known says nothing about anybody; it will change */
    enum err err = directory_info(self->options.directory, &info);
    if (err == OK && self->next == UINT64_MAX)
        err = learn_position(self);
    if (err != OK)
        return err;
    if (self->next == UINT64_MAX)
        order_all(self, info.journal_last + 1, "the directory is followed from now on");
    else if (self->next > info.journal_last + 1)
        order_all(self, info.journal_last + 1, "another directory took its place");
    if (self->count || self->next > info.journal_last)
        return OK;
    err = directory_journal_read(self->options.directory, self->next, ROWS_A_LOOK, on_row, self, NULL);
    if (err == ERR_CLOSED)
        order_all(self, info.journal_last + 1, "rows of the journal were not read in time");
    return err == ERR_CLOSED || err == ERR_FULL ? OK : err;
}

static enum err save(struct retirement *self)
{
    if (self->next == self->saved || self->next == UINT64_MAX)
        return OK;
    enum err err = retirement_position_write(self->options.data_dir, self->next);
    if (err == OK)
        self->saved = self->next;
    return err;
}

/* All that there is to do now; an error leaves the position where it was. */
static enum err catch_up(struct retirement *self)
{
    for (;;) {
        uint64_t before = self->next;
        enum err err = read_batch(self);
        if (err == OK && self->count)
            err = carry_out_batch(self);
        if (err == OK)
            err = save(self);
        if (err != OK)
            self->next = before;
        pthread_mutex_lock(&self->mutex);
        self->status.next = self->next;
        self->status.last_error = err;
        self->status.retries += err != OK;
        bool stopping = self->stopping;
        pthread_mutex_unlock(&self->mutex);
        if (err != OK || stopping || self->next == before)
            return err;
    }
}

/* ---- the thread ---- */

static struct timespec later(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* Until the directory changes, or (after a failure) a while; false: the end. */
static bool wait_for_more(struct retirement *self, bool retry)
{
    struct timespec until = later(self->options.retry_ms);
    pthread_mutex_lock(&self->mutex);
    while (!self->woken && !self->stopping) {
        if (!retry)
            pthread_cond_wait(&self->changed, &self->mutex);
        else if (pthread_cond_timedwait(&self->changed, &self->mutex, &until) != 0)
            break;
    }
    self->woken = false;
    bool goes_on = !self->stopping;
    pthread_mutex_unlock(&self->mutex);
    return goes_on;
}

static void *run(void *arg)
{
    struct retirement *self = arg;
    enum err err;
    do {
        err = catch_up(self);
        if (err != OK)
            log_limited(&self->complaints, 2, LOG_ERROR, "retirement",
                        "what ended in the directory has not reached everybody yet, and is tried again: %s",
                        err_text(err));
    } while (wait_for_more(self, err != OK));
    return NULL;
}

static enum err init_sync(struct retirement *self)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return ERR_NOMEM;
    bool fine = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&self->changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (fine && pthread_mutex_init(&self->mutex, NULL) == 0)
        return OK;
    if (fine)
        pthread_cond_destroy(&self->changed);
    return ERR_NOMEM;
}

enum err retirement_start(const struct retirement_options *options, struct retirement **out_retirement)
{
    struct retirement *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    self->options = *options;
    if (!self->options.retry_ms)
        self->options.retry_ms = RETRY_MS_DEFAULT;
    self->next = self->saved = UINT64_MAX;
    enum err err = init_sync(self);
    if (err != OK) {
        free(self);
        return err;
    }
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        pthread_cond_destroy(&self->changed);
        pthread_mutex_destroy(&self->mutex);
        free(self);
        return ERR_IO;
    }
    pthread_setname_np(self->thread, "retirement");
    *out_retirement = self;
    return OK;
}

void retirement_wake(struct retirement *retirement)
{
    pthread_mutex_lock(&retirement->mutex);
    retirement->woken = true;
    pthread_cond_broadcast(&retirement->changed);
    pthread_mutex_unlock(&retirement->mutex);
}

void retirement_stop(struct retirement *retirement)
{
    if (!retirement)
        return;
    pthread_mutex_lock(&retirement->mutex);
    retirement->stopping = true;
    pthread_cond_broadcast(&retirement->changed);
    pthread_mutex_unlock(&retirement->mutex);
    pthread_join(retirement->thread, NULL);
    pthread_cond_destroy(&retirement->changed);
    pthread_mutex_destroy(&retirement->mutex);
    free(retirement);
}

void retirement_status(struct retirement *retirement, struct retirement_status *out_status)
{
    pthread_mutex_lock(&retirement->mutex);
    *out_status = retirement->status;
    pthread_mutex_unlock(&retirement->mutex);
}
