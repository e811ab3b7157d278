/* SPDX-License-Identifier: Apache-2.0 */
/* One change: what may be asked, which state allows it, what the entry is afterwards, its journal row. */
#include "directory/directory_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { SKEW_MS = 60000 }; /* clocks of two machines that both mean now */

/* Which change each state allows; ADD is for absent entries, and for tombstones (see add_over). */
static const bool allowed[DIRECTORY_STATE_COUNT][DIRECTORY_OP_COUNT] = {
    [DIRECTORY_ACTIVE] = {[DIRECTORY_OP_RETIRE] = true,
                          [DIRECTORY_OP_MOVE] = true,
                          [DIRECTORY_OP_SUSPEND] = true,
                          [DIRECTORY_OP_RESTORE] = true,
                          [DIRECTORY_OP_REMOVE] = true},
    [DIRECTORY_SUSPENDED] = {[DIRECTORY_OP_RETIRE] = true,
                             [DIRECTORY_OP_MOVE] = true,
                             [DIRECTORY_OP_RESTORE] = true,
                             [DIRECTORY_OP_REMOVE] = true},
    [DIRECTORY_MOVED] = {[DIRECTORY_OP_RETIRE] = true,
                         [DIRECTORY_OP_MOVE] = true, /* again, elsewhere */
                         [DIRECTORY_OP_SUSPEND] = true,
                         [DIRECTORY_OP_RESTORE] = true,
                         [DIRECTORY_OP_REMOVE] = true},
    [DIRECTORY_GONE] = {[DIRECTORY_OP_ADD] = true,
                        [DIRECTORY_OP_MOVE] = true, /* a forwarding address became known after all */
                        [DIRECTORY_OP_RESTORE] = true,
                        [DIRECTORY_OP_REMOVE] = true},
};

static bool text_is_fine(struct span text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return false;
    }
    return text.len <= max;
}

bool directory_forward_is_fine(struct span forward)
{
    struct span rest = {0};
    static const struct span schemes[] = {{"sip:", 4}, {"sips:", 5}, {"tel:", 4}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        if (forward.len > schemes[i].len && span_equal_nocase(span_slice(forward, 0, schemes[i].len), schemes[i]))
            rest = span_slice(forward, schemes[i].len, forward.len);
    }
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char byte = (unsigned char)rest.at[i];
        if (byte <= 0x20 || byte >= 0x7f || strchr("<>\"", byte)) /* it is written between < and > of a Contact */
            return false;
    }
    size_t at = span_find(rest, '@');
    bool is_number = rest.len > 0 && (rest.at[0] == '+' || (rest.at[0] >= '0' && rest.at[0] <= '9'));
    bool is_tel = forward.len > 4 && span_equal_nocase(span_slice(forward, 0, 4), SPAN("tel:"));
    return (is_tel ? is_number : at > 0 && at + 1 != rest.len) && rest.len > 0 && forward.len <= DIRECTORY_FORWARD_MAX;
}

enum err directory_change_fields_check(const struct directory_change *change, int64_t now_ms, struct fault *fault)
{
    bool gone =
        change->op == DIRECTORY_OP_RETIRE || (change->op == DIRECTORY_OP_ADD && change->state == DIRECTORY_GONE);
    bool moved =
        change->op == DIRECTORY_OP_MOVE || (change->op == DIRECTORY_OP_ADD && change->state == DIRECTORY_MOVED);
    if (moved && !directory_forward_is_fine(change->forward))
        return fault_set(fault, ERR_INVALID, NULL, 0, "forward: expected a sip:, sips: or tel: URI of at most %d bytes",
                         DIRECTORY_FORWARD_MAX);
    if (!moved && change->forward.len)
        return fault_set(fault, ERR_INVALID, NULL, 0, "a forwarding address belongs to a moved entry only");
    if (change->cause > 127 || (change->cause && !gone))
        return fault_set(fault, ERR_INVALID, NULL, 0, "cause: expected a Q.850 cause from 1 to 127, for a gone entry");
    if (change->reassign_after_ms && !gone)
        return fault_set(fault, ERR_INVALID, NULL, 0, "a time of reassignment belongs to a gone entry only");
    if (change->since_ms > now_ms + SKEW_MS)
        return fault_set(fault, ERR_INVALID, NULL, 0, "since: lies in the future");
    if (!text_is_fine(change->by, DIRECTORY_BY_MAX))
        return fault_set(fault, ERR_INVALID, NULL, 0, "by: expected at most %d bytes without control characters",
                         DIRECTORY_BY_MAX);
    if (!text_is_fine(change->note, DIRECTORY_NOTE_MAX))
        return fault_set(fault, ERR_INVALID, NULL, 0, "note: expected at most %d bytes without control characters",
                         DIRECTORY_NOTE_MAX);
    return OK;
}

enum err directory_change_check(const struct directory_change *change, int64_t now_ms, struct directory_name *out_name,
                                struct fault *fault)
{
    if ((unsigned)change->op > DIRECTORY_OP_REMOVE || (unsigned)change->state >= DIRECTORY_STATE_COUNT)
        return fault_set(fault, ERR_INVALID, NULL, 0, "no such change or state");
    enum err err = directory_change_fields_check(change, now_ms, fault);
    return err == OK ? directory_name_parse(change->key, change->kind, out_name, fault) : err;
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

static enum err add_over(const struct directory_record *before, const struct directory_apply *apply,
                         struct directory_edit_result *result)
{
    char when[DIRECTORY_TIME_MAX];
    if (before->state != DIRECTORY_GONE)
        return refuse(result, ERR_EXISTS, "it exists already, and is %s", directory_state_text(before->state));
    if (apply->change->force || (before->reassign_after_ms && before->reassign_after_ms <= apply->now_ms))
        return OK;
    if (!before->reassign_after_ms)
        return refuse(result, ERR_EXISTS, "it is gone; restore it, or add it with force to give it out anew");
    directory_time_text(before->reassign_after_ms, when);
    return refuse(result, ERR_EXISTS, "it is gone and may be given out again after %s (or with force)", when);
}

static void set_state(struct directory_record *record, const struct directory_apply *apply, enum directory_state state)
{
    const struct directory_change *change = apply->change;
    record->state = state;
    record->since_ms = change->since_ms ? change->since_ms : apply->now_ms;
    record->cause = change->cause;
    record->reassign_after_ms = change->reassign_after_ms;
    record->forward = change->forward;
}

/* What it was before its last change, as the journal's row of that change says. */
static enum err restored(struct store_txn *txn, struct directory_record *record, struct directory_edit_result *result)
{
    struct directory_row row;
    enum err err = record->seq ? directory_journal_get(txn, record->seq, &row) : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        return refuse(result, ERR_CONFLICT, "nothing to restore: no earlier state is kept");
    if (err != OK)
        return err;
    if (row.op == DIRECTORY_OP_RESTORE)
        return refuse(result, ERR_CONFLICT, "nothing to restore: its last change was a restore");
    if (!row.had_before)
        return refuse(result, ERR_CONFLICT, "nothing to restore: it has had no other state");
    struct directory_record now = *record;
    *record = row.before;
    record->more = now.more; /* credentials are no part of a state */
    record->parent_from = now.parent_from;
    record->parent_to = now.parent_to;
    return OK;
}

/* The entry after the change; `record` comes in as it is now (or all zero). */
static enum err changed_record(struct store_txn *txn, const struct directory_apply *apply,
                               struct directory_record *record, struct directory_edit_result *result)
{
    enum err err = OK;
    struct span note = record->note;
    switch (apply->change->op) {
    case DIRECTORY_OP_ADD:
        *record = (struct directory_record){.parent_from = record->parent_from, .parent_to = record->parent_to};
        note = (struct span){0};
        set_state(record, apply, apply->change->state);
        break;
    case DIRECTORY_OP_RETIRE:
        set_state(record, apply, DIRECTORY_GONE);
        break;
    case DIRECTORY_OP_MOVE:
        set_state(record, apply, DIRECTORY_MOVED);
        break;
    case DIRECTORY_OP_SUSPEND:
        set_state(record, apply, DIRECTORY_SUSPENDED);
        break;
    default:
        err = restored(txn, record, result);
        note = record->note;
    }
    record->note = apply->change->note.len ? apply->change->note : note;
    record->by = apply->change->by.len ? apply->change->by : SPAN("unknown");
    record->kind = directory_name_kind(directory_name_span(apply->name));
    record->name = directory_name_span(apply->name);
    (void)directory_range_bounds(record->name, &record->range_from, &record->range_to);
    return err;
}

static enum err check_allowed(const struct directory_record *before, const struct directory_apply *apply,
                              struct directory_edit_result *result)
{
    enum directory_op op = apply->change->op;
    if (!before)
        return op == DIRECTORY_OP_ADD ? OK : refuse(result, ERR_NOT_FOUND, "there is no such entry; add it first");
    if (op == DIRECTORY_OP_ADD)
        return add_over(before, apply, result);
    if (allowed[before->state][op])
        return OK;
    char since[DIRECTORY_TIME_MAX];
    directory_time_text(before->since_ms, since);
    return refuse(result, ERR_CONFLICT, "it is %s since %s, which does not allow to %s it",
                  directory_state_text(before->state), since, directory_op_text(op));
}

enum err directory_put(struct store_txn *txn, struct span name, const struct directory_record *before,
                       struct directory_record *after, struct directory_counts *counts,
                       struct directory_name *out_other)
{
    char value[DIRECTORY_VALUE_MAX];
    size_t len;
    enum directory_kind kind = directory_name_kind(name);
    enum err err = OK;
    if (kind == DIRECTORY_RANGE && after && !before)
        err = directory_range_link(txn, after, out_other);
    if (err == OK && after)
        err = directory_record_encode(after, name, value, &len);
    if (err != OK)
        return err;
    if (before)
        counts->entries[kind][before->state]--;
    if (after)
        counts->entries[kind][after->state]++;
    if (after)
        return store_put(txn, DIRECTORY_RECORDS, name, span_make(value, len), STORE_PUT_REPLACE);
    if (kind == DIRECTORY_RANGE) {
        struct directory_record removed = *before;
        removed.name = name; /* the one in the map dies with the first write */
        err = directory_range_unlink(txn, &removed);
    }
    return err == OK ? store_delete(txn, DIRECTORY_RECORDS, name) : err;
}

static enum err refuse_range(struct directory_edit_result *result, enum err err, const struct directory_name *other)
{
    char text[DIRECTORY_KEY_TEXT_MAX];
    size_t len;
    if (err == ERR_UNSUPPORTED)
        return refuse(result, err, "ranges are nested more than %d deep", DIRECTORY_RANGE_DEPTH - 1);
    if (directory_name_text(directory_name_span(other), text, &len) != OK)
        text[0] = '\0';
    return refuse(result, err, "it overlaps %.60s without lying inside or around it", text);
}

static enum err write_change(struct store_txn *txn, const struct directory_apply *apply,
                             const struct directory_record *before, struct directory_record *after,
                             struct directory_counts *counts, struct directory_edit_result *result)
{
    struct directory_name other;
    char value[DIRECTORY_ROW_MAX];
    size_t len;
    struct directory_row row = {
        .seq = counts->next_seq,
        .op = apply->change->op,
        .when_ms = apply->now_ms,
        .previous_seq = before ? before->seq : 0,
        .by = apply->change->by.len ? apply->change->by : SPAN("unknown"),
        .name = directory_name_span(apply->name),
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
static enum err read_present(struct store_txn *txn, struct span name, struct directory_record *out_record)
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
    struct directory_record before = {.seq = 0};
    struct directory_edit_result result = {.err = OK};
    enum err err = read_present(txn, directory_name_span(apply->name), &before);
    bool present = err == OK;
    if (err == OK || err == ERR_NOT_FOUND)
        err = check_allowed(present ? &before : NULL, apply, &result);
    struct directory_record after = before;
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
