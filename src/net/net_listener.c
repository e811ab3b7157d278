/* SPDX-License-Identifier: Apache-2.0 */
/* Binds what is listened on: one socket per worker and address, wildcards spread out into this machine's addresses. */
#include "net/net_listener.h"

#include "net/net_socket.h"
#include "util/invariant.h"
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LISTENERS_MAX = 256, /* addresses in all; net_flow has 16 bits for them */
    PORT_ATTEMPTS = 16,  /* a port that the kernel chose for the first address may be taken on another */
};

struct net_listeners {
    unsigned count;
    unsigned workers;
    struct net_listener entries[LISTENERS_MAX];
    int fds[]; /* LISTENERS_MAX * workers; -1 where taken or not open */
};

/* One run of net_bind. */
struct binding {
    struct net_listeners *listeners;
    const struct net_bind_options *options;
    const struct net_listen_spec *spec;
    unsigned spec_index;
    struct fault *fault;
};

static int *socket_place(struct net_listeners *listeners, unsigned index, unsigned worker)
{
    return &listeners->fds[(size_t)index * listeners->workers + worker];
}

static void close_from(struct net_listeners *listeners, unsigned first)
{
    for (unsigned i = first; i < listeners->count; i++) {
        for (unsigned worker = 0; worker < listeners->workers; worker++) {
            int fd = net_listeners_take(listeners, i, worker);
            if (fd >= 0)
                close(fd);
        }
    }
    listeners->count = first;
}

static enum err err_of(int system_error)
{
    switch (system_error) {
    case EADDRINUSE:
        return ERR_BUSY;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL:
        return ERR_INVALID;
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case ENOMEM:
    case ENOBUFS:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static enum err fail(const struct binding *binding, const struct net_address *address, int system_error)
{
    char text[NET_ADDRESS_TEXT_MAX];
    enum err err = err_of(system_error);
    net_address_text(address, text);
    return fault_set(binding->fault, err, NULL, 0, "cannot listen on %s %s: %s%s",
                     net_transport_name(binding->spec->transport), text, strerror(system_error),
                     err == ERR_BUSY ? " (is another daemon running there?)" : "");
}

/* One worker's socket for `address`, whose port is filled in by the first. */
static int open_socket(const struct binding *binding, struct net_address *address, bool first, int *out_fd)
{
    enum net_transport transport = binding->spec->transport;
    int fd = net_socket_open(transport, (enum net_family)address->family);
    if (fd < 0)
        return errno;
    int failed = first ? net_socket_bind_first(fd, transport, address) : net_socket_bind_beside(fd, transport, address);
    if (failed == 0)
        failed = net_socket_prepare(fd, transport, binding->options);
    if (failed == 0 && first && address->port == 0) {
        struct net_address bound;
        if (net_socket_local(fd, &bound) == OK)
            address->port = bound.port;
    }
    if (failed != 0) {
        close(fd);
        return failed;
    }
    *out_fd = fd;
    return 0;
}

/* A worker's share of a socket that was passed: SO_REUSEPORT does not reach over from the one who bound it. */
static int share_socket(const struct binding *binding, int passed, bool first, int *out_fd)
{
    int fd = first ? passed : fcntl(passed, F_DUPFD_CLOEXEC, 0);
    int failed = fd < 0 ? errno : net_socket_prepare(fd, binding->spec->transport, binding->options);
    if (failed != 0 && fd >= 0 && !first)
        close(fd);
    if (failed == 0)
        *out_fd = fd;
    return failed;
}

static int take_passed(const struct binding *binding, const struct net_address *address)
{
    struct net_passed *passed = binding->options->passed;
    return passed ? net_passed_take(passed, binding->spec->transport, address) : -1;
}

/* Adds a listener with a socket for each worker.  Returns 0 or errno; on an error it is not added. */
static int add_listener(const struct binding *binding, struct net_address *address)
{
    struct net_listeners *listeners = binding->listeners;
    if (listeners->count == LISTENERS_MAX)
        return ENOSPC;
    unsigned index = listeners->count++;
    struct net_listener *entry = &listeners->entries[index];
    int passed = take_passed(binding, address);
    for (unsigned worker = 0; worker < listeners->workers; worker++) {
        int *place = socket_place(listeners, index, worker);
        int failed = passed >= 0 ? share_socket(binding, passed, worker == 0, place)
                                 : open_socket(binding, address, worker == 0, place);
        if (failed != 0) {
            close_from(listeners, index);
            return failed;
        }
    }
    int fd = *socket_place(listeners, index, 0);
    *entry = (struct net_listener){.transport = binding->spec->transport,
                                   .address = *address,
                                   .spec = binding->spec_index,
                                   .receive_buffer = net_socket_buffer(fd, SO_RCVBUF),
                                   .send_buffer = net_socket_buffer(fd, SO_SNDBUF)};
    return 0;
}

/* All of this machine's addresses of the spec's family, with the spec's port; at most `cap`. */
static unsigned local_addresses(const struct net_address *wildcard, struct net_address *out_addresses, unsigned cap)
{
    struct ifaddrs *all;
    unsigned count = 0;
    if (getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *one = all; one && count < cap; one = one->ifa_next) {
        struct net_address address;
        if (!one->ifa_addr || net_address_from_sockaddr(one->ifa_addr, &address) != OK ||
            address.family != wildcard->family)
            continue;
        address.port = wildcard->port;
        bool known = false;
        for (unsigned i = 0; i < count; i++)
            known = known || net_address_equal(&out_addresses[i], &address);
        if (!known)
            out_addresses[count++] = address;
    }
    freeifaddrs(all);
    return count;
}

/* An address that goes away while we look, or is not ready yet (IPv6's duplicate detection), is passed over. */
static int add_each(const struct binding *binding, const struct net_address *addresses, unsigned count,
                    struct net_address *out_failed)
{
    unsigned first = binding->listeners->count;
    uint16_t port = binding->spec->address.port;
    for (unsigned i = 0; i < count; i++) {
        struct net_address address = addresses[i];
        address.port = port;
        int failed = add_listener(binding, &address);
        if (failed == 0) {
            port = address.port;
        } else if (failed != EADDRNOTAVAIL) {
            *out_failed = address;
            close_from(binding->listeners, first);
            return failed;
        }
    }
    *out_failed = binding->spec->address;
    return binding->listeners->count > first ? 0 : EADDRNOTAVAIL;
}

static enum err bind_wildcard(const struct binding *binding)
{
    struct net_address *addresses = calloc(LISTENERS_MAX, sizeof(*addresses));
    if (!addresses)
        return fault_set(binding->fault, ERR_NOMEM, NULL, 0, "out of memory");
    struct net_address failed_address;
    unsigned count = local_addresses(&binding->spec->address, addresses, LISTENERS_MAX);
    int failed = add_each(binding, addresses, count, &failed_address);
    for (int i = 1; failed == EADDRINUSE && binding->spec->address.port == 0 && i < PORT_ATTEMPTS; i++)
        failed = add_each(binding, addresses, count, &failed_address);
    free(addresses);
    return failed == 0 ? OK : fail(binding, &failed_address, failed);
}

static enum err bind_spec(const struct binding *binding)
{
    if (net_address_is_wildcard(&binding->spec->address))
        return bind_wildcard(binding);
    struct net_address address = binding->spec->address;
    int failed = add_listener(binding, &address);
    return failed == 0 ? OK : fail(binding, &address, failed);
}

static enum err check_passed(const struct binding *binding)
{
    char text[NET_ADDRESS_TEXT_MAX];
    const struct net_passed_socket *left = binding->options->passed ? net_passed_left(binding->options->passed) : NULL;
    if (!left)
        return OK;
    net_address_text(&left->address, text);
    return fault_set(binding->fault, ERR_INVALID, NULL, 0,
                     "the %s socket %s, passed by LISTEN_FDS, is in no listen setting", left->is_stream ? "TCP" : "UDP",
                     text);
}

enum err net_bind(const struct net_listen_spec *specs, size_t spec_count, const struct net_bind_options *options,
                  struct net_listeners **out_listeners, struct fault *fault)
{
    invariant(options->worker_count >= 1);
    size_t sockets = (size_t)LISTENERS_MAX * options->worker_count;
    struct net_listeners *listeners = calloc(1, sizeof(*listeners) + sockets * sizeof(int));
    if (!listeners)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    listeners->workers = options->worker_count;
    memset(listeners->fds, 0xff, sockets * sizeof(int));
    struct binding binding = {.listeners = listeners, .options = options, .fault = fault};
    for (size_t i = 0; i < spec_count; i++) {
        binding.spec = &specs[i];
        binding.spec_index = (unsigned)i;
        enum err err = bind_spec(&binding);
        if (err != OK) {
            net_listeners_free(listeners);
            return err;
        }
    }
    enum err err = check_passed(&binding);
    if (err != OK) {
        net_listeners_free(listeners);
        return err;
    }
    *out_listeners = listeners;
    return OK;
}

void net_listeners_free(struct net_listeners *listeners)
{
    if (!listeners)
        return;
    close_from(listeners, 0);
    free(listeners);
}

unsigned net_listeners_count(const struct net_listeners *listeners)
{
    return listeners->count;
}

unsigned net_listeners_workers(const struct net_listeners *listeners)
{
    return listeners->workers;
}

const struct net_listener *net_listeners_at(const struct net_listeners *listeners, unsigned index)
{
    invariant(index < listeners->count);
    return &listeners->entries[index];
}

int net_listeners_take(struct net_listeners *listeners, unsigned index, unsigned worker)
{
    invariant(index < listeners->count && worker < listeners->workers);
    int *place = socket_place(listeners, index, worker);
    int fd = *place;
    *place = -1;
    return fd;
}

uint64_t net_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            return raised.rlim_cur;
    }
    return limit.rlim_cur;
}
