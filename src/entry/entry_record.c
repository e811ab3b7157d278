/* SPDX-License-Identifier: Apache-2.0 */
/* The stored form of a record, native byte order as LMDB's own (a file does not move between architectures; export and
 * import do):
 *   0 u32 checksum over name and all that follows   4 u8 version   5 u8 state   6 u16 cause
 *   8 i64 since   16 i64 reassign after   24 u64 seq   32 tagged fields: u8 tag, u8 0, u16 length, bytes.
 * A record without passwords is the same, byte for byte, as before there were any; and a build from before keeps those of
 * one that has them, as fields that it does not understand. */
#include "entry/entry_record.h"
#include "store/store_crc.h"
#include "util/buffer.h"

enum { HEAD_LEN = 32, FIELD_HEAD_LEN = 4, RECORD_VERSION = 1 };
enum { AT_VERSION = 4, AT_STATE = 5, AT_CAUSE = 6, AT_SINCE = 8, AT_REASSIGN = 16, AT_SEQ = 24 };

/* Tags from 17 on, and an HA1 of an algorithm that we do not know, are kept but not understood. */
enum { TAG_FORWARD = 1, TAG_BY = 2, TAG_NOTE = 3, TAG_PARENT = 4, TAG_HA1 = 16, TAG_KNOWN_COUNT = 17 };

/* The first byte of an HA1's field.  These numbers are on disk. */
enum { HA1_MD5 = 1, HA1_SHA256 = 2, HA1_SHA512_256 = 3 };
static const uint8_t ha1_bytes[DIGEST_KIND_COUNT] = {
    [DIGEST_MD5] = HA1_MD5, [DIGEST_SHA256] = HA1_SHA256, [DIGEST_SHA512_256] = HA1_SHA512_256};

const char *entry_state_text(enum entry_state state)
{
    static const char *const texts[] = {"active", "suspended", "moved", "gone"};
    return state < ENTRY_STATE_COUNT ? texts[state] : "?";
}

bool entry_state_parse(struct span text, enum entry_state *out_state)
{
    for (int state = 0; state < ENTRY_STATE_COUNT; state++) {
        if (span_equal(text, span_of(entry_state_text((enum entry_state)state)))) {
            *out_state = (enum entry_state)state;
            return true;
        }
    }
    return false;
}

static void add_field(struct buffer *out, uint8_t tag, const void *bytes, size_t len)
{
    uint16_t len16 = (uint16_t)len;
    char head[FIELD_HEAD_LEN] = {(char)tag, 0};
    memcpy(head + 2, &len16, sizeof(len16));
    buffer_add(out, head, sizeof(head));
    buffer_add(out, bytes, len);
}

static void add_text(struct buffer *out, uint8_t tag, struct span text)
{
    if (text.len)
        add_field(out, tag, text.at, text.len);
}

static void add_ha1(struct buffer *out, enum digest_kind kind, struct span ha1)
{
    char bytes[1 + DIGEST_MAX] = {(char)ha1_bytes[kind]};
    memcpy(bytes + 1, ha1.at, ha1.len);
    add_field(out, TAG_HA1, bytes, 1 + ha1.len);
}

bool entry_ha1s_fit(const struct span ha1[DIGEST_KIND_COUNT])
{
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        if (ha1[kind].len && ha1[kind].len != digest_len((enum digest_kind)kind))
            return false;
    return true;
}

enum err entry_record_encode(const struct entry_record *record, struct span name, char out_value[ENTRY_VALUE_MAX],
                             size_t *out_len)
{
    char head[HEAD_LEN] = {0};
    if (record->forward.len > ENTRY_TEXT_MAX || record->by.len > ENTRY_TEXT_MAX || record->note.len > ENTRY_TEXT_MAX)
        return ERR_TOO_LONG;
    if (!entry_ha1s_fit(record->ha1))
        return ERR_INVALID;
    head[AT_VERSION] = RECORD_VERSION;
    head[AT_STATE] = (char)record->state;
    memcpy(head + AT_CAUSE, &record->cause, sizeof(record->cause));
    memcpy(head + AT_SINCE, &record->since_ms, sizeof(record->since_ms));
    memcpy(head + AT_REASSIGN, &record->reassign_after_ms, sizeof(record->reassign_after_ms));
    memcpy(head + AT_SEQ, &record->seq, sizeof(record->seq));
    struct buffer out = buffer_over(out_value, ENTRY_VALUE_MAX);
    buffer_add(&out, head, sizeof(head));
    add_text(&out, TAG_FORWARD, record->forward);
    add_text(&out, TAG_BY, record->by);
    add_text(&out, TAG_NOTE, record->note);
    if (record->parent_to) {
        uint64_t parent[2] = {record->parent_from, record->parent_to};
        add_field(&out, TAG_PARENT, parent, sizeof(parent));
    }
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        if (record->ha1[kind].len)
            add_ha1(&out, (enum digest_kind)kind, record->ha1[kind]);
    buffer_add_span(&out, record->more);
    if (out.overflow)
        return ERR_TOO_LONG;
    uint32_t crc = store_crc(store_crc(0, name), span_make(out_value + AT_VERSION, out.len - AT_VERSION));
    memcpy(out_value, &crc, sizeof(crc));
    *out_len = out.len;
    return OK;
}

/* ERR_NOT_FOUND: of an algorithm that we do not know. */
static enum err ha1_take(struct entry_record *record, struct span field)
{
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++) {
        if (!field.len || (uint8_t)field.at[0] != ha1_bytes[kind])
            continue;
        record->ha1[kind] = span_slice(field, 1, field.len);
        return record->ha1[kind].len == digest_len((enum digest_kind)kind) ? OK : ERR_CORRUPT;
    }
    return ERR_NOT_FOUND;
}

static enum err field_take(struct entry_record *record, uint8_t tag, struct span text)
{
    switch (tag) {
    case TAG_FORWARD:
        record->forward = text;
        return OK;
    case TAG_BY:
        record->by = text;
        return OK;
    case TAG_NOTE:
        record->note = text;
        return OK;
    case TAG_PARENT:
        if (text.len != 2 * sizeof(uint64_t))
            return ERR_CORRUPT;
        memcpy(&record->parent_from, text.at, sizeof(uint64_t));
        memcpy(&record->parent_to, text.at + sizeof(uint64_t), sizeof(uint64_t));
        return OK;
    case TAG_HA1:
        return ha1_take(record, text);
    default:
        return ERR_CORRUPT;
    }
}

/* Known tags come first; from the first unknown one on all is `more`. */
static enum err fields_take(struct entry_record *record, struct span rest)
{
    enum err err = OK;
    while (err == OK && rest.len) {
        uint16_t len;
        if (rest.len < FIELD_HEAD_LEN)
            return ERR_CORRUPT;
        uint8_t tag = (uint8_t)rest.at[0];
        memcpy(&len, rest.at + 2, sizeof(len));
        if (rest.len - FIELD_HEAD_LEN < len)
            return ERR_CORRUPT;
        if (tag < TAG_KNOWN_COUNT)
            err = field_take(record, tag, span_make(rest.at + FIELD_HEAD_LEN, len));
        if (tag >= TAG_KNOWN_COUNT || err == ERR_NOT_FOUND) {
            record->more = rest;
            return OK;
        }
        rest = span_make(rest.at + FIELD_HEAD_LEN + len, rest.len - FIELD_HEAD_LEN - len);
    }
    return err;
}

enum err entry_record_decode(struct span name, struct span value, struct entry_record *out_record)
{
    uint32_t crc;
    if (value.len < HEAD_LEN)
        return ERR_CORRUPT;
    memcpy(&crc, value.at, sizeof(crc));
    if (crc != store_crc(store_crc(0, name), span_make(value.at + AT_VERSION, value.len - AT_VERSION)))
        return ERR_CORRUPT;
    struct entry_record record = {.kind = entry_name_kind(name), .name = name};
    uint8_t state = (uint8_t)value.at[AT_STATE];
    if (value.at[AT_VERSION] != RECORD_VERSION || state >= ENTRY_STATE_COUNT || record.kind == ENTRY_KIND_COUNT)
        return ERR_CORRUPT;
    record.state = (enum entry_state)state;
    memcpy(&record.cause, value.at + AT_CAUSE, sizeof(record.cause));
    memcpy(&record.since_ms, value.at + AT_SINCE, sizeof(record.since_ms));
    memcpy(&record.reassign_after_ms, value.at + AT_REASSIGN, sizeof(record.reassign_after_ms));
    memcpy(&record.seq, value.at + AT_SEQ, sizeof(record.seq));
    if (record.kind == ENTRY_RANGE && !entry_range_bounds(name, &record.range_from, &record.range_to))
        return ERR_CORRUPT;
    enum err err = fields_take(&record, span_make(value.at + HEAD_LEN, value.len - HEAD_LEN));
    if (err == OK)
        *out_record = record;
    return err;
}

bool entry_record_has_password(const struct entry_record *record)
{
    bool has = false;
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        has = has || record->ha1[kind].len > 0;
    return has;
}

static bool same_passwords(const struct entry_record *a, const struct entry_record *b)
{
    bool same = true;
    for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
        same = same && span_equal(a->ha1[kind], b->ha1[kind]);
    return same;
}

bool entry_record_same(const struct entry_record *a, const struct entry_record *b)
{
    return a->state == b->state && a->cause == b->cause && a->since_ms == b->since_ms &&
           a->reassign_after_ms == b->reassign_after_ms && span_equal(a->forward, b->forward) &&
           span_equal(a->by, b->by) && span_equal(a->note, b->note) && span_equal(a->more, b->more) &&
           same_passwords(a, b);
}
