/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/locate_ares.h"
#include "locate/locate_table.h"
#include "util/list.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <sys/time.h>

/* Two tries of 1.5 s and then twice that: a search gives up after four seconds anyhow. */
enum { TRY_MS = 1500, TRIES = 2, UDP_BYTES = 1232 };

struct locate_ares {
    struct locate_ares_options options;
    ares_channel channel;
    struct locate_table *table;
    struct timer timer;
    bool is_ending;
    struct locate_message message; /* of the answer that is being read */
};

/* One question that c-ares works on. */
struct question {
    struct locate_ares *ares;
    uint64_t id;
    enum locate_type type;
    size_t len;
    char name[LOCATE_NAME_MAX + 1];
};

static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
    const struct locate_ares *ares = ctx;
    ares->options.watch(ares->options.ctx, fd, readable != 0, writable != 0);
}

static void arm(struct locate_ares *ares)
{
    struct timeval in;
    if (!ares_timeout(ares->channel, NULL, &in)) {
        wheel_cancel(ares->options.wheel, &ares->timer);
        return;
    }
    uint64_t in_ms = (uint64_t)in.tv_sec * 1000 + (uint64_t)in.tv_usec / 1000 + 1;
    wheel_arm(ares->options.wheel, &ares->timer, ares->options.clock->mono_ms + in_ms);
}

static void on_timer(struct timer *timer, void *ctx)
{
    (void)ctx;
    struct locate_ares *ares = container_of(timer, struct locate_ares, timer);
    ares_process_fd(ares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(ares);
}

static enum err add_servers(struct locate_ares *ares)
{
    struct buffer list = buffer_heap(8192);
    for (unsigned i = 0; i < ares->options.server_count; i++) {
        buffer_add_text(&list, i ? "," : "");
        buffer_add_text(&list, ares->options.servers[i]);
    }
    buffer_add_byte(&list, '\0');
    enum err err = list.overflow ? ERR_NOMEM : OK;
    if (err == OK && ares_set_servers_ports_csv(ares->channel, list.at) != ARES_SUCCESS)
        err = ERR_INVALID;
    buffer_done(&list);
    return err;
}

enum err locate_ares_new(const struct locate_ares_options *options, struct locate_ares **out_ares)
{
    struct locate_ares *ares = calloc(1, sizeof(*ares));
    if (!ares)
        return ERR_NOMEM;
    ares->options = *options;
    timer_init(&ares->timer, on_timer);
    struct ares_options settings = {.flags = ARES_FLAG_EDNS,
                                    .timeout = TRY_MS,
                                    .tries = TRIES,
                                    .ednspsz = UDP_BYTES,
                                    .sock_state_cb = on_socket,
                                    .sock_state_cb_data = ares};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
    int failed = ares_init_options(&ares->channel, &settings, mask);
    if (failed) {
        free(ares);
        return failed == ARES_ENOMEM ? ERR_NOMEM : ERR_IO;
    }
    enum err err = options->server_count ? add_servers(ares) : OK;
    if (err != OK) {
        locate_ares_free(ares);
        return err;
    }
    *out_ares = ares;
    return OK;
}

void locate_ares_free(struct locate_ares *ares)
{
    if (!ares)
        return;
    ares->is_ending = true;
    wheel_cancel(ares->options.wheel, &ares->timer);
    ares_destroy(ares->channel);
    free(ares);
}

void locate_ares_serve(struct locate_ares *ares, struct locate_table *table)
{
    ares->table = table;
}

static void on_answer(void *ctx, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct question *question = ctx;
    struct locate_ares *ares = question->ares;
    struct locate_answer answer = {.status = LOCATE_FAILED};
    /* An absence comes as an error with the message that tells for how long. */
    bool is_readable = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
    if (is_readable && bytes && len > 0)
        locate_message_read(span_make((const char *)bytes, (size_t)len), question->type,
                            span_make(question->name, question->len), &ares->message, &answer);
    else if (status == ARES_ENODATA || status == ARES_ENOTFOUND)
        answer.status = LOCATE_NONE;
    else if (status == ARES_ETIMEOUT)
        answer.status = LOCATE_TIMED_OUT;
    if (!ares->is_ending)
        locate_table_answer(ares->table, question->id, &answer);
    free(question);
}

static enum err ask(void *ctx, uint64_t id, enum locate_type type, struct span name)
{
    static const int types[] = {
        [LOCATE_A] = ns_t_a, [LOCATE_AAAA] = ns_t_aaaa, [LOCATE_SRV] = ns_t_srv, [LOCATE_NAPTR] = ns_t_naptr};
    struct locate_ares *ares = ctx;
    struct question *question = calloc(1, sizeof(*question));
    if (!question)
        return ERR_NOMEM;
    *question = (struct question){.ares = ares, .id = id, .type = type, .len = name.len};
    memcpy(question->name, name.at, name.len);
    ares_query(ares->channel, question->name, ns_c_in, types[type], on_answer, question);
    arm(ares);
    return OK;
}

struct locate_resolver locate_ares_resolver(struct locate_ares *ares)
{
    return (struct locate_resolver){ares, ask};
}

void locate_ares_ready(struct locate_ares *ares, int fd, bool readable, bool writable)
{
    ares_process_fd(ares->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
    arm(ares);
}
