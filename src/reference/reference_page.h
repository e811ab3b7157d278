/* SPDX-License-Identifier: Apache-2.0 */
/* The reference as pages for people, 80 columns wide in UTF-8, and as JSON for programs. */
#pragma once

#include "reference/reference_cause.h"
#include "reference/reference_code.h"
#include "util/buffer.h"
#include "util/json.h"

/* All codes, a line each, by class. */
void reference_page_list(enum reference_language language, struct buffer *out);
/* Everything about one code. */
void reference_page_one(const struct reference_code *code, enum reference_language language, struct buffer *out);
/* Two beside each other: where they differ, what they share, which to use when. */
void reference_page_two(const struct reference_code *left, const struct reference_code *right,
                        enum reference_language language, struct buffer *out);
/* A Q.850 cause and the answer that it becomes. */
void reference_page_cause(const struct reference_cause *cause, enum reference_language language, struct buffer *out);
/* One code as an object. */
void reference_page_json(const struct reference_code *code, enum reference_language language, struct json *json);
