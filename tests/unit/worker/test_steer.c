/* SPDX-License-Identifier: Apache-2.0 */
/* Workers with stacks: whatever a datagram or connection lands on, its owner answers, in order and over the same
 * addresses.  The first byte of a message says who owns it; the answer is the owner's digit before the message. */
#include "support/cmocka_all.h"

#include "net/net_stack.h"
#include "worker/worker_group.h"
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MAX = 7, WAIT_MS = 10000, MESSAGE_LEN = 40 };
enum { POST_DATAGRAM, POST_MESSAGE, POST_ANSWER };

struct hand {
    struct team *team;
    struct worker *worker;
    struct net_stack *stack;
};

struct team {
    struct worker_group *group;
    struct net_listeners *listeners;
    struct hand hands[WORKERS_MAX];
    unsigned count;
    _Atomic unsigned answered[WORKERS_MAX];
    _Atomic unsigned gone;    /* answers whose connection had closed */
    _Atomic unsigned dropped; /* datagrams that no ring took */
    _Atomic unsigned refused; /* messages that no ring took, yet */
    _Atomic bool hold;        /* owners wait with their answer to a stream until the connection has closed */
    _Atomic unsigned closed;
};

static void answer(struct hand *hand, const struct net_flow *flow, struct span bytes)
{
    struct buffer out = net_send_begin(hand->stack);
    buffer_add_byte(&out, (char)('0' + worker_index(hand->worker)));
    buffer_add_span(&out, bytes);
    atomic_fetch_add(&hand->team->answered[worker_index(hand->worker)], 1);
    assert_int_equal(net_send_end(hand->stack, flow, &out), OK);
}

static void send_stream(struct hand *hand, const struct net_flow *flow, struct span bytes)
{
    enum err err = net_send(hand->stack, flow, bytes);
    if (err == ERR_CLOSED)
        atomic_fetch_add(&hand->team->gone, 1);
    else
        assert_int_equal(err, OK);
}

/* The owner's answer to a stream that another worker holds. */
static void answer_back(struct hand *hand, const struct worker_post *request)
{
    char text[256];
    struct buffer out = buffer_over(text, sizeof(text));
    buffer_add_byte(&out, (char)('0' + worker_index(hand->worker)));
    buffer_add_span(&out, request->bytes);
    atomic_fetch_add(&hand->team->answered[worker_index(hand->worker)], 1);
    for (int i = 0; atomic_load(&hand->team->hold) && atomic_load(&hand->team->closed) == 0 && i < WAIT_MS; i++)
        (void)poll(NULL, 0, 1);
    struct worker_post post = {.flow = request->flow, .bytes = buffer_span(&out), .kind = POST_ANSWER, .answer = true};
    assert_int_equal(worker_post(hand->worker, request->flow.worker, &post), OK);
}

static void on_post(void *ctx, struct worker *worker, const struct worker_post *post)
{
    (void)ctx;
    struct hand *hand = worker_data(worker);
    if (post->kind == POST_DATAGRAM)
        answer(hand, &post->flow, post->bytes);
    else if (post->kind == POST_MESSAGE)
        answer_back(hand, post);
    else
        send_stream(hand, &post->flow, post->bytes);
}

static void on_datagram(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct hand *hand = ctx;
    unsigned owner = worker_owner_of(hand->worker, bytes);
    struct worker_post post = {.flow = *flow, .bytes = bytes, .kind = POST_DATAGRAM};
    if (owner == worker_index(hand->worker))
        answer(hand, flow, bytes);
    else if (worker_post(hand->worker, owner, &post) != OK)
        atomic_fetch_add(&hand->team->dropped, 1);
}

static bool on_message(void *ctx, const struct net_flow *flow, struct span bytes)
{
    struct hand *hand = ctx;
    unsigned owner = worker_owner_of(hand->worker, bytes);
    struct worker_post post = {.flow = *flow, .bytes = bytes, .kind = POST_MESSAGE, .patient = true};
    if (owner == worker_index(hand->worker)) {
        answer(hand, flow, bytes);
        return true;
    }
    enum err err = worker_post(hand->worker, owner, &post);
    if (err != OK)
        atomic_fetch_add(&hand->team->refused, 1);
    return err == OK;
}

static struct net_frame frame(void *ctx, const struct net_flow *flow, struct span bytes,
                              struct net_frame_memory *memory)
{
    (void)flow;
    (void)ctx;
    (void)memory;
    if (bytes.len < MESSAGE_LEN)
        return (struct net_frame){.kind = NET_FRAME_MORE, .need = MESSAGE_LEN};
    return (struct net_frame){.kind = NET_FRAME_MESSAGE, .len = MESSAGE_LEN};
}

static void on_flow_closed(void *ctx, const struct net_flow *flow, enum net_close reason)
{
    (void)flow;
    (void)reason;
    struct hand *hand = ctx;
    atomic_fetch_add(&hand->team->closed, 1);
}

static void on_turn_begin(void *ctx)
{
    struct hand *hand = ctx;
    worker_turn_begin(hand->worker);
}

static enum err on_start(void *ctx, struct worker *worker)
{
    struct team *team = ctx;
    struct hand *hand = &team->hands[worker_index(worker)];
    *hand = (struct hand){.team = team, .worker = worker};
    worker_set_data(worker, hand);
    struct net_stack_options options = {
        .worker = worker_index(worker),
        .listeners = team->listeners,
        .clock = worker_clock(worker),
        .wheel = worker_wheel(worker),
        .key = {1, 2},
    };
    struct net_handlers handlers = {
        .ctx = hand,
        .on_turn_begin = on_turn_begin,
        .on_datagram = on_datagram,
        .on_message = on_message,
        .frame = frame,
        .on_flow_closed = on_flow_closed,
    };
    return net_stack_new(worker_loop(worker), &options, &handlers, &hand->stack);
}

static void on_stop(void *ctx, struct worker *worker)
{
    (void)ctx;
    struct hand *hand = worker_data(worker);
    net_stack_close(hand->stack, NULL, NULL);
}

static unsigned owner_of(void *ctx, struct span bytes, unsigned count)
{
    (void)ctx;
    return (unsigned char)bytes.at[0] % count;
}

static struct team *team_start(unsigned count)
{
    static const char *const texts[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"};
    struct team *team = calloc(1, sizeof(*team));
    struct net_listen_spec specs[2];
    struct net_bind_options bind_options = {.worker_count = count};
    struct fault fault = {0};
    assert_non_null(team);
    team->count = count;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(net_listen_spec_parse(span_of(texts[i]), &specs[i], NULL), OK);
    assert_int_equal(net_bind(specs, 2, &bind_options, &team->listeners, &fault), OK);
    struct worker_group_options options = {
        .count = count,
        .ring_bytes = 262144,
        .ops = {.ctx = team, .on_start = on_start, .on_stop = on_stop, .on_post = on_post, .owner_of = owner_of},
    };
    if (worker_group_new(&options, &team->group, &fault) != OK)
        fail_msg("%s", fault.text);
    return team;
}

static void team_end(struct team *team)
{
    worker_group_free(team->group);
    net_listeners_free(team->listeners);
    free(team);
}

static int open_peer(const struct team *team, unsigned listener)
{
    struct sockaddr_storage address;
    socklen_t len = net_address_to_sockaddr(&net_listeners_at(team->listeners, listener)->address, &address);
    int fd = socket(AF_INET, listener == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
    return fd;
}

static ssize_t receive(int fd, char *out, size_t cap)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, WAIT_MS) != 1)
        fail_msg("nothing came");
    return recv(fd, out, cap, MSG_DONTWAIT);
}

static void format_message(char out[MESSAGE_LEN + 1], unsigned owner, unsigned number)
{
    (void)snprintf(out, MESSAGE_LEN + 1, "%c%039u", (char)('p' + owner), number);
}

/* One peer on one address pair, which the kernel gives to one worker: all workers serve it. */
static void one_peer_uses_all_workers_of(unsigned count)
{
    enum { COUNT = 3000, WINDOW = 50 };
    struct team *team = team_start(count);
    int peer = open_peer(team, 0);
    unsigned sent = 0;
    for (unsigned back = 0; back < COUNT; back++) {
        char text[MESSAGE_LEN + 1];
        char got[MESSAGE_LEN + 2] = "";
        for (; sent < COUNT && sent < back + WINDOW; sent++) {
            format_message(text, sent % 7, sent);
            assert_int_equal(send(peer, text, MESSAGE_LEN, 0), MESSAGE_LEN);
        }
        assert_int_equal(receive(peer, got, sizeof(got)), MESSAGE_LEN + 1);
        assert_int_equal(got[0] - '0', (unsigned char)got[1] % count);
    }
    for (unsigned i = 0; i < count; i++)
        assert_in_range(team->answered[i], COUNT / count / 2, COUNT);
    assert_int_equal(team->dropped, 0);
    close(peer);
    team_end(team);
}

static void one_peer_uses_all_workers(void **state)
{
    (void)state;
    one_peer_uses_all_workers_of(1);
    one_peer_uses_all_workers_of(2);
    one_peer_uses_all_workers_of(7);
}

/* Writes and reads at the same time; returns when all `total` answers of `answer_len` bytes are in `got`. */
static void pump(int peer, const char *all, size_t all_len, char *got, size_t got_len)
{
    size_t sent = 0;
    size_t have = 0;
    while (have < got_len) {
        struct pollfd poll_fd = {.fd = peer, .events = (short)(POLLIN | (sent < all_len ? POLLOUT : 0))};
        if (poll(&poll_fd, 1, WAIT_MS) != 1)
            fail_msg("stuck with %zu of %zu", have, got_len);
        if (poll_fd.revents & POLLOUT) {
            ssize_t more = send(peer, all + sent, all_len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += more > 0 ? (size_t)more : 0;
        }
        if (poll_fd.revents & POLLIN) {
            ssize_t more = recv(peer, got + have, got_len - have, MSG_DONTWAIT);
            assert_true(more > 0);
            have += (size_t)more;
        }
    }
}

/* Far more than a ring holds, to one owner each time: where the ring is full the stream waits, and nothing is lost. */
static void streams_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = 10000, WORKERS = 3 };
    char *all = malloc((size_t)COUNT * MESSAGE_LEN + 1);
    char *want = malloc((size_t)COUNT * (MESSAGE_LEN + 1) + 1);
    char *got = malloc((size_t)COUNT * (MESSAGE_LEN + 1));
    assert_true(all && want && got);
    struct team *team = team_start(WORKERS);
    for (unsigned owner = 0; owner < WORKERS; owner++) {
        for (unsigned i = 0; i < COUNT; i++) {
            char *message = all + (size_t)i * MESSAGE_LEN;
            format_message(message, owner, i);
            want[(size_t)i * (MESSAGE_LEN + 1)] = (char)('0' + (unsigned char)message[0] % WORKERS);
            memcpy(want + (size_t)i * (MESSAGE_LEN + 1) + 1, message, MESSAGE_LEN);
        }
        int peer = open_peer(team, 1);
        pump(peer, all, (size_t)COUNT * MESSAGE_LEN, got, (size_t)COUNT * (MESSAGE_LEN + 1));
        assert_memory_equal(want, got, (size_t)COUNT * (MESSAGE_LEN + 1));
        close(peer);
    }
    team_end(team);
    free(all);
    free(want);
    free(got);
}

static void a_connection_that_closes_before_the_answer_is_noticed(void **state)
{
    (void)state;
    struct team *team = team_start(2);
    char text[MESSAGE_LEN + 1];
    unsigned posted = 0;
    /* Whichever worker accepts: connect until the owner is the other one. */
    for (int i = 0; i < 200 && posted == 0; i++) {
        atomic_store(&team->closed, 0);
        atomic_store(&team->hold, true);
        int peer = open_peer(team, 1);
        format_message(text, 0, 0);
        assert_int_equal(send(peer, text, MESSAGE_LEN, MSG_NOSIGNAL), MESSAGE_LEN);
        close(peer);
        for (int j = 0; j < WAIT_MS && atomic_load(&team->closed) == 0; j++)
            (void)poll(NULL, 0, 1);
        assert_true(atomic_load(&team->closed) >= 1);
        for (int j = 0; j < 20 && atomic_load(&team->gone) == 0; j++)
            (void)poll(NULL, 0, 1);
        posted = atomic_load(&team->gone);
    }
    assert_true(posted >= 1);
    team_end(team);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_uses_all_workers),
        cmocka_unit_test(streams_keep_their_order),
        cmocka_unit_test(a_connection_that_closes_before_the_answer_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
