/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a TZif file (RFC 8536) and works its last rule out up to the year 2100. */
#include "facts/facts_zone.h"
#include "facts/facts_hours.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ZONE_FILE_MAX = 64 << 10, ZONE_STEPS_MAX = 4096, ZONE_LAST_YEAR = 2100, HEADER_LEN = 44 };

static int64_t big_endian(const unsigned char *at, size_t len)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

/* One of the two halves of a TZif file: counts, and where its data ends. */
struct zone_block {
    const unsigned char *data;
    size_t leap_count, time_count, type_count;
    size_t len; /* of the data, for times of `time_len` bytes */
};

static bool read_block(const unsigned char *at, size_t left, size_t time_len, struct zone_block *out)
{
    if (left < HEADER_LEN || memcmp(at, "TZif", 4) != 0)
        return false;
    size_t counts[6]; /* ut, std, leap, time, type, char */
    for (int i = 0; i < 6; i++) {
        counts[i] = (size_t)big_endian(at + 20 + i * 4, 4);
        if (counts[i] > ZONE_FILE_MAX)
            return false;
    }
    out->data = at + HEADER_LEN;
    out->leap_count = counts[2];
    out->time_count = counts[3];
    out->type_count = counts[4];
    out->len =
        counts[3] * (time_len + 1) + counts[4] * 6 + counts[5] + counts[2] * (time_len + 4) + counts[1] + counts[0];
    return out->len <= left - HEADER_LEN && counts[4] > 0;
}

static bool add_step(struct facts_zone *zone, int64_t from_s, int32_t offset_s)
{
    if (zone->count == ZONE_STEPS_MAX)
        return false;
    zone->steps[zone->count++] = (struct facts_zone_step){from_s, offset_s};
    return true;
}

static bool read_steps(struct facts_zone *zone, const struct zone_block *block)
{
    const unsigned char *types_of = block->data + block->time_count * 8;
    const unsigned char *types = types_of + block->time_count;
    zone->first_offset_s = (int32_t)big_endian(types, 4);
    for (size_t i = 0; i < block->time_count; i++) {
        if (types_of[i] >= block->type_count)
            return false;
        const unsigned char *type = types + types_of[i] * 6;
        if (!add_step(zone, big_endian(block->data + i * 8, 8), (int32_t)big_endian(type, 4)))
            return false;
    }
    return true;
}

/* A day of the year in the footer: "M3.5.0", behind it "/2" when the hour is not 2. */
struct zone_rule {
    int month, week, day;
    int32_t at_s;
};

/* The last rule: standard and daylight time, and when the one follows the other. */
struct zone_footer {
    int32_t standard_s, daylight_s;
    bool has_daylight;
    struct zone_rule start, end;
};

static const char *skip_name(const char *at)
{
    if (*at == '<') {
        while (*at && *at != '>')
            at++;
        return *at ? at + 1 : at;
    }
    while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'))
        at++;
    return at;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static const char *take_time(const char *at, int32_t *out_s)
{
    int sign = *at == '-' ? -1 : 1;
    int32_t parts[3] = {0, 0, 0};
    if (*at == '-' || *at == '+')
        at++;
    for (int i = 0; i < 3; i++) {
        while (*at >= '0' && *at <= '9' && parts[i] < 1000)
            parts[i] = parts[i] * 10 + (*at++ - '0');
        if (i == 2 || *at != ':')
            break;
        at++;
    }
    *out_s = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return at;
}

static const char *take_rule(const char *at, struct zone_rule *out)
{
    int used = 0;
    if (sscanf(at, ",M%2d.%1d.%1d%n", &out->month, &out->week, &out->day, &used) != 3 || used == 0 || out->month < 1 ||
        out->month > 12 || out->week < 1 || out->week > 5 || out->day > 6)
        return NULL;
    at += used;
    out->at_s = 2 * 3600;
    return *at == '/' ? take_time(at + 1, &out->at_s) : at;
}

/* The POSIX TZ string at the file's end.  Rules by Julian day are no longer used by any zone and are refused. */
static bool read_footer(const char *text, struct zone_footer *out)
{
    int32_t west = 0;
    const char *at = take_time(skip_name(text), &west);
    out->standard_s = -west;
    out->daylight_s = out->standard_s + 3600;
    out->has_daylight = *at != '\0' && *at != '\n';
    if (!out->has_daylight)
        return true;
    at = skip_name(at);
    if (*at != ',') {
        at = take_time(at, &west);
        out->daylight_s = -west;
    }
    at = take_rule(at, &out->start);
    return at && take_rule(at, &out->end);
}

/* Unix seconds at which the rule strikes in `year`, on a clock that is `offset_s` ahead. */
static int64_t rule_time(const struct zone_rule *rule, int year, int32_t offset_s)
{
    int64_t first = facts_days_of(year, rule->month, 1);
    int64_t next_month = rule->month == 12 ? facts_days_of(year + 1, 1, 1) : facts_days_of(year, rule->month + 1, 1);
    int64_t weekday = (first + 4) % 7; /* 0 is Sunday; 1970-01-01 was a Thursday */
    int64_t day = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
    while (day >= next_month)
        day -= 7;
    return day * 86400 + rule->at_s - offset_s;
}

static bool extend(struct facts_zone *zone, const struct zone_footer *footer)
{
    int64_t last = zone->count > 0 ? zone->steps[zone->count - 1].from_s : INT64_MIN;
    for (int year = 1990; footer->has_daylight && year <= ZONE_LAST_YEAR; year++) {
        int64_t start = rule_time(&footer->start, year, footer->standard_s);
        int64_t end = rule_time(&footer->end, year, footer->daylight_s);
        bool north = start < end;
        int64_t first_s = north ? start : end;
        int64_t second_s = north ? end : start;
        if (first_s > last && !add_step(zone, first_s, north ? footer->daylight_s : footer->standard_s))
            return false;
        if (second_s > last && !add_step(zone, second_s, north ? footer->standard_s : footer->daylight_s))
            return false;
    }
    return true;
}

static enum err zone_parse(struct facts_zone *zone, const unsigned char *bytes, size_t len)
{
    struct zone_block old;
    struct zone_block block;
    if (!read_block(bytes, len, 4, &old) || bytes[4] < '2')
        return ERR_CORRUPT; /* version 1 files ended with the last century */
    size_t second = HEADER_LEN + old.len;
    if (!read_block(bytes + second, len - second, 8, &block) || !read_steps(zone, &block))
        return ERR_CORRUPT;
    size_t end = second + HEADER_LEN + block.len;
    struct zone_footer footer = {0};
    if (end + 2 > len || bytes[end] != '\n')
        return ERR_CORRUPT;
    if (bytes[end + 1] == '\n')
        return OK; /* no rule for the future */
    if (!read_footer((const char *)bytes + end + 1, &footer) || !extend(zone, &footer))
        return ERR_CORRUPT;
    return OK;
}

static enum err zone_read(struct span name, unsigned char **out_bytes, size_t *out_len)
{
    char path[256];
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                    c == '-' || c == '+' || (c == '/' && i > 0);
        if (!fine)
            return ERR_SYNTAX;
    }
    if (name.len == 0 || name.len > 64)
        return ERR_SYNTAX;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", SPAN_ARG(name));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_NOT_FOUND;
    unsigned char *bytes = malloc(ZONE_FILE_MAX + 1);
    ssize_t len = bytes ? read(fd, bytes, ZONE_FILE_MAX) : -1;
    close(fd);
    if (len <= 0) {
        free(bytes);
        return bytes ? ERR_NOT_FOUND : ERR_NOMEM;
    }
    bytes[len] = '\0';
    *out_bytes = bytes;
    *out_len = (size_t)len;
    return OK;
}

enum err facts_zone_load(struct facts_zone *out_zone, struct span name)
{
    struct facts_zone zone = {0};
    if (span_equal(name, SPAN("UTC")) || span_equal(name, SPAN("Z"))) {
        *out_zone = zone;
        return OK;
    }
    int64_t probe = 0;
    char stamp[32];
    int stamp_len = snprintf(stamp, sizeof(stamp), "1970-01-02T00:00:00%.*s", SPAN_ARG(span_slice(name, 0, 8)));
    if (name.len == 6 && facts_time_parse(span_make(stamp, (size_t)stamp_len), &probe)) {
        zone.first_offset_s = (int32_t)(86400 - probe);
        *out_zone = zone;
        return OK;
    }
    unsigned char *bytes = NULL;
    size_t len = 0;
    enum err err = zone_read(name, &bytes, &len);
    if (err != OK)
        return err;
    zone.steps = calloc(ZONE_STEPS_MAX, sizeof(*zone.steps));
    err = zone.steps ? zone_parse(&zone, bytes, len) : ERR_NOMEM;
    free(bytes);
    if (err == OK)
        *out_zone = zone;
    else
        facts_zone_done(&zone);
    return err;
}

void facts_zone_done(struct facts_zone *zone)
{
    free(zone->steps);
    *zone = (struct facts_zone){0};
}

int32_t facts_zone_offset(const struct facts_zone *zone, int64_t unix_s)
{
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->steps[middle].from_s <= unix_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->first_offset_s : zone->steps[low - 1].offset_s;
}
