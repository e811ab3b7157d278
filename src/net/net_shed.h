/* SPDX-License-Identifier: Apache-2.0 */
/* Excess is shed before it is read: a classic BPF program on the UDP sockets (no privilege is needed) judges datagrams by
 * their first bytes, in the sender's time.  Which words name what may be shed is the caller's to say. */
#pragma once

#include "util/err.h"
#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

struct net_stack;

enum net_shed_kind {
    NET_SHED_NEVER,     /* gets through */
    NET_SHED_ADDRESSED, /* a share gets through; all of those in whose second word, at `second`, no '@' stands */
    NET_SHED_ALWAYS     /* a share gets through */
};

struct net_shed_rule {
    char start[5];  /* the first four bytes */
    uint8_t second; /* where the second word begins */
    uint8_t kind;   /* enum net_shed_kind */
};

enum {
    NET_SHED_RULES_MAX = 24,
    NET_SHED_LOOK = 64,
    NET_SHED_CODE_MAX = 4 * NET_SHED_RULES_MAX + 3 * NET_SHED_LOOK + 8
};

/* What is named by no rule, and whatever is shorter than four bytes, is shed as NET_SHED_ALWAYS.  `pass` is the share of
 * 2^32 that gets through. */
struct net_shed {
    const struct net_shed_rule *rules;
    unsigned rule_count;
    uint32_t pass;
};

/* Writes the program; returns how many instructions it has. */
unsigned net_shed_program(const struct net_shed *shed, struct sock_filter code[static NET_SHED_CODE_MAX]);

/* Gives all UDP sockets of the stack this filter; NULL takes it away.  Until then what the kernel drops counts as
 * udp_shed, not as udp_kernel_drops.  ERR_IO: some socket refused it. */
MUST_CHECK enum err net_shed_set(struct net_stack *stack, const struct net_shed *shed);

/* In each UDP socket of the stack no more than about so many datagrams of `each` bytes may wait, nor more than its buffer was
 * opened with; 0: that alone is the limit. */
void net_shed_bound(struct net_stack *stack, unsigned messages, unsigned each);

/* How long the datagram that was received last had lain in its socket, in microseconds: the longest of all sockets that
 * were read until nothing more was allowed in this turn.  0: none was; each had become empty. */
uint64_t net_queue_delay_us(struct net_stack *stack);
