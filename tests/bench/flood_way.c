/* SPDX-License-Identifier: Apache-2.0 */
/* How the generator's messages travel: sockets of UDP with batches, or connections over TCP, each with a little memory. */
#include "flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    READ_ROOM = 262144,
    /* What waits in the sender's own buffer is the sender's queue, not the server's: it is kept short. */
    UNSENT_MAX = 16384,
    URGENT_MAX = 1 << 20,
    EVENTS = 256,
};

struct socket_state {
    int fd;
    unsigned port;
    char *in; /* TCP: READ_ROOM */
    size_t in_len;
    char *out;
    size_t out_len, out_sent;
    bool waits; /* in flood_way.waiting */
};

struct flood_way {
    bool tcp;
    int epoll;
    unsigned count;
    struct socket_state sockets[FLOOD_CONNECTIONS_MAX];
    unsigned waiting[FLOOD_CONNECTIONS_MAX], waiting_count; /* connections with something to send */
    /* Datagrams of one socket, until another is used or the batch is full. */
    unsigned collected, collected_for;
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec out_parts[BATCH], in_parts[BATCH];
    char out_text[BATCH][FLOOD_TEXT_MAX], in_text[BATCH][FLOOD_TEXT_MAX + 1];
};

uint64_t flood_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

unsigned flood_way_port(const struct flood_way *way, unsigned at)
{
    return way->sockets[at].port;
}

static void set_number(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value));
}

static bool open_one(struct flood_way *way, const struct flood_way_options *options, unsigned at)
{
    struct socket_state *one = &way->sockets[at];
    struct sockaddr_in here = {.sin_family = AF_INET}, there = {.sin_family = AF_INET};
    socklen_t len = sizeof(here);
    there.sin_port = htons((uint16_t)options->port);
    if (inet_pton(AF_INET, options->host, &there.sin_addr) != 1 ||
        inet_pton(AF_INET, options->source, &here.sin_addr) != 1)
        return false;
    one->fd = socket(AF_INET, way->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (way->tcp)
        set_number(one->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1); /* thousands of ports are slow to find otherwise */
    if (one->fd < 0 || bind(one->fd, (struct sockaddr *)&here, sizeof(here)) != 0 ||
        connect(one->fd, (struct sockaddr *)&there, sizeof(there)) != 0 ||
        getsockname(one->fd, (struct sockaddr *)&here, &len) != 0)
        return false;
    one->port = ntohs(here.sin_port);
    set_number(one->fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
    if (way->tcp) {
        set_number(one->fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set_number(one->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
        one->in = malloc(READ_ROOM);
        one->out = malloc(URGENT_MAX);
        if (!one->in || !one->out)
            return false;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = at};
    return epoll_ctl(way->epoll, EPOLL_CTL_ADD, one->fd, &event) == 0;
}

struct flood_way *flood_way_open(const struct flood_way_options *options)
{
    struct flood_way *way = calloc(1, sizeof(*way));
    if (!way)
        return NULL;
    struct rlimit files = {FLOOD_CONNECTIONS_MAX + 64, FLOOD_CONNECTIONS_MAX + 64};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    way->tcp = options->tcp;
    way->epoll = epoll_create1(0);
    for (unsigned i = 0; i < BATCH; i++) {
        way->out_parts[i].iov_base = way->out_text[i];
        way->in_parts[i] = (struct iovec){way->in_text[i], FLOOD_TEXT_MAX};
        way->out[i].msg_hdr = (struct msghdr){.msg_iov = &way->out_parts[i], .msg_iovlen = 1};
        way->in[i].msg_hdr = (struct msghdr){.msg_iov = &way->in_parts[i], .msg_iovlen = 1};
    }
    for (; way->count < options->connections; way->count++)
        if (!open_one(way, options, way->count)) {
            fprintf(stderr, "flood: connection %u to %s:%u: %s\n", way->count, options->host, options->port,
                    strerror(errno));
            flood_way_close(way);
            return NULL;
        }
    return way;
}

void flood_way_close(struct flood_way *way)
{
    for (unsigned i = 0; i <= way->count && i < FLOOD_CONNECTIONS_MAX; i++) {
        if (way->sockets[i].fd > 0)
            close(way->sockets[i].fd);
        free(way->sockets[i].in);
        free(way->sockets[i].out);
    }
    close(way->epoll);
    free(way);
}

/* ---- Out ---- */

/* Datagrams of one length as one that the kernel cuts at its end (UDP_SEGMENT): a core sends half as many again. */
static bool send_as_one(struct flood_way *way)
{
    char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr one = {.msg_iov = way->out_parts,
                         .msg_iovlen = way->collected,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    size_t len = way->out_parts[0].iov_len;
    for (unsigned i = 1; i < way->collected; i++)
        if (way->out_parts[i].iov_len != len)
            return false;
    if (way->collected < 2 || len * way->collected > 65000)
        return false;
    struct cmsghdr *segment = CMSG_FIRSTHDR(&one);
    *segment = (struct cmsghdr){CMSG_LEN(sizeof(uint16_t)), SOL_UDP, UDP_SEGMENT};
    memcpy(CMSG_DATA(segment), &(uint16_t){(uint16_t)len}, sizeof(uint16_t));
    return sendmsg(way->sockets[way->collected_for].fd, &one, MSG_DONTWAIT) > 0;
}

static void flush_datagrams(struct flood_way *way)
{
    unsigned sent = send_as_one(way) ? way->collected : 0;
    while (sent < way->collected) {
        int count = sendmmsg(way->sockets[way->collected_for].fd, way->out + sent, way->collected - sent, MSG_DONTWAIT);
        if (count > 0)
            sent += (unsigned)count;
        else if (errno != ECONNREFUSED && errno != EINTR)
            break; /* the rest is lost, as on any full network */
    }
    way->collected = 0;
}

static bool send_datagram(struct flood_way *way, unsigned at, const char *text, size_t len)
{
    if (way->collected == BATCH || (way->collected > 0 && way->collected_for != at))
        flush_datagrams(way);
    way->collected_for = at;
    memcpy(way->out_text[way->collected], text, len);
    way->out_parts[way->collected++].iov_len = len;
    return true;
}

static void flush_stream(struct socket_state *one)
{
    while (one->out_sent < one->out_len) {
        ssize_t sent =
            send(one->fd, one->out + one->out_sent, one->out_len - one->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        one->out_sent += (size_t)sent;
    }
    one->out_len = one->out_sent = 0;
}

static bool send_stream(struct socket_state *one, struct flood_text text, bool urgent)
{
    if (one->out_len + text.len > UNSENT_MAX) {
        flush_stream(one);
        memmove(one->out, one->out + one->out_sent, one->out_len - one->out_sent);
        one->out_len -= one->out_sent;
        one->out_sent = 0;
        if (one->out_len + text.len > (urgent ? URGENT_MAX : UNSENT_MAX))
            return false;
    }
    memcpy(one->out + one->out_len, text.at, text.len);
    one->out_len += text.len;
    return true;
}

bool flood_way_send(struct flood_way *way, unsigned at, struct flood_text text, bool urgent)
{
    struct socket_state *one = &way->sockets[at];
    if (!way->tcp)
        return send_datagram(way, at, text.at, text.len);
    if (!one->waits)
        way->waiting[way->waiting_count++] = at;
    one->waits = true;
    return send_stream(one, text, urgent);
}

void flood_way_flush(struct flood_way *way)
{
    if (!way->tcp) {
        flush_datagrams(way);
        return;
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < way->waiting_count; i++) {
        struct socket_state *one = &way->sockets[way->waiting[i]];
        flush_stream(one);
        one->waits = one->out_len > 0;
        if (one->waits)
            way->waiting[kept++] = way->waiting[i];
    }
    way->waiting_count = kept;
}

/* ---- In ---- */

static void take_datagrams(struct flood_way *way, unsigned at, flood_message_fn on_message, void *ctx)
{
    for (unsigned round = 0; round < 4; round++) {
        int count = recvmmsg(way->sockets[at].fd, way->in, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < count; i++) {
            way->in_text[i][way->in[i].msg_len] = 0;
            on_message(ctx, at, way->in_text[i], way->in[i].msg_len);
        }
        if (count < BATCH)
            return;
    }
}

/* The length of the first message of a stream of answers; 0: it is not whole yet. */
static size_t frame(const char *text, size_t len)
{
    static const char field[] = "\r\nContent-Length: ";
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    const char *at = memmem(text, (size_t)(end - text), field, sizeof(field) - 1);
    size_t whole = (size_t)(end - text) + 4 + (at ? strtoul(at + sizeof(field) - 1, NULL, 10) : 0);
    return whole <= len ? whole : 0;
}

static void take_stream(struct flood_way *way, unsigned at, flood_message_fn on_message, void *ctx)
{
    struct socket_state *one = &way->sockets[at];
    ssize_t got = recv(one->fd, one->in + one->in_len, READ_ROOM - 1 - one->in_len, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            fprintf(stderr, "flood: connection %u was closed\n", at);
            exit(1);
        }
        return;
    }
    one->in_len += (size_t)got;
    size_t done = 0, len;
    while ((len = frame(one->in + done, one->in_len - done)) > 0) {
        char kept = one->in[done + len];
        one->in[done + len] = 0;
        on_message(ctx, at, one->in + done, len);
        one->in[done + len] = kept;
        done += len;
    }
    memmove(one->in, one->in + done, one->in_len - done);
    one->in_len -= done;
}

void flood_way_take(struct flood_way *way, int timeout_ms, flood_message_fn on_message, void *ctx)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(way->epoll, events, EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (way->tcp)
            take_stream(way, events[i].data.u32, on_message, ctx);
        else
            take_datagrams(way, events[i].data.u32, on_message, ctx);
    }
}
