/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that were rolled back from, by hash, and why: so that neither a touch of the folder nor a restart brings them back.
 * DIR/last_good/refused holds them, a line each: HASH, a space, "probation" or "operator", a space, why. */
#pragma once

#include "util/digest.h"
#include "util/err.h"
#include <stdbool.h>

enum { RELEASE_REFUSED_MAX = 16, RELEASE_REFUSED_TEXT_MAX = 400 };

struct release_refusal {
    char hash[DIGEST_HEX_MAX];
    bool by_probation; /* a reload needs force; else asking for it is enough */
    char why[RELEASE_REFUSED_TEXT_MAX];
};

/* The newest last; over the cap the oldest is forgotten. */
struct release_refused {
    unsigned count;
    struct release_refusal list[RELEASE_REFUSED_MAX];
};

/* NULL when the hash is not in the list. */
const struct release_refusal *release_refused_find(const struct release_refused *refused, const char *hash);
void release_refused_add(struct release_refused *refused, const char *hash, bool by_probation, const char *why);
/* False: it was not there. */
bool release_refused_remove(struct release_refused *refused, const char *hash);

/* Lines that cannot be read are left out: what they refused is then judged anew by a probation. */
void release_refused_load(struct release_refused *refused, const char *data_dir);
MUST_CHECK enum err release_refused_save(const struct release_refused *refused, const char *data_dir);
