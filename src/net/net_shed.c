/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net_shed.h"
#include "net/net_priv.h"
#include "net/net_socket.h"

#include "util/clock.h"
#include "util/invariant.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>

enum { UDP_HEADER = 8 }; /* a socket's filter sees the datagram from its UDP header on */

struct program {
    struct sock_filter *code;
    unsigned len;
};

static void put(struct program *program, uint16_t operation, uint32_t value, uint8_t on_true, uint8_t on_false)
{
    invariant(program->len < NET_SHED_CODE_MAX);
    program->code[program->len++] = (struct sock_filter){operation, on_true, on_false, value};
}

static void put_return(struct program *program, uint32_t bytes)
{
    put(program, BPF_RET | BPF_K, bytes, 0, 0);
}

static uint32_t word_of(const char *start)
{
    const unsigned char *at = (const unsigned char *)start;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Jumps of a condition reach 255 instructions, so the far ones are of their own.  Behind the rules stand two steps:
 * to draw, then the search for '@', in that order. */
static void put_rule(struct program *program, const struct net_shed_rule *rule, unsigned draw_at, unsigned search_at)
{
    if (rule->kind == NET_SHED_ADDRESSED) {
        put(program, BPF_JMP | BPF_JEQ | BPF_K, word_of(rule->start), 0, 2);
        put(program, BPF_LDX | BPF_IMM, rule->second, 0, 0);
        put(program, BPF_JMP | BPF_JA, search_at - program->len - 1, 0, 0);
    } else {
        put(program, BPF_JMP | BPF_JEQ | BPF_K, word_of(rule->start), 0, 1);
        if (rule->kind == NET_SHED_NEVER)
            put_return(program, UINT32_MAX);
        else
            put(program, BPF_JMP | BPF_JA, draw_at - program->len - 1, 0, 0);
    }
}

static void put_draw(struct program *program, uint32_t pass)
{
    put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_RANDOM, 0, 0);
    put(program, BPF_JMP | BPF_JGE | BPF_K, pass, 0, 1);
    put_return(program, 0);
    put_return(program, UINT32_MAX);
}

enum { DRAW_LEN = 4 };

unsigned net_shed_program(const struct net_shed *shed, struct sock_filter code[static NET_SHED_CODE_MAX])
{
    struct program program = {code, 0};
    unsigned draw_at = 1, search_at;
    invariant(shed->rule_count <= NET_SHED_RULES_MAX);
    for (unsigned i = 0; i < shed->rule_count; i++)
        draw_at += shed->rules[i].kind == NET_SHED_ADDRESSED ? 3 : 2;
    search_at = draw_at + DRAW_LEN;
    put(&program, BPF_LD | BPF_W | BPF_ABS, UDP_HEADER, 0, 0);
    for (unsigned i = 0; i < shed->rule_count; i++)
        put_rule(&program, &shed->rules[i], draw_at, search_at);
    put_draw(&program, shed->pass);
    for (unsigned i = 0; i < NET_SHED_LOOK; i++) {
        uint8_t to_draw = (uint8_t)(3 * (NET_SHED_LOOK - i) - 1);
        put(&program, BPF_LD | BPF_B | BPF_IND, UDP_HEADER + i, 0, 0);
        put(&program, BPF_JMP | BPF_JEQ | BPF_K, '@', (uint8_t)(to_draw - 1), 0);
        put(&program, BPF_JMP | BPF_JEQ | BPF_K, ' ', (uint8_t)(to_draw - 2 + DRAW_LEN), 0);
    }
    put_draw(&program, shed->pass);
    put_return(&program, UINT32_MAX);
    return program.len;
}

enum err net_shed_set(struct net_stack *stack, const struct net_shed *shed)
{
    struct sock_filter code[NET_SHED_CODE_MAX];
    struct sock_fprog program = {.filter = code};
    enum err err = OK;
    if (shed)
        program.len = (unsigned short)net_shed_program(shed, code);
    for (unsigned i = 0; i < stack->listener_count; i++) {
        const struct net_udp *udp = stack->udps[i];
        int ignored = 0;
        if (!udp)
            continue;
        int failed = shed ? setsockopt(udp->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program))
                          : setsockopt(udp->fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof(ignored));
        if (failed != 0 && shed)
            err = ERR_IO;
    }
    stack->sheds = shed != NULL;
    return err;
}

/* What the kernel charges for one: a block of a power of two for headers, bytes and the block's own end, and its head. */
static uint64_t charge_of(unsigned bytes)
{
    enum { AROUND = 48 + 320, HEAD = 256 };
    uint64_t block = 512;
    while (block < bytes + AROUND)
        block *= 2;
    return block + HEAD;
}

void net_shed_bound(struct net_stack *stack, unsigned messages, unsigned each)
{
    uint64_t bytes = messages * charge_of(each);
    for (unsigned i = 0; i < stack->listener_count; i++) {
        struct net_udp *udp = stack->udps[i];
        if (!udp)
            continue;
        if (udp->room == 0)
            udp->room = net_socket_buffer(udp->fd, SO_RCVBUF);
        uint64_t room = messages == 0 || bytes > (uint64_t)udp->room ? (uint64_t)udp->room : bytes;
        net_socket_set_receive_buffer(udp->fd, (int)(room / 2)); /* the kernel doubles it */
    }
}

/* The kernel notes when a datagram arrived from the first time on that it is asked.  Where nothing is left, the turn was cut short
 * for want of the processor. */
static uint64_t delay_of(const struct net_udp *udp, uint64_t now_us)
{
    struct timespec stamp;
    int left = 0;
    if (ioctl(udp->fd, FIONREAD, &left) != 0 || left == 0 || ioctl(udp->fd, SIOCGSTAMPNS, &stamp) != 0)
        return 0;
    uint64_t stamp_us = (uint64_t)stamp.tv_sec * 1000000U + (uint64_t)stamp.tv_nsec / 1000U;
    return now_us > stamp_us ? now_us - stamp_us : 0;
}

uint64_t net_queue_delay_us(struct net_stack *stack)
{
    uint64_t longest = 0;
    if (!stack->cut_short)
        return 0;
    stack->cut_short = false;
    uint64_t now_us = clock_wall_us();
    for (unsigned i = 0; i < stack->listener_count; i++) {
        struct net_udp *udp = stack->udps[i];
        if (!udp || !udp->cut_short)
            continue;
        uint64_t delay = delay_of(udp, now_us);
        udp->cut_short = false;
        longest = delay > longest ? delay : longest;
    }
    return longest;
}
