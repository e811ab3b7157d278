/* SPDX-License-Identifier: Apache-2.0 */
/* Live calls, one call's messages, subscriptions, bindings, and the peers: asked of all workers, on the control thread. */
#include "admin/admin_priv.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 10000 };

struct question {
    struct admin_request *request;
    uint32_t limit;
    struct span call_id;
    struct span aor;
    enum err err;
};

/* False: it was refused. */
static bool read_limit(struct admin_request *request, uint32_t *out_limit)
{
    const char *limit = admin_query(request, "limit");
    *out_limit = LIMIT_DEFAULT;
    if (!limit || (span_to_u32(span_of(limit), out_limit) && *out_limit >= 1 && *out_limit <= LIMIT_MAX))
        return true;
    admin_fail(request, MHD_HTTP_BAD_REQUEST, "limit: expected a whole number from 1 to %d, got \"%.64s\"", LIMIT_MAX,
               limit);
    return false;
}

static void do_calls(void *arg)
{
    struct question *question = arg;
    const struct admin_world *world = question->request->world;
    world->calls(world->ctx, question->limit, &question->request->answer);
}

void admin_get_calls(struct admin_request *request)
{
    struct question question = {.request = request};
    if (read_limit(request, &question.limit))
        (void)admin_on_control(request, do_calls, &question);
}

static void do_subscriptions(void *arg)
{
    struct question *question = arg;
    const struct admin_world *world = question->request->world;
    world->subscriptions(world->ctx, question->aor, question->limit, &question->request->answer);
}

void admin_get_subscriptions(struct admin_request *request)
{
    struct question question = {.request = request, .aor = span_of(admin_query(request, "user"))};
    if (read_limit(request, &question.limit))
        (void)admin_on_control(request, do_subscriptions, &question);
}

static void do_bindings(void *arg)
{
    struct question *question = arg;
    const struct admin_world *world = question->request->world;
    question->err = world->bindings(world->ctx, question->aor, question->limit, &question->request->answer);
}

void admin_get_bindings(struct admin_request *request)
{
    const char *aor = admin_query(request, "aor");
    struct question question = {.request = request, .aor = span_of(aor)};
    if (!read_limit(request, &question.limit) || !admin_on_control(request, do_bindings, &question))
        return;
    if (question.err == ERR_INVALID)
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "aor: expected a SIP address of ours, got \"%.200s\"", aor);
    else if (question.err != OK)
        admin_fail(request, admin_status_of(question.err), "the workers do not answer");
}

static void do_call(void *arg)
{
    struct question *question = arg;
    const struct admin_world *world = question->request->world;
    question->err = world->call(world->ctx, question->call_id, &question->request->answer);
}

void admin_get_call(struct admin_request *request)
{
    const char *call_id = admin_query(request, "call_id");
    if (!call_id || !call_id[0]) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "call_id: expected a Call-ID in the query");
        return;
    }
    struct question question = {.request = request, .call_id = span_of(call_id)};
    if (admin_on_control(request, do_call, &question) && question.err != OK)
        admin_fail(request, admin_status_of(question.err),
                   "no live call and no message with the Call-ID \"%.200s\" is known", call_id);
}

static void do_peers(void *arg)
{
    struct admin_request *request = arg;
    request->world->peers(request->world->ctx, &request->answer);
}

void admin_get_peers(struct admin_request *request)
{
    (void)admin_on_control(request, do_peers, request);
}
