/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/registrar_priv.h"
#include <stdlib.h>

size_t registrar_binding_bytes(const struct registrar_binding *binding)
{
    return sizeof(*binding) + binding->uri_len + binding->params_len + binding->call_id_len + binding->path_len;
}

uint32_t registrar_binding_expires_s(const struct registrar_binding *binding, uint64_t now_ms)
{
    if (binding->expires_ms <= now_ms)
        return 0;
    uint64_t seconds = (binding->expires_ms - now_ms) / 1000;
    return seconds ? (uint32_t)seconds : 1;
}

static char *put(char *at, struct span text)
{
    if (text.len)
        memcpy(at, text.at, text.len);
    return at + text.len;
}

enum err registrar_binding_new(const struct registrar_texts *texts, struct registrar_binding **out_binding)
{
    size_t len = texts->uri.len + texts->params.len + texts->call_id.len + texts->path.len;
    if (len > REGISTRAR_TEXT_MAX)
        return ERR_TOO_LONG;
    struct registrar_binding *binding = malloc(sizeof(*binding) + len);
    if (!binding)
        return ERR_NOMEM;
    *binding = (struct registrar_binding){
        .reg_id = texts->reg_id,
        .flow_transport = NET_TRANSPORT_COUNT,
        .uri_len = (uint16_t)texts->uri.len,
        .params_len = (uint16_t)texts->params.len,
        .call_id_len = (uint16_t)texts->call_id.len,
        .path_len = (uint16_t)texts->path.len,
        .instance_at = texts->instance.len ? (uint16_t)(texts->instance.at - texts->params.at) : 0,
        .instance_len = (uint16_t)texts->instance.len,
    };
    put(put(put(put(binding->bytes, texts->uri), texts->params), texts->call_id), texts->path);
    *out_binding = binding;
    return OK;
}

void registrar_binding_free(struct registrar_binding *binding)
{
    registrar_flow_unlink(binding);
    registrar_way_free(binding->way);
    free(binding);
}

const char *registrar_event_text(enum registrar_event event)
{
    static const char *const texts[REGISTRAR_EVENT_COUNT] = {
        [REGISTRAR_REGISTERED] = "registered", [REGISTRAR_CREATED] = "created",
        [REGISTRAR_REFRESHED] = "refreshed",   [REGISTRAR_SHORTENED] = "shortened",
        [REGISTRAR_EXPIRED] = "expired",       [REGISTRAR_DEACTIVATED] = "deactivated",
        [REGISTRAR_PROBATION] = "probation",   [REGISTRAR_UNREGISTERED] = "unregistered",
        [REGISTRAR_REJECTED] = "rejected",
    };
    return event < REGISTRAR_EVENT_COUNT ? texts[event] : "unknown";
}

const char *registrar_outcome_text(enum registrar_outcome outcome)
{
    static const char *const texts[REGISTRAR_OUT_COUNT] = {
        [REGISTRAR_OUT_STORED] = "stored",
        [REGISTRAR_OUT_FETCHED] = "fetched",
        [REGISTRAR_OUT_BAD] = "bad",
        [REGISTRAR_OUT_TOO_MANY] = "too_many",
        [REGISTRAR_OUT_TOO_BRIEF] = "too_brief",
        [REGISTRAR_OUT_ORDER] = "out_of_order",
        [REGISTRAR_OUT_UNSTORED] = "unstored",
    };
    return outcome < REGISTRAR_OUT_COUNT ? texts[outcome] : "unknown";
}
