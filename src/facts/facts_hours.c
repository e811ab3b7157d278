/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours, and dates as text. */
#include "facts/facts_hours.h"

enum { MINUTES_A_DAY = 24 * 60, SECONDS_A_DAY = 24 * 60 * 60 };

static int day_of_week(struct span name)
{
    static const char *const names[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < 7; i++) {
        if (span_equal_nocase(name, span_of(names[i])))
            return i;
    }
    return -1;
}

/* "mon-fri" or "sat" as bits; a range may run over Sunday ("sat-mon"). */
static unsigned days_of_item(struct span item)
{
    if (span_equal_nocase(item, SPAN("daily")))
        return 0x7f;
    size_t dash = span_find(item, '-');
    int from = day_of_week(span_slice(item, 0, dash));
    int to = dash < item.len ? day_of_week(span_slice(item, dash + 1, item.len)) : from;
    if (from < 0 || to < 0)
        return 0;
    unsigned days = 0;
    for (int day = from;; day = (day + 1) % 7) {
        days |= 1u << day;
        if (day == to)
            return days;
    }
}

static unsigned days_of(struct span text)
{
    unsigned days = 0;
    while (text.len > 0) {
        size_t comma = span_find(text, ',');
        unsigned item = days_of_item(span_slice(text, 0, comma));
        if (item == 0)
            return 0;
        days |= item;
        text = span_slice(text, comma + 1, text.len);
    }
    return days;
}

/* "08:30" in minutes, -1 when it is no time; "24:00" is the day's end. */
static int minutes_of(struct span text)
{
    uint32_t hour = 0;
    uint32_t minute = 0;
    if (text.len != 5 || text.at[2] != ':' || !span_to_u32(span_slice(text, 0, 2), &hour) ||
        !span_to_u32(span_slice(text, 3, 5), &minute))
        return -1;
    if (minute > 59 || hour > 24 || (hour == 24 && minute > 0))
        return -1;
    return (int)(hour * 60 + minute);
}

enum err facts_hours_add(struct facts_hours *hours, struct span text, const char **out_reason)
{
    text = span_trim(text);
    size_t space = span_find(text, ' ');
    struct span times = span_trim(span_slice(text, space, text.len));
    size_t dash = span_find(times, '-');
    unsigned days = days_of(span_slice(text, 0, space));
    int from = minutes_of(span_slice(times, 0, dash));
    int to = dash < times.len ? minutes_of(span_slice(times, dash + 1, times.len)) : -1;
    if (days == 0 || from < 0 || to < 0 || from == to || from == MINUTES_A_DAY) {
        *out_reason = days == 0 ? "expected days such as \"mon-fri\", \"sat,sun\" or \"daily\" first"
                                : "expected times such as 08:00-18:00 behind the days";
        return ERR_SYNTAX;
    }
    int length = to > from ? to - from : to + MINUTES_A_DAY - from;
    for (int day = 0; day < 7; day++) {
        if (!(days & (1u << day)))
            continue;
        for (int i = 0; i < length; i++) {
            int minute = (day * MINUTES_A_DAY + from + i) % HOURS_MINUTES;
            hours->open[minute / 64] |= UINT64_C(1) << (minute % 64);
        }
    }
    return OK;
}

int64_t facts_days_of(int year, int month, int day)
{
    /* Counted from 0000-03-01, so that the leap day is a year's last. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool date_parse(struct span text, int64_t *out_days)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = 0;
    uint32_t month = 0;
    uint32_t day = 0;
    if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-' || !span_to_u32(span_slice(text, 0, 4), &year) ||
        !span_to_u32(span_slice(text, 5, 7), &month) || !span_to_u32(span_slice(text, 8, 10), &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && leap ? 1u : 0u))
        return false;
    *out_days = facts_days_of((int)year, (int)month, (int)day);
    return true;
}

/* "Z" or "+01:00" in seconds. */
static bool offset_parse(struct span text, int *out_seconds)
{
    if (span_equal(text, SPAN("Z"))) {
        *out_seconds = 0;
        return true;
    }
    if (text.len != 6 || (text.at[0] != '+' && text.at[0] != '-'))
        return false;
    int minutes = minutes_of(span_slice(text, 1, 6));
    if (minutes < 0)
        return false;
    *out_seconds = (text.at[0] == '-' ? -60 : 60) * minutes;
    return true;
}

bool facts_time_parse(struct span text, int64_t *out_seconds)
{
    int64_t days = 0;
    if (!date_parse(span_slice(text, 0, 10), &days))
        return false;
    if (text.len == 10) {
        *out_seconds = days * SECONDS_A_DAY;
        return true;
    }
    uint32_t second = 0;
    int offset = 0;
    int minutes = text.len > 19 ? minutes_of(span_slice(text, 11, 16)) : -1;
    if (minutes < 0 || (text.at[10] != 'T' && text.at[10] != ' ') || text.at[16] != ':' ||
        !span_to_u32(span_slice(text, 17, 19), &second) || second > 60 ||
        !offset_parse(span_slice(text, 19, text.len), &offset))
        return false;
    *out_seconds = days * SECONDS_A_DAY + minutes * 60 + (int64_t)second - offset;
    return true;
}

enum err facts_hours_except(struct facts_hours *hours, struct span text, const char **out_reason)
{
    int64_t days = 0;
    if (!date_parse(text, &days)) {
        *out_reason = "expected a day such as \"2026-12-25\"";
        return ERR_SYNTAX;
    }
    if (hours->except_count == HOURS_EXCEPT_MAX) {
        *out_reason = "more than 128 days in `except`";
        return ERR_FULL;
    }
    hours->except[hours->except_count++] = (int32_t)days;
    return OK;
}

bool facts_hours_open(const struct facts_hours *hours, int64_t wall_ms)
{
    int64_t unix_s = wall_ms / 1000;
    int64_t local = unix_s + facts_zone_offset(&hours->zone, unix_s);
    if (local < 0)
        return false; /* before 1970 no clock is right */
    int64_t day = local / SECONDS_A_DAY;
    for (unsigned i = 0; i < hours->except_count; i++) {
        if (hours->except[i] == day)
            return false;
    }
    int64_t minute = (day + 3) % 7 * MINUTES_A_DAY + local % SECONDS_A_DAY / 60; /* 1970-01-01 was a Thursday */
    return (hours->open[minute / 64] >> (minute % 64)) & 1;
}
