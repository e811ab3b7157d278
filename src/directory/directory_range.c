/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of numbers.  They nest or are apart, never overlap by halves, and each stores the bounds of the next wider one
 * around it (its parent).  So the narrowest range around a number is the first one that ends at or after it, or one of
 * that one's parents: one search, and as many reads as ranges are nested. */
#include "directory/directory_priv.h"

static unsigned digits_of(const struct entry_record *range)
{
    return (unsigned char)range->name.at[1];
}

static bool is_range_of(const struct entry_record *record, unsigned digits)
{
    return record->kind == ENTRY_RANGE && digits_of(record) == digits;
}

static bool holds(const struct entry_record *outer, uint64_t from, uint64_t to)
{
    return outer->range_from <= from && to <= outer->range_to;
}

static enum err parent_of(struct store_cursor *cursor, const struct entry_record *range,
                          struct entry_record *out_parent)
{
    struct entry_name name;
    if (!range->parent_to)
        return ERR_NOT_FOUND;
    entry_range_name(digits_of(range), range->parent_from, range->parent_to, &name);
    enum err err = directory_seek_exact(cursor, entry_name_span(&name), out_parent);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err; /* it must be there */
}

enum err directory_range_find(struct store_cursor *cursor, unsigned digits, uint64_t number,
                              struct entry_record *out_record)
{
    struct entry_name name;
    struct entry_record range;
    bool exact;
    entry_range_name(digits, number, number, &name);
    enum err err = directory_seek(cursor, entry_name_span(&name), &range, &exact);
    if (err == OK && !is_range_of(&range, digits))
        err = ERR_NOT_FOUND;
    for (int depth = 0; err == OK && !holds(&range, number, number); depth++) {
        struct entry_record outer;
        err = depth < DIRECTORY_RANGE_DEPTH ? parent_of(cursor, &range, &outer) : ERR_CORRUPT;
        if (err == OK)
            range = outer;
    }
    if (err == OK)
        *out_record = range;
    return err;
}

static enum err conflict_with(const struct entry_record *other, struct entry_name *out_other)
{
    memcpy(out_other->bytes, other->name.at, other->name.len);
    out_other->len = other->name.len;
    return ERR_CONFLICT;
}

/* Walks from the first range that ends at or after `range` does, outwards, to the one around it. */
static enum err find_parent(struct store_cursor *cursor, struct entry_record *range, struct entry_name *out_other)
{
    struct entry_record outer;
    bool exact;
    unsigned digits = digits_of(range);
    enum err err = directory_seek(cursor, range->name, &outer, &exact);
    if (err == OK && !is_range_of(&outer, digits))
        err = ERR_NOT_FOUND;
    for (int depth = 0; err == OK && !holds(&outer, range->range_from, range->range_to); depth++) {
        bool overlaps = outer.range_from <= range->range_to && outer.range_to > range->range_to;
        if (overlaps)
            return conflict_with(&outer, out_other);
        struct entry_record next;
        err = depth < DIRECTORY_RANGE_DEPTH ? parent_of(cursor, &outer, &next) : ERR_CORRUPT;
        if (err == OK)
            outer = next;
    }
    if (err == ERR_NOT_FOUND)
        return OK; /* the outermost of its kind */
    if (err != OK)
        return err;
    range->parent_from = outer.range_from;
    range->parent_to = outer.range_to;
    for (int depth = 1; err == OK; depth++) {
        struct entry_record next;
        err = depth < DIRECTORY_RANGE_DEPTH - 1 ? parent_of(cursor, &outer, &next) : ERR_UNSUPPORTED;
        if (err == OK)
            outer = next;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* Stores `inner` again with another parent.  Its spans die with the write. */
static enum err set_parent(struct store_txn *txn, struct entry_record *inner, uint64_t from, uint64_t to)
{
    struct entry_name name = {.len = inner->name.len};
    char value[ENTRY_VALUE_MAX];
    size_t len;
    memcpy(name.bytes, inner->name.at, inner->name.len);
    inner->parent_from = from;
    inner->parent_to = to;
    enum err err = entry_record_encode(inner, entry_name_span(&name), value, &len);
    return err == OK
               ? store_put(txn, DIRECTORY_RECORDS, entry_name_span(&name), span_make(value, len), STORE_PUT_REPLACE)
               : err;
}

/* Visits the ranges that end within `range` (itself excluded): those whose parent is `was` get `now` (NULL: only look); one
 * that begins before `range` overlaps it. */
static enum err move_inner(struct store_txn *txn, const struct entry_record *range, const uint64_t was[2],
                           const uint64_t *now, struct entry_name *out_other)
{
    struct store_cursor *cursor;
    struct entry_name at;
    struct span key, value;
    unsigned digits = digits_of(range);
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    entry_range_name(digits, range->range_from, range->range_from, &at);
    key = entry_name_span(&at);
    err = store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value);
    while (err == OK) {
        struct entry_record inner;
        err = entry_record_decode(key, value, &inner);
        if (err != OK || !is_range_of(&inner, digits) || inner.range_to > range->range_to)
            break;
        bool itself = inner.range_from == range->range_from && inner.range_to == range->range_to;
        bool inside = inner.range_from >= range->range_from;
        if (!inside && inner.range_to < range->range_to)
            err = conflict_with(&inner, out_other);
        else if (now && !itself && inside && inner.parent_from == was[0] && inner.parent_to == was[1])
            err = set_parent(txn, &inner, now[0], now[1]);
        if (err == OK)
            err = store_cursor_move(cursor, STORE_NEXT, &key, &value);
    }
    store_cursor_close(cursor);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err directory_range_link(struct store_txn *txn, struct entry_record *range, struct entry_name *out_other)
{
    struct store_cursor *cursor;
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = find_parent(cursor, range, out_other);
    store_cursor_close(cursor);
    uint64_t was[2] = {range->parent_from, range->parent_to};
    uint64_t now[2] = {range->range_from, range->range_to};
    if (err == OK)
        err = move_inner(txn, range, was, NULL, out_other); /* nothing is written before all is known to fit */
    return err == OK ? move_inner(txn, range, was, now, out_other) : err;
}

enum err directory_range_unlink(struct store_txn *txn, const struct entry_record *range)
{
    struct entry_name other;
    uint64_t was[2] = {range->range_from, range->range_to};
    uint64_t now[2] = {range->parent_from, range->parent_to};
    return move_inner(txn, range, was, now, &other);
}

/* The ranges around the present one, the innermost last. */
struct nest {
    unsigned digits;
    unsigned depth;
    uint64_t bounds[DIRECTORY_RANGE_DEPTH][2];
};

/* From the widest and last to the first: what is on the stack and begins before us is around us. */
static enum err nest_visit(struct nest *nest, struct store_txn *txn, struct entry_record *range,
                           struct entry_name *out_other)
{
    if (nest->digits != digits_of(range))
        *nest = (struct nest){.digits = digits_of(range)};
    while (nest->depth && nest->bounds[nest->depth - 1][0] > range->range_to)
        nest->depth--;
    uint64_t from = 0, to = 0;
    if (nest->depth) {
        from = nest->bounds[nest->depth - 1][0];
        to = nest->bounds[nest->depth - 1][1];
    }
    if (from > range->range_from) {
        entry_range_name(nest->digits, from, to, out_other);
        return ERR_CONFLICT;
    }
    if (nest->depth == DIRECTORY_RANGE_DEPTH - 1)
        return ERR_UNSUPPORTED;
    nest->bounds[nest->depth][0] = range->range_from;
    nest->bounds[nest->depth++][1] = range->range_to;
    if (range->parent_from == from && range->parent_to == to)
        return OK;
    return set_parent(txn, range, from, to);
}

enum err directory_range_link_all(struct store_txn *txn, struct entry_name *out_one, struct entry_name *out_other)
{
    struct store_cursor *cursor;
    struct nest nest = {.depth = 0};
    struct span value;
    unsigned char end[1] = {(unsigned char)(entry_kind_bytes[ENTRY_RANGE] + 1)};
    struct span key = span_make((const char *)end, sizeof(end));
    enum err err = store_cursor_open(txn, DIRECTORY_RECORDS, &cursor);
    if (err != OK)
        return err;
    err = store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value);
    err = err == ERR_NOT_FOUND ? store_cursor_move(cursor, STORE_LAST, &key, &value)
          : err == OK          ? store_cursor_move(cursor, STORE_PREV, &key, &value)
                               : err;
    while (err == OK && entry_name_kind(key) == ENTRY_RANGE) {
        struct entry_record range;
        memcpy(out_one->bytes, key.at, key.len);
        out_one->len = key.len;
        err = entry_record_decode(key, value, &range);
        if (err == OK)
            err = nest_visit(&nest, txn, &range, out_other);
        if (err == OK)
            err = store_cursor_move(cursor, STORE_PREV, &key, &value);
    }
    store_cursor_close(cursor);
    return err == ERR_NOT_FOUND ? OK : err;
}
