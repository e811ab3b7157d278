/* SPDX-License-Identifier: Apache-2.0 */
/* How far two versions may differ: bands, expectations and conditions as an operator writes them, and the test of a tally
 * against them.  Pure.
 *
 * A band is on paired differences: the same request, decided by both.  What callers call, and how often, moves no pair: a
 * share is one of distinct targets, and one source alone cannot make it. */
#pragma once

#include "release/release_tally.h"
#include "util/err.h"

struct buffer;

/* The largest share of each measure, in millionths; RELEASE_WHOLE: any. */
enum { RELEASE_WHOLE = 1000000 };

struct release_band {
    uint32_t limits[RELEASE_MEASURE_COUNT];
};

/* When a probation says that a band was left. */
enum {
    RELEASE_TARGETS_LEAST = 10, /* so many distinct targets that differ, */
    RELEASE_PAIRS_LEAST = 100   /* or so many pairs of which every one does */
};

/* 410 1 %, lost 410 5 %, errors 1 %, kills 0.5 %, diff: any. */
void release_band_default(struct release_band *band);

/* "410 1%, errors 0.5%": replaces what it names.  A name is "410", "lost 410", "errors", "kills", "diff"; a share is from 0% to 100%
 * with at most four decimals.  ERR_INVALID with what was expected; `band` may then be half set. */
MUST_CHECK enum err release_band_parse(struct span text, struct release_band *band, struct fault *fault);

/* "410 +2%, diff +30%": adds to what is allowed; "410 -5%" announces that 410s are lost. */
MUST_CHECK enum err release_band_expect(struct span text, struct release_band *band, struct fault *fault);

/* Whether the tally has left the band, beyond doubt: at 99.9 % of confidence the true share of targets is over the limit,
 * at least RELEASE_TARGETS_LEAST of them differ, and not because of one source (where there are more).  Where few targets
 * call at all, every pair of at least RELEASE_PAIRS_LEAST has to differ.  *out_measure is which. */
bool release_band_left(const struct release_band *band, const struct release_tally *tally,
                       enum release_measure *out_measure);

/* "diff < 0.1%, errors < 0.01%" (also joined by "and"). */
struct release_condition {
    bool set;
    struct release_band below; /* RELEASE_WHOLE: not asked for */
};
MUST_CHECK enum err release_condition_parse(struct span text, struct release_condition *out_condition,
                                            struct fault *fault);

/* Whether the tally fulfils it: each share, of pairs and of targets, is below its limit, and enough was seen to tell (1/limit
 * pairs: 1,000 for 0.1 %).  Says in `why` what was found, also when it holds. */
bool release_condition_holds(const struct release_condition *condition, const struct release_tally *tally,
                             struct buffer *why);

/* "12 of 340 targets (3.5 %), 15 of 1,200 requests" of one measure. */
void release_band_describe(const struct release_tally *tally, enum release_measure measure, struct buffer *out);
