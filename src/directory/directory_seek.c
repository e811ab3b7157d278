/* SPDX-License-Identifier: Apache-2.0 */
/* Finding an entry, or proving that it is absent.  A search in a damaged tree ends at the wrong place and would call an
 * existing user unknown; but the entries that such a place lies between are then damaged themselves (their checksum covers
 * name and value), out of order, or strays in a page whose own table is damaged.  So a miss counts only when both
 * neighbours and their pages are sound. */
#include "directory/directory_priv.h"

/* One step; the entry there must be sound, and so must its page; *out_page 0: there is none. */
static enum err step(struct store_cursor *cursor, enum store_seek seek, struct span *out_key, uintptr_t *out_page)
{
    struct span value;
    struct entry_record record;
    *out_page = 0;
    enum err err = store_cursor_move(cursor, seek, out_key, &value);
    if (err == ERR_NOT_FOUND) {
        *out_key = (struct span){0};
        return OK;
    }
    if (err == OK && !store_cursor_page_is_sound(cursor, *out_key, out_page))
        return ERR_CORRUPT;
    return err == OK ? entry_record_decode(*out_key, value, &record) : err;
}

/* Near a page's edge both neighbours may be strays that a damaged table points to, in other and sound pages: the entries
 * beyond them are in the page itself. */
static enum err prove_at_edge(struct store_cursor *cursor, struct span before, struct span after)
{
    struct span key = {0};
    uintptr_t page;
    enum err err = OK;
    if (before.len) {
        err = step(cursor, STORE_PREV, &key, &page);
        if (err == OK && span_compare(key, before) >= 0)
            err = ERR_CORRUPT;
        /* Back to `before`: after the first entry LMDB's cursor stays on it. */
        if (err == OK && key.len)
            err = step(cursor, STORE_NEXT, &key, &page);
    }
    if (err != OK || !after.len)
        return err;
    if (before.len)
        err = step(cursor, STORE_NEXT, &key, &page);
    if (err == OK)
        err = step(cursor, STORE_NEXT, &key, &page);
    return err == OK && key.len && span_compare(key, after) <= 0 ? ERR_CORRUPT : err;
}

/* That `name` is not there, where the cursor stands on `after` (empty: past the end). */
static enum err prove_absence(struct store_cursor *cursor, struct span name, struct span after)
{
    struct span before;
    uintptr_t page_before, page_after = 0;
    if (after.len && !store_cursor_page_is_sound(cursor, after, &page_after))
        return ERR_CORRUPT;
    enum err err = step(cursor, after.len ? STORE_PREV : STORE_LAST, &before, &page_before);
    if (err != OK)
        return err;
    if ((before.len && span_compare(before, name) >= 0) || (after.len && span_compare(after, name) <= 0))
        return ERR_CORRUPT;
    return page_before == page_after ? OK : prove_at_edge(cursor, before, after);
}

enum err directory_seek(struct store_cursor *cursor, struct span name, struct entry_record *out_record, bool *out_exact)
{
    struct span key = name;
    struct span value;
    struct entry_record record;
    enum err err = store_cursor_move(cursor, STORE_AT_OR_AFTER, &key, &value);
    if (err == ERR_NOT_FOUND) {
        err = prove_absence(cursor, name, (struct span){0});
        return err == OK ? ERR_NOT_FOUND : err;
    }
    if (err == OK)
        err = entry_record_decode(key, value, &record);
    bool exact = err == OK && span_equal(key, name);
    if (err == OK && !exact)
        err = prove_absence(cursor, name, key);
    if (err != OK)
        return err;
    *out_record = record;
    *out_exact = exact;
    return OK;
}

enum err directory_seek_exact(struct store_cursor *cursor, struct span name, struct entry_record *out_record)
{
    struct entry_record record;
    bool exact;
    enum err err = directory_seek(cursor, name, &record, &exact);
    if (err != OK)
        return err;
    if (!exact)
        return ERR_NOT_FOUND;
    *out_record = record;
    return OK;
}
