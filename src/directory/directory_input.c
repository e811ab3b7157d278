/* SPDX-License-Identifier: Apache-2.0 */
/* A file as lines, lines as fields, fields as an item; every error with its line and what was expected. */
#include "directory/directory_input.h"
#include "directory/directory_priv.h"
#include "util/arena.h"

#include <errno.h>
#include <unistd.h>

static const char *const column_texts[DIRECTORY_COL_COUNT] = {"kind",  "key", "state",          "forward", "since",
                                                              "cause", "by",  "reassign_after", "note"};

const char *directory_column_text(enum directory_column column)
{
    return column_texts[column];
}

enum directory_column directory_column_find(struct span text)
{
    int column = 0;
    while (column < DIRECTORY_COL_COUNT && !span_equal(text, span_of(column_texts[column])))
        column++;
    return (enum directory_column)column;
}

enum err directory_read_fd(void *ctx, char *buffer, size_t cap, size_t *out_len)
{
    const int *fd = ctx;
    ssize_t got;
    do
        got = read(*fd, buffer, cap);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return store_errno(errno);
    *out_len = (size_t)got;
    return OK;
}

void directory_input_init(struct directory_input *input, const struct directory_import_options *options,
                          directory_read_fn read_fn, void *read_ctx)
{
    input->format = options->format;
    input->read = read_fn;
    input->read_ctx = read_ctx;
    input->file = options->file;
    input->line = 0;
    input->at_end = false;
    input->have_header = false;
    input->column_count = 0;
    input->begin = input->end = 0;
}

static enum err input_fault(const struct directory_input *input, struct fault *fault, enum err err, const char *why)
{
    return fault_set(fault, err, input->file, input->line, "%s", why);
}

/* Moves what is unread to the front and reads more behind it. */
static enum err refill(struct directory_input *input, struct fault *fault)
{
    size_t got = 0;
    memmove(input->bytes, input->bytes + input->begin, input->end - input->begin);
    input->end -= input->begin;
    input->begin = 0;
    enum err err = input->read(input->read_ctx, input->bytes + input->end, sizeof(input->bytes) - input->end, &got);
    if (err != OK)
        return fault_set(fault, err, input->file, input->line, "cannot be read further: %s", err_text(err));
    input->at_end = got == 0;
    input->end += got;
    return OK;
}

/* The next line without its end.  ERR_NOT_FOUND: no more. */
static enum err next_line(struct directory_input *input, struct span *out_line, struct fault *fault)
{
    for (;;) {
        struct span rest = span_make(input->bytes + input->begin, input->end - input->begin);
        size_t len = span_find(rest, '\n');
        if (len == rest.len && !input->at_end && len <= DIRECTORY_LINE_MAX) {
            enum err err = refill(input, fault);
            if (err != OK)
                return err;
            continue;
        }
        if (!rest.len)
            return ERR_NOT_FOUND;
        input->line++;
        if (len > DIRECTORY_LINE_MAX)
            return input_fault(input, fault, ERR_TOO_LONG, "expected a line of at most 16384 bytes");
        input->begin += len < rest.len ? len + 1 : len;
        struct span line = span_slice(rest, 0, len);
        if (line.len && line.at[line.len - 1] == '\r')
            line.len--;
        if (input->line == 1 && span_starts_with(line, SPAN("\xef\xbb\xbf"))) /* a byte order mark */
            line = span_slice(line, 3, line.len);
        *out_line = line;
        return OK;
    }
}

static enum err next_filled_line(struct directory_input *input, struct span *out_line, struct fault *fault)
{
    struct span line = {0};
    enum err err;
    do
        err = next_line(input, &line, fault);
    while (err == OK && !span_trim(line).len);
    *out_line = line;
    return err;
}

static enum err read_header(struct directory_input *input, struct fault *fault)
{
    static const char expected[] = "expected a first line with some of the columns "
                                   "kind,key,state,forward,since,cause,by,reassign_after,note, key among them";
    struct span line;
    struct span names[DIRECTORY_COL_COUNT];
    const char *why;
    bool seen[DIRECTORY_COL_COUNT] = {false};
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    enum err err = next_filled_line(input, &line, fault);
    if (err == ERR_NOT_FOUND) {
        input->line = 1;
        return input_fault(input, fault, ERR_SYNTAX, expected);
    }
    if (err != OK)
        return err;
    if (directory_csv_split(line, &scratch, names, DIRECTORY_COL_COUNT, &input->column_count, &why) != OK)
        return input_fault(input, fault, ERR_SYNTAX, expected);
    for (unsigned i = 0; i < input->column_count; i++) {
        enum directory_column column = directory_column_find(span_trim(names[i]));
        if (column == DIRECTORY_COL_COUNT || seen[column])
            return input_fault(input, fault, ERR_SYNTAX, expected);
        seen[column] = true;
        input->columns[i] = column;
    }
    input->have_header = true;
    return seen[DIRECTORY_COL_KEY] ? OK : input_fault(input, fault, ERR_SYNTAX, expected);
}

static enum err csv_fields(struct directory_input *input, struct span line, struct directory_fields *out_fields,
                           struct fault *fault)
{
    struct span texts[DIRECTORY_COL_COUNT];
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    unsigned count;
    const char *why = "";
    if (directory_csv_split(line, &scratch, texts, input->column_count, &count, &why) != OK)
        return input_fault(input, fault, ERR_SYNTAX, why);
    if (count != input->column_count)
        return fault_set(fault, ERR_SYNTAX, input->file, input->line,
                         "expected %u fields as in the first line, found %u", input->column_count, count);
    for (unsigned i = 0; i < count; i++) {
        out_fields->text[input->columns[i]] = span_trim(texts[i]);
        out_fields->given[input->columns[i]] = true;
    }
    return OK;
}

enum err directory_input_next(struct directory_input *input, struct directory_fields *out_fields, struct fault *fault)
{
    struct span line;
    enum err err = OK;
    if (input->format == DIRECTORY_CSV && !input->have_header)
        err = read_header(input, fault);
    if (err == OK)
        err = next_filled_line(input, &line, fault);
    if (err != OK)
        return err;
    *out_fields = (struct directory_fields){.text = {{0}}};
    if (input->format == DIRECTORY_CSV)
        return csv_fields(input, line, out_fields, fault);
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    const char *why = "";
    err = directory_json_fields(line, &scratch, out_fields, &why);
    return err == OK ? OK : input_fault(input, fault, err, why);
}

static enum err read_time(const struct directory_fields *fields, enum directory_column column, int64_t *out_ms,
                          struct fault *fault)
{
    struct span text = fields->text[column];
    *out_ms = 0;
    if (!text.len || directory_time_parse(text, out_ms))
        return OK;
    return fault_set(fault, ERR_INVALID, NULL, 0, "%s: expected a time as 2026-01-31T12:00:00Z, or a date",
                     column_texts[column]);
}

static enum err read_cause(struct span text, uint16_t *out_cause, struct fault *fault)
{
    uint32_t cause = 0;
    if (text.len && (!span_to_u32(text, &cause) || cause < 1 || cause > 127))
        return fault_set(fault, ERR_INVALID, NULL, 0, "cause: expected a Q.850 cause from 1 to 127, or nothing");
    *out_cause = (uint16_t)cause;
    return OK;
}

/* As a change that adds it would be checked; a forwarding address that the row does not give is looked at when it is
 * known (directory_import.c). */
static enum err check_item(const struct directory_item *item, int64_t now_ms, struct fault *fault)
{
    const struct directory_record *record = &item->record;
    bool later = !item->forward_given && record->state == DIRECTORY_MOVED;
    struct directory_change change = {
        .op = DIRECTORY_OP_ADD,
        .state = record->state,
        .forward = later ? SPAN("sip:later") : record->forward,
        .by = record->by,
        .note = record->note,
        .since_ms = record->since_ms,
        .cause = record->cause,
        .reassign_after_ms = record->reassign_after_ms,
    };
    return directory_change_fields_check(&change, now_ms, fault);
}

enum err directory_item_read(const struct directory_fields *fields, int64_t now_ms, struct directory_item *out_item,
                             struct fault *fault)
{
    const struct span *text = fields->text;
    struct directory_record *record = &out_item->record;
    enum directory_kind kind = DIRECTORY_KIND_COUNT;
    *record = (struct directory_record){
        .forward = text[DIRECTORY_COL_FORWARD], .by = text[DIRECTORY_COL_BY], .note = text[DIRECTORY_COL_NOTE]};
    if (text[DIRECTORY_COL_KIND].len && !directory_kind_parse(text[DIRECTORY_COL_KIND], &kind))
        return fault_set(fault, ERR_INVALID, NULL, 0, "kind: expected account, number, range, domain or nothing");
    if (text[DIRECTORY_COL_STATE].len && !directory_state_parse(text[DIRECTORY_COL_STATE], &record->state))
        return fault_set(fault, ERR_INVALID, NULL, 0, "state: expected active, suspended, moved, gone or nothing");
    enum err err = read_time(fields, DIRECTORY_COL_SINCE, &record->since_ms, fault);
    if (err == OK)
        err = read_time(fields, DIRECTORY_COL_REASSIGN, &record->reassign_after_ms, fault);
    if (err == OK)
        err = read_cause(text[DIRECTORY_COL_CAUSE], &record->cause, fault);
    if (err == OK)
        err = directory_name_parse(text[DIRECTORY_COL_KEY], kind, &out_item->name, fault);
    out_item->since_given = text[DIRECTORY_COL_SINCE].len > 0;
    out_item->by_given = text[DIRECTORY_COL_BY].len > 0;
    out_item->forward_given = fields->given[DIRECTORY_COL_FORWARD];
    out_item->cause_given = fields->given[DIRECTORY_COL_CAUSE];
    out_item->reassign_given = fields->given[DIRECTORY_COL_REASSIGN];
    out_item->note_given = fields->given[DIRECTORY_COL_NOTE];
    return err == OK ? check_item(out_item, now_ms, fault) : err;
}
