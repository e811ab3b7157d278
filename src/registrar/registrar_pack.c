/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows as one value of the journal: one entry of LMDB's tree costs as much as the rest of a row, and the pages of a
 * large value lie side by side, so that one system call writes them.
 *
 *   u32 bytes that follow these eight · u8 format (2) · u8 0 · u16 rows · then each row behind its length, a u32
 *
 * Numbers are little-endian.  A value of format 1 is one row as it is (registrar_row.c has its format in the same place):
 * what was written before there were packs is read like them. */
#include "registrar/registrar_batch.h"

enum { HEAD_LEN = 8, LENGTH_LEN = 4, AT_FORMAT = 4, AT_ROWS = 6, FORMAT_ROW = 1, FORMAT_PACK = 2 };
/* A large value wants as many free pages side by side. */
enum { PACK_BYTES_MAX = 32 * 1024, PACK_ROWS_MAX = 1024 };

static void put_number(char *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * i));
}

static uint32_t get_number(const char *at, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)(unsigned char)at[i] << (8 * i);
    return value;
}

void registrar_packs_clear(struct registrar_packs *packs)
{
    buffer_clear(&packs->bytes);
    packs->open_at = packs->open_rows = 0;
}

void registrar_packs_begin_row(struct registrar_packs *packs)
{
    static const char nothing[HEAD_LEN] = {[AT_FORMAT] = FORMAT_PACK};
    struct buffer *bytes = &packs->bytes;
    bool is_new = !bytes->len || packs->open_rows == PACK_ROWS_MAX || bytes->len - packs->open_at > PACK_BYTES_MAX;
    packs->row_at = bytes->len;
    packs->row_is_first = is_new;
    if (is_new)
        buffer_add(bytes, nothing, HEAD_LEN);
    buffer_add(bytes, nothing, LENGTH_LEN);
}

bool registrar_packs_end_row(struct registrar_packs *packs)
{
    struct buffer *bytes = &packs->bytes;
    if (bytes->overflow) {
        bytes->overflow = false;
        bytes->len = packs->row_at;
        return false;
    }
    size_t length_at = packs->row_at + (packs->row_is_first ? HEAD_LEN : 0);
    put_number(bytes->at + length_at, bytes->len - length_at - LENGTH_LEN, LENGTH_LEN);
    if (packs->row_is_first) {
        packs->open_at = packs->row_at;
        packs->open_rows = 0;
    }
    packs->open_rows++;
    put_number(bytes->at + packs->open_at, bytes->len - packs->open_at - HEAD_LEN, LENGTH_LEN);
    put_number(bytes->at + packs->open_at + AT_ROWS, packs->open_rows, 2);
    return true;
}

struct span registrar_packs_take(struct span *rest, unsigned *out_rows)
{
    size_t len = HEAD_LEN + get_number(rest->at, LENGTH_LEN);
    struct span value = span_slice(*rest, 0, len);
    *out_rows = get_number(rest->at + AT_ROWS, 2);
    *rest = span_slice(*rest, len, rest->len);
    return value;
}

bool registrar_pack_count(struct span value, unsigned *out_rows)
{
    if (value.len < HEAD_LEN)
        return false;
    bool is_pack = value.at[AT_FORMAT] == FORMAT_PACK;
    *out_rows = is_pack ? get_number(value.at + AT_ROWS, 2) : 1;
    return *out_rows &&
           (is_pack ? get_number(value.at, LENGTH_LEN) + HEAD_LEN == value.len : value.at[AT_FORMAT] == FORMAT_ROW);
}

enum err registrar_pack_rows(struct span value, uint64_t number, registrar_row_fn row, void *ctx)
{
    unsigned rows;
    if (!registrar_pack_count(value, &rows))
        return ERR_CORRUPT;
    if (value.at[AT_FORMAT] == FORMAT_ROW)
        return row(ctx, number, value);
    struct span rest = span_slice(value, HEAD_LEN, value.len);
    for (unsigned i = 0; i < rows; i++) {
        size_t len = rest.len < LENGTH_LEN ? rest.len : get_number(rest.at, LENGTH_LEN);
        if (rest.len < LENGTH_LEN || rest.len - LENGTH_LEN < len)
            return ERR_CORRUPT;
        enum err err = row(ctx, number + i, span_slice(rest, LENGTH_LEN, LENGTH_LEN + len));
        if (err != OK)
            return err;
        rest = span_slice(rest, LENGTH_LEN + len, rest.len);
    }
    return rest.len ? ERR_CORRUPT : OK;
}
