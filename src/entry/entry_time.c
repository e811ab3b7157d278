/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 times.  By the calendar's arithmetic alone: no time zone data, no locale, no process-wide state. */
#include "entry/entry_time.h"

#include <stdio.h>

/* Days from 1970-01-01 to a date of the Gregorian calendar (years from March, so that the leap day is last). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month + (month > 2 ? -3u : 9u)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *out_year, unsigned *out_month, unsigned *out_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *out_day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *out_month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

static unsigned days_in_month(uint32_t year, uint32_t month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Takes `len` digits and, unless it is 0, the byte `after`. */
static bool take_digits(struct span *rest, size_t len, char after, uint32_t *out_value)
{
    if (rest->len < len + (after != 0) || !span_to_u32(span_slice(*rest, 0, len), out_value))
        return false;
    if (after && rest->at[len] != after)
        return false;
    *rest = span_slice(*rest, len + (after != 0), rest->len);
    return true;
}

/* ".123456" to milliseconds; nothing is 0. */
static bool take_fraction(struct span *rest, uint32_t *out_ms)
{
    uint32_t ms = 0, weight = 100;
    size_t at = 1;
    *out_ms = 0;
    if (!rest->len || rest->at[0] != '.')
        return true;
    for (; at < rest->len && rest->at[at] >= '0' && rest->at[at] <= '9'; at++, weight /= 10)
        ms += (uint32_t)(rest->at[at] - '0') * weight;
    *rest = span_slice(*rest, at, rest->len);
    *out_ms = ms;
    return at > 1;
}

/* "Z" or "+01:00", which must be all that is left. */
static bool take_offset(struct span rest, int64_t *out_minutes)
{
    uint32_t hours, minutes;
    *out_minutes = 0;
    if (rest.len == 1 && (rest.at[0] == 'Z' || rest.at[0] == 'z'))
        return true;
    if (rest.len != 6 || (rest.at[0] != '+' && rest.at[0] != '-'))
        return false;
    bool west = rest.at[0] == '-';
    rest = span_slice(rest, 1, rest.len);
    if (!take_digits(&rest, 2, ':', &hours) || !take_digits(&rest, 2, 0, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = (int64_t)(hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

bool entry_time_parse(struct span text, int64_t *out_ms)
{
    uint32_t year, month, day, hour = 0, minute = 0, second = 0, ms = 0;
    int64_t offset = 0;
    struct span rest = text;
    if (!take_digits(&rest, 4, '-', &year) || !take_digits(&rest, 2, '-', &month) || !take_digits(&rest, 2, 0, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    if (rest.len) {
        if (rest.at[0] != 'T' && rest.at[0] != 't' && rest.at[0] != ' ')
            return false;
        rest = span_slice(rest, 1, rest.len);
        if (!take_digits(&rest, 2, ':', &hour) || !take_digits(&rest, 2, ':', &minute) ||
            !take_digits(&rest, 2, 0, &second) || !take_fraction(&rest, &ms) || !take_offset(rest, &offset))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t minutes = (days_from_civil(year, month, day) * 24 + hour) * 60 + minute - offset;
    *out_ms = (minutes * 60 + second) * 1000 + ms;
    return true;
}

void entry_time_text(int64_t ms, char out_text[ENTRY_TIME_MAX])
{
    static const int64_t day_ms = 86400000;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    unsigned in_day = (unsigned)(ms - days * day_ms);
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    int len = snprintf(out_text, ENTRY_TIME_MAX, "%04lld-%02u-%02uT%02u:%02u:%02u", (long long)(year % 100000), month,
                       day, in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60);
    if (in_day % 1000)
        len += snprintf(out_text + len, (size_t)(ENTRY_TIME_MAX - len), ".%03u", in_day % 1000);
    snprintf(out_text + len, (size_t)(ENTRY_TIME_MAX - len), "Z");
}
