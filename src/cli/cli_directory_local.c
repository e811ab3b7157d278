/* SPDX-License-Identifier: Apache-2.0 */
/* A directory command on the files of a data folder that no daemon holds.  Answers as the control API does. */
#include "cli/cli_directory.h"
#include "directory/directory_care.h"
#include "directory/directory_edit.h"
#include "directory/directory_export.h"
#include "directory/directory_reader.h"
#include "entry/entry_print.h"
#include "util/json.h"

/* One command at work. */
struct local {
    const struct cli_directory_ask *ask;
    struct directory *directory;
    struct json json;
    struct fault *fault;
};

/* Only what brings entries in may make a directory; everything else is about one that is there. */
static bool may_create(const struct cli_directory_ask *ask)
{
    return ask->op == CLI_DIRECTORY_ADD || (ask->op == CLI_DIRECTORY_IMPORT && !ask->values->dry_run);
}

static enum err open_directory(const struct cli_directory_ask *ask, const char *data, struct directory **out_directory,
                               struct fault *fault)
{
    const struct directory_options options = {0};
    enum err err = directory_open(data, &options, out_directory, fault);
    if (err != ERR_NOT_FOUND)
        return err;
    if (!may_create(ask))
        return fault_set(fault, err, NULL, 0,
                         "no directory was ever made in %s: verdict directory add or import makes one", data);
    err = directory_create(data, fault);
    return err == OK ? directory_open(data, &options, out_directory, fault) : err;
}

/* Puts the entry into the open object as "record". */
static enum err put_record(struct local *local, const struct entry_name *name)
{
    struct directory_reader *reader;
    struct entry_record record;
    enum err err = directory_reader_open(local->directory, &reader);
    if (err != OK)
        return err;
    err = directory_find(reader, name, &record);
    if (err == OK) {
        json_key(&local->json, "record");
        json_object_begin(&local->json);
        entry_print_json(&record, &local->json);
        if (record.kind == ENTRY_ACCOUNT)
            json_put_bool(&local->json, "password", entry_record_has_password(&record));
        json_object_end(&local->json);
    }
    directory_reader_turn_end(reader);
    directory_reader_close(reader);
    return err;
}

static enum err parse_key(const struct local *local, struct entry_name *out_name)
{
    return entry_name_parse(span_of(local->ask->key), local->ask->kind, out_name, local->fault);
}

static enum err edit(struct local *local)
{
    static const enum directory_op ops[] = {
        [CLI_DIRECTORY_ADD] = DIRECTORY_OP_ADD,         [CLI_DIRECTORY_RETIRE] = DIRECTORY_OP_RETIRE,
        [CLI_DIRECTORY_MOVE] = DIRECTORY_OP_MOVE,       [CLI_DIRECTORY_SUSPEND] = DIRECTORY_OP_SUSPEND,
        [CLI_DIRECTORY_RESTORE] = DIRECTORY_OP_RESTORE, [CLI_DIRECTORY_REMOVE] = DIRECTORY_OP_REMOVE,
        [CLI_DIRECTORY_PASSWD] = DIRECTORY_OP_PASSWD,
    };
    const struct cli_directory_ask *ask = local->ask;
    const struct directory_change change = {
        .op = ops[ask->op],
        .key = span_of(ask->key),
        .kind = ask->kind,
        .state = ask->state,
        .forward = span_of(ask->values->forward),
        .by = span_of(ask->by),
        .note = span_of(ask->values->note),
        .since_ms = ask->since_ms,
        .reassign_after_ms = ask->reassign_after_ms,
        .cause = (uint16_t)ask->values->cause,
        .force = ask->values->force,
        .ha1 = {ask->ha1[DIGEST_MD5], ask->ha1[DIGEST_SHA256], ask->ha1[DIGEST_SHA512_256]},
    };
    struct entry_name name;
    uint64_t seq = 0;
    enum err err = parse_key(local, &name);
    if (err == OK)
        err = directory_edit(local->directory, &change, &seq, local->fault);
    if (err != OK)
        return err;
    json_put_bool(&local->json, "ok", true);
    json_put_u64(&local->json, "seq", seq);
    return ask->op == CLI_DIRECTORY_REMOVE ? OK : put_record(local, &name);
}

static enum err show(struct local *local)
{
    struct entry_name name;
    enum err err = parse_key(local, &name);
    if (err == OK)
        err = put_record(local, &name);
    if (err == ERR_NOT_FOUND)
        (void)fault_set(local->fault, err, NULL, 0, "there is no such entry");
    else if (err == ERR_AGAIN)
        (void)fault_set(local->fault, err, NULL, 0,
                        "the directory is empty: a daemon answers 503 until it holds somebody");
    return err;
}

static enum err put_row(void *ctx, const struct directory_row *row)
{
    struct json *json = ctx;
    directory_row_json(row, json);
    return json->out->overflow ? ERR_FULL : OK;
}

static enum err history(struct local *local)
{
    struct entry_name name;
    struct directory_info info;
    uint32_t limit = local->ask->values->limit;
    enum err err = OK;
    uint64_t next = 0;
    json_key(&local->json, "changes");
    json_array_begin(&local->json);
    if (local->ask->key) {
        err = parse_key(local, &name);
        if (err == OK)
            err = directory_history(local->directory, &name, limit, put_row, &local->json);
        if (err == ERR_NOT_FOUND)
            (void)fault_set(local->fault, err, NULL, 0, "nothing is kept about this key");
    } else if ((err = directory_info(local->directory, &info)) == OK) {
        uint64_t from = info.journal_last >= limit ? info.journal_last - limit + 1 : 1;
        from = from > info.journal_first ? from : info.journal_first;
        err = directory_journal_read(local->directory, from, limit, put_row, &local->json, &next);
    }
    json_array_end(&local->json);
    return err;
}

static enum err import(struct local *local)
{
    const struct cli_directory_ask *ask = local->ask;
    const struct directory_import_options options = {
        .format = ask->format,
        .merge = ask->values->merge,
        .dry_run = ask->values->dry_run,
        .force = ask->values->force,
        .by = span_of(ask->by),
        .file = ask->stream->name,
        .progress = cli_directory_stream_phase,
        .progress_ctx = ask->stream,
    };
    struct directory_import_result result = {0};
    enum err err =
        directory_import(local->directory, &options, cli_directory_stream_read, ask->stream, &result, local->fault);
    if (err != OK)
        return err;
    struct json *json = &local->json;
    json_put_bool(json, "ok", true);
    json_put_bool(json, "dry_run", ask->values->dry_run);
    json_put_u64(json, "rows", result.rows);
    json_put_u64(json, "added", result.added);
    json_put_u64(json, "changed", result.changed);
    json_put_u64(json, "unchanged", result.unchanged);
    json_put_u64(json, "removed", result.removed);
    json_put_u64(json, "retired", result.retired);
    json_put_u64(json, "before", result.before);
    json_put_u64(json, "after", result.after);
    json_put_u64(json, "generation", result.generation);
    json_put_u64(json, "took_ms", (uint64_t)(result.seconds * 1000));
    return OK;
}

static enum err export_all(struct local *local)
{
    const struct directory_export_options options = {.format = local->ask->format,
                                                     .passwords = local->ask->values->passwords};
    uint64_t rows = 0;
    enum err err = directory_export(local->directory, &options, cli_directory_stream_write, local->ask->stream, &rows);
    json_put_u64(&local->json, "rows", rows);
    return err;
}

static enum err verify(struct local *local)
{
    struct directory_verify_result result = {0};
    enum err err = directory_verify(local->directory, cli_directory_stream_phase, local->ask->stream, &result);
    if (err != OK && err != ERR_CORRUPT)
        return err;
    json_put_bool(&local->json, "ok", err == OK);
    json_put_u64(&local->json, "records", result.records);
    json_put_u64(&local->json, "journal_rows", result.journal_rows);
    json_put_u64(&local->json, "damaged", result.damaged);
    if (result.first[0])
        json_put_text(&local->json, "first", result.first);
    return OK;
}

static enum err backup(struct local *local)
{
    enum err err = directory_backup(local->directory, local->ask->key, local->fault);
    if (err != OK)
        return err;
    json_put_bool(&local->json, "ok", true);
    json_put_text(&local->json, "path", local->ask->key);
    return OK;
}

static enum err compact(struct local *local)
{
    uint64_t before = 0;
    uint64_t after = 0;
    enum err err = directory_compact(local->directory, &before, &after, local->fault);
    if (err != OK)
        return err;
    json_put_bool(&local->json, "ok", true);
    json_put_u64(&local->json, "before_bytes", before);
    json_put_u64(&local->json, "after_bytes", after);
    return OK;
}

enum err cli_directory_local(const struct cli_directory_ask *ask, const char *data, struct fault *fault)
{
    static enum err (*const work[])(struct local *) = {
        [CLI_DIRECTORY_ADD] = edit,      [CLI_DIRECTORY_RETIRE] = edit,       [CLI_DIRECTORY_MOVE] = edit,
        [CLI_DIRECTORY_SUSPEND] = edit,  [CLI_DIRECTORY_RESTORE] = edit,      [CLI_DIRECTORY_REMOVE] = edit,
        [CLI_DIRECTORY_PASSWD] = edit,   [CLI_DIRECTORY_SHOW] = show,         [CLI_DIRECTORY_HISTORY] = history,
        [CLI_DIRECTORY_IMPORT] = import, [CLI_DIRECTORY_EXPORT] = export_all, [CLI_DIRECTORY_VERIFY] = verify,
        [CLI_DIRECTORY_BACKUP] = backup, [CLI_DIRECTORY_COMPACT] = compact,
    };
    struct directory *directory = NULL;
    enum err err = open_directory(ask, data, &directory, fault);
    if (err == OK) {
        struct local local = {ask, directory, json_into(ask->answer), fault};
        json_object_begin(&local.json);
        err = work[ask->op](&local);
        json_object_end(&local.json);
        directory_close(directory);
        if (err == OK && ask->answer->overflow)
            err = ERR_TOO_LONG;
    }
    if (err != OK && !fault->text[0])
        (void)fault_set(fault, err, NULL, 0, "%s: %s", data, err_text(err));
    return err;
}
