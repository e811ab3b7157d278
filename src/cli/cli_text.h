/* SPDX-License-Identifier: Apache-2.0 */
/* JSON answers as text for people. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* An object as indented "key: value" lines; lists of plain values on one line. */
void cli_text_tree(const json_t *json, FILE *to);
/* Blanks the control bytes in all strings within, since many hold what a stranger on the network chose (a user named
 * "%1b[2J"); members "text" keep their lines. */
void cli_text_clean(json_t *json);
/* Member `key` as text, "" when it is missing, null or no string. */
const char *cli_text_of(const json_t *object, const char *key);
/* Prints a reload's or rollback's report (admin/README.md) in a few lines. */
void cli_text_report(const json_t *report, FILE *to);
/* Prints a shadow or a probation. */
void cli_text_trial(const json_t *trial, FILE *to);

/* Prints {"versions":[...]} as a table. */
void cli_text_versions(const json_t *answer, FILE *to);
