/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_notify.h"

#include "util/buffer.h"
#include "util/clock.h"
#include "util/log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT_MAX = 512 };

static uint64_t number_of(const char *name)
{
    const char *text = getenv(name);
    uint64_t number;
    return text && span_to_u64(span_of(text), &number) ? number : 0;
}

/* "/path", or "@name" in the abstract namespace. */
static bool take_address(struct daemon_notify *notify, const char *path)
{
    size_t len = strlen(path);
    if (len < 2 || len >= sizeof(notify->to.sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    notify->to.sun_family = AF_UNIX;
    memcpy(notify->to.sun_path, path, len);
    if (path[0] == '@')
        notify->to.sun_path[0] = '\0';
    notify->to_len = (unsigned)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

void daemon_notify_init(struct daemon_notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    uint64_t pid = number_of("WATCHDOG_PID");
    *notify = (struct daemon_notify){.fd = -1};
    if (path && take_address(notify, path))
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    else if (path)
        log_warn("daemon", "NOTIFY_SOCKET=%s is no socket's path: nobody is notified", path);
    if (notify->fd >= 0 && (pid == 0 || pid == (uint64_t)getpid()))
        notify->watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void daemon_notify_done(struct daemon_notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

static void tell(const struct daemon_notify *notify, struct span text)
{
    const struct sockaddr *to = (const struct sockaddr *)&notify->to;
    if (notify->fd >= 0 && sendto(notify->fd, text.at, text.len, MSG_NOSIGNAL, to, (socklen_t)notify->to_len) < 0)
        log_debug("daemon", "the service manager was not notified: %s", strerror(errno));
}

static void tell_status(const struct daemon_notify *notify, const char *state, const char *status)
{
    char text[TEXT_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    buffer_addf(&out, "%s\nSTATUS=%s\n", state, status);
    if (!out.overflow)
        tell(notify, buffer_span(&out));
}

void daemon_notify_ready(const struct daemon_notify *notify, const char *status)
{
    tell_status(notify, "READY=1", status);
}

void daemon_notify_reloading(const struct daemon_notify *notify)
{
    char text[TEXT_MAX];
    struct buffer out = buffer_over(text, sizeof(text));
    buffer_addf(&out, "RELOADING=1\nMONOTONIC_USEC=%llu\n", (unsigned long long)(clock_mono_ns() / 1000));
    tell(notify, buffer_span(&out));
}

void daemon_notify_stopping(const struct daemon_notify *notify, const char *status)
{
    tell_status(notify, "STOPPING=1", status);
}

void daemon_notify_alive(const struct daemon_notify *notify)
{
    tell(notify, SPAN("WATCHDOG=1\n"));
}
