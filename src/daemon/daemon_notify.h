/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager is told (sd_notify(3)): a datagram of VARIABLE=VALUE lines to the socket in NOTIFY_SOCKET. */
#pragma once

#include <stdint.h>
#include <sys/un.h>

struct daemon_notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un to;
    unsigned to_len;
    uint64_t watchdog_ms; /* it wants to hear of us at least so often; 0: never */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment. */
void daemon_notify_init(struct daemon_notify *notify);
void daemon_notify_done(struct daemon_notify *notify);

void daemon_notify_ready(const struct daemon_notify *notify, const char *status);
/* Until the next daemon_notify_ready; with the monotonic time that Type=notify-reload asks for. */
void daemon_notify_reloading(const struct daemon_notify *notify);
void daemon_notify_stopping(const struct daemon_notify *notify, const char *status);
/* Everything still turns. */
void daemon_notify_alive(const struct daemon_notify *notify);
