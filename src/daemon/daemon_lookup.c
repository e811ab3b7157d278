/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_lookup.h"

enum err daemon_lookup_find(void *ctx, const struct policy_target *target, struct policy_record *out_record)
{
    static const enum policy_state states[ENTRY_STATE_COUNT] = {
        [ENTRY_ACTIVE] = POLICY_STATE_ACTIVE,
        [ENTRY_SUSPENDED] = POLICY_STATE_SUSPENDED,
        [ENTRY_MOVED] = POLICY_STATE_MOVED,
        [ENTRY_GONE] = POLICY_STATE_GONE,
    };
    struct daemon_lookup *self = ctx;
    struct directory_key key = {target->user, target->host, target->number, target->host};
    struct entry_record record;
    if (!self->reader || directory_status(self->directory) == DIRECTORY_NEVER_MADE)
        return ERR_NOT_FOUND;
    enum err err = directory_lookup(self->reader, &key, &record);
    if (err != OK)
        return err;
    size_t key_len = 0;
    if (entry_name_text(record.name, self->key_text, &key_len) != OK)
        return ERR_CORRUPT;
    *out_record = (struct policy_record){
        .state = states[record.state],
        .kind = entry_kind_text(record.kind),
        .key = span_make(self->key_text, key_len),
        .forward = record.forward,
        .since_s = record.since_ms / 1000,
        .reassign_after = record.reassign_after_ms / 1000,
        .cause = record.cause,
        .by = record.by,
    };
    return OK;
}
