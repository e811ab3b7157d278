/* SPDX-License-Identifier: Apache-2.0 */
/* Entries by kind and state, and the journal's next number: one row, written with every change.  A lookup skips kinds of
 * which there are none, and a sum that differs from the table's own count is damage. */
#include "directory/directory_priv.h"
#include "store/store_crc.h"

struct counts_row {
    struct directory_counts counts;
    uint64_t crc; /* 64 bits: no padding */
};

static const struct span counts_key = {"counts", 6};

uint64_t directory_counts_kind(const struct directory_counts *counts, enum entry_kind kind)
{
    uint64_t sum = 0;
    for (int state = 0; state < ENTRY_STATE_COUNT; state++)
        sum += counts->entries[kind][state];
    return sum;
}

uint64_t directory_counts_total(const struct directory_counts *counts)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < ENTRY_KIND_COUNT; kind++)
        sum += directory_counts_kind(counts, (enum entry_kind)kind);
    return sum;
}

enum err directory_counts_read(struct store_txn *txn, struct directory_counts *out_counts)
{
    struct span value;
    struct counts_row row;
    uint64_t records;
    enum err err = store_get(txn, DIRECTORY_META, counts_key, &value);
    if (err == ERR_NOT_FOUND || (err == OK && value.len != sizeof(row)))
        return ERR_CORRUPT;
    if (err == OK)
        err = store_count(txn, DIRECTORY_RECORDS, &records);
    if (err != OK)
        return err;
    memcpy(&row, value.at, sizeof(row));
    if (row.crc != store_crc(0, span_make((const char *)&row.counts, sizeof(row.counts))) ||
        directory_counts_total(&row.counts) != records)
        return ERR_CORRUPT;
    *out_counts = row.counts;
    return OK;
}

enum err directory_counts_write(struct store_txn *txn, const struct directory_counts *counts)
{
    struct counts_row row = {.counts = *counts};
    row.crc = store_crc(0, span_make((const char *)&row.counts, sizeof(row.counts)));
    return store_put(txn, DIRECTORY_META, counts_key, span_make((const char *)&row, sizeof(row)), STORE_PUT_REPLACE);
}
