/* SPDX-License-Identifier: Apache-2.0 */
/* See grammar.h.  A grammar is read into flat arrays: symbols, alternatives, and parts of them. */
#include "support/grammar.h"
#include "util/invariant.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS_MAX = 256, ALTERNATIVES_MAX = 2048, PARTS_MAX = 16384, ENDLESS = 1000, WEIGHT_MAX = 20 };

enum part_kind { PART_TEXT, PART_BYTES, PART_SYMBOL };

struct part {
    enum part_kind kind;
    struct span text; /* BYTES: hexadecimal */
    unsigned symbol;
    unsigned times;
};

struct alternative {
    unsigned first, count; /* parts */
    unsigned weight;
    unsigned height; /* symbols in symbols until it ends, at least */
    uint64_t used;
    struct span text;
};

struct symbol {
    struct span name;
    bool defined;
    unsigned first, count; /* alternatives */
    unsigned weight;       /* of them all */
    unsigned quickest;     /* the alternative that ends soonest */
    unsigned height;
};

struct grammar {
    char *text;
    unsigned symbol_count, alternative_count, part_count;
    struct symbol symbols[SYMBOLS_MAX];
    struct alternative alternatives[ALTERNATIVES_MAX];
    struct part parts[PARTS_MAX];
};

void tape_begin(struct tape *tape, uint64_t seed)
{
    random_seed(&tape->random, seed);
    tape->len = tape->at = 0;
    tape->fixed = false;
}

void tape_again(struct tape *tape)
{
    tape->at = 0;
    tape->fixed = true;
}

unsigned tape_draw(struct tape *tape, unsigned bound)
{
    if (tape->at == TAPE_MAX)
        return 0;
    if (tape->fixed) {
        unsigned choice = tape->at < tape->len ? tape->choices[tape->at] % bound : 0;
        tape->at++;
        return choice;
    }
    unsigned choice = (unsigned)random_below(&tape->random, bound);
    tape->choices[tape->at++] = (unsigned short)choice;
    tape->len = tape->at;
    return choice;
}

static unsigned find_symbol(struct grammar *grammar, struct span name)
{
    for (unsigned i = 0; i < grammar->symbol_count; i++)
        if (span_equal(grammar->symbols[i].name, name))
            return i;
    invariant(grammar->symbol_count < SYMBOLS_MAX);
    grammar->symbols[grammar->symbol_count].name = name;
    return grammar->symbol_count++;
}

static bool is_name_byte(char byte)
{
    return islower((unsigned char)byte) || byte == '_';
}

/* One "$..." at `at`; gives where it ends, or NULL where a dollar is only a dollar. */
static const char *take_reference(struct grammar *grammar, const char *at, const char *end, struct part *out)
{
    const char *name = at + 1;
    if (name < end && *name == '[') {
        const char *close = memchr(name, ']', (size_t)(end - name));
        if (!close)
            return NULL;
        *out = (struct part){.kind = PART_BYTES, .text = span_make(name + 1, (size_t)(close - name - 1))};
        return close + 1;
    }
    unsigned times = 0;
    while (name < end && isdigit((unsigned char)*name))
        times = times * 10 + (unsigned)(*name++ - '0');
    if (times > 0 && (name == end || *name++ != '*'))
        return NULL;
    const char *stop = name;
    while (stop < end && is_name_byte(*stop))
        stop++;
    if (stop == name)
        return NULL;
    unsigned symbol = find_symbol(grammar, span_make(name, (size_t)(stop - name)));
    *out = (struct part){.kind = PART_SYMBOL, .symbol = symbol, .times = times ? times : 1};
    return stop;
}

static void add_part(struct grammar *grammar, const struct part *part)
{
    invariant(grammar->part_count < PARTS_MAX);
    grammar->parts[grammar->part_count++] = *part;
    grammar->alternatives[grammar->alternative_count - 1].count++;
}

static void add_parts(struct grammar *grammar, struct span text)
{
    const char *end = text.at + text.len, *from = text.at;
    for (const char *at = text.at; at <= end; at++) {
        struct part part;
        const char *behind = at < end && *at == '$' ? take_reference(grammar, at, end, &part) : NULL;
        if (at < end && !behind)
            continue;
        if (at > from)
            add_part(grammar, &(struct part){.kind = PART_TEXT, .text = span_make(from, (size_t)(at - from))});
        if (behind) {
            add_part(grammar, &part);
            from = behind;
            at = behind - 1;
        }
    }
}

static void add_alternative(struct grammar *grammar, struct symbol *symbol, struct span line)
{
    unsigned weight = 0, digits = 0;
    while (digits < line.len && isdigit((unsigned char)line.at[digits]))
        weight = weight * 10 + (unsigned)(line.at[digits++] - '0');
    bool weighed = weight > 0 && weight <= WEIGHT_MAX && digits + 2 <= line.len && line.at[digits] == '|' &&
                   line.at[digits + 1] == ' ';
    if (weighed)
        line = span_slice(line, digits + 2, line.len);
    invariant(grammar->alternative_count < ALTERNATIVES_MAX);
    struct alternative *alternative = &grammar->alternatives[grammar->alternative_count++];
    *alternative = (struct alternative){.first = grammar->part_count, .weight = weighed ? weight : 1, .text = line};
    symbol->count++;
    symbol->weight += alternative->weight;
    add_parts(grammar, line);
}

static enum err begin_symbol(struct grammar *grammar, struct span line, int number, struct symbol **out_symbol,
                             struct fault *fault)
{
    if (line.len < 2 || line.at[line.len - 1] != ':')
        return fault_set(fault, ERR_SYNTAX, "grammar", number, "expected \"name:\" or four spaces");
    struct symbol *symbol = &grammar->symbols[find_symbol(grammar, span_slice(line, 0, line.len - 1))];
    if (symbol->defined)
        return fault_set(fault, ERR_SYNTAX, "grammar", number, "this symbol was there before");
    symbol->defined = true;
    symbol->first = grammar->alternative_count;
    *out_symbol = symbol;
    return OK;
}

static enum err take_line(struct grammar *grammar, struct span line, int number, struct symbol **symbol,
                          struct fault *fault)
{
    if (line.len == 0 || line.at[0] == '#')
        return OK;
    if (!span_starts_with(line, SPAN("    ")))
        return begin_symbol(grammar, line, number, symbol, fault);
    if (!*symbol)
        return fault_set(fault, ERR_SYNTAX, "grammar", number, "an alternative of no symbol");
    if (!span_starts_with(line, SPAN("        "))) {
        add_alternative(grammar, *symbol, span_slice(line, 4, line.len));
        return OK;
    }
    if ((*symbol)->count == 0)
        return fault_set(fault, ERR_SYNTAX, "grammar", number, "it goes on with nothing");
    add_part(grammar, &(struct part){.kind = PART_TEXT, .text = SPAN("\n")});
    add_parts(grammar, span_slice(line, 8, line.len));
    return OK;
}

static unsigned height_of(const struct grammar *grammar, const struct alternative *alternative)
{
    unsigned height = 0;
    for (unsigned i = 0; i < alternative->count; i++) {
        const struct part *part = &grammar->parts[alternative->first + i];
        unsigned below = part->kind == PART_SYMBOL ? grammar->symbols[part->symbol].height + 1 : 0;
        height = below > height ? below : height;
    }
    return height;
}

/* Until nothing changes: how soon each symbol can end, and by which alternative. */
static void measure(struct grammar *grammar)
{
    for (unsigned i = 0; i < grammar->symbol_count; i++)
        grammar->symbols[i].height = ENDLESS;
    for (bool changed = true; changed;) {
        changed = false;
        for (unsigned i = 0; i < grammar->symbol_count; i++) {
            struct symbol *symbol = &grammar->symbols[i];
            for (unsigned j = 0; j < symbol->count; j++) {
                struct alternative *alternative = &grammar->alternatives[symbol->first + j];
                alternative->height = height_of(grammar, alternative);
                if (alternative->height >= symbol->height)
                    continue;
                symbol->height = alternative->height;
                symbol->quickest = j;
                changed = true;
            }
        }
    }
}

static enum err check(const struct grammar *grammar, struct fault *fault)
{
    for (unsigned i = 0; i < grammar->symbol_count; i++) {
        const struct symbol *symbol = &grammar->symbols[i];
        if (!symbol->defined || symbol->count == 0)
            return fault_set(fault, ERR_SYNTAX, "grammar", 0, "\"%.*s\" has no alternative", SPAN_ARG(symbol->name));
    }
    for (unsigned i = 0; i < grammar->symbol_count; i++) {
        const struct symbol *symbol = &grammar->symbols[i];
        if (symbol->height >= ENDLESS)
            return fault_set(fault, ERR_SYNTAX, "grammar", 0, "\"%.*s\" never ends", SPAN_ARG(symbol->name));
    }
    return OK;
}

enum err grammar_new(struct span text, struct grammar **out_grammar, struct fault *fault)
{
    struct grammar *grammar = calloc(1, sizeof(*grammar));
    if (!grammar || !(grammar->text = span_dup(text))) {
        free(grammar);
        return ERR_NOMEM;
    }
    struct symbol *symbol = NULL;
    enum err err = OK;
    int number = 1;
    for (char *line = grammar->text; line && err == OK; number++) {
        char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);
        err = take_line(grammar, span_make(line, len), number, &symbol, fault);
        line = end ? end + 1 : NULL;
    }
    if (err == OK) {
        measure(grammar);
        err = check(grammar, fault);
    }
    if (err != OK) {
        grammar_free(grammar);
        return err;
    }
    *out_grammar = grammar;
    return OK;
}

void grammar_free(struct grammar *grammar)
{
    if (!grammar)
        return;
    free(grammar->text);
    free(grammar);
}

struct expansion {
    struct grammar *grammar;
    struct grammar_limits limits;
    struct tape *tape;
    struct buffer *out;
};

static unsigned choose(const struct expansion *expansion, const struct symbol *symbol, unsigned depth)
{
    if (depth >= expansion->limits.depth || expansion->out->len >= expansion->limits.len)
        return symbol->quickest;
    unsigned drawn = tape_draw(expansion->tape, symbol->weight), at = 0;
    for (; drawn >= expansion->grammar->alternatives[symbol->first + at].weight; at++)
        drawn -= expansion->grammar->alternatives[symbol->first + at].weight;
    return at;
}

static void add_bytes(struct buffer *out, struct span hex)
{
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        char digits[3] = {hex.at[i], hex.at[i + 1], '\0'};
        buffer_add_byte(out, (char)strtoul(digits, NULL, 16));
    }
}

static void expand(const struct expansion *expansion, unsigned number, unsigned depth)
{
    struct grammar *grammar = expansion->grammar;
    const struct symbol *symbol = &grammar->symbols[number];
    struct alternative *alternative = &grammar->alternatives[symbol->first + choose(expansion, symbol, depth)];
    alternative->used++;
    for (unsigned i = 0; i < alternative->count; i++) {
        const struct part *part = &grammar->parts[alternative->first + i];
        if (part->kind == PART_TEXT) {
            buffer_add_span(expansion->out, part->text);
            continue;
        }
        if (part->kind == PART_BYTES) {
            add_bytes(expansion->out, part->text);
            continue;
        }
        size_t began = expansion->out->len;
        expand(expansion, part->symbol, depth + 1);
        size_t len = expansion->out->len - began;
        for (unsigned time = 1; time < part->times && buffer_reserve(expansion->out, len); time++)
            buffer_add(expansion->out, expansion->out->at + began, len);
    }
}

void grammar_expand(struct grammar *grammar, const char *symbol, struct grammar_limits limits, struct tape *tape,
                    struct buffer *out)
{
    const struct expansion expansion = {.grammar = grammar, .limits = limits, .tape = tape, .out = out};
    unsigned number = find_symbol(grammar, span_of(symbol));
    invariant(grammar->symbols[number].defined);
    expand(&expansion, number, 0);
}

unsigned grammar_alternatives(const struct grammar *grammar, unsigned *out_used)
{
    *out_used = 0;
    for (unsigned i = 0; i < grammar->alternative_count; i++)
        *out_used += grammar->alternatives[i].used > 0;
    return grammar->alternative_count;
}

bool grammar_unused(const struct grammar *grammar, struct span *out_symbol, struct span *out_text)
{
    for (unsigned i = 0; i < grammar->symbol_count; i++) {
        const struct symbol *symbol = &grammar->symbols[i];
        for (unsigned j = 0; j < symbol->count; j++) {
            const struct alternative *alternative = &grammar->alternatives[symbol->first + j];
            if (alternative->used > 0)
                continue;
            *out_symbol = symbol->name;
            *out_text = alternative->text;
            return true;
        }
    }
    return false;
}
