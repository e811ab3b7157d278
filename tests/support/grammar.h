/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from a grammar, one for each tape of choices: the same tape gives the same text, and a tape that is shorter or holds
 * smaller choices gives a simpler one, so that a text which shows a fault can be made small without knowing its language.
 *
 * A grammar is a text.  "name:" begins a symbol; each line below it, four spaces deep, is one of its alternatives, the plainest
 * first ("3| " before it: as if it stood there three times); a line eight spaces deep goes on with the one before.  In an
 * alternative "$name" stands for that symbol, "$40*name" for 40 times one and the same expansion of it, "$[0d0a]" for
 * these bytes.  "#" in the first column begins a remark. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"
#include "util/random.h"

enum { TAPE_MAX = 1 << 15 };

/* Choices: drawn anew, or those of before. */
struct tape {
    struct random random;
    unsigned len; /* choices that are there */
    unsigned at;  /* the next one */
    bool fixed;   /* beyond `len` every choice is 0; else it is drawn and noted */
    unsigned short choices[TAPE_MAX];
};

void tape_begin(struct tape *tape, uint64_t seed);
/* From its start once more, with the choices that it holds. */
void tape_again(struct tape *tape);
/* In [0, bound); bound > 0.  0 once the tape is full. */
unsigned tape_draw(struct tape *tape, unsigned bound);

struct grammar;

/* ERR_SYNTAX with the line and what is wrong there in `fault`. */
MUST_CHECK enum err grammar_new(struct span text, struct grammar **out_grammar, struct fault *fault);
void grammar_free(struct grammar *grammar); /* NULL is fine */

struct grammar_limits {
    unsigned depth; /* of symbols in symbols; beyond, each ends as quickly as it can */
    size_t len;     /* bytes, likewise */
};

/* Appends an expansion of `symbol`, which must be there. */
void grammar_expand(struct grammar *grammar, const char *symbol, struct grammar_limits limits, struct tape *tape,
                    struct buffer *out);
/* How many alternatives there are, and how many have been used so far. */
unsigned grammar_alternatives(const struct grammar *grammar, unsigned *out_used);
/* The first one that has not been used; false: all were. */
bool grammar_unused(const struct grammar *grammar, struct span *out_symbol, struct span *out_text);
