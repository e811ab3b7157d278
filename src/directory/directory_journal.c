/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: rows by sequence number, appended with the change they tell of.
 *   0 u32 checksum over number and all that follows   4 u8 version   5 u8 operation   8 i64 when   16 u64 previous row
 *   24 tagged fields: u8 tag, u8 0, u16 length, bytes. */
#include "directory/directory_journal.h"
#include "directory/directory_priv.h"
#include "store/store_crc.h"
#include "util/buffer.h"

enum { HEAD_LEN = 24, FIELD_HEAD_LEN = 4, ROW_VERSION = 1 };
enum { AT_VERSION = 4, AT_OP = 5, AT_WHEN = 8, AT_PREVIOUS = 16 };
enum { TAG_BY = 1, TAG_NAME, TAG_NOTE, TAG_BEFORE, TAG_AFTER, TAG_COUNT };

const char *directory_op_text(enum directory_op op)
{
    static const char *const texts[] = {"add",    "retire", "move",       "suspend",       "restore",
                                        "remove", "import", "import-set", "import-remove", "passwd"};
    return op < DIRECTORY_OP_COUNT ? texts[op] : "?";
}

static void add_field(struct buffer *out, uint8_t tag, struct span bytes)
{
    uint16_t len = (uint16_t)bytes.len;
    char head[FIELD_HEAD_LEN] = {(char)tag, 0};
    if (!bytes.len)
        return;
    memcpy(head + 2, &len, sizeof(len));
    buffer_add(out, head, sizeof(head));
    buffer_add_span(out, bytes);
}

static enum err add_record(struct buffer *out, uint8_t tag, const struct entry_record *record, struct span name)
{
    char value[ENTRY_VALUE_MAX];
    size_t len;
    struct entry_record open = *record; /* a million rows are no place for old passwords */
    memset(open.ha1, 0, sizeof(open.ha1));
    enum err err = entry_record_encode(&open, name, value, &len);
    if (err == OK)
        add_field(out, tag, span_make(value, len));
    return err;
}

static uint32_t checksum(uint64_t seq, struct span rest)
{
    return store_crc(store_crc(0, span_make((const char *)&seq, sizeof(seq))), rest);
}

enum err directory_row_encode(const struct directory_row *row, char out_value[DIRECTORY_ROW_MAX], size_t *out_len)
{
    char head[HEAD_LEN] = {0};
    head[AT_VERSION] = ROW_VERSION;
    head[AT_OP] = (char)row->op;
    memcpy(head + AT_WHEN, &row->when_ms, sizeof(row->when_ms));
    memcpy(head + AT_PREVIOUS, &row->previous_seq, sizeof(row->previous_seq));
    struct buffer out = buffer_over(out_value, DIRECTORY_ROW_MAX);
    buffer_add(&out, head, sizeof(head));
    add_field(&out, TAG_BY, row->by);
    add_field(&out, TAG_NAME, row->name);
    add_field(&out, TAG_NOTE, row->note);
    enum err err = OK;
    if (row->had_before)
        err = add_record(&out, TAG_BEFORE, &row->before, row->name);
    if (err == OK && row->has_after)
        err = add_record(&out, TAG_AFTER, &row->after, row->name);
    if (err != OK || out.overflow)
        return ERR_TOO_LONG;
    uint32_t crc = checksum(row->seq, span_make(out_value + AT_VERSION, out.len - AT_VERSION));
    memcpy(out_value, &crc, sizeof(crc));
    *out_len = out.len;
    return OK;
}

static enum err fields_split(struct span rest, struct span fields[TAG_COUNT])
{
    while (rest.len) {
        uint16_t len;
        if (rest.len < FIELD_HEAD_LEN)
            return ERR_CORRUPT;
        uint8_t tag = (uint8_t)rest.at[0];
        memcpy(&len, rest.at + 2, sizeof(len));
        if (rest.len - FIELD_HEAD_LEN < len || tag >= TAG_COUNT)
            return ERR_CORRUPT;
        fields[tag] = span_make(rest.at + FIELD_HEAD_LEN, len);
        rest = span_slice(rest, (size_t)FIELD_HEAD_LEN + len, rest.len);
    }
    return OK;
}

enum err directory_row_decode(uint64_t seq, struct span value, struct directory_row *out_row)
{
    uint32_t crc;
    struct span fields[TAG_COUNT] = {{0}};
    if (value.len < HEAD_LEN)
        return ERR_CORRUPT;
    memcpy(&crc, value.at, sizeof(crc));
    if (crc != checksum(seq, span_make(value.at + AT_VERSION, value.len - AT_VERSION)) ||
        value.at[AT_VERSION] != ROW_VERSION || (uint8_t)value.at[AT_OP] >= DIRECTORY_OP_COUNT)
        return ERR_CORRUPT;
    enum err err = fields_split(span_slice(value, HEAD_LEN, value.len), fields);
    if (err != OK)
        return err;
    struct directory_row row = {
        .seq = seq,
        .op = (enum directory_op)value.at[AT_OP],
        .by = fields[TAG_BY],
        .name = fields[TAG_NAME],
        .note = fields[TAG_NOTE],
        .had_before = fields[TAG_BEFORE].len > 0,
        .has_after = fields[TAG_AFTER].len > 0,
    };
    memcpy(&row.when_ms, value.at + AT_WHEN, sizeof(row.when_ms));
    memcpy(&row.previous_seq, value.at + AT_PREVIOUS, sizeof(row.previous_seq));
    if (row.had_before)
        err = entry_record_decode(row.name, fields[TAG_BEFORE], &row.before);
    if (err == OK && row.has_after)
        err = entry_record_decode(row.name, fields[TAG_AFTER], &row.after);
    if (err == OK)
        *out_row = row;
    return err;
}

static enum err trim_one(struct store_txn *txn)
{
    struct store_cursor *cursor;
    struct span key, value;
    uint64_t seq = 0;
    enum err err = store_cursor_open(txn, DIRECTORY_JOURNAL, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, STORE_FIRST, &key, &value);
    if (err == OK && !store_key_to_u64(key, &seq))
        err = ERR_CORRUPT;
    store_cursor_close(cursor);
    return err == OK ? store_delete(txn, DIRECTORY_JOURNAL, store_key_u64(&seq)) : err;
}

enum err directory_journal_put(struct store_txn *txn, struct directory_counts *counts, struct span value,
                               uint64_t journal_cap)
{
    uint64_t rows;
    enum err err = store_put(txn, DIRECTORY_JOURNAL, store_key_u64(&counts->next_seq), value, STORE_PUT_APPEND);
    if (err == OK)
        err = store_count(txn, DIRECTORY_JOURNAL, &rows);
    /* Two for one: so a journal above a cap that was lowered shrinks. */
    for (uint64_t i = 0; err == OK && i < 2 && rows > journal_cap + i; i++)
        err = trim_one(txn);
    if (err == OK)
        counts->next_seq++;
    return err == ERR_EXISTS || err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err directory_journal_append(struct store_txn *txn, struct directory_counts *counts, struct directory_row *row,
                                  uint64_t journal_cap)
{
    char value[DIRECTORY_ROW_MAX];
    size_t len;
    row->seq = counts->next_seq;
    enum err err = directory_row_encode(row, value, &len);
    return err == OK ? directory_journal_put(txn, counts, span_make(value, len), journal_cap) : err;
}

enum err directory_journal_get(struct store_txn *txn, uint64_t seq, struct directory_row *out_row)
{
    struct span value;
    enum err err = store_get(txn, DIRECTORY_JOURNAL, store_key_u64(&seq), &value);
    return err == OK ? directory_row_decode(seq, value, out_row) : err;
}

/* A walk through the journal that gives its snapshot back every 10,000 rows. */
struct walk {
    struct directory_generation *generation;
    struct store_reader *reader;
    struct store_txn *txn;
    struct store_cursor *cursor;
    uint64_t since_renewal;
};

static enum err walk_renew(struct walk *walk)
{
    store_reader_end(walk->reader);
    enum err err = store_reader_begin(walk->reader, &walk->txn, NULL);
    if (err != OK)
        return err;
    walk->since_renewal = 0;
    return walk->cursor ? store_cursor_renew(walk->cursor, walk->txn)
                        : store_cursor_open(walk->txn, DIRECTORY_JOURNAL, &walk->cursor);
}

static enum err walk_begin(struct directory *directory, struct walk *walk)
{
    *walk = (struct walk){.generation = directory_generation_ref(directory)};
    if (!walk->generation)
        return ERR_AGAIN;
    enum err err = store_reader_open(walk->generation->store, &walk->reader);
    return err == OK ? walk_renew(walk) : err;
}

static void walk_end(struct walk *walk)
{
    store_cursor_close(walk->cursor);
    store_reader_close(walk->reader);
    if (walk->generation)
        directory_generation_unref(walk->generation);
}

/* A new snapshot, and the cursor back on row `seq`.  ERR_CLOSED: it was trimmed meanwhile. */
static enum err walk_return(struct walk *walk, uint64_t seq)
{
    struct span key = store_key_u64(&seq), value;
    uint64_t found;
    enum err err = walk_renew(walk);
    if (err == OK)
        err = store_cursor_move(walk->cursor, STORE_AT_OR_AFTER, &key, &value);
    if (err != OK)
        return err;
    return store_key_to_u64(key, &found) && found == seq ? OK : ERR_CLOSED;
}

/* Moves and decodes; *io_seq is where it stands. */
static enum err walk_row(struct walk *walk, enum store_seek seek, uint64_t *io_seq, struct directory_row *out_row)
{
    struct span key = store_key_u64(io_seq), value;
    uint64_t seq;
    enum err err = OK;
    if (walk->since_renewal++ >= DIRECTORY_RENEW_ROWS)
        err = walk_return(walk, *io_seq);
    if (err == OK)
        err = store_cursor_move(walk->cursor, seek, &key, &value);
    if (err != OK)
        return err;
    if (!store_key_to_u64(key, &seq))
        return ERR_CORRUPT;
    *io_seq = seq;
    return directory_row_decode(seq, value, out_row);
}

/* ERR_CLOSED when rows from `from_seq` on were trimmed. */
static enum err check_oldest(struct walk *walk, uint64_t from_seq)
{
    struct span key = {0}, value;
    uint64_t oldest;
    enum err err = store_cursor_move(walk->cursor, STORE_FIRST, &key, &value);
    if (err == OK && !store_key_to_u64(key, &oldest))
        return ERR_CORRUPT;
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    return from_seq < oldest && oldest > 1 && from_seq > 0 ? ERR_CLOSED : OK;
}

enum err directory_journal_read(struct directory *directory, uint64_t from_seq, uint64_t max, directory_row_fn fn,
                                void *ctx, uint64_t *out_next)
{
    struct walk walk;
    struct directory_row row;
    /* An import that is about to switch has reserved numbers for its rows: they come first. Read before the snapshot. */
    uint64_t limit = atomic_load(&directory->journal_limit);
    uint64_t next = from_seq;
    enum err err = walk_begin(directory, &walk);
    if (err == OK)
        err = check_oldest(&walk, from_seq);
    uint64_t seq = from_seq;
    for (uint64_t count = 0; err == OK && count < max; count++) {
        err = walk_row(&walk, count ? STORE_NEXT : STORE_AT_OR_AFTER, &seq, &row);
        if (err == OK && seq >= limit)
            break;
        if (err == OK)
            err = fn(ctx, &row);
        if (err == OK)
            next = seq + 1;
    }
    walk_end(&walk);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (out_next)
        *out_next = next;
    return OK;
}

/* Where an entry's chain of rows begins: at its record, or, when it was removed, at the last row that names it. */
static enum err history_begin(struct walk *walk, struct span name, uint64_t *out_seq)
{
    struct span value;
    struct entry_record record;
    enum err err = store_get(walk->txn, DIRECTORY_RECORDS, name, &value);
    if (err == OK)
        err = entry_record_decode(name, value, &record);
    if (err == OK)
        *out_seq = record.seq;
    if (err != ERR_NOT_FOUND)
        return err;
    struct directory_row row;
    uint64_t seq = 0;
    err = walk_row(walk, STORE_LAST, &seq, &row);
    while (err == OK && !span_equal(row.name, name))
        err = walk_row(walk, STORE_PREV, &seq, &row);
    if (err == OK)
        *out_seq = seq;
    return err == ERR_CLOSED ? ERR_NOT_FOUND : err; /* older rows are gone */
}

enum err directory_history(struct directory *directory, const struct entry_name *name, uint64_t max,
                           directory_row_fn fn, void *ctx)
{
    struct walk walk;
    uint64_t seq = 0, count = 0;
    enum err err = walk_begin(directory, &walk);
    if (err == OK)
        err = history_begin(&walk, entry_name_span(name), &seq);
    while (err == OK && seq && count < max) {
        struct directory_row row;
        err = directory_journal_get(walk.txn, seq, &row);
        if (err == ERR_NOT_FOUND)
            break; /* trimmed: the chain ends */
        if (err == OK && row.previous_seq >= seq)
            err = ERR_CORRUPT;
        if (err == OK)
            err = fn(ctx, &row);
        seq = err == OK ? row.previous_seq : 0;
        count++;
    }
    walk_end(&walk);
    if (err == OK || err == ERR_NOT_FOUND)
        return count ? OK : ERR_NOT_FOUND;
    return err;
}
