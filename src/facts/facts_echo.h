/* SPDX-License-Identifier: Apache-2.0 */
/* What shared tables answered in one decision, so that another version which decides the same request afterwards hears the
 * same: it counts nothing itself, and would else find the first one's own marks. */
#pragma once

#include "facts/facts_shared.h"
#include <stdbool.h>

enum facts_echo_kind { FACTS_ECHO_COUNT, FACTS_ECHO_GET, FACTS_ECHO_TAKE, FACTS_ECHO_NO_VALUE };

enum { FACTS_ECHO_MAX = 8 }; /* of a decision; further answers are looked up anew */

struct facts_echo {
    const struct facts_shared *table;
    uint64_t question; /* a hash of kind, key and amount; 0: heard already */
    uint64_t answer;
};

struct facts_echoes {
    unsigned count;
    struct facts_echo list[FACTS_ECHO_MAX];
};

/* `amount` is by how much was counted, or how many tokens were asked for. */
struct facts_question {
    const struct facts_shared *table;
    enum facts_echo_kind kind;
    struct span key;
    double amount;
};

void facts_echo_add(struct facts_echoes *echoes, const struct facts_question *question, uint64_t answer);
/* Takes the first answer to that question that was not heard yet; false: there is none. */
bool facts_echo_take(struct facts_echoes *echoes, const struct facts_question *question, uint64_t *out_answer);
