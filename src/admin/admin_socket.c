/* SPDX-License-Identifier: Apache-2.0 */
/* The two sockets that the control API listens on, made so that nobody else can ever connect to the unix one. */
#include "admin/admin_priv.h"
#include "net/net_address.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, ADMIN_METRICS_PORT = 9464 };

static enum err fail(struct fault *fault, enum err err, const char *path, const char *what)
{
    return fault_set(fault, err, NULL, 0, "control socket %s: %s%s%s", path, what, errno ? ": " : "",
                     errno ? strerror(errno) : "");
}

/* A socket that nobody answers on was left by a process that died; one that is answered is a running daemon's. */
static enum err clear_stale(const struct sockaddr_un *address, struct fault *fault)
{
    const char *path = address->sun_path;
    struct stat stat;
    errno = 0;
    if (lstat(path, &stat) != 0)
        return errno == ENOENT ? OK : fail(fault, ERR_IO, path, "cannot look at it");
    if (!S_ISSOCK(stat.st_mode))
        return fail(fault, ERR_EXISTS, path, "there is a file of that name that is no socket; it is left alone");
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return fail(fault, ERR_IO, path, "cannot make a socket");
    int result = connect(probe, (const struct sockaddr *)address, sizeof(*address));
    int number = errno;
    close(probe);
    errno = 0;
    if (result == 0 || number == EAGAIN || number == EINPROGRESS)
        return fail(fault, ERR_BUSY, path, "a running process listens there; end it, or choose another --control");
    if (number != ECONNREFUSED) {
        errno = number;
        return fail(fault, ERR_DENIED, path, "cannot find out who listens there");
    }
    return unlink(path) == 0 || errno == ENOENT ? OK : fail(fault, ERR_IO, path, "cannot remove the old one");
}

enum err admin_socket_unix(const char *path, int *out_fd, struct admin_socket_id *out_id, struct fault *fault)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    errno = 0;
    if (!span_copy(span_of(path), address.sun_path, sizeof(address.sun_path)))
        return fail(fault, ERR_TOO_LONG, path, "a socket's path has at most 107 bytes");
    enum err err = clear_stale(&address, fault);
    if (err != OK)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fault, ERR_IO, path, "cannot make a socket");
    struct stat stat;
    /* fchmod before bind: Linux takes the file's mode from the socket, so it is never open to others, not for a moment. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, 0600) != 0 || listen(fd, BACKLOG) != 0 || lstat(path, &stat) != 0) {
        err = fail(fault, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, path, "cannot listen there");
        close(fd);
        return err;
    }
    *out_id = (struct admin_socket_id){stat.st_dev, stat.st_ino};
    *out_fd = fd;
    return OK;
}

void admin_socket_remove(const char *path, const struct admin_socket_id *id)
{
    struct stat stat;
    if (lstat(path, &stat) == 0 && stat.st_dev == id->device && stat.st_ino == id->inode)
        (void)unlink(path);
}

enum err admin_socket_tcp(const char *address, int *out_fd, char out_address[NET_ADDRESS_TEXT_MAX], struct fault *fault)
{
    struct net_address where;
    if (net_address_parse(span_of(address), ADMIN_METRICS_PORT, &where) != OK)
        return fault_set(fault, ERR_SYNTAX, NULL, 0, "metrics: expected ADDR:PORT or [ADDR]:PORT, got \"%s\"", address);
    struct sockaddr_storage storage;
    socklen_t len = net_address_to_sockaddr(&where, &storage);
    int on = 1;
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fault_set(fault, ERR_IO, NULL, 0, "metrics: cannot make a socket: %s", strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&storage, len) != 0 || listen(fd, BACKLOG) != 0) {
        enum err err = fault_set(fault, errno == EADDRINUSE ? ERR_BUSY : ERR_IO, NULL, 0,
                                 "metrics: cannot listen on %s: %s", address, strerror(errno));
        close(fd);
        return err;
    }
    len = sizeof(storage);
    if (getsockname(fd, (struct sockaddr *)&storage, &len) == 0 &&
        net_address_from_sockaddr((struct sockaddr *)&storage, &where) == OK)
        net_address_text(&where, out_address);
    *out_fd = fd;
    return OK;
}
