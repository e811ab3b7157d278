/* SPDX-License-Identifier: Apache-2.0 */
/* Two inotify watches at most: the path itself, and the folder that it is in, because a path that is replaced by a rename
 * takes its own watch away with it. */
#include "worker/worker_watch.h"
#include "util/list.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_CAP = 1024, HANDLE_COUNT = 3 };

struct worker_watch {
    uv_fs_event_t self;   /* the folder, or the file */
    uv_fs_event_t parent; /* the folder around it */
    uv_timer_t timer;
    worker_watch_fn fn;
    void *ctx;
    unsigned open_handles;
    bool closing;
    bool blind;
    bool moved;        /* to another path, from within `fn` */
    ino_t armed_inode; /* what `self` watches; 0: nothing */
    dev_t armed_device;
    char path[PATH_CAP];
    const char *name; /* the last part of `path` */
};

static void on_self(uv_fs_event_t *handle, const char *name, int events, int status);
static void arm(struct worker_watch *watch);

static void on_timer(uv_timer_t *timer);

static void wake(struct worker_watch *watch, enum worker_watch_reason reason)
{
    if (watch->closing)
        return;
    uint64_t wait_ms = watch->fn(watch->ctx, reason);
    if (!watch->closing)
        uv_timer_start(&watch->timer, on_timer, watch->moved ? 0 : wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct worker_watch *watch = container_of(timer, struct worker_watch, timer);
    watch->moved = false;
    arm(watch);
    wake(watch, WORKER_WATCH_TIMER);
}

static void on_self(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct worker_watch *watch = container_of(handle, struct worker_watch, self);
    (void)name;
    (void)events;
    if (status < 0)
        watch->armed_inode = 0; /* armed anew at the next look */
    wake(watch, WORKER_WATCH_TOUCHED);
}

/* Neighbours of the path change too: only its own name matters. */
static void on_parent(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct worker_watch *watch = container_of(handle, struct worker_watch, parent);
    (void)events;
    if (status == 0 && name && strcmp(name, watch->name) != 0)
        return;
    watch->armed_inode = 0; /* a new thing may have the old one's number */
    arm(watch);
    wake(watch, WORKER_WATCH_TOUCHED);
}

static bool arm_parent(struct worker_watch *watch)
{
    char folder[PATH_CAP] = ".";
    size_t len = (size_t)(watch->name - watch->path);
    if (len > 0) {
        memcpy(folder, watch->path, len);
        folder[len > 1 ? len - 1 : len] = '\0';
    }
    return uv_fs_event_start(&watch->parent, on_parent, folder, 0) == 0;
}

/* Watches what lies at the path now; nothing to do while that is the same thing as before. */
static void arm(struct worker_watch *watch)
{
    struct stat now;
    bool exists = stat(watch->path, &now) == 0;
    if (exists && watch->armed_inode == now.st_ino && watch->armed_device == now.st_dev)
        return;
    uv_fs_event_stop(&watch->self);
    watch->armed_inode = 0;
    bool seeing = true;
    if (exists) {
        seeing = uv_fs_event_start(&watch->self, on_self, watch->path, 0) == 0;
        watch->armed_inode = seeing ? now.st_ino : 0;
        watch->armed_device = now.st_dev;
    }
    if (!uv_is_active((uv_handle_t *)&watch->parent))
        seeing = arm_parent(watch) && seeing;
    if (seeing == watch->blind) {
        watch->blind = !seeing;
        wake(watch, seeing ? WORKER_WATCH_SIGHTED : WORKER_WATCH_BLIND);
    }
}

static enum err take_path(struct worker_watch *watch, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= PATH_CAP)
        return ERR_TOO_LONG;
    memmove(watch->path, path, len);
    watch->path[len] = '\0';
    const char *slash = strrchr(watch->path, '/');
    watch->name = slash && slash[1] ? slash + 1 : watch->path;
    return OK;
}

enum err worker_watch_new(uv_loop_t *loop, const char *path, worker_watch_fn fn, void *ctx,
                          struct worker_watch **out_watch)
{
    struct worker_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return ERR_NOMEM;
    enum err err = take_path(watch, path);
    if (err != OK) {
        free(watch);
        return err;
    }
    watch->fn = fn;
    watch->ctx = ctx;
    /* These three cannot fail on Linux: they only link a handle into the loop. */
    (void)uv_fs_event_init(loop, &watch->self);
    (void)uv_fs_event_init(loop, &watch->parent);
    (void)uv_timer_init(loop, &watch->timer);
    watch->open_handles = HANDLE_COUNT;
    uv_timer_start(&watch->timer, on_timer, 0, 0);
    *out_watch = watch;
    return OK;
}

enum err worker_watch_set_path(struct worker_watch *watch, const char *path)
{
    char before[PATH_CAP];
    memcpy(before, watch->path, PATH_CAP);
    enum err err = take_path(watch, path);
    if (err != OK || strcmp(before, watch->path) == 0)
        return err;
    uv_fs_event_stop(&watch->self);
    uv_fs_event_stop(&watch->parent);
    watch->armed_inode = 0;
    watch->moved = true;
    uv_timer_start(&watch->timer, on_timer, 0, 0);
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct worker_watch *watch = handle->data;
    if (--watch->open_handles == 0)
        free(watch);
}

void worker_watch_close(struct worker_watch *watch)
{
    if (!watch || watch->closing)
        return;
    watch->closing = true;
    uv_handle_t *const handles[HANDLE_COUNT] = {(uv_handle_t *)&watch->self, (uv_handle_t *)&watch->parent,
                                                (uv_handle_t *)&watch->timer};
    for (int index = 0; index < HANDLE_COUNT; index++) {
        handles[index]->data = watch;
        uv_close(handles[index], on_closed);
    }
}
