/* SPDX-License-Identifier: Apache-2.0 */
/* The lock file of a data folder.  flock(2) ends with the process however it ends, so a stale file never blocks; the
 * file itself stays, because removing it would let two processes lock two different ones. */
#include "store/store_lock.h"
#include "store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct store_lock {
    int fd;
};

enum { LOCK_CONTENT_MAX = STORE_SOCKET_MAX + 64 };

/* "pid 123\ncontrol /run/verdict.sock\n"; anything else reads as unknown. */
static void holder_parse(struct span text, struct store_holder *out_holder)
{
    *out_holder = (struct store_holder){.pid = 0};
    while (text.len) {
        size_t end = span_find(text, '\n');
        struct span line = span_slice(text, 0, end);
        text = span_slice(text, end + 1, text.len);
        uint64_t pid = 0;
        if (span_starts_with(line, SPAN("pid ")) && span_to_u64(span_slice(line, 4, line.len), &pid))
            out_holder->pid = (long)pid;
        else if (span_starts_with(line, SPAN("control ")))
            (void)span_copy(span_slice(line, 8, line.len), out_holder->control_socket,
                            sizeof(out_holder->control_socket));
    }
}

static void holder_read(int fd, struct store_holder *out_holder)
{
    char content[LOCK_CONTENT_MAX];
    ssize_t got = pread(fd, content, sizeof(content), 0);
    holder_parse(span_make(content, got > 0 ? (size_t)got : 0), out_holder);
}

static enum err holder_write(int fd, const char *control_socket)
{
    char content[LOCK_CONTENT_MAX];
    int len = snprintf(content, sizeof(content), "pid %ld\ncontrol %s\n", (long)getpid(), control_socket);
    if (pwrite(fd, content, (size_t)len, 0) != len || ftruncate(fd, len) != 0)
        return store_errno(errno);
    return OK;
}

static bool socket_is_fine(const char *control_socket)
{
    return strlen(control_socket) < STORE_SOCKET_MAX && !strchr(control_socket, '\n');
}

/* Somebody who only asks who holds the lock (store_lock_holder) has it for a moment: so try for a short while. */
static bool lock_exclusive(int fd)
{
    for (int tries = 0; tries < 5; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static enum err lock_busy(int fd, const char *path, struct store_holder *out_holder, struct fault *fault)
{
    struct store_holder holder;
    holder_read(fd, &holder);
    if (out_holder)
        *out_holder = holder;
    if (holder.control_socket[0])
        return fault_set(fault, ERR_BUSY, path, 0, "the data folder is in use by process %ld (control socket %s)",
                         holder.pid, holder.control_socket);
    return fault_set(fault, ERR_BUSY, path, 0, "the data folder is in use by process %ld", holder.pid);
}

enum err store_lock_take(const char *data_dir, const char *control_socket, struct store_lock **out_lock,
                         struct store_holder *out_holder, struct fault *fault)
{
    const char *socket = control_socket ? control_socket : "";
    char path[STORE_PATH_MAX];
    if (!socket_is_fine(socket))
        return fault_set(fault, ERR_INVALID, NULL, 0, "control socket: a path of at most %d bytes in one line",
                         STORE_SOCKET_MAX - 1);
    if (store_path(path, data_dir, "verdict.lock") != OK)
        return fault_set(fault, ERR_TOO_LONG, NULL, 0, "the data folder's path is too long");
    enum err err = store_make_folder(data_dir);
    if (err != OK)
        return fault_set(fault, err, data_dir, 0, "the data folder cannot be made: %s", strerror(errno));
    struct store_lock *lock = malloc(sizeof(*lock));
    if (!lock)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->fd < 0)
        err = fault_set(fault, store_errno(errno), path, 0, "cannot be opened: %s", strerror(errno));
    else if (!lock_exclusive(lock->fd))
        err = lock_busy(lock->fd, path, out_holder, fault);
    else if ((err = holder_write(lock->fd, socket)) != OK)
        fault_set(fault, err, path, 0, "cannot be written: %s", strerror(errno));
    if (err != OK)
        goto fail;
    *out_lock = lock;
    return OK;
fail:
    store_lock_release(lock);
    return err;
}

enum err store_lock_set_socket(struct store_lock *lock, const char *control_socket)
{
    if (!socket_is_fine(control_socket))
        return ERR_INVALID;
    return holder_write(lock->fd, control_socket);
}

void store_lock_release(struct store_lock *lock)
{
    if (!lock)
        return;
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock);
}

enum err store_lock_holder(const char *data_dir, struct store_holder *out_holder)
{
    char path[STORE_PATH_MAX];
    enum err err = store_path(path, data_dir, "verdict.lock");
    if (err != OK)
        return err;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return store_errno(errno);
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        close(fd); /* got it: nobody holds it */
        return ERR_NOT_FOUND;
    }
    holder_read(fd, out_holder);
    close(fd);
    return OK;
}
