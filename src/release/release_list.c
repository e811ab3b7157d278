/* SPDX-License-Identifier: Apache-2.0 */
/* The versions as told to a human: alive ones, and the last that are not. */
#include "release/release_priv.h"
#include "util/invariant.h"
#include "util/json.h"

size_t release_version_count(const struct release *release)
{
    return release->version_count;
}

void release_version_at(const struct release *release, size_t index, struct release_version_info *out_info)
{
    struct list *node = release->versions.next;
    while (index-- > 0 && node != &release->versions)
        node = node->next;
    invariant(node != &release->versions);
    const struct release_version *version = container_of(node, struct release_version, node);
    *out_info = (struct release_version_info){
        .version = version->number,
        .state = version->state,
        .name = version->name,
        .hash = version->hash,
        .path = version->path,
        .rules = version->rules,
        .loaded_ms = version->loaded_ms,
        .activated_ms = version->activated_ms,
        .failure = version->failure,
    };
}

void release_versions_json(const struct release *release, struct buffer *out)
{
    struct json json = json_into(out);
    json_array_begin(&json);
    for (size_t index = 0; index < release->version_count; index++) {
        struct release_version_info info;
        release_version_at(release, index, &info);
        json_object_begin(&json);
        json_put_u64(&json, "version", info.version);
        json_put_text(&json, "state", release_state_name(info.state));
        if (release->going.trial == RELEASE_PROBATION && release->going.version == info.version)
            json_put_bool(&json, "on_probation", true);
        json_put_text(&json, "name", info.name);
        json_put_text(&json, "hash", info.hash);
        json_put_text(&json, "path", info.path);
        json_put_u64(&json, "rules", info.rules);
        json_put_i64(&json, "loaded_ms", info.loaded_ms);
        if (info.activated_ms)
            json_put_i64(&json, "activated_ms", info.activated_ms);
        if (info.failure[0])
            json_put_text(&json, "failure", info.failure);
        json_object_end(&json);
    }
    json_array_end(&json);
}
