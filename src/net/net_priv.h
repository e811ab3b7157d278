/* SPDX-License-Identifier: Apache-2.0 */
/* Private to net: the stack and its parts. */
#pragma once

#include "net/net_layer.h"
#include "net/net_stack.h"
#include "net/net_system.h"
#include "util/list.h"
#include "util/map.h"
#include <netinet/in.h>

/* container_of for what may only be read. */
#define net_const_container_of(node, type, member)                                                                     \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

enum {
    NET_BATCH = 64,           /* datagrams a system call */
    NET_DATAGRAM_MAX = 65507, /* what a UDP datagram over IPv4 can carry */
    NET_RECEIVE_ROOM = 65536, /* one slot holds any datagram; untouched pages cost nothing */
    NET_READ_BYTES = 65536,   /* one read of a stream */
    NET_SEND_ARENA = 4 * 65536,
    NET_LINGER_MS = 2000,
    NET_ACCEPT_PAUSE_MS = 100,
    NET_RETRY_MS = 2, /* until a stalled message is offered again */
    NET_NO_LISTENER = 0xffff,
    NET_START_CELLS = 1024, /* of sources' handshakes in the present second */
};

/* ---- Datagrams ---- */

union net_sockaddr {
    struct sockaddr any;
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
};

/* Where datagrams arrive: one for the stack, used by one socket at a time. */
struct net_receive {
    unsigned batch; /* at most so many datagrams a system call */
    char *memory;   /* mapped: NET_BATCH slots of NET_RECEIVE_ROOM and a little, see net_udp.c */
    struct mmsghdr messages[NET_BATCH];
    struct iovec parts[NET_BATCH];
    union net_sockaddr names[NET_BATCH];
    char control[NET_BATCH][CMSG_SPACE(sizeof(uint32_t))];
};

/* Datagrams that leave with the next flush: built one behind another in `arena`, so that the same warm pages are used
 * again and again. */
struct net_transmit {
    char *arena; /* NET_SEND_ARENA bytes */
    size_t used;
    unsigned count;
    struct net_udp *sockets[NET_BATCH]; /* parallel to messages */
    struct mmsghdr messages[NET_BATCH];
    struct iovec parts[NET_BATCH];
    union net_sockaddr names[NET_BATCH];
};

/* A UDP socket of this stack. */
struct net_udp {
    uv_poll_t poll;
    struct net_stack *stack;
    int fd;
    struct net_flow flow; /* all but `remote` of what arrives here */
    uint32_t drops_seen;  /* SO_RXQ_OVFL counts from the socket's birth */
    int room;             /* SO_RCVBUF as it was opened with; 0: it never was another */
    bool cut_short;       /* in this turn more could be read than was allowed */
    struct list queue;    /* struct net_queued: the socket was full */
    size_t queue_bytes;
};

/* ---- Streams ---- */

enum net_connection_state {
    NET_CONNECTING, /* ours, not there yet */
    NET_STARTING,   /* layers shake hands */
    NET_OPEN,
    NET_LINGERING, /* the flow is closed; the last output leaves */
    NET_CLOSED,    /* waits for the loop to let go of the handle */
};

struct net_source {
    struct map_node node;
    struct net_address address;
    unsigned connections;
    unsigned starting; /* of them, those that shake hands */
};

/* What each message touches comes first, in as few lines as it fits: with thousands of connections every one of them was last
 * in the cache thousands of messages ago. */
struct net_connection {
    uv_poll_t poll;
    struct net_stack *stack;
    int fd;
    enum net_connection_state state;
    enum net_close reason;
    bool reason_set; /* by net_layer_fail */
    bool polite;     /* likewise */
    bool stalled;    /* a message was refused: do not read */
    bool peer_done;  /* the peer has said that it sends nothing more */
    bool shut;       /* our side was shut down */
    int events;      /* what the loop polls for */
    struct net_flow flow;
    struct buffer output; /* for the socket */
    size_t output_sent;
    struct list dirty_node; /* in stack->dirty while output waits for a flush */
    uint64_t active_ms;     /* last time that anything came or went */
    uint64_t heard_ms;      /* ... that anything came, or that we did not listen */
    uint64_t part_ms;       /* since when a message is incomplete; NET_NEVER */
    uint64_t blocked_ms;    /* since when output makes no progress; NET_NEVER */
    unsigned layer_count;
    struct net_layer layers[NET_LAYERS_MAX];

    struct net_layer *deferred; /* waits for a turn; NULL: none does */
    char *name;                 /* whom we meant to reach; NULL: nobody in particular */
    struct buffer waiting;      /* messages sent before the connection is open, each behind its length */
    struct list node;           /* in stack->connections, later nowhere */
    struct list stalled_node;   /* in stack->stalled */
    struct list deferred_node;  /* in stack->deferred */
    struct timer timer;
    uint64_t pinged_ms; /* since when a ping is not answered, or NET_NEVER */
    uint64_t opened_ms; /* connect or linger began */
    struct net_source *source;
    bool is_starting;          /* counted as such */
    struct map_node by_remote; /* only while flow.outgoing and open */
    bool in_by_remote;
};

enum { NET_LINE = 64 };

/* Asked for while the system call that reads is under way. */
static inline void net_connection_prefetch(const struct net_connection *connection)
{
    for (size_t at = offsetof(struct net_connection, stack); at < offsetof(struct net_connection, layers[1]);
         at += NET_LINE)
        __builtin_prefetch((const char *)connection + at);
}

#define NET_NEVER UINT64_MAX

struct net_slot {
    struct net_connection *connection;
    uint32_t generation;
    uint32_t next_free;
};

/* A listening socket of this stack. */
struct net_acceptor {
    uv_poll_t poll;
    struct net_stack *stack;
    int fd;
    bool open;
    struct net_flow flow; /* all but `remote` of what arrives here */
};

struct net_stack {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    uv_idle_t idle; /* active while connections are deferred */
    const struct clock *clock;
    struct wheel *wheel;
    const struct net_system *system;
    struct siphash_key key;
    struct net_limits limits;
    struct net_handlers handlers;
    struct net_counters counters;
    const struct net_layer_use *layers[NET_TRANSPORT_COUNT];
    unsigned worker;
    bool turn_open;
    bool closing;
    bool sheds;       /* the UDP sockets have a filter */
    bool cut_short;   /* one of them was */
    unsigned handles; /* not yet let go by the loop */
    net_stack_closed_fn closed;
    void *closed_ctx;

    unsigned listener_count;
    struct net_udp **udps;           /* by listener; NULL where it is a stream's */
    struct net_acceptor **acceptors; /* by listener; NULL where it is UDP's */
    struct net_receive receive;
    struct net_transmit transmit;

    struct net_slot *slots; /* limits.connections_max */
    uint32_t first_free;    /* chain of slots used before; connections_max: none */
    uint32_t fresh;         /* slots from here on were never used */
    struct map sources;
    struct map by_remote;
    struct list connections;
    struct list dirty;
    struct list stalled;
    struct list deferred;
    uint16_t starts[NET_START_CELLS]; /* handshakes begun in the second `starts_s`, by the hash of the source */
    uint64_t starts_s;
    struct timer retry_timer;  /* offers stalled messages again */
    struct timer accept_timer; /* ends a pause of accepting */
    bool accept_paused;
    char *read_bytes; /* NET_READ_BYTES */
};

/* net_stack.c */
void net_turn_open(struct net_stack *stack);
/* Every uv handle is counted when it is made and given back in its close callback. */
void net_handle_released(struct net_stack *stack);

/* net_udp.c */
MUST_CHECK enum err net_receive_init(struct net_receive *receive);
void net_receive_done(struct net_receive *receive);
MUST_CHECK enum err net_udp_open(struct net_stack *stack, unsigned listener, const struct net_address *local, int fd);
void net_udp_close(struct net_udp *udp);
void net_udp_poll(struct net_udp *udp);

/* net_udp_send.c */
MUST_CHECK enum err net_transmit_init(struct net_transmit *transmit);
void net_transmit_done(struct net_transmit *transmit);
/* Room for a whole message at the arena's end; flushes when there is none. */
struct buffer net_transmit_room(struct net_stack *stack);
/* Adds the `len` bytes at the arena's end as a datagram. */
MUST_CHECK enum err net_transmit_add(struct net_stack *stack, const struct net_flow *flow, size_t len);
void net_transmit_flush(struct net_stack *stack);
/* The socket takes datagrams again. */
void net_udp_drain(struct net_udp *udp);
void net_udp_queue_free(struct net_udp *udp);

/* net_acceptor.c */
MUST_CHECK enum err net_acceptor_open(struct net_stack *stack, const struct net_listener *listener, unsigned index,
                                      int fd);
void net_acceptor_close(struct net_acceptor *acceptor);
void net_accept_resume(struct net_stack *stack);
void net_accept_timer(struct timer *timer, void *ctx);

/* net_connection_table.c */
MUST_CHECK enum err net_table_init(struct net_stack *stack);
void net_table_done(struct net_stack *stack);
/* Gives the connection a slot and counts it for its source; ERR_FULL over a cap (counted), ERR_NOMEM. */
MUST_CHECK enum err net_table_add(struct net_connection *connection);
/* From now on the flow leads nowhere. */
void net_table_remove_slot(struct net_connection *connection);
void net_table_remove_source(struct net_connection *connection);
/* Counts the accepted connection among those that shake hands; false over a cap (counted). */
MUST_CHECK bool net_table_add_starting(struct net_connection *connection);
/* It does no more.  Harmless where it did not. */
void net_table_remove_starting(struct net_connection *connection);
struct net_connection *net_table_find(const struct net_stack *stack, const struct net_flow *flow);
void net_table_add_remote(struct net_connection *connection);
struct net_connection *net_table_find_remote(const struct net_stack *stack, const struct net_target *target);

/* net_connection.c */
/* Takes `fd` over, also on an error; `flow` has everything but slot and generation. */
MUST_CHECK enum err net_connection_new(struct net_stack *stack, int fd, const struct net_flow *flow,
                                       enum net_connection_state state, struct net_connection **out_connection);
/* The socket is connected: the first layer starts. */
void net_connection_start(struct net_connection *connection);
/* At once.  Harmless on a closed one. */
void net_connection_close(struct net_connection *connection, enum net_close reason);
/* At once, but with a goodbye, as far as the socket takes it. */
void net_connection_leave(struct net_connection *connection, enum net_close reason);
/* After what is written has left, as far as it does. */
void net_connection_finish(struct net_connection *connection, enum net_close reason);
/* Ends it after an error of a layer. */
void net_connection_fail(struct net_connection *connection);
void net_connection_set_events(struct net_connection *connection);
/* The timer is due no later than the earliest limit that now runs. */
void net_connection_watch(struct net_connection *connection);
static inline bool net_connection_is_live(const struct net_connection *connection)
{
    return connection->state < NET_LINGERING;
}

/* net_connection_io.c */
MUST_CHECK enum err net_connection_send(struct net_connection *connection, struct span message);
MUST_CHECK enum err net_connection_output(struct net_connection *connection, struct span bytes);
MUST_CHECK enum err net_connection_send_waiting(struct net_connection *connection);
void net_connection_read(struct net_connection *connection);
/* Writes what the socket takes; closes the connection where it fails. */
void net_connection_write(struct net_connection *connection);
void net_connection_flush_all(struct net_stack *stack);
void net_connection_stall(struct net_connection *connection);
/* Offers what was refused again; `timer` does the same. */
void net_connection_retry(struct net_stack *stack);
void net_retry_timer(struct timer *timer, void *ctx);

/* net_layer.c */
void net_layers_init(struct net_connection *connection);
void net_layers_free(struct net_connection *connection);
void net_layers_turn(uv_idle_t *idle);
