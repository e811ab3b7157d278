/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/registrar_way.h"
#include "registrar/registrar_gruu_priv.h"
#include "util/list.h"
#include <stdlib.h>

struct registrar_way {
    struct map_node by_phone, by_call;
    struct net_flow flow;
    uint64_t order;
    bool is_direct, is_offered;
    uint16_t aor_len, uri_len, path_len;
    char *text;
};

struct registrar_way *registrar_way_new(const struct net_flow *flow)
{
    struct registrar_way *way = calloc(1, sizeof(*way));
    if (!way)
        return NULL;
    way->is_direct = flow != NULL;
    if (flow)
        way->flow = *flow;
    return way;
}

void registrar_way_free(struct registrar_way *way)
{
    if (!way)
        return;
    free(way->text);
    free(way);
}

bool registrar_gruus_offer(struct registrar_gruus *gruus, struct registrar_way *way,
                           const struct registrar_offer *offer)
{
    const struct registrar_phone *phone = &offer->phone;
    size_t len = phone->aor.len + offer->uri.len + offer->path.len;
    way->text = len <= REGISTRAR_WAY_TEXT_MAX ? malloc(len + 1) : NULL;
    if (!way->text)
        return false;
    struct buffer text = buffer_over(way->text, len + 1);
    buffer_add_span(&text, phone->aor);
    buffer_add_span(&text, offer->uri);
    buffer_add_span(&text, offer->path);
    way->aor_len = (uint16_t)phone->aor.len;
    way->uri_len = (uint16_t)offer->uri.len;
    way->path_len = (uint16_t)offer->path.len;
    pthread_mutex_lock(&gruus->mutex);
    way->order = ++gruus->offered;
    way->is_offered = true;
    map_add(&gruus->by_phone, &way->by_phone, registrar_gruu_key(gruus, phone, false));
    map_add(&gruus->by_call, &way->by_call, registrar_gruu_key(gruus, phone, true));
    pthread_mutex_unlock(&gruus->mutex);
    return true;
}

void registrar_gruus_withdraw(struct registrar_gruus *gruus, struct registrar_way *way)
{
    if (!way || !way->is_offered)
        return;
    pthread_mutex_lock(&gruus->mutex);
    map_remove(&gruus->by_phone, &way->by_phone);
    map_remove(&gruus->by_call, &way->by_call);
    pthread_mutex_unlock(&gruus->mutex);
    way->is_offered = false;
}

static void copy(const struct registrar_way *way, struct registrar_reach *out)
{
    size_t uri = way->aor_len, path = uri + way->uri_len, end = path + way->path_len;
    memcpy(out->text, way->text, end);
    out->flow = way->flow;
    out->is_direct = way->is_direct;
    out->aor = span_make(out->text, uri);
    out->uri = span_make(out->text + uri, path - uri);
    out->path = span_make(out->text + path, end - path);
}

/* Puts a way among those found, the newest first, and drops the oldest one too many. */
static unsigned put(const struct registrar_way *found[static REGISTRAR_WAYS_MAX], unsigned count,
                    const struct registrar_way *way)
{
    unsigned at = count < REGISTRAR_WAYS_MAX ? count++ : REGISTRAR_WAYS_MAX;
    for (; at > 0 && found[at - 1]->order < way->order; at--)
        if (at < REGISTRAR_WAYS_MAX)
            found[at] = found[at - 1];
    if (at < REGISTRAR_WAYS_MAX)
        found[at] = way;
    return count;
}

unsigned registrar_gruus_reach(struct registrar_gruus *gruus, const struct registrar_phone *phone, struct span user,
                               struct registrar_reach out[static REGISTRAR_WAYS_MAX])
{
    const struct registrar_way *found[REGISTRAR_WAYS_MAX];
    char aor[REGISTRAR_GRUU_MAX];
    struct buffer name = buffer_over(aor, sizeof(aor));
    unsigned count = 0;
    uint64_t key;
    bool is_public = phone->instance.len > 0;
    if (is_public)
        key = registrar_gruu_key(gruus, phone, false);
    else if (registrar_gruus_read(gruus, user, &name, &key) != OK)
        return 0;
    pthread_mutex_lock(&gruus->mutex);
    const struct map_node *node = map_first(is_public ? &gruus->by_phone : &gruus->by_call, key);
    for (; node; node = node->next)
        if (node->hash == key)
            count = put(found, count,
                        is_public ? container_of_const(node, struct registrar_way, by_phone)
                                  : container_of_const(node, struct registrar_way, by_call));
    for (unsigned i = 0; i < count; i++)
        copy(found[i], &out[i]);
    pthread_mutex_unlock(&gruus->mutex);
    return count;
}
