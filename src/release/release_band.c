/* SPDX-License-Identifier: Apache-2.0 */
/* Shares, and when they are over a limit beyond doubt. */
#include "release/release_band.h"
#include "util/buffer.h"
#include <string.h>

void release_band_default(struct release_band *band)
{
    *band = (struct release_band){.limits = {
                                      [RELEASE_DIFF] = RELEASE_WHOLE,
                                      [RELEASE_GONE] = RELEASE_WHOLE / 100,
                                      [RELEASE_NOT_GONE] = RELEASE_WHOLE / 20,
                                      [RELEASE_ERRORS] = RELEASE_WHOLE / 100,
                                      [RELEASE_KILLS] = RELEASE_WHOLE / 200,
                                  }};
}

/* ---- Texts ---- */

static enum err expected(struct fault *fault, const char *what, struct span got)
{
    got = span_slice(got, 0, 60);
    return fault_set(fault, ERR_INVALID, NULL, 0, "expected %s, got \"%.*s\"", what, SPAN_ARG(got));
}

static struct span take_item(struct span *text)
{
    size_t end = span_find(*text, ',');
    for (size_t at = 0; at + 5 <= end; at++)
        if (memcmp(text->at + at, " and ", 5) == 0) {
            struct span item = span_trim(span_slice(*text, 0, at));
            *text = span_slice(*text, at + 5, text->len);
            return item;
        }
    struct span item = span_trim(span_slice(*text, 0, end));
    *text = span_slice(*text, end < text->len ? end + 1 : end, text->len);
    return item;
}

/* The measure's name at the head of *item, which is taken off. */
static bool take_name(struct span *item, enum release_measure *out_measure)
{
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++) {
        struct span name = span_of(release_measure_name((enum release_measure)i));
        if (!span_starts_with(*item, name))
            continue;
        *out_measure = (enum release_measure)i;
        *item = span_trim(span_slice(*item, name.len, item->len));
        return true;
    }
    return false;
}

/* "0.1%" as millionths. */
static bool parse_share(struct span text, uint32_t *out_share)
{
    if (text.len < 2 || text.at[text.len - 1] != '%')
        return false;
    text = span_trim(span_slice(text, 0, text.len - 1));
    size_t point = span_find(text, '.');
    struct span decimals = span_slice(text, point < text.len ? point + 1 : point, text.len);
    uint32_t whole, part = 0;
    if (!span_to_u32(span_slice(text, 0, point), &whole) || whole > 100 || decimals.len > 4 ||
        (point < text.len && !span_to_u32(decimals, &part)))
        return false;
    for (size_t i = decimals.len; i < 4; i++)
        part *= 10;
    *out_share = whole * (RELEASE_WHOLE / 100) + part;
    return *out_share <= RELEASE_WHOLE;
}

enum err release_band_parse(struct span text, struct release_band *band, struct fault *fault)
{
    static const char what[] = "bands such as \"410 1%, lost 410 5%, errors 1%, kills 0.5%, diff 20%\"";
    while (text.len > 0) {
        enum release_measure measure;
        struct span item = take_item(&text), rest = item;
        if (!take_name(&rest, &measure) || !parse_share(rest, &band->limits[measure]))
            return expected(fault, what, item);
    }
    return OK;
}

enum err release_band_expect(struct span text, struct release_band *band, struct fault *fault)
{
    static const char what[] = "a change such as \"410 +2%\" (or \"410 -5%\", \"errors +1%\", \"diff +30%\")";
    if (span_trim(text).len == 0)
        return expected(fault, what, text);
    while (text.len > 0) {
        enum release_measure measure;
        uint32_t share;
        struct span item = take_item(&text), rest = item;
        bool named = take_name(&rest, &measure) && rest.len > 0 && (rest.at[0] == '+' || rest.at[0] == '-');
        bool less = named && rest.at[0] == '-';
        if (!named || !parse_share(span_trim(span_slice(rest, 1, rest.len)), &share) ||
            (less && measure != RELEASE_GONE))
            return expected(fault, what, item);
        uint32_t *limit = &band->limits[less ? RELEASE_NOT_GONE : measure];
        *limit = *limit + share > RELEASE_WHOLE ? RELEASE_WHOLE : *limit + share;
    }
    return OK;
}

enum err release_condition_parse(struct span text, struct release_condition *out_condition, struct fault *fault)
{
    static const char what[] = "a condition such as \"diff < 0.1%\" or \"410 < 0.5%, errors < 0.01%\"";
    struct release_condition condition = {.set = true};
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++)
        condition.below.limits[i] = RELEASE_WHOLE;
    if (span_trim(text).len == 0)
        return expected(fault, what, text);
    while (text.len > 0) {
        enum release_measure measure;
        uint32_t share;
        struct span item = take_item(&text), rest = item;
        if (!take_name(&rest, &measure) || rest.len == 0 || rest.at[0] != '<' ||
            !parse_share(span_trim(span_slice(rest, 1, rest.len)), &share) || share == 0)
            return expected(fault, what, item);
        condition.below.limits[measure] = share;
    }
    *out_condition = condition;
    return OK;
}

/* ---- Statistics ---- */

/* Whether `with` of `total` says that the true share is over `limit`, at 99.9 % (one-sided): the score test (Wilson, 1927),
 * whose lower bound is over p where (k - n p)^2 > z^2 n p (1 - p). */
static bool is_over(uint64_t with, uint64_t total, uint32_t limit)
{
    static const double z_squared = 3.09 * 3.09;
    double p = (double)limit / RELEASE_WHOLE, n = (double)total, excess = (double)with - n * p;
    return excess > 0 && excess * excess > z_squared * n * p * (1 - p);
}

/* Whether more than one source brings it about, where more than one calls; and not only a few among many. */
static bool many_sources(const struct release_tally *tally, enum release_measure measure, uint32_t limit)
{
    unsigned with = tally->sources.with[measure], total = tally->sources.total;
    return total < 2 || (with >= 2 && (uint64_t)with * RELEASE_WHOLE > (uint64_t)total * limit);
}

static bool has_left(const struct release_tally *tally, enum release_measure measure, uint32_t limit)
{
    if (limit >= RELEASE_WHOLE || !many_sources(tally, measure, limit))
        return false;
    if (tally->targets.with[measure] >= RELEASE_TARGETS_LEAST)
        return is_over(tally->targets.with[measure], tally->targets.total, limit);
    return tally->with[measure] >= RELEASE_PAIRS_LEAST && tally->with[measure] == tally->pairs;
}

bool release_band_left(const struct release_band *band, const struct release_tally *tally,
                       enum release_measure *out_measure)
{
    static const enum release_measure order[RELEASE_MEASURE_COUNT] = {RELEASE_GONE, RELEASE_KILLS, RELEASE_ERRORS,
                                                                      RELEASE_NOT_GONE, RELEASE_DIFF};
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++) {
        if (!has_left(tally, order[i], band->limits[order[i]]))
            continue;
        *out_measure = order[i];
        return true;
    }
    return false;
}

static double percent(uint64_t part, uint64_t of)
{
    return of ? 100.0 * (double)part / (double)of : 0;
}

void release_band_describe(const struct release_tally *tally, enum release_measure measure, struct buffer *out)
{
    const struct release_voices *targets = &tally->targets;
    buffer_addf(out, "%s: %u of %u targets (%.2f %%), %llu of %llu requests (%.2f %%)", release_measure_name(measure),
                targets->with[measure], targets->total, percent(targets->with[measure], targets->total),
                (unsigned long long)tally->with[measure], (unsigned long long)tally->pairs,
                percent(tally->with[measure], tally->pairs));
}

static bool is_below(uint64_t part, uint64_t of, uint32_t limit)
{
    return part == 0 || (double)part * RELEASE_WHOLE < (double)of * limit;
}

bool release_condition_holds(const struct release_condition *condition, const struct release_tally *tally,
                             struct buffer *why)
{
    bool holds = true;
    const char *separator = "";
    for (unsigned i = 0; i < RELEASE_MEASURE_COUNT; i++) {
        uint32_t limit = condition->below.limits[i];
        if (limit >= RELEASE_WHOLE)
            continue;
        buffer_addf(why, "%s", separator);
        separator = "; ";
        release_band_describe(tally, (enum release_measure)i, why);
        if (tally->pairs * limit < RELEASE_WHOLE) {
            buffer_addf(why, ", and %u requests are needed to tell %.4g %%", (RELEASE_WHOLE + limit - 1) / limit,
                        percent(limit, RELEASE_WHOLE));
            holds = false;
        } else if (!is_below(tally->with[i], tally->pairs, limit) ||
                   !is_below(tally->targets.with[i], tally->targets.total, limit)) {
            buffer_addf(why, ", not below %.4g %%", percent(limit, RELEASE_WHOLE));
            holds = false;
        }
    }
    return holds;
}
