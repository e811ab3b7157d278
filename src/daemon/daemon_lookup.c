/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon_lookup.h"
#include "store/store_lock.h"

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

enum err daemon_lookup_open(struct daemon_lookup *self, const char *data, struct fault *fault)
{
    const struct directory_options options = {0};
    enum err err = store_lock_take(data, NULL, &self->lock, NULL, fault);
    if (err == OK)
        err = directory_open(data, &options, &self->directory, fault);
    if (err != OK)
        return err;
    err = directory_reader_open(self->directory, &self->reader);
    return err == OK ? OK : fault_set(fault, err, data, 0, "the directory cannot be read: %s", err_text(err));
}

void daemon_lookup_close(struct daemon_lookup *self)
{
    daemon_lookup_turn_end(self);
    if (self->reader)
        directory_reader_close(self->reader);
    directory_close(self->directory);
    if (self->lock)
        store_lock_release(self->lock);
}

void daemon_lookup_turn_end(struct daemon_lookup *self)
{
    if (self->reader)
        directory_reader_turn_end(self->reader);
}

enum err daemon_lookup_keys(void *ctx, struct span user, struct span realm, struct auth_keys *out_keys)
{
    struct daemon_lookup *self = ctx;
    struct entry_name name;
    struct entry_record record;
    if (!self->reader || directory_status(self->directory) == DIRECTORY_NEVER_MADE ||
        entry_name_account(user, realm, &name) != OK)
        return ERR_NOT_FOUND;
    enum err err = directory_find(self->reader, &name, &record);
    if (err != OK)
        return err;
    memset(out_keys, 0, sizeof(*out_keys));
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        out_keys->known[kind] = record.ha1[kind].len == digest_len((enum digest_kind)kind);
        if (out_keys->known[kind])
            memcpy(out_keys->ha1[kind], record.ha1[kind].at, record.ha1[kind].len);
    }
    return OK;
}
