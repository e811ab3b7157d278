/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/trace_export.h"

#include "net/net_system.h"
#include "sip/sip_message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 64, ARENA = 128 * 1024 };

_Static_assert((int)ARENA >= (int)TRACE_HEP_MAX, "any packet fits into an empty arena");

struct trace_export {
    int fd;
    uint32_t agent;
    const struct net_system *system;
    struct trace_export_counters counters;
    unsigned count;
    struct buffer arena; /* the packets that wait, one behind the other */
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    char memory[ARENA];
};

/* Connected, so that a packet carries no address and a collector that is not there is noticed. */
static int open_socket(const struct net_address *collector)
{
    struct sockaddr_storage name;
    socklen_t len = net_address_to_sockaddr(collector, &name);
    int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&name, len) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

enum err trace_export_new(const struct trace_export_options *options, struct trace_export **out_export)
{
    struct trace_export *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NOMEM;
    self->fd = open_socket(&options->collector);
    if (self->fd < 0) {
        free(self);
        return ERR_IO;
    }
    self->agent = options->agent;
    self->system = options->system ? options->system : &net_system_real;
    self->arena = buffer_over(self->memory, sizeof(self->memory));
    for (unsigned i = 0; i < BATCH; i++)
        self->messages[i].msg_hdr = (struct msghdr){.msg_iov = &self->parts[i], .msg_iovlen = 1};
    *out_export = self;
    return OK;
}

void trace_export_free(struct trace_export *self)
{
    if (!self)
        return;
    trace_export_flush(self);
    close(self->fd);
    free(self);
}

void trace_export_flush(struct trace_export *self)
{
    unsigned done = 0;
    while (done < self->count) {
        int sent = self->system->send_many(self->fd, self->messages + done, self->count - done, MSG_DONTWAIT);
        if (sent > 0) {
            self->counters.sent += (unsigned)sent;
            done += (unsigned)sent;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
            self->counters.dropped += self->count - done;
            done = self->count;
        } else if (sent == 0 || errno != EINTR) { /* refused, unreachable: costs this one */
            self->counters.dropped++;
            done++;
        }
    }
    self->count = 0;
    buffer_clear(&self->arena);
}

void trace_export_put(struct trace_export *self, const struct trace_message *message)
{
    struct span call_id = sip_call_id_scan(message->bytes);
    size_t need = TRACE_HEP_HEAD_MAX + call_id.len + message->bytes.len;
    if (need > TRACE_HEP_MAX)
        need = TRACE_HEP_MAX;
    if (self->count == BATCH || self->arena.cap - self->arena.len < need)
        trace_export_flush(self);
    size_t start = self->arena.len;
    self->counters.cut += !trace_hep_encode(message, self->agent, call_id, &self->arena);
    self->parts[self->count++] = (struct iovec){.iov_base = self->arena.at + start, .iov_len = self->arena.len - start};
}

const struct trace_export_counters *trace_export_counters(const struct trace_export *self)
{
    return &self->counters;
}
