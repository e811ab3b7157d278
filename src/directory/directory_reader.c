/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups: a snapshot a turn, one search for a hit, kinds without entries are not asked. */
#include "directory/directory_reader.h"
#include "directory/directory_priv.h"

#include <stdlib.h>

struct directory_reader {
    struct directory *directory;
    struct directory_generation *generation; /* NULL: none was open when we looked */
    struct store_reader *store;
    struct store_cursor *cursor;
    bool active; /* the snapshot of this turn is taken, and the cursor is on it */
    bool counted;
    uint64_t counts_txn; /* the snapshot whose counts these are */
    uint64_t kinds[ENTRY_KIND_COUNT];
    uint64_t total;
};

/* Leaves the generation; the last one out lets it be closed (elsewhere). */
static void reader_leave(struct directory_reader *reader)
{
    store_cursor_close(reader->cursor);
    store_reader_close(reader->store);
    if (reader->generation)
        directory_generation_unref(reader->generation);
    reader->cursor = NULL;
    reader->store = NULL;
    reader->generation = NULL;
    reader->active = false;
    reader->counted = false;
}

enum err directory_reader_open(struct directory *directory, struct directory_reader **out_reader)
{
    struct directory_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return ERR_NOMEM;
    reader->directory = directory;
    *out_reader = reader;
    return OK;
}

void directory_reader_close(struct directory_reader *reader)
{
    if (!reader)
        return;
    reader_leave(reader);
    free(reader);
}

static bool is_outdated(const struct directory_reader *reader)
{
    uint64_t number = atomic_load_explicit(&reader->directory->generation_number, memory_order_acquire);
    return reader->generation && reader->generation->number != number;
}

void directory_reader_turn_end(struct directory_reader *reader)
{
    if (reader->active)
        store_reader_end(reader->store);
    reader->active = false;
    if (is_outdated(reader))
        reader_leave(reader);
}

static enum err reader_enter(struct directory_reader *reader)
{
    reader->generation = directory_generation_ref(reader->directory);
    if (!reader->generation)
        return directory_status(reader->directory) == DIRECTORY_UNREADABLE ? ERR_CORRUPT : ERR_AGAIN;
    enum err err = store_reader_open(reader->generation->store, &reader->store);
    if (err != OK)
        reader_leave(reader);
    return err;
}

static enum err place_cursor(struct directory_reader *reader, struct store_txn *txn)
{
    if (reader->cursor)
        return store_cursor_renew(reader->cursor, txn);
    return store_cursor_open(txn, DIRECTORY_RECORDS, &reader->cursor);
}

/* Counts change only with the snapshot's number, so most turns read none. */
static enum err read_counts(struct directory_reader *reader, struct store_txn *txn)
{
    struct directory_counts counts;
    if (reader->counted && reader->counts_txn == store_txn_id(txn))
        return OK;
    enum err err = directory_counts_read(txn, &counts);
    if (err != OK)
        return err;
    reader->total = 0;
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++) {
        reader->kinds[kind] = directory_counts_kind(&counts, (enum entry_kind)kind);
        reader->total += reader->kinds[kind];
    }
    reader->counts_txn = store_txn_id(txn);
    reader->counted = true;
    return OK;
}

static enum err turn_begin(struct directory_reader *reader)
{
    struct store_txn *txn;
    if (is_outdated(reader))
        reader_leave(reader);
    enum err err = reader->generation ? OK : reader_enter(reader);
    if (err != OK)
        return err;
    err = store_reader_begin(reader->store, &txn, NULL);
    if (err == OK)
        err = place_cursor(reader, txn);
    if (err == OK)
        err = read_counts(reader, txn);
    if (err == OK && reader->total == 0)
        err = ERR_AGAIN; /* emptied, or not filled yet: that nobody is known is no fact about anybody */
    if (err != OK) {
        store_reader_end(reader->store);
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    reader->active = true;
    return OK;
}

static enum err ensure_turn(struct directory_reader *reader)
{
    return __builtin_expect(reader->active, 1) ? OK : turn_begin(reader);
}

static void add_lower(struct entry_name *name, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        name->bytes[name->len++] = (unsigned char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
}

static enum err find(struct directory_reader *reader, const struct entry_name *name, struct entry_record *out_record)
{
    return directory_seek_exact(reader->cursor, entry_name_span(name), out_record);
}

static enum err find_account(struct directory_reader *reader, const struct directory_key *key,
                             struct entry_record *out_record)
{
    struct entry_name name;
    if (!reader->kinds[ENTRY_ACCOUNT] || entry_name_account(key->aor_user, key->aor_host, &name) != OK)
        return ERR_NOT_FOUND;
    return find(reader, &name, out_record);
}

static enum err find_domain(struct directory_reader *reader, struct span domain, struct entry_record *out_record)
{
    struct entry_name name = {.len = 1};
    if (!reader->kinds[ENTRY_DOMAIN] || !domain.len || domain.len + 1 > ENTRY_KEY_MAX)
        return ERR_NOT_FOUND;
    name.bytes[0] = entry_kind_bytes[ENTRY_DOMAIN];
    add_lower(&name, domain);
    return find(reader, &name, out_record);
}

static enum err find_number(struct directory_reader *reader, struct span number, struct entry_record *out_record)
{
    struct entry_name name;
    uint64_t value;
    if (number.len && number.at[0] == '+')
        number = span_slice(number, 1, number.len);
    if (!number.len || number.len > ENTRY_NUMBER_DIGITS || !span_to_u64(number, &value))
        return ERR_NOT_FOUND;
    enum err err = ERR_NOT_FOUND;
    if (reader->kinds[ENTRY_NUMBER]) {
        name.bytes[0] = entry_kind_bytes[ENTRY_NUMBER];
        memcpy(name.bytes + 1, number.at, number.len);
        name.len = 1 + number.len;
        err = find(reader, &name, out_record);
    }
    if (err == ERR_NOT_FOUND && reader->kinds[ENTRY_RANGE])
        err = directory_range_find(reader->cursor, (unsigned)number.len, value, out_record);
    return err;
}

enum err directory_lookup(struct directory_reader *reader, const struct directory_key *key,
                          struct entry_record *out_record)
{
    enum err err = ensure_turn(reader);
    if (err != OK)
        return err;
    err = find_account(reader, key, out_record);
    if (err == ERR_NOT_FOUND)
        err = find_number(reader, key->number, out_record);
    if (err == ERR_NOT_FOUND)
        err = find_domain(reader, key->domain, out_record);
    return err;
}

enum err directory_find(struct directory_reader *reader, const struct entry_name *name, struct entry_record *out_record)
{
    enum err err = ensure_turn(reader);
    return err == OK ? find(reader, name, out_record) : err;
}
