/* SPDX-License-Identifier: Apache-2.0 */
/* The one date format of SIP. */
#include "sip/sip_date.h"

#include "sip/sip_priv.h"

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Days from 1970-01-01 in the Gregorian calendar, years from 0 on; by counting March as the first month, so that the
 * leap day comes last. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const unsigned char lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

/* Two digits; 100 when they are none. */
static unsigned two_digits(const char *at)
{
    if (!sip_text_is(at[0], SIP_TEXT_DIGIT) || !sip_text_is(at[1], SIP_TEXT_DIGIT))
        return 100;
    return (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
}

static int index_of(const char *at, const char (*names)[4], int count)
{
    for (int index = 0; index < count; index++)
        if (memcmp(at, names[index], 3) == 0)
            return index;
    return -1;
}

/* "Sat, 13 Nov 2010 23:29:00 GMT" has one length, so every field has its place. */
enum err sip_date_parse(struct span text, int64_t *out_seconds)
{
    const char *at = text.at;
    if (text.len != 29 || memcmp(at + 3, ", ", 2) != 0 || at[7] != ' ' || at[11] != ' ' || at[16] != ' ' ||
        at[19] != ':' || at[22] != ':' || memcmp(at + 25, " GMT", 4) != 0)
        return ERR_SYNTAX;
    int week_day = index_of(at, days, 7);
    int month = index_of(at + 8, months, 12);
    unsigned day = two_digits(at + 5), century = two_digits(at + 12), year_of = two_digits(at + 14);
    unsigned hour = two_digits(at + 17), minute = two_digits(at + 20), second = two_digits(at + 23);
    if (week_day < 0 || month < 0 || century > 99 || year_of > 99 || hour > 23 || minute > 59 || second > 60)
        return ERR_SYNTAX;
    unsigned year = century * 100 + year_of;
    if (year < 1 || day < 1 || day > days_in_month(year, (unsigned)month + 1))
        return ERR_SYNTAX;
    int64_t since = days_from_civil(year, (unsigned)month + 1, day);
    if (((since + 4) % 7 + 7) % 7 != week_day) /* 1970-01-01 was a Thursday */
        return ERR_SYNTAX;
    *out_seconds = since * 86400 + hour * 3600 + minute * 60 + second;
    return OK;
}

void sip_date_add(struct buffer *out, int64_t seconds)
{
    if (seconds < 0 || seconds > 253402300799) { /* 9999-12-31T23:59:59Z */
        out->overflow = true;
        return;
    }
    int64_t day_count = seconds / 86400;
    unsigned rest = (unsigned)(seconds % 86400);
    unsigned year = (unsigned)(1970 + day_count / 366); /* not too late, and at most one year a century too early */
    while (days_from_civil(year + 1, 1, 1) <= day_count)
        year++;
    unsigned month = 1;
    while (month < 12 && days_from_civil(year, month + 1, 1) <= day_count)
        month++;
    unsigned day = (unsigned)(day_count - days_from_civil(year, month, 1)) + 1;
    buffer_addf(out, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[(day_count + 4) % 7], day, months[month - 1], year,
                rest / 3600, rest / 60 % 60, rest % 60);
}
