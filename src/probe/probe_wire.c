/* SPDX-License-Identifier: Apache-2.0 */
/* Plain sockets and poll(2): a probe has one conversation and all the time in the world. */
#include "probe/probe_wire.h"
#include "util/buffer.h"
#include "util/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000 };

static void describe(const struct sockaddr_storage *address, socklen_t len, char host[64], uint16_t *out_port,
                     char text[80])
{
    char port[8] = "0";
    if (getnameinfo((const struct sockaddr *)(const void *)address, len, host, 64, port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        host[0] = '\0';
    uint32_t number = 0;
    (void)span_to_u32(span_of(port), &number);
    *out_port = (uint16_t)number;
    (void)snprintf(text, 80, address->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* A connect that takes at most CONNECT_TIMEOUT_MS; 0 or an errno. */
static int connect_in_time(int fd, const struct addrinfo *to)
{
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, CONNECT_TIMEOUT_MS) == 0)
        return ETIMEDOUT;
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

static int try_address(struct probe_wire *wire, const struct addrinfo *to)
{
    int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
    if (fd < 0)
        return errno;
    int error = connect_in_time(fd, to);
    if (error) {
        (void)close(fd);
        return error;
    }
    /* ACK and BYE go out in two writes: the second must not wait for the first one's acknowledgement by TCP. */
    const int on = 1;
    if (wire->is_stream)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    wire->fd = fd;
    wire->is_ipv6 = to->ai_family == AF_INET6;
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[64];
    uint16_t port;
    (void)getpeername(fd, (struct sockaddr *)&address, &len);
    describe(&address, len, host, &port, wire->remote);
    len = sizeof(address);
    (void)getsockname(fd, (struct sockaddr *)&address, &len);
    describe(&address, len, wire->local_host, &wire->local_port, wire->local);
    return 0;
}

enum err probe_wire_open(struct probe_wire *wire, bool is_stream, const char *host, uint16_t port, struct fault *fault)
{
    wire->fd = -1;
    wire->tls = NULL;
    wire->websocket = NULL;
    wire->is_stream = is_stream;
    wire->stream = (struct sip_stream_state){0};
    wire->used = 0;
    wire->taken = 0;
    char service[8];
    (void)snprintf(service, sizeof(service), "%u", port);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = is_stream ? SOCK_STREAM : SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed)
        return fault_set(fault, ERR_NOT_FOUND, NULL, 0, "host %s: %s", host, gai_strerror(failed));
    int error = 0;
    for (const struct addrinfo *to = list; to && wire->fd < 0; to = to->ai_next)
        error = try_address(wire, to);
    freeaddrinfo(list);
    if (wire->fd < 0)
        return fault_set(fault, ERR_IO, NULL, 0, "cannot reach %s port %u by %s: %s", host, port,
                         is_stream ? "tcp" : "udp", strerror(error));
    return OK;
}

enum err probe_wire_secure(struct probe_wire *wire, const struct tls_client_options *options, struct fault *fault)
{
    return tls_client_new(wire->fd, options, &wire->tls, fault);
}

const char *probe_wire_transport(const struct probe_wire *wire)
{
    if (wire->websocket)
        return wire->tls ? "wss" : "ws";
    return wire->tls ? "tls" : wire->is_stream ? "tcp" : "udp";
}

enum sip_framing probe_wire_framing(const struct probe_wire *wire)
{
    return wire->is_stream && !wire->websocket ? SIP_STREAM : SIP_DATAGRAM;
}

static enum err send_waiting(struct probe_wire *wire, struct fault *fault);

void probe_wire_close(struct probe_wire *wire)
{
    struct fault ignored;
    if (wire->websocket && wire->fd >= 0) {
        websocket_client_finish(wire->websocket);
        (void)!send_waiting(wire, &ignored);
    }
    websocket_client_free(wire->websocket);
    wire->websocket = NULL;
    tls_client_free(wire->tls);
    wire->tls = NULL;
    if (wire->fd >= 0)
        (void)close(wire->fd);
    wire->fd = -1;
}

static enum err fail(const struct probe_wire *wire, int error, struct fault *fault)
{
    if (error == ECONNREFUSED)
        return fault_set(fault, ERR_CLOSED, NULL, 0, "nobody listens on %s (%s)", wire->remote,
                         probe_wire_transport(wire));
    return fault_set(fault, ERR_IO, NULL, 0, "%s: %s", wire->remote, strerror(error));
}

static enum err send_bytes(const struct probe_wire *wire, struct span bytes, struct fault *fault)
{
    while (bytes.len) {
        ssize_t sent =
            wire->tls ? tls_client_write(wire->tls, bytes) : send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            struct pollfd wait = {.fd = wire->fd, .events = POLLOUT};
            (void)poll(&wait, 1, CONNECT_TIMEOUT_MS);
            continue;
        }
        if (sent < 0)
            return fail(wire, errno, fault);
        bytes = span_slice(bytes, (size_t)sent, bytes.len);
    }
    return OK;
}

static enum err send_waiting(struct probe_wire *wire, struct fault *fault)
{
    struct buffer *out = websocket_client_out(wire->websocket);
    enum err err = send_bytes(wire, buffer_span(out), fault);
    out->len = 0;
    return err;
}

enum err probe_wire_send(struct probe_wire *wire, struct span bytes, struct fault *fault)
{
    if (!wire->websocket)
        return send_bytes(wire, bytes, fault);
    enum err err = websocket_client_put(wire->websocket, bytes);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "%s: %s", wire->remote, err_text(err));
    return send_waiting(wire, fault);
}

/* What the stream's buffer holds: OK and a message, ERR_AGAIN for more, or an error. */
static enum err next_in_stream(struct probe_wire *wire, struct span *out_message, struct fault *fault)
{
    for (;;) {
        struct span bytes = span_make(wire->memory + wire->taken, wire->used - wire->taken);
        struct sip_stream_frame frame = sip_stream_frame(&wire->stream, bytes, SIP_MESSAGE_MAX);
        if (frame.kind == SIP_STREAM_MORE)
            break;
        if (frame.kind == SIP_STREAM_ERROR)
            return fault_set(fault, ERR_SYNTAX, NULL, 0, "%s sent no SIP: %s: %s", wire->remote,
                             frame.problem.where ? frame.problem.where : "stream",
                             frame.problem.reason ? frame.problem.reason : "lost its framing");
        wire->taken += frame.len;
        wire->stream = (struct sip_stream_state){0};
        if (frame.kind == SIP_STREAM_PING && probe_wire_send(wire, SPAN("\r\n"), fault) != OK)
            return ERR_CLOSED;
        if (frame.kind == SIP_STREAM_MESSAGE) {
            *out_message = span_slice(bytes, 0, frame.len);
            return OK;
        }
    }
    memmove(wire->memory, wire->memory + wire->taken, wire->used - wire->taken);
    wire->used -= wire->taken;
    wire->taken = 0;
    return ERR_AGAIN;
}

/* Waits until something can be read. */
static enum err wait_readable(const struct probe_wire *wire, uint64_t until_ns)
{
    while (!wire->tls || !tls_client_has_more(wire->tls)) {
        uint64_t now_ns = clock_mono_ns();
        uint64_t left_ms = now_ns < until_ns ? (until_ns - now_ns + 999999) / 1000000 : 0;
        struct pollfd wait = {.fd = wire->fd, .events = POLLIN};
        int ready = poll(&wait, 1, left_ms < 1000000 ? (int)left_ms : 1000000);
        if (ready > 0)
            return OK;
        if (left_ms == 0)
            return ERR_TIMEOUT;
    }
    return OK;
}

/* Gives what has come to the WebSocket, and sends what it has to say to that. */
static enum err feed(struct probe_wire *wire, struct fault *fault)
{
    struct fault found = {0};
    enum err err = websocket_client_feed(wire->websocket, span_make(wire->memory, wire->used), &found);
    wire->used = 0;
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "%s %s", wire->remote, found.text);
    return send_waiting(wire, fault);
}

/* The next message of a WebSocket, without keep-alives. */
static enum err next_in_websocket(struct probe_wire *wire, struct span *out_message, struct fault *fault)
{
    if (wire->used) {
        enum err err = feed(wire, fault);
        if (err != OK)
            return err;
    }
    while (websocket_client_take(wire->websocket, out_message))
        if (span_trim(*out_message).len)
            return OK;
    return ERR_AGAIN;
}

static enum err next_message(struct probe_wire *wire, struct span *out_message, struct fault *fault)
{
    if (wire->websocket)
        return next_in_websocket(wire, out_message, fault);
    return wire->is_stream ? next_in_stream(wire, out_message, fault) : ERR_AGAIN;
}

static enum err read_more(struct probe_wire *wire, uint64_t until_ns, size_t *out_got, struct fault *fault)
{
    for (;;) {
        enum err err = wait_readable(wire, until_ns);
        if (err != OK)
            return err;
        char *room = wire->memory + wire->used;
        size_t cap = sizeof(wire->memory) - wire->used;
        ssize_t got = wire->tls ? tls_client_read(wire->tls, room, cap) : recv(wire->fd, room, cap, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return fail(wire, errno, fault);
        if (got == 0 && wire->is_stream)
            return fault_set(fault, ERR_CLOSED, NULL, 0, "%s closed the connection", wire->remote);
        *out_got = (size_t)got;
        return OK;
    }
}

enum err probe_wire_upgrade(struct probe_wire *wire, const char *host, uint64_t until_ns, struct fault *fault)
{
    size_t got;
    enum err err = websocket_client_new(span_of(host), &wire->websocket);
    if (err != OK)
        return fault_set(fault, err, NULL, 0, "%s", err_text(err));
    err = send_waiting(wire, fault);
    while (err == OK && !websocket_client_is_open(wire->websocket)) {
        err = read_more(wire, until_ns, &got, fault);
        if (err == ERR_TIMEOUT)
            return fault_set(fault, err, NULL, 0, "%s did not answer the upgrade to WebSocket", wire->remote);
        if (err == ERR_CLOSED)
            return fault_set(fault, err, NULL, 0, "%s closed the connection, and does not seem to speak WebSocket",
                             wire->remote);
        wire->used = err == OK ? got : 0;
        if (err == OK)
            err = feed(wire, fault);
    }
    return err;
}

enum err probe_wire_receive(struct probe_wire *wire, uint64_t until_ns, struct span *out_message, struct fault *fault)
{
    for (;;) {
        enum err err = next_message(wire, out_message, fault);
        if (err != ERR_AGAIN)
            return err;
        size_t got;
        err = read_more(wire, until_ns, &got, fault);
        if (err != OK)
            return err;
        if (!wire->is_stream) {
            *out_message = span_make(wire->memory, got);
            return OK;
        }
        wire->used += got;
    }
}
