/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's stack: made of its listeners' sockets, flushed at the end of each turn, closed when all handles are. */
#include "net/net_priv.h"

#include "util/invariant.h"
#include <stdlib.h>
#include <unistd.h>

const char *net_close_name(enum net_close reason)
{
    static const char *const names[NET_CLOSE_COUNT] = {
#define X(name, text) [name] = text,
        NET_CLOSE_TABLE(X)
#undef X
    };
    invariant(reason < NET_CLOSE_COUNT);
    return names[reason];
}

void net_turn_open(struct net_stack *stack)
{
    if (stack->turn_open)
        return;
    stack->turn_open = true;
    if (stack->handlers.on_turn_begin)
        stack->handlers.on_turn_begin(stack->handlers.ctx);
}

void net_flush(struct net_stack *stack)
{
    net_transmit_flush(stack);
    net_connection_flush_all(stack);
}

/* Runs before the loop sleeps, whatever it was that sent: datagrams, streams, timers or another worker. */
static void on_prepare(uv_prepare_t *handle)
{
    struct net_stack *stack = container_of(handle, struct net_stack, prepare);
    /* Whatever woke the loop may have made room. */
    if (!list_is_empty(&stack->stalled))
        net_connection_retry(stack);
    if (stack->turn_open && stack->handlers.on_turn_end)
        stack->handlers.on_turn_end(stack->handlers.ctx);
    net_flush(stack);
    stack->turn_open = false;
}

#define DEFAULT(field, value) limits->field = limits->field ? limits->field : (value)

static void set_defaults(struct net_limits *limits)
{
    DEFAULT(connections_max, 16384);
    DEFAULT(connections_per_source_max, 1024);
    DEFAULT(starting_max, 1024);
    DEFAULT(starting_per_source_max, 128);
    DEFAULT(starts_per_source_max, 1000);
    DEFAULT(start_ms, 10000);
    DEFAULT(message_max, 65535);
    DEFAULT(output_max, 1048576);
    DEFAULT(udp_queue_max, 1048576);
    DEFAULT(idle_ms, 600000);
    DEFAULT(message_ms, 20000);
    DEFAULT(write_ms, 30000);
    DEFAULT(connect_ms, 5000);
    DEFAULT(pong_ms, 15000);
}

static enum err stack_alloc(uv_loop_t *loop, const struct net_stack_options *options,
                            const struct net_handlers *handlers, struct net_stack **out_stack)
{
    struct net_stack *stack = calloc(1, sizeof(*stack));
    if (!stack)
        return ERR_NOMEM;
    stack->loop = loop;
    stack->clock = options->clock;
    stack->wheel = options->wheel;
    stack->system = options->system ? options->system : &net_system_real;
    stack->key = options->key;
    stack->limits = options->limits;
    stack->handlers = *handlers;
    stack->worker = options->worker;
    memcpy(stack->layers, options->layers, sizeof(stack->layers));
    set_defaults(&stack->limits);
    list_init(&stack->connections);
    list_init(&stack->dirty);
    list_init(&stack->stalled);
    list_init(&stack->deferred);
    timer_init(&stack->retry_timer, net_retry_timer);
    timer_init(&stack->accept_timer, net_accept_timer);
    *out_stack = stack;
    return OK;
}

static void stack_free(struct net_stack *stack)
{
    net_table_done(stack);
    net_receive_done(&stack->receive);
    net_transmit_done(&stack->transmit);
    free(stack->udps);
    free(stack->acceptors);
    free(stack->read_bytes);
    free(stack);
}

static enum err stack_memory(struct net_stack *stack, unsigned listener_count)
{
    stack->listener_count = listener_count;
    stack->udps = calloc(listener_count + 1, sizeof(struct net_udp *));
    stack->acceptors = calloc(listener_count + 1, sizeof(struct net_acceptor *));
    stack->read_bytes = malloc(NET_READ_BYTES);
    if (!stack->udps || !stack->acceptors || !stack->read_bytes)
        return ERR_NOMEM;
    enum err err = net_receive_init(&stack->receive);
    if (err == OK)
        err = net_transmit_init(&stack->transmit);
    return err == OK ? net_table_init(stack) : err;
}

static bool is_supported(const struct net_stack *stack, enum net_transport transport)
{
    return transport == NET_UDP || transport == NET_TCP || stack->layers[transport];
}

static enum err open_listener(struct net_stack *stack, struct net_listeners *listeners, unsigned index)
{
    const struct net_listener *listener = net_listeners_at(listeners, index);
    if (!is_supported(stack, listener->transport))
        return ERR_UNSUPPORTED;
    int fd = net_listeners_take(listeners, index, stack->worker);
    invariant(fd >= 0);
    enum err err = listener->transport == NET_UDP ? net_udp_open(stack, index, &listener->address, fd)
                                                  : net_acceptor_open(stack, listener, index, fd);
    if (err != OK)
        close(fd);
    return err;
}

enum err net_stack_new(uv_loop_t *loop, const struct net_stack_options *options, const struct net_handlers *handlers,
                       struct net_stack **out_stack)
{
    struct net_stack *stack = NULL;
    enum err err = stack_alloc(loop, options, handlers, &stack);
    if (err != OK)
        return err;
    err = stack_memory(stack, options->listeners ? net_listeners_count(options->listeners) : 0);
    if (err != OK || uv_prepare_init(loop, &stack->prepare) != 0) {
        stack_free(stack);
        return err != OK ? err : ERR_IO;
    }
    int failed = uv_idle_init(loop, &stack->idle);
    invariant(failed == 0);
    stack->handles += 2;
    failed = uv_prepare_start(&stack->prepare, on_prepare);
    invariant(failed == 0);
    for (unsigned i = 0; i < stack->listener_count && err == OK; i++)
        err = open_listener(stack, options->listeners, i);
    if (err != OK) {
        net_stack_close(stack, NULL, NULL);
        return err;
    }
    *out_stack = stack;
    return OK;
}

void net_handle_released(struct net_stack *stack)
{
    invariant(stack->handles > 0);
    if (--stack->handles > 0 || !stack->closing)
        return;
    net_stack_closed_fn closed = stack->closed;
    void *ctx = stack->closed_ctx;
    stack_free(stack);
    if (closed)
        closed(ctx);
}

static void on_idle_closed(uv_handle_t *handle)
{
    net_handle_released(container_of((uv_idle_t *)handle, struct net_stack, idle));
}

static void on_prepare_closed(uv_handle_t *handle)
{
    net_handle_released(container_of((uv_prepare_t *)handle, struct net_stack, prepare));
}

void net_stack_stop_accepting(struct net_stack *stack)
{
    for (unsigned i = 0; i < stack->listener_count; i++)
        if (stack->acceptors[i])
            net_acceptor_close(stack->acceptors[i]);
    wheel_cancel(stack->wheel, &stack->accept_timer);
    stack->accept_paused = false;
}

void net_stack_close(struct net_stack *stack, net_stack_closed_fn closed, void *ctx)
{
    struct list *node;
    invariant(!stack->closing);
    stack->closed = closed;
    stack->closed_ctx = ctx;
    net_flush(stack);
    stack->closing = true;
    net_stack_stop_accepting(stack);
    while ((node = list_first(&stack->connections)) != NULL)
        net_connection_leave(container_of(node, struct net_connection, node), NET_CLOSE_SHUTDOWN);
    for (unsigned i = 0; i < stack->listener_count; i++)
        if (stack->udps[i])
            net_udp_close(stack->udps[i]);
    wheel_cancel(stack->wheel, &stack->retry_timer);
    uv_close((uv_handle_t *)&stack->idle, on_idle_closed);
    uv_close((uv_handle_t *)&stack->prepare, on_prepare_closed);
}

const struct net_counters *net_stack_counters(const struct net_stack *stack)
{
    return &stack->counters;
}
