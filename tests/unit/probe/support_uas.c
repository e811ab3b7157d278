/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted server. */
#include "support_uas.h"
#include "sip/sip_reply.h"
#include "sip/sip_stream.h"
#include "support/cmocka_all.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One message that came, and whom to answer. */
struct turn {
    struct uas *uas;
    struct sip_message message;
    struct sockaddr_storage from;
    socklen_t from_len;
};

static void say(struct turn *turn, struct span bytes)
{
    ssize_t sent = turn->uas->plan.is_stream
                       ? send(turn->uas->peer, bytes.at, bytes.len, MSG_NOSIGNAL)
                       : sendto(turn->uas->peer, bytes.at, bytes.len, 0,
                                (const struct sockaddr *)(const void *)&turn->from, turn->from_len);
    assert_true(sent == (ssize_t)bytes.len);
}

static void reply(struct turn *turn, unsigned code, const char *header)
{
    char memory[8192];
    struct buffer out = buffer_over(memory, sizeof(memory));
    const struct sip_reply_via via = {0};
    sip_reply_begin(&out, &turn->message, code, SPAN(""), &via, SPAN("uas"));
    if (header)
        buffer_add_text(&out, header);
    sip_reply_end(&out, SPAN(""), SPAN(""));
    assert_false(out.overflow);
    say(turn, buffer_span(&out));
}

static void hang_up(struct turn *turn)
{
    char memory[2048];
    int len = snprintf(memory, sizeof(memory),
                       "BYE sip:probe@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKuas\r\n"
                       "From: <sip:uas@127.0.0.1>;tag=uas\r\nTo: <sip:probe@127.0.0.1>;tag=x\r\nCall-ID: %.*s\r\n"
                       "CSeq: 7 BYE\r\nReason: SIP;cause=408;text=\"ACK timeout\"\r\nContent-Length: 0\r\n\r\n",
                       SPAN_ARG(turn->message.call_id));
    say(turn, span_make(memory, (size_t)len));
}

static void take_first(struct turn *turn)
{
    const struct uas_plan *plan = &turn->uas->plan;
    if (plan->is_silent || turn->uas->invites + turn->uas->others <= plan->ignores_first)
        return;
    if (plan->says_trying)
        reply(turn, 100, NULL);
    for (unsigned i = 0; plan->code && i <= plan->repeats; i++)
        reply(turn, plan->code, plan->header);
    if (plan->hangs_up)
        hang_up(turn);
}

static void take(struct turn *turn)
{
    struct uas *uas = turn->uas;
    if (!turn->message.is_request) {
        uas->answers++;
        return;
    }
    switch (turn->message.method) {
    case SIP_METHOD_ACK:
        uas->acks++;
        (void)span_copy(turn->message.bytes, uas->last_ack, sizeof(uas->last_ack));
        return;
    case SIP_METHOD_BYE:
        uas->byes++;
        (void)span_copy(turn->message.bytes, uas->last_bye, sizeof(uas->last_bye));
        if (!uas->plan.ignores_bye)
            reply(turn, 200, NULL);
        return;
    case SIP_METHOD_INVITE:
        uas->invites++;
        break;
    default:
        uas->others++;
    }
    take_first(turn);
}

/* Takes whole messages off the front; returns how many bytes are left. */
static size_t take_stream(struct turn *turn, char *bytes, size_t len)
{
    size_t taken = 0;
    for (;;) {
        struct sip_stream_state state = {0};
        struct sip_problem problem;
        struct span rest = span_make(bytes + taken, len - taken);
        struct sip_stream_frame frame = sip_stream_frame(&state, rest, SIP_MESSAGE_MAX);
        if (frame.kind != SIP_STREAM_MESSAGE)
            break;
        assert_int_equal(sip_message_parse(&turn->message, span_slice(rest, 0, frame.len), SIP_STREAM, &problem), OK);
        take(turn);
        taken += frame.len;
    }
    memmove(bytes, bytes + taken, len - taken);
    return len - taken;
}

static bool readable(const struct uas *uas, int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    do {
        bool is_last = atomic_load(&uas->ends); /* what came before the end is still read */
        if (poll(&wait, 1, 5) > 0)
            return true;
        if (is_last)
            return false;
    } while (true);
}

static void *serve(void *arg)
{
    static _Thread_local struct turn turn;
    static _Thread_local char bytes[65536];
    struct uas *uas = arg;
    struct sip_problem problem;
    size_t used = 0;
    turn.uas = uas;
    uas->peer = uas->fd;
    if (uas->plan.is_stream)
        uas->peer = readable(uas, uas->fd) ? accept(uas->fd, NULL, NULL) : -1;
    while (uas->peer >= 0 && readable(uas, uas->peer)) {
        turn.from_len = sizeof(turn.from);
        ssize_t got = recvfrom(uas->peer, bytes + used, sizeof(bytes) - used, 0, (struct sockaddr *)(void *)&turn.from,
                               &turn.from_len);
        if (got <= 0)
            break;
        if (uas->plan.is_stream)
            used = take_stream(&turn, bytes, used + (size_t)got);
        else if (sip_message_parse(&turn.message, span_make(bytes, (size_t)got), SIP_DATAGRAM, &problem) == OK)
            take(&turn);
    }
    if (uas->plan.is_stream && uas->peer >= 0)
        (void)close(uas->peer);
    return NULL;
}

void uas_start(struct uas *uas, const struct uas_plan *plan)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *uas = (struct uas){.plan = *plan};
    uas->fd = socket(AF_INET, plan->is_stream ? SOCK_STREAM : SOCK_DGRAM, 0);
    assert_true(uas->fd >= 0);
    assert_int_equal(bind(uas->fd, (const struct sockaddr *)(const void *)&address, len), 0);
    assert_int_equal(getsockname(uas->fd, (struct sockaddr *)(void *)&address, &len), 0);
    if (plan->is_stream)
        assert_int_equal(listen(uas->fd, 1), 0);
    uas->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&uas->thread, NULL, serve, uas), 0);
}

void uas_stop(struct uas *uas)
{
    atomic_store(&uas->ends, true);
    assert_int_equal(pthread_join(uas->thread, NULL), 0);
    (void)close(uas->fd);
}
