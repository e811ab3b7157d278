/* SPDX-License-Identifier: Apache-2.0 */
/* Reload, rollback, versions, status and drain, each run on the control thread while the connection's thread waits; and
 * the metrics, which wait for nobody. */
#include "admin/admin_priv.h"
#include "release/release.h"
#include "util/json.h"
#include <stddef.h>

/* A closure for the control thread. */
struct errand {
    struct admin_request *request;
    struct release_request wish;
    int64_t shadow_ms, sample;
    bool on;
    enum err err;
    struct fault fault;
    struct release_report report;
};

bool admin_on_control(struct admin_request *request, void (*fn)(void *arg), void *arg)
{
    const struct admin_world *world = request->world;
    enum err err = world->control(world->ctx, fn, arg);
    if (err == OK)
        return true;
    admin_fail(request, err == ERR_CLOSED ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_INTERNAL_SERVER_ERROR,
               "the engine cannot do that now: %s", err == ERR_CLOSED ? "it is ending" : err_text(err));
    return false;
}

static void answer_report(struct errand *errand, unsigned refused_status)
{
    struct admin_request *request = errand->request;
    if (errand->err != OK && errand->report.fault.err == OK)
        (void)fault_set(&errand->report.fault, errand->err, NULL, 0, "%s", err_text(errand->err));
    release_report_json(&errand->report, &request->answer);
    request->status = errand->err == OK ? MHD_HTTP_OK : refused_status;
    release_report_done(&errand->report);
}

static void do_reload(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    errand->err = world->reload(world->ctx, &errand->wish, &errand->report);
}

enum { SHADOW_MS_MAX = 7 * 86400 * 1000, SAMPLE_MAX = 1000000 };

/* False: answered, since a number is out of its bounds. */
static bool read_trial(struct admin_request *request, struct errand *errand)
{
    const char *wrong = NULL;
    if (errand->shadow_ms < 0 || errand->shadow_ms > SHADOW_MS_MAX)
        wrong = "\"shadow_ms\": expected milliseconds up to a week";
    else if (errand->sample < 0 || errand->sample > SAMPLE_MAX)
        wrong = "\"sample\": expected a number from 1 to 1000000";
    if (wrong) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "%s", wrong);
        return false;
    }
    errand->wish.shadow_ms = (uint32_t)errand->shadow_ms;
    errand->wish.shadow_sample = (unsigned)errand->sample;
    return true;
}

void admin_post_reload(struct admin_request *request)
{
    static const struct admin_field fields[] = {
        {"policy", ADMIN_FIELD_TEXT, offsetof(struct errand, wish.path)},
        {"force", ADMIN_FIELD_FLAG, offsetof(struct errand, wish.force)},
        {"expect", ADMIN_FIELD_TEXT, offsetof(struct errand, wish.expect)},
        {"shadow_ms", ADMIN_FIELD_NUMBER, offsetof(struct errand, shadow_ms)},
        {"sample", ADMIN_FIELD_NUMBER, offsetof(struct errand, sample)},
        {"activate_if", ADMIN_FIELD_TEXT, offsetof(struct errand, wish.activate_if)},
        {NULL, ADMIN_FIELD_TEXT, 0},
    };
    struct errand errand = {.request = request};
    struct json_t *tree;
    if (!admin_body_read(request, fields, &errand, &tree))
        return;
    if (read_trial(request, &errand) && admin_on_control(request, do_reload, &errand))
        answer_report(&errand, MHD_HTTP_UNPROCESSABLE_CONTENT);
    admin_body_free(tree);
}

static void do_certificates(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    errand->err = world->certificates(world->ctx, &errand->fault);
}

void admin_post_certificates(struct admin_request *request)
{
    struct errand errand = {.request = request};
    if (!admin_on_control(request, do_certificates, &errand))
        return;
    if (errand.err != OK) {
        admin_fail_fault(request, &errand.fault);
        return;
    }
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_put_bool(&json, "loaded", true);
    json_object_end(&json);
}

static void do_shadow(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    world->trial(world->ctx, errand->on, &errand->request->answer);
}

void admin_get_shadow(struct admin_request *request)
{
    struct errand errand = {.request = request, .on = false};
    (void)admin_on_control(request, do_shadow, &errand);
}

void admin_get_probation(struct admin_request *request)
{
    struct errand errand = {.request = request, .on = true};
    (void)admin_on_control(request, do_shadow, &errand);
}

static void do_shadow_cancel(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    errand->err = world->shadow_cancel(world->ctx);
    if (errand->err == OK)
        do_shadow(arg);
}

void admin_post_shadow_cancel(struct admin_request *request)
{
    struct errand errand = {.request = request, .on = false};
    if (admin_on_control(request, do_shadow_cancel, &errand) && errand.err != OK)
        admin_fail(request, MHD_HTTP_CONFLICT, "no shadow is going");
}

static void do_rollback(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    errand->err = world->rollback(world->ctx, &errand->report);
}

void admin_post_rollback(struct admin_request *request)
{
    struct errand errand = {.request = request};
    if (admin_on_control(request, do_rollback, &errand))
        answer_report(&errand, MHD_HTTP_CONFLICT);
}

static void do_versions(void *arg)
{
    struct admin_request *request = arg;
    buffer_add_literal(&request->answer, "{\"versions\":");
    request->world->versions(request->world->ctx, &request->answer);
    buffer_add_literal(&request->answer, "}");
}

void admin_get_versions(struct admin_request *request)
{
    (void)admin_on_control(request, do_versions, request);
}

static void do_status(void *arg)
{
    struct admin_request *request = arg;
    request->world->status(request->world->ctx, &request->answer);
}

void admin_get_status(struct admin_request *request)
{
    (void)admin_on_control(request, do_status, request);
}

static void do_drain(void *arg)
{
    struct errand *errand = arg;
    const struct admin_world *world = errand->request->world;
    world->drain(world->ctx, errand->on);
}

void admin_post_drain(struct admin_request *request)
{
    static const struct admin_field fields[] = {{"on", ADMIN_FIELD_FLAG, offsetof(struct errand, on)},
                                                {NULL, ADMIN_FIELD_FLAG, 0}};
    struct errand errand = {.request = request, .on = true};
    struct json_t *tree;
    if (!admin_body_read(request, fields, &errand, &tree))
        return;
    if (admin_on_control(request, do_drain, &errand)) {
        struct json json = json_into(&request->answer);
        json_object_begin(&json);
        json_put_bool(&json, "draining", errand.on);
        json_object_end(&json);
    }
    admin_body_free(tree);
}

void admin_get_metrics(struct admin_request *request)
{
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    request->world->metrics(request->world->ctx, &request->answer);
}
