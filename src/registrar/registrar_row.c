/* SPDX-License-Identifier: Apache-2.0 */
/* A row of the journal: what one user's bindings are from then on.
 *
 *   u32 CRC-32C of all that follows · u8 format · u8 bindings · u16 length of the AOR · u16 of its owner key · AOR
 *   and a binding: i64 expires, i64 since (Unix ms) · u32 CSeq · u32 reg-id · u16 lengths of URI, parameters, Call-ID,
 *   Path · u16 place and length of the instance · u8 event · the texts
 *
 * Numbers are little-endian.  Times are those of the wall, since a monotonic clock does not survive a restart. */
#include "registrar/registrar_priv.h"
#include "store/store_crc.h"
#include <endian.h>
#include <stdlib.h>

enum { FORMAT = 1, CRC_LEN = 4, HEAD_LEN = CRC_LEN + 6, BINDING_LEN = 37 };

/* `bytes` is a constant wherever this is called: one store. */
static inline char *put(char *at, uint64_t value, unsigned bytes)
{
    uint64_t little = htole64(value);
    memcpy(at, &little, bytes);
    return at + bytes;
}

static int64_t wall_of(const struct clock *clock, uint64_t mono_ms)
{
    return clock->wall_ms + (int64_t)(mono_ms - clock->mono_ms);
}

static void add_binding(struct buffer *out, const struct registrar_binding *binding, const struct clock *clock)
{
    char head[BINDING_LEN];
    char *at = put(head, (uint64_t)wall_of(clock, binding->expires_ms), 8);
    at = put(at, (uint64_t)wall_of(clock, binding->since_ms), 8);
    at = put(at, binding->cseq, 4);
    at = put(at, binding->reg_id, 4);
    at = put(at, binding->uri_len, 2);
    at = put(at, binding->params_len, 2);
    at = put(at, binding->call_id_len, 2);
    at = put(at, binding->path_len, 2);
    at = put(at, binding->instance_at, 2);
    at = put(at, binding->instance_len, 2);
    at = put(at, binding->event, 1);
    buffer_add(out, head, (size_t)(at - head));
    buffer_add(out, binding->bytes, registrar_binding_bytes(binding) - sizeof(*binding));
}

void registrar_row_add(struct buffer *out, const struct registrar_state *state, const struct clock *clock)
{
    size_t start = out->len;
    char head[HEAD_LEN];
    char *at = put(head, 0, CRC_LEN);
    at = put(at, FORMAT, 1);
    at = put(at, state->count, 1);
    at = put(at, state->name.aor.len, 2);
    at = put(at, state->name.owner_key.len, 2);
    buffer_add(out, head, (size_t)(at - head));
    buffer_add_span(out, state->name.aor);
    for (unsigned i = 0; i < state->count; i++)
        add_binding(out, state->bindings[i], clock);
    if (!out->overflow)
        put(out->at + start, store_crc(0, span_make(out->at + start + CRC_LEN, out->len - start - CRC_LEN)), CRC_LEN);
}

/* Takes numbers and texts off the front; `bad` is sticky. */
struct reader {
    struct span rest;
    bool bad;
};

static struct span take(struct reader *reader, size_t len)
{
    if (reader->bad || reader->rest.len < len) {
        reader->bad = true;
        return span_make(NULL, 0);
    }
    struct span taken = span_slice(reader->rest, 0, len);
    reader->rest = span_slice(reader->rest, len, reader->rest.len);
    return taken;
}

static uint64_t take_number(struct reader *reader, unsigned bytes)
{
    struct span text = take(reader, bytes);
    uint64_t value = 0;
    for (unsigned i = 0; i < text.len; i++)
        value |= (uint64_t)(unsigned char)text.at[i] << (8 * i);
    return value;
}

/* The head, checked; the reader is left at the first binding. */
static bool take_head(struct span row, struct reader *reader, struct registrar_name *out_name, unsigned *out_count)
{
    *reader = (struct reader){.rest = row};
    uint64_t crc = take_number(reader, CRC_LEN);
    if (reader->bad || store_crc(0, reader->rest) != crc)
        return false;
    uint64_t format = take_number(reader, 1);
    *out_count = (unsigned)take_number(reader, 1);
    size_t aor_len = take_number(reader, 2), owner_len = take_number(reader, 2);
    out_name->aor = take(reader, aor_len);
    out_name->owner_key = span_slice(out_name->aor, 0, owner_len);
    return !reader->bad && format == FORMAT && aor_len && owner_len <= aor_len && *out_count <= REGISTRAR_USER_MAX;
}

bool registrar_row_name(struct span row, struct registrar_name *out_name)
{
    struct reader reader;
    unsigned count;
    return take_head(row, &reader, out_name, &count);
}

/* What is left of a time on the wall, on the monotonic clock; never before its beginning. */
static uint64_t mono_of(const struct clock *clock, int64_t wall_ms)
{
    int64_t mono = (int64_t)clock->mono_ms + (wall_ms - clock->wall_ms);
    return mono > 0 ? (uint64_t)mono : 0;
}

/* NULL with *out_err OK: it has expired. */
static struct registrar_binding *take_binding(struct reader *reader, const struct clock *clock, enum err *out_err)
{
    struct registrar_texts texts = {0};
    struct registrar_binding *binding = NULL;
    int64_t expires = (int64_t)take_number(reader, 8), since = (int64_t)take_number(reader, 8);
    uint32_t cseq = (uint32_t)take_number(reader, 4);
    texts.reg_id = (uint32_t)take_number(reader, 4);
    size_t uri = take_number(reader, 2), params = take_number(reader, 2), call_id = take_number(reader, 2),
           path = take_number(reader, 2), instance_at = take_number(reader, 2), instance = take_number(reader, 2);
    uint64_t event = take_number(reader, 1);
    texts.uri = take(reader, uri);
    texts.params = take(reader, params);
    texts.call_id = take(reader, call_id);
    texts.path = take(reader, path);
    *out_err = ERR_CORRUPT;
    if (reader->bad || instance_at + instance > params || event >= REGISTRAR_EVENT_COUNT)
        return NULL;
    texts.instance = span_slice(texts.params, instance_at, instance_at + instance);
    *out_err = expires <= clock->wall_ms ? OK : registrar_binding_new(&texts, &binding);
    if (!binding)
        return NULL;
    binding->expires_ms = mono_of(clock, expires);
    binding->since_ms = mono_of(clock, since);
    binding->cseq = cseq;
    binding->event = (uint8_t)event;
    return binding;
}

enum err registrar_row_bindings(struct span row, const struct clock *clock,
                                struct registrar_binding *out_bindings[static REGISTRAR_USER_MAX], unsigned *out_count)
{
    struct reader reader;
    struct registrar_name name;
    unsigned said, count = 0;
    enum err err = take_head(row, &reader, &name, &said) ? OK : ERR_CORRUPT;
    for (unsigned i = 0; err == OK && i < said; i++) {
        struct registrar_binding *binding = take_binding(&reader, clock, &err);
        if (binding)
            out_bindings[count++] = binding;
    }
    if (err == OK && reader.rest.len)
        err = ERR_CORRUPT;
    while (err != OK && count)
        free(out_bindings[--count]);
    if (err == OK)
        *out_count = count;
    return err;
}
