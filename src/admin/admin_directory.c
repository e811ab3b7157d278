/* SPDX-License-Identifier: Apache-2.0 */
/* Single entries: add, retire, move, suspend, restore, remove, show, history.  Runs on the connection's thread: an edit
 * waits for the disk here and nowhere else. */
#include "admin/admin_priv.h"
#include "directory/directory_edit.h"
#include "directory/directory_export.h"
#include "directory/directory_reader.h"
#include "entry/entry_print.h"
#include "util/json.h"
#include <stddef.h>
#include <string.h>

enum { HISTORY_DEFAULT = 100, HISTORY_MAX = 10000 };

/* The body of an edit: the columns of the CSV. */
struct edit {
    const char *kind, *key, *state, *forward, *by, *note;
    const char *ha1[DIGEST_KIND_COUNT]; /* hexadecimal */
    int64_t since_ms, reassign_after_ms, cause;
    bool force;
};

static const struct admin_field edit_fields[] = {
    {"key", ADMIN_FIELD_TEXT, offsetof(struct edit, key)},
    {"kind", ADMIN_FIELD_TEXT, offsetof(struct edit, kind)},
    {"state", ADMIN_FIELD_TEXT, offsetof(struct edit, state)},
    {"forward", ADMIN_FIELD_TEXT, offsetof(struct edit, forward)},
    {"since", ADMIN_FIELD_TIME, offsetof(struct edit, since_ms)},
    {"cause", ADMIN_FIELD_NUMBER, offsetof(struct edit, cause)},
    {"by", ADMIN_FIELD_TEXT, offsetof(struct edit, by)},
    {"reassign_after", ADMIN_FIELD_TIME, offsetof(struct edit, reassign_after_ms)},
    {"note", ADMIN_FIELD_TEXT, offsetof(struct edit, note)},
    {"force", ADMIN_FIELD_FLAG, offsetof(struct edit, force)},
    {"ha1_md5", ADMIN_FIELD_TEXT, offsetof(struct edit, ha1[DIGEST_MD5])},
    {"ha1_sha256", ADMIN_FIELD_TEXT, offsetof(struct edit, ha1[DIGEST_SHA256])},
    {"ha1_sha512_256", ADMIN_FIELD_TEXT, offsetof(struct edit, ha1[DIGEST_SHA512_256])},
    {NULL, ADMIN_FIELD_TEXT, 0},
};

struct directory *admin_directory(struct admin_request *request)
{
    struct directory *directory = request->world->directory(request->world->ctx);
    if (!directory)
        admin_fail(request, MHD_HTTP_CONFLICT, "this engine has no directory: start it with --data DIR");
    return directory;
}

static bool kind_of(struct admin_request *request, const char *text, enum entry_kind *out_kind)
{
    *out_kind = ENTRY_KIND_COUNT;
    if (!text || entry_kind_parse(span_of(text), out_kind))
        return true;
    admin_fail(request, MHD_HTTP_BAD_REQUEST, "kind: expected account, number, range or domain, got \"%.64s\"", text);
    return false;
}

static bool state_of(struct admin_request *request, const char *text, enum entry_state *out_state)
{
    *out_state = ENTRY_ACTIVE;
    if (!text || entry_state_parse(span_of(text), out_state))
        return true;
    admin_fail(request, MHD_HTTP_BAD_REQUEST, "state: expected active, suspended, moved or gone, got \"%.64s\"", text);
    return false;
}

/* Finds the entry and puts it into the open object as "record": null when there is none (any more). */
static bool put_record(struct admin_request *request, struct directory *directory, const struct entry_name *name,
                       struct json *json)
{
    struct directory_reader *reader;
    struct entry_record record;
    enum err err = directory_reader_open(directory, &reader);
    if (err == OK) {
        err = directory_find(reader, name, &record);
        if (err == OK) {
            json_key(json, "record");
            json_object_begin(json);
            entry_print_json(&record, json);
            if (record.kind == ENTRY_ACCOUNT)
                json_put_bool(json, "password", entry_record_has_password(&record));
            json_object_end(json);
        }
        directory_reader_turn_end(reader);
        directory_reader_close(reader);
    }
    if (err == OK)
        return true;
    if (err == ERR_NOT_FOUND)
        admin_fail(request, MHD_HTTP_NOT_FOUND, "there is no such entry");
    else if (err == ERR_AGAIN)
        admin_fail(request, MHD_HTTP_CONFLICT, "nothing can be known now; the directory: %s",
                   directory_status_text(directory_status(directory)));
    else
        admin_fail(request, admin_status_of(err), "the directory cannot be read: %s", err_text(err));
    return false;
}

static bool change_of(struct admin_request *request, const struct edit *edit, struct directory_change *out_change)
{
    if (!edit->key) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "\"key\" is missing: whom is it about?");
        return false;
    }
    if (edit->cause < 0 || edit->cause > 127) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, "cause: expected a Q.850 cause from 1 to 127");
        return false;
    }
    out_change->key = span_of(edit->key);
    out_change->forward = span_of(edit->forward);
    out_change->by = span_of(edit->by);
    out_change->note = span_of(edit->note);
    out_change->since_ms = edit->since_ms;
    out_change->reassign_after_ms = edit->reassign_after_ms;
    out_change->cause = (uint16_t)edit->cause;
    out_change->force = edit->force;
    return kind_of(request, edit->kind, &out_change->kind) && state_of(request, edit->state, &out_change->state);
}

/* The first entry of all makes the directory. */
static enum err ensure(struct directory *directory, enum directory_op op, struct fault *fault)
{
    if (op != DIRECTORY_OP_ADD || directory_status(directory) != DIRECTORY_NEVER_MADE)
        return OK;
    return directory_ensure(directory, fault);
}

static void answer_edit(struct admin_request *request, struct directory *directory,
                        const struct directory_change *change)
{
    struct fault fault = {0};
    struct entry_name name;
    uint64_t seq = 0;
    enum err err = entry_name_parse(change->key, change->kind, &name, &fault);
    if (err == OK)
        err = ensure(directory, change->op, &fault);
    if (err == OK)
        err = directory_edit(directory, change, &seq, &fault);
    if (err != OK) {
        if (fault.err == OK)
            (void)fault_set(&fault, err, NULL, 0, "%s", err_text(err));
        admin_fail_fault(request, &fault);
        return;
    }
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_put_bool(&json, "ok", true);
    json_put_u64(&json, "seq", seq);
    if (change->op == DIRECTORY_OP_REMOVE || put_record(request, directory, &name, &json))
        json_object_end(&json);
}

/* Only a `passwd` has HA1s; none at all takes the password away.  No message repeats one. */
static bool passwords_of(struct admin_request *request, const struct edit *edit, char bytes[][DIGEST_MAX],
                         struct directory_change *change)
{
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        if (!edit->ha1[kind])
            continue;
        if (change->op != DIRECTORY_OP_PASSWD ||
            !entry_ha1_read((enum digest_kind)kind, span_of(edit->ha1[kind]), bytes[kind])) {
            admin_fail(request, MHD_HTTP_BAD_REQUEST, "%s: expected %zu hexadecimal digits, and only for passwd",
                       entry_column_text((enum entry_column)(ENTRY_COL_HA1_MD5 + kind)),
                       2 * digest_len((enum digest_kind)kind));
            return false;
        }
        change->ha1[kind] = span_make(bytes[kind], digest_len((enum digest_kind)kind));
    }
    return true;
}

static void edit(struct admin_request *request, enum directory_op op)
{
    struct edit edit = {0};
    struct json_t *tree;
    struct directory *directory = admin_directory(request);
    if (!directory || !admin_body_read(request, edit_fields, &edit, &tree))
        return;
    struct directory_change change = {.op = op};
    char bytes[DIGEST_KIND_COUNT][DIGEST_MAX];
    if (change_of(request, &edit, &change) && passwords_of(request, &edit, bytes, &change))
        answer_edit(request, directory, &change);
    admin_body_free(tree);
}

void admin_directory_add(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_ADD);
}

void admin_directory_retire(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_RETIRE);
}

void admin_directory_move(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_MOVE);
}

void admin_directory_suspend(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_SUSPEND);
}

void admin_directory_restore(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_RESTORE);
}

void admin_directory_remove(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_REMOVE);
}

void admin_directory_passwd(struct admin_request *request)
{
    edit(request, DIRECTORY_OP_PASSWD);
}

/* The key of the query.  A '+' in a query means a blank, and no key has blanks: so a number may be written as it is. */
static bool query_name(struct admin_request *request, struct entry_name *out_name)
{
    char text[ENTRY_KEY_TEXT_MAX];
    struct fault fault = {0};
    enum entry_kind kind;
    const char *key = admin_query(request, "key");
    if (!key || !span_copy(span_of(key), text, sizeof(text))) {
        admin_fail(request, MHD_HTTP_BAD_REQUEST, key ? "key: too long" : "expected ?key=KEY");
        return false;
    }
    for (char *at = text; (at = strchr(at, ' ')) != NULL;)
        *at = '+';
    if (!kind_of(request, admin_query(request, "kind"), &kind))
        return false;
    if (entry_name_parse(span_of(text), kind, out_name, &fault) == OK)
        return true;
    admin_fail_fault(request, &fault);
    return false;
}

void admin_directory_show(struct admin_request *request)
{
    struct entry_name name;
    struct directory *directory = admin_directory(request);
    if (!directory || !query_name(request, &name))
        return;
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    if (put_record(request, directory, &name, &json))
        json_object_end(&json);
}

static enum err put_row(void *ctx, const struct directory_row *row)
{
    struct json *json = ctx;
    directory_row_json(row, json);
    return json->out->overflow ? ERR_FULL : OK;
}

static bool query_number(struct admin_request *request, const char *name, uint64_t *value)
{
    const char *text = admin_query(request, name);
    if (!text || span_to_u64(span_of(text), value))
        return true;
    admin_fail(request, MHD_HTTP_BAD_REQUEST, "%s: expected a number, got \"%.32s\"", name, text);
    return false;
}

void admin_directory_history(struct admin_request *request)
{
    struct entry_name name;
    uint64_t after = 0;
    uint64_t limit = HISTORY_DEFAULT;
    uint64_t next = 0;
    struct directory *directory = admin_directory(request);
    bool of_all = !admin_query(request, "key");
    if (!directory || !query_number(request, "after", &after) || !query_number(request, "limit", &limit) ||
        (!of_all && !query_name(request, &name)))
        return;
    limit = limit > HISTORY_MAX ? HISTORY_MAX : limit;
    struct json json = json_into(&request->answer);
    json_object_begin(&json);
    json_key(&json, "changes");
    json_array_begin(&json);
    enum err err = of_all ? directory_journal_read(directory, after + 1, limit, put_row, &json, &next)
                          : directory_history(directory, &name, limit, put_row, &json);
    json_array_end(&json);
    if (of_all)
        json_put_u64(&json, "next", next);
    json_object_end(&json);
    if (err != OK)
        admin_fail(request, admin_status_of(err), "the journal: %s",
                   err == ERR_NOT_FOUND ? "nothing is kept about this key" : err_text(err));
}
