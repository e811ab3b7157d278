/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as text that entry_input.h reads back. */
#pragma once

#include "entry/entry_record.h"
#include "util/buffer.h"
#include "util/json.h"

enum { ENTRY_PRINT_MAX = 32768 }; /* bytes of a row at most */

/* The first line of a CSV file: the columns' names.  HA1s are there only with `passwords`. */
void entry_print_csv_head(struct buffer *out, bool passwords);
void entry_print_csv_row(struct buffer *out, const struct entry_record *record, bool passwords);
/* A JSON object on a line of its own. */
void entry_print_json_row(struct buffer *out, const struct entry_record *record, bool passwords);
/* The same members into an open object: kind, key, state, since, ...; never an HA1. */
void entry_print_json(const struct entry_record *record, struct json *json);
