/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/facts_echo.h"
#include "util/siphash.h"

/* Fixed: the hash meets only those of the same decision. */
static uint64_t hash_of(const struct facts_question *question)
{
    static const struct siphash_key key = {0x6563686f, 0x65636865};
    struct siphash_state state;
    siphash_begin(&state, &key);
    siphash_add(&state, question->key);
    siphash_add(&state, span_make((const char *)&question->amount, sizeof(question->amount)));
    return (siphash_end(&state) << 3 | (uint64_t)question->kind << 1) | 1;
}

void facts_echo_add(struct facts_echoes *echoes, const struct facts_question *question, uint64_t answer)
{
    if (echoes->count < FACTS_ECHO_MAX)
        echoes->list[echoes->count++] = (struct facts_echo){question->table, hash_of(question), answer};
}

bool facts_echo_take(struct facts_echoes *echoes, const struct facts_question *question, uint64_t *out_answer)
{
    uint64_t wanted = echoes->count ? hash_of(question) : 0;
    for (unsigned i = 0; i < echoes->count; i++) {
        struct facts_echo *echo = &echoes->list[i];
        if (echo->table != question->table || echo->question != wanted)
            continue;
        echo->question = 0;
        *out_answer = echo->answer;
        return true;
    }
    return false;
}
