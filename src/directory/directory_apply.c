/* SPDX-License-Identifier: Apache-2.0 */
/* One change: what may be asked, which state allows it, what the entry is afterwards, its journal row. */
#include "directory/directory_priv.h"
#include "entry/entry_time.h"

#include <stdarg.h>
#include <stdio.h>

/* Which change each state allows; ADD is for absent entries, and for tombstones (see add_over). */
static const bool allowed[ENTRY_STATE_COUNT][DIRECTORY_OP_COUNT] = {
    [ENTRY_ACTIVE] = {[DIRECTORY_OP_PASSWD] = true,
                      [DIRECTORY_OP_RETIRE] = true,
                      [DIRECTORY_OP_MOVE] = true,
                      [DIRECTORY_OP_SUSPEND] = true,
                      [DIRECTORY_OP_RESTORE] = true,
                      [DIRECTORY_OP_REMOVE] = true},
    [ENTRY_SUSPENDED] = {[DIRECTORY_OP_PASSWD] = true,
                         [DIRECTORY_OP_RETIRE] = true,
                         [DIRECTORY_OP_MOVE] = true,
                         [DIRECTORY_OP_RESTORE] = true,
                         [DIRECTORY_OP_REMOVE] = true},
    [ENTRY_MOVED] = {[DIRECTORY_OP_PASSWD] = true,
                     [DIRECTORY_OP_RETIRE] = true,
                     [DIRECTORY_OP_MOVE] = true, /* again, elsewhere */
                     [DIRECTORY_OP_SUSPEND] = true,
                     [DIRECTORY_OP_RESTORE] = true,
                     [DIRECTORY_OP_REMOVE] = true},
    [ENTRY_GONE] = {[DIRECTORY_OP_PASSWD] = true,
                    [DIRECTORY_OP_ADD] = true,
                    [DIRECTORY_OP_MOVE] = true, /* a forwarding address became known after all */
                    [DIRECTORY_OP_RESTORE] = true,
                    [DIRECTORY_OP_REMOVE] = true},
};

/* As the entry that the change asks for. */
static enum err fields_check(const struct directory_change *change, int64_t now_ms, struct fault *fault)
{
    static const enum entry_state becomes[DIRECTORY_OP_COUNT] = {[DIRECTORY_OP_RETIRE] = ENTRY_GONE,
                                                                 [DIRECTORY_OP_MOVE] = ENTRY_MOVED,
                                                                 [DIRECTORY_OP_SUSPEND] = ENTRY_SUSPENDED};
    struct entry_record record = {
        .state = change->op == DIRECTORY_OP_ADD ? change->state : becomes[change->op],
        .forward = change->forward,
        .by = change->by,
        .note = change->note,
        .since_ms = change->since_ms,
        .cause = change->cause,
        .reassign_after_ms = change->reassign_after_ms,
    };
    return entry_check(&record, now_ms, fault);
}

enum err directory_change_check(const struct directory_change *change, int64_t now_ms, struct entry_name *out_name,
                                struct fault *fault)
{
    bool is_edit = (unsigned)change->op <= DIRECTORY_OP_REMOVE || change->op == DIRECTORY_OP_PASSWD;
    if (!is_edit || (unsigned)change->state >= ENTRY_STATE_COUNT)
        return fault_set(fault, ERR_INVALID, NULL, 0, "no such change or state");
    enum err err = fields_check(change, now_ms, fault);
    if (err == OK)
        err = entry_name_parse(change->key, change->kind, out_name, fault);
    bool account = err == OK && entry_name_kind(entry_name_span(out_name)) == ENTRY_ACCOUNT;
    if (err == OK && !entry_ha1s_fit(change->ha1))
        return fault_set(fault, ERR_INVALID, NULL, 0, "an HA1 has the length of its digest");
    if (err == OK && change->op == DIRECTORY_OP_PASSWD && !account)
        return fault_set(fault, ERR_INVALID, NULL, 0, "a password belongs to an account, sip:user@host");
    return err;
}

/* A refusal: nothing was written. */
static enum err refuse(struct directory_edit_result *result, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);
static enum err refuse(struct directory_edit_result *result, enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    result->err = err;
    vsnprintf(result->text, sizeof(result->text), format, args);
    va_end(args);
    return err;
}

static enum err add_over(const struct entry_record *before, const struct directory_apply *apply,
                         struct directory_edit_result *result)
{
    char when[ENTRY_TIME_MAX];
    if (before->state != ENTRY_GONE)
        return refuse(result, ERR_EXISTS, "it exists already, and is %s", entry_state_text(before->state));
    if (apply->change->force || (before->reassign_after_ms && before->reassign_after_ms <= apply->now_ms))
        return OK;
    if (!before->reassign_after_ms)
        return refuse(result, ERR_EXISTS, "it is gone; restore it, or add it with force to give it out anew");
    entry_time_text(before->reassign_after_ms, when);
    return refuse(result, ERR_EXISTS, "it is gone and may be given out again after %s (or with force)", when);
}

static void set_state(struct entry_record *record, const struct directory_apply *apply, enum entry_state state)
{
    const struct directory_change *change = apply->change;
    record->state = state;
    record->since_ms = change->since_ms ? change->since_ms : apply->now_ms;
    record->cause = change->cause;
    record->reassign_after_ms = change->reassign_after_ms;
    record->forward = change->forward;
}

/* What it was before its last change, as the journal's row of that change says. */
static enum err restored(struct store_txn *txn, struct entry_record *record, struct directory_edit_result *result)
{
    struct directory_row row = {.previous_seq = record->seq};
    enum err err;
    do /* a password in between is no state */
        err = row.previous_seq ? directory_journal_get(txn, row.previous_seq, &row) : ERR_NOT_FOUND;
    while (err == OK && row.op == DIRECTORY_OP_PASSWD);
    if (err == ERR_NOT_FOUND)
        return refuse(result, ERR_CONFLICT, "nothing to restore: no earlier state is kept");
    if (err != OK)
        return err;
    if (row.op == DIRECTORY_OP_RESTORE)
        return refuse(result, ERR_CONFLICT, "nothing to restore: its last change was a restore");
    if (!row.had_before)
        return refuse(result, ERR_CONFLICT, "nothing to restore: it has had no other state");
    struct entry_record now = *record;
    *record = row.before;
    memcpy(record->ha1, now.ha1, sizeof(now.ha1)); /* credentials are no part of a state */
    record->more = now.more;
    record->parent_from = now.parent_from;
    record->parent_to = now.parent_to;
    return OK;
}

/* The entry after the change; `record` comes in as it is now (or all zero). */
static enum err changed_record(struct store_txn *txn, const struct directory_apply *apply, struct entry_record *record,
                               struct directory_edit_result *result)
{
    enum err err = OK;
    struct span note = record->note;
    switch (apply->change->op) {
    case DIRECTORY_OP_ADD:
        *record = (struct entry_record){.parent_from = record->parent_from, .parent_to = record->parent_to};
        note = (struct span){0};
        set_state(record, apply, apply->change->state);
        break;
    case DIRECTORY_OP_RETIRE:
        set_state(record, apply, ENTRY_GONE);
        break;
    case DIRECTORY_OP_MOVE:
        set_state(record, apply, ENTRY_MOVED);
        break;
    case DIRECTORY_OP_SUSPEND:
        set_state(record, apply, ENTRY_SUSPENDED);
        break;
    case DIRECTORY_OP_PASSWD:
        memcpy(record->ha1, apply->change->ha1, sizeof(record->ha1));
        break;
    default:
        err = restored(txn, record, result);
        note = record->note;
    }
    record->note = apply->change->note.len ? apply->change->note : note;
    record->by = apply->change->by.len ? apply->change->by : SPAN("unknown");
    record->kind = entry_name_kind(entry_name_span(apply->name));
    record->name = entry_name_span(apply->name);
    (void)entry_range_bounds(record->name, &record->range_from, &record->range_to);
    return err;
}

static enum err check_allowed(const struct entry_record *before, const struct directory_apply *apply,
                              struct directory_edit_result *result)
{
    enum directory_op op = apply->change->op;
    if (!before)
        return op == DIRECTORY_OP_ADD ? OK : refuse(result, ERR_NOT_FOUND, "there is no such entry; add it first");
    if (op == DIRECTORY_OP_ADD)
        return add_over(before, apply, result);
    if (allowed[before->state][op])
        return OK;
    char since[ENTRY_TIME_MAX];
    entry_time_text(before->since_ms, since);
    return refuse(result, ERR_CONFLICT, "it is %s since %s, which does not allow to %s it",
                  entry_state_text(before->state), since, directory_op_text(op));
}

enum err directory_put(struct store_txn *txn, struct span name, const struct entry_record *before,
                       struct entry_record *after, struct directory_counts *counts, struct entry_name *out_other)
{
    char value[ENTRY_VALUE_MAX];
    size_t len;
    enum entry_kind kind = entry_name_kind(name);
    enum err err = OK;
    if (kind == ENTRY_RANGE && after && !before)
        err = directory_range_link(txn, after, out_other);
    if (err == OK && after)
        err = entry_record_encode(after, name, value, &len);
    if (err != OK)
        return err;
    if (before)
        counts->entries[kind][before->state]--;
    if (after)
        counts->entries[kind][after->state]++;
    if (after)
        return store_put(txn, DIRECTORY_RECORDS, name, span_make(value, len), STORE_PUT_REPLACE);
    if (kind == ENTRY_RANGE) {
        struct entry_record removed = *before;
        removed.name = name; /* the one in the map dies with the first write */
        err = directory_range_unlink(txn, &removed);
    }
    return err == OK ? store_delete(txn, DIRECTORY_RECORDS, name) : err;
}

static enum err refuse_range(struct directory_edit_result *result, enum err err, const struct entry_name *other)
{
    char text[ENTRY_KEY_TEXT_MAX];
    size_t len;
    if (err == ERR_UNSUPPORTED)
        return refuse(result, err, "ranges are nested more than %d deep", DIRECTORY_RANGE_DEPTH - 1);
    if (entry_name_text(entry_name_span(other), text, &len) != OK)
        text[0] = '\0';
    return refuse(result, err, "it overlaps %.60s without lying inside or around it", text);
}

static enum err write_change(struct store_txn *txn, const struct directory_apply *apply,
                             const struct entry_record *before, struct entry_record *after,
                             struct directory_counts *counts, struct directory_edit_result *result)
{
    struct entry_name other;
    char value[DIRECTORY_ROW_MAX];
    size_t len;
    struct directory_row row = {
        .seq = counts->next_seq,
        .op = apply->change->op,
        .when_ms = apply->now_ms,
        .previous_seq = before ? before->seq : 0,
        .by = apply->change->by.len ? apply->change->by : SPAN("unknown"),
        .name = entry_name_span(apply->name),
        .note = apply->change->note,
        .had_before = before != NULL,
        .has_after = after != NULL,
    };
    if (before)
        row.before = *before;
    if (after) {
        after->seq = row.seq;
        row.after = *after;
    }
    enum err err = directory_row_encode(&row, value, &len); /* before the first write, which ends spans into the map */
    if (err == OK)
        err = directory_put(txn, row.name, before, after, counts, &other);
    if (err == ERR_CONFLICT || err == ERR_UNSUPPORTED)
        return refuse_range(result, err, &other);
    if (err == OK)
        err = directory_journal_put(txn, counts, span_make(value, len), apply->journal_cap);
    result->seq = row.seq;
    return err;
}

/* The entry as it is now: ERR_NOT_FOUND is proven. */
static enum err read_present(struct store_txn *txn, struct span name, struct entry_record *out_record)
{
    struct store_cursor *cursor;
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = directory_seek_exact(cursor, name, out_record);
    store_cursor_close(cursor);
    return err;
}

enum err directory_apply(struct store_txn *txn, const struct directory_apply *apply, struct directory_counts *counts,
                         struct directory_edit_result *out_result)
{
    struct entry_record before = {.seq = 0};
    struct directory_edit_result result = {.err = OK};
    enum err err = read_present(txn, entry_name_span(apply->name), &before);
    bool present = err == OK;
    if (err == OK || err == ERR_NOT_FOUND)
        err = check_allowed(present ? &before : NULL, apply, &result);
    struct entry_record after = before;
    bool removes = apply->change->op == DIRECTORY_OP_REMOVE;
    if (err == OK && !removes)
        err = changed_record(txn, apply, &after, &result);
    if (err == OK)
        err = write_change(txn, apply, present ? &before : NULL, removes ? NULL : &after, counts, &result);
    bool refused = result.err != OK;
    result.err = refused ? result.err : err;
    *out_result = result;
    return refused ? OK : err;
}
