/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets, made once on the main thread before any worker runs: one socket per worker and address, with
 * SO_REUSEPORT, so that the kernel spreads datagrams and connections over the workers. */
#pragma once

#include "net/net_flow.h"
#include "net/net_passed.h"

/* What an operator writes: "udp:127.0.0.1:5060", "tcp:[::]:5060", "tls:0.0.0.0:5061,advertise=sip.example.com". */
struct net_listen_spec {
    enum net_transport transport;
    struct net_address address;
    /* Options, as they were written; empty: not given.  Spans into the text. */
    struct span advertise;           /* a host, or HOST:PORT, that peers reach this listener by */
    struct span client_certificates; /* of TLS and WSS */
};

/* "TRANSPORT:ADDRESS[:PORT][,OPTION=VALUE...]"; the fault (may be NULL) says what was expected. */
MUST_CHECK enum err net_listen_spec_parse(struct span text, struct net_listen_spec *out_spec, struct fault *fault);

struct net_bind_options {
    unsigned worker_count;     /* >= 1 */
    int receive_buffer;        /* bytes asked of the kernel for UDP, 0 for 4 MiB; tried past the system's cap first */
    int send_buffer;           /* likewise */
    int backlog;               /* of TCP listeners, 0 for 1,024 */
    struct net_passed *passed; /* sockets that are bound already, for the specs that name their addresses: all workers
                                  share each; one that no spec names is ERR_INVALID; NULL: none */
};

/* One address that is listened on.  A wildcard spec became several of these, one per address of this machine, so that
 * an answer leaves from the address that the request came to. */
struct net_listener {
    enum net_transport transport;
    struct net_address address; /* the real one: never a wildcard, never port 0 */
    unsigned spec;              /* index of the spec it comes from */
    int receive_buffer;         /* bytes that the kernel granted (UDP; as it counts, twice what was asked) */
    int send_buffer;
};

struct net_listeners;

/* Binds all specs for all workers.  A port that another process holds is found by a first bind without SO_REUSEPORT:
 * ERR_BUSY.  Other errors are ERR_DENIED (a privileged port), ERR_INVALID (not our address), ERR_IO; the fault names the
 * spec and the reason.  With port 0 the kernel chooses, and all sockets of that spec share its choice.  On an error
 * nothing stays bound. */
MUST_CHECK enum err net_bind(const struct net_listen_spec *specs, size_t spec_count,
                             const struct net_bind_options *options, struct net_listeners **out_listeners,
                             struct fault *fault);
/* Closes every socket that no stack has taken. */
void net_listeners_free(struct net_listeners *listeners);

unsigned net_listeners_count(const struct net_listeners *listeners);
unsigned net_listeners_workers(const struct net_listeners *listeners);
/* Borrowed; index < count. */
const struct net_listener *net_listeners_at(const struct net_listeners *listeners, unsigned index);
/* Gives the descriptor away; -1 when it was taken before.  Each worker takes its own, from any thread. */
int net_listeners_take(struct net_listeners *listeners, unsigned index, unsigned worker);

/* Raises RLIMIT_NOFILE to its hard limit; returns the limit that is now in force. */
uint64_t net_raise_descriptor_limit(void);
