/* SPDX-License-Identifier: Apache-2.0 */
/* A file as lines, lines as fields, fields as an item; every error with its line and what was expected. */
#include "entry/entry_input.h"
#include "entry/entry_time.h"
#include "store/store_file.h"
#include "util/arena.h"

#include <errno.h>
#include <unistd.h>

static const char *const column_texts[ENTRY_COL_COUNT] = {"kind",  "key",     "state",      "forward",
                                                          "since", "cause",   "by",         "reassign_after",
                                                          "note",  "ha1_md5", "ha1_sha256", "ha1_sha512_256"};

const char *entry_column_text(enum entry_column column)
{
    return column_texts[column];
}

enum entry_column entry_column_find(struct span text)
{
    int column = 0;
    while (column < ENTRY_COL_COUNT && !span_equal(text, span_of(column_texts[column])))
        column++;
    return (enum entry_column)column;
}

enum err entry_read_fd(void *ctx, char *buffer, size_t cap, size_t *out_len)
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

void entry_input_init(struct entry_input *input, enum entry_format format, const char *file, entry_read_fn read_fn,
                      void *read_ctx)
{
    input->format = format;
    input->read = read_fn;
    input->read_ctx = read_ctx;
    input->file = file;
    input->line = 0;
    input->at_end = false;
    input->have_header = false;
    input->column_count = 0;
    input->begin = input->end = 0;
}

static enum err input_fault(const struct entry_input *input, struct fault *fault, enum err err, const char *why)
{
    return fault_set(fault, err, input->file, input->line, "%s", why);
}

/* Moves what is unread to the front and reads more behind it. */
static enum err refill(struct entry_input *input, struct fault *fault)
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
static enum err next_line(struct entry_input *input, struct span *out_line, struct fault *fault)
{
    for (;;) {
        struct span rest = span_make(input->bytes + input->begin, input->end - input->begin);
        size_t len = span_find(rest, '\n');
        if (len == rest.len && !input->at_end && len <= ENTRY_LINE_MAX) {
            enum err err = refill(input, fault);
            if (err != OK)
                return err;
            continue;
        }
        if (!rest.len)
            return ERR_NOT_FOUND;
        input->line++;
        if (len > ENTRY_LINE_MAX)
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

static enum err next_filled_line(struct entry_input *input, struct span *out_line, struct fault *fault)
{
    struct span line = {0};
    enum err err;
    do
        err = next_line(input, &line, fault);
    while (err == OK && !span_trim(line).len);
    *out_line = line;
    return err;
}

static enum err read_header(struct entry_input *input, struct fault *fault)
{
    static const char expected[] = "expected a first line with some of the columns "
                                   "kind,key,state,forward,since,cause,by,reassign_after,note,ha1_md5,ha1_sha256,"
                                   "ha1_sha512_256, key among them";
    struct span line;
    struct span names[ENTRY_COL_COUNT];
    const char *why;
    bool seen[ENTRY_COL_COUNT] = {false};
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    enum err err = next_filled_line(input, &line, fault);
    if (err == ERR_NOT_FOUND) {
        input->line = 1;
        return input_fault(input, fault, ERR_SYNTAX, expected);
    }
    if (err != OK)
        return err;
    if (entry_csv_split(line, &scratch, names, ENTRY_COL_COUNT, &input->column_count, &why) != OK)
        return input_fault(input, fault, ERR_SYNTAX, expected);
    for (unsigned i = 0; i < input->column_count; i++) {
        enum entry_column column = entry_column_find(span_trim(names[i]));
        if (column == ENTRY_COL_COUNT || seen[column])
            return input_fault(input, fault, ERR_SYNTAX, expected);
        seen[column] = true;
        input->columns[i] = column;
    }
    input->have_header = true;
    return seen[ENTRY_COL_KEY] ? OK : input_fault(input, fault, ERR_SYNTAX, expected);
}

static enum err csv_fields(struct entry_input *input, struct span line, struct entry_fields *out_fields,
                           struct fault *fault)
{
    struct span texts[ENTRY_COL_COUNT];
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    unsigned count;
    const char *why = "";
    if (entry_csv_split(line, &scratch, texts, input->column_count, &count, &why) != OK)
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

enum err entry_input_next(struct entry_input *input, struct entry_fields *out_fields, struct fault *fault)
{
    struct span line;
    enum err err = OK;
    if (input->format == ENTRY_CSV && !input->have_header)
        err = read_header(input, fault);
    if (err == OK)
        err = next_filled_line(input, &line, fault);
    if (err != OK)
        return err;
    *out_fields = (struct entry_fields){.text = {{0}}};
    if (input->format == ENTRY_CSV)
        return csv_fields(input, line, out_fields, fault);
    struct arena scratch = arena_over(input->scratch, sizeof(input->scratch));
    const char *why = "";
    err = entry_json_fields(line, &scratch, out_fields, &why);
    return err == OK ? OK : input_fault(input, fault, err, why);
}

static enum err read_time(const struct entry_fields *fields, enum entry_column column, int64_t *out_ms,
                          struct fault *fault)
{
    struct span text = fields->text[column];
    *out_ms = 0;
    if (!text.len || entry_time_parse(text, out_ms))
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
 * known (directory_load.c). */
static enum err check_item(const struct entry_item *item, int64_t now_ms, struct fault *fault)
{
    const struct entry_record *record = &item->record;
    struct entry_record asked = *record;
    if (!item->forward_given && record->state == ENTRY_MOVED)
        asked.forward = SPAN("sip:later");
    return entry_check(&asked, now_ms, fault);
}

static int hex_of(char byte)
{
    char lower = (char)(byte | 0x20);
    return byte >= '0' && byte <= '9' ? byte - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool entry_ha1_read(enum digest_kind kind, struct span hex, char out_bytes[DIGEST_MAX])
{
    bool fine = hex.len == 2 * digest_len(kind);
    for (size_t i = 0; fine && i < hex.len; i += 2) {
        int high = hex_of(hex.at[i]), low = hex_of(hex.at[i + 1]);
        fine = high >= 0 && low >= 0;
        out_bytes[i / 2] = (char)(high * 16 + low);
    }
    return fine;
}

static enum err read_passwords(const struct entry_fields *fields, struct entry_item *item, struct fault *fault)
{
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        int column = ENTRY_COL_HA1_MD5 + kind;
        struct span text = fields->text[column];
        item->ha1_given[kind] = fields->given[column];
        if (!text.len)
            continue;
        if (entry_name_kind(entry_name_span(&item->name)) != ENTRY_ACCOUNT)
            return fault_set(fault, ERR_INVALID, NULL, 0, "%s: a password belongs to an account only",
                             column_texts[column]);
        if (!entry_ha1_read((enum digest_kind)kind, text, item->ha1[kind]))
            return fault_set(fault, ERR_INVALID, NULL, 0, "%s: expected %zu hexadecimal digits", column_texts[column],
                             2 * digest_len((enum digest_kind)kind));
        item->record.ha1[kind] = span_make(item->ha1[kind], digest_len((enum digest_kind)kind));
    }
    return OK;
}

enum err entry_item_read(const struct entry_fields *fields, int64_t now_ms, struct entry_item *out_item,
                         struct fault *fault)
{
    const struct span *text = fields->text;
    struct entry_record *record = &out_item->record;
    enum entry_kind kind = ENTRY_KIND_COUNT;
    *record = (struct entry_record){
        .forward = text[ENTRY_COL_FORWARD], .by = text[ENTRY_COL_BY], .note = text[ENTRY_COL_NOTE]};
    if (text[ENTRY_COL_KIND].len && !entry_kind_parse(text[ENTRY_COL_KIND], &kind))
        return fault_set(fault, ERR_INVALID, NULL, 0, "kind: expected account, number, range, domain or nothing");
    if (text[ENTRY_COL_STATE].len && !entry_state_parse(text[ENTRY_COL_STATE], &record->state))
        return fault_set(fault, ERR_INVALID, NULL, 0, "state: expected active, suspended, moved, gone or nothing");
    enum err err = read_time(fields, ENTRY_COL_SINCE, &record->since_ms, fault);
    if (err == OK)
        err = read_time(fields, ENTRY_COL_REASSIGN, &record->reassign_after_ms, fault);
    if (err == OK)
        err = read_cause(text[ENTRY_COL_CAUSE], &record->cause, fault);
    if (err == OK)
        err = entry_name_parse(text[ENTRY_COL_KEY], kind, &out_item->name, fault);
    if (err == OK)
        err = read_passwords(fields, out_item, fault);
    out_item->since_given = text[ENTRY_COL_SINCE].len > 0;
    out_item->by_given = text[ENTRY_COL_BY].len > 0;
    out_item->forward_given = fields->given[ENTRY_COL_FORWARD];
    out_item->cause_given = fields->given[ENTRY_COL_CAUSE];
    out_item->reassign_given = fields->given[ENTRY_COL_REASSIGN];
    out_item->note_given = fields->given[ENTRY_COL_NOTE];
    return err == OK ? check_item(out_item, now_ms, fault) : err;
}
