/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing of ladders. */
#include "probe/probe_ladder.h"
#include "util/siphash.h"

#include <stdio.h>

/* Columns: the time before the left rail, and the least width between the rails. */
enum { TIME_WIDTH = 12, INNER_LEAST = 40, INNER_MOST = PROBE_LADDER_LABEL_MAX + 8 };

void probe_ladder_init(struct probe_ladder *ladder, const char *left, const char *right)
{
    ladder->count = 0;
    ladder->lost = 0;
    (void)span_copy(span_of(left), ladder->left, sizeof(ladder->left));
    (void)span_copy(span_of(right), ladder->right, sizeof(ladder->right));
}

static struct span start_line(struct span message)
{
    struct span line = span_slice(message, 0, span_find(message, '\r'));
    const struct span version = SPAN("SIP/2.0");
    if (span_starts_with(line, version))
        line = span_slice(line, version.len, line.len);
    else if (span_ends_with(line, version))
        line = span_slice(line, 0, line.len - version.len);
    return span_trim(line);
}

static void make_label(struct span message, char out[PROBE_LADDER_LABEL_MAX])
{
    struct span line = start_line(message);
    size_t len = line.len < PROBE_LADDER_LABEL_MAX - 1 ? line.len : PROBE_LADDER_LABEL_MAX - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)line.at[i] < 0x20 || line.at[i] == 0x7f ? '?' : line.at[i];
    out[len] = '\0';
    if (len < line.len)
        out[len - 1] = out[len - 2] = '.';
}

unsigned probe_ladder_add(struct probe_ladder *ladder, uint64_t at_us, enum probe_direction direction,
                          struct span message)
{
    /* Not against an enemy: it only has to tell messages of one call apart. */
    const struct siphash_key key = {1, 2};
    uint64_t identity = message.len ? siphash(&key, message.at, message.len) : 0;
    unsigned times = 1;
    for (unsigned i = 0; i < ladder->count; i++) {
        if (ladder->rungs[i].identity == identity && ladder->rungs[i].direction == direction)
            times++;
    }
    if (ladder->count == PROBE_LADDER_MAX) {
        ladder->lost++;
        return times;
    }
    struct probe_rung *rung = &ladder->rungs[ladder->count++];
    rung->at_us = at_us;
    rung->direction = direction;
    rung->identity = identity;
    rung->times = times;
    make_label(message, rung->label);
    return times;
}

static void add_many(struct buffer *out, char byte, size_t count)
{
    while (count--)
        buffer_add_byte(out, byte);
}

/* Width of a text on the screen: UTF-8 continuation bytes take none. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static size_t inner_width(const struct probe_ladder *ladder)
{
    size_t inner = INNER_LEAST;
    for (unsigned i = 0; i < ladder->count; i++) {
        size_t wanted = width_of(ladder->rungs[i].label) + 8;
        inner = wanted > inner ? wanted : inner;
    }
    return inner < INNER_MOST ? inner : INNER_MOST;
}

static void draw_arrow(const struct probe_rung *rung, size_t inner, struct buffer *out)
{
    bool is_sent = rung->direction == PROBE_SENT;
    size_t dashes = inner - width_of(rung->label) - 3; /* two blanks and the arrow's head */
    buffer_add_text(out, is_sent ? "|" : "|<");
    add_many(out, '-', dashes / 2);
    buffer_addf(out, " %s ", rung->label);
    add_many(out, '-', dashes - dashes / 2);
    buffer_add_text(out, is_sent ? ">|" : "|");
}

void probe_ladder_draw(const struct probe_ladder *ladder, struct buffer *out)
{
    size_t inner = inner_width(ladder);
    /* Each name stands over its rail, which is where the left one ends in the middle and the right one too. */
    size_t left_width = width_of(ladder->left);
    size_t left_at = TIME_WIDTH > left_width / 2 ? TIME_WIDTH - left_width / 2 : 0;
    size_t right_at = TIME_WIDTH + inner + 1 - width_of(ladder->right) / 2;
    add_many(out, ' ', left_at);
    buffer_add_text(out, ladder->left);
    size_t used = left_at + left_width;
    add_many(out, ' ', right_at > used ? right_at - used : 1);
    buffer_addf(out, "%s\n", ladder->right);
    add_many(out, ' ', TIME_WIDTH);
    buffer_add_byte(out, '|');
    add_many(out, ' ', inner);
    buffer_add_literal(out, "|\n");
    for (unsigned i = 0; i < ladder->count; i++) {
        const struct probe_rung *rung = &ladder->rungs[i];
        buffer_addf(out, "%*.1f ms ", TIME_WIDTH - 4, (double)rung->at_us / 1000);
        draw_arrow(rung, inner, out);
        if (rung->times > 1)
            buffer_addf(out, " again (%u)", rung->times - 1);
        buffer_add_byte(out, '\n');
    }
    if (ladder->lost)
        buffer_addf(out, "%*s %u more not shown\n", TIME_WIDTH, "...", ladder->lost);
}

void probe_ladder_json(const struct probe_ladder *ladder, struct json *json)
{
    json_array_begin(json);
    for (unsigned i = 0; i < ladder->count; i++) {
        const struct probe_rung *rung = &ladder->rungs[i];
        json_object_begin(json);
        json_key(json, "ms");
        json_double(json, (double)rung->at_us / 1000);
        json_put_text(json, "direction", rung->direction == PROBE_SENT ? "sent" : "received");
        json_put_text(json, "message", rung->label);
        json_put_u64(json, "copy", rung->times);
        json_object_end(json);
    }
    json_array_end(json);
}
