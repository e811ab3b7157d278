/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an entry, or proving that it is absent.  A search in a damaged tree ends at the wrong place and would call an
 * existing user unknown; but the entries that such a place lies between are then damaged themselves (their checksum covers
 * name and value) or out of order.  So a miss counts only when both neighbours are sound. */
#include "directory/directory_priv.h"

/* The entry before the position must be sound and smaller than `name`. */
static enum err check_before(struct store_cursor *cursor, enum store_seek seek, struct span name)
{
    struct span key, value;
    struct directory_record record;
    enum err err = store_cursor_move(cursor, seek, &key, &value);
    if (err == ERR_NOT_FOUND)
        return OK; /* `name` would be the first */
    if (err == OK)
        err = directory_record_decode(key, value, &record);
    if (err == OK && span_compare(key, name) >= 0)
        err = ERR_CORRUPT;
    return err;
}

enum err directory_seek(struct store_cursor *cursor, struct span name, struct directory_record *out_record,
                        bool *out_exact)
{
    struct span key = name;
    struct span value;
    enum err err = store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value);
    if (err == ERR_NOT_FOUND) {
        err = check_before(cursor, STORE_LAST, name);
        return err == OK ? ERR_NOT_FOUND : err;
    }
    if (err != OK)
        return err;
    struct directory_record record;
    err = directory_record_decode(key, value, &record);
    if (err != OK)
        return err;
    bool exact = span_equal(key, name);
    if (!exact) {
        if (span_compare(key, name) < 0)
            return ERR_CORRUPT;
        err = check_before(cursor, STORE_PREV, name);
        if (err != OK)
            return err;
    }
    *out_record = record;
    *out_exact = exact;
    return OK;
}

enum err directory_seek_exact(struct store_cursor *cursor, struct span name, struct directory_record *out_record)
{
    struct directory_record record;
    bool exact;
    enum err err = directory_seek(cursor, name, &record, &exact);
    if (err != OK)
        return err;
    if (!exact)
        return ERR_NOT_FOUND;
    *out_record = record;
    return OK;
}
