/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of texts: one file a language and group of codes, each in order of codes, ended by code 0. */
#pragma once

#include "reference/reference_text.h"

extern const struct reference_text reference_en_success[]; /* 1xx to 3xx */
extern const struct reference_text reference_en_request[]; /* 400 to 440 */
extern const struct reference_text reference_en_target[];  /* 469 to 494 */
extern const struct reference_text reference_en_failure[]; /* 5xx and 6xx */
extern const struct reference_pair reference_en_pairs[];
extern const struct reference_text reference_fr_success[];
extern const struct reference_text reference_fr_request[];
extern const struct reference_text reference_fr_target[];
extern const struct reference_text reference_fr_failure[];
extern const struct reference_pair reference_fr_pairs[];
