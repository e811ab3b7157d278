/* SPDX-License-Identifier: Apache-2.0 */
/* Lays the reference out: labels at the left, texts wrapped at words, two columns where two codes are compared. */
#include "reference/reference_page.h"
#include "reference/reference_text.h"

#include <stdio.h>
#include <string.h>

enum { PAGE_WIDTH = 80, LABEL_WIDTH = 12, GAP = 2, INDENT = 2, ROW_TEXT_MAX = 600 };
enum { COLUMN_WIDTH = (PAGE_WIDTH - LABEL_WIDTH - GAP) / 2 };

static bool starts_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

static size_t width_of(struct span text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++)
        width += starts_character(text.at[i]);
    return width;
}

/* French sets a space before : ; ! ? and within « », where no line may end. */
static bool may_break(const char *start, const char *space)
{
    if (strchr(":;!?", space[1]) && space[1])
        return false;
    if (strncmp(space + 1, "»", strlen("»")) == 0)
        return false;
    return (size_t)(space - start) < strlen("«") || memcmp(space - strlen("«"), "«", strlen("«")) != 0;
}

/* The next line of at most `width` columns; *at moves behind it, to NULL at the end.  A word longer than a line stays
 * whole. */
static struct span take_line(const char **at, size_t width)
{
    const char *start = *at;
    const char *cut = NULL;
    size_t columns = 0;
    const char *p = start;
    for (; *p && *p != '\n'; p++) {
        if (*p == ' ' && may_break(start, p) && (columns <= width || !cut))
            cut = p;
        columns += starts_character(*p);
        if (columns > width && cut)
            break;
    }
    bool ended = !*p || *p == '\n';
    if (!ended || columns <= width) {
        const char *end = ended ? p : cut;
        *at = *end ? end + 1 : NULL;
        return span_make(start, (size_t)(end - start));
    }
    *at = *p ? p + 1 : NULL;
    return span_make(start, (size_t)(p - start));
}

static void add_blanks(struct buffer *out, size_t count)
{
    while (count-- > 0)
        buffer_add_byte(out, ' ');
}

/* A cell of the table: its text, then blanks up to the column's width. */
static void add_cell(struct buffer *out, struct span text, size_t width)
{
    size_t used = width_of(text);
    buffer_add_span(out, text);
    add_blanks(out, used < width ? width - used : 0);
}

/* French sets a space before a semicolon and a colon. */
static const char *semicolon(enum reference_language language)
{
    return language == REFERENCE_FR ? " ; " : "; ";
}

static void add_wrapped(struct buffer *out, const char *text, size_t indent)
{
    while (text) {
        struct span line = take_line(&text, PAGE_WIDTH - indent);
        add_blanks(out, indent);
        buffer_add_span(out, line);
        buffer_add_byte(out, '\n');
    }
}

static void add_row(struct buffer *out, const char *label, const char *text)
{
    const char *name = label;
    while (text) {
        struct span line = take_line(&text, PAGE_WIDTH - LABEL_WIDTH);
        add_cell(out, span_of(name), LABEL_WIDTH);
        buffer_add_span(out, line);
        buffer_add_byte(out, '\n');
        name = "";
    }
}

static void add_columns(struct buffer *out, const char *label, const char *left, const char *right)
{
    const char *name = label;
    while (left || right) {
        struct span first = left ? take_line(&left, COLUMN_WIDTH) : span_make(NULL, 0);
        struct span second = right ? take_line(&right, COLUMN_WIDTH) : span_make(NULL, 0);
        add_cell(out, span_of(name), LABEL_WIDTH);
        add_cell(out, first, second.len ? COLUMN_WIDTH + GAP : 0);
        buffer_add_span(out, second);
        buffer_add_byte(out, '\n');
        name = "";
    }
}

static void add_heading(struct buffer *out, enum reference_label label, enum reference_language language)
{
    buffer_addf(out, "\n%s\n", reference_text_label(label, language));
}

/* "410 Gone", in another language than the phrase's with the name in it: "410 Gone (Disparu)". */
static void title(const struct reference_code *code, enum reference_language language, char out[ROW_TEXT_MAX])
{
    const char *name = reference_text_find(code->code, language)->name;
    bool same = strcmp(name, code->phrase) == 0;
    (void)snprintf(out, ROW_TEXT_MAX, "%u %s%s%s%s", code->code, code->phrase, same ? "" : " (", same ? "" : name,
                   same ? "" : ")");
}

/* What the code is sent on as. */
static void cause_out(const struct reference_code *code, enum reference_language language, char out[ROW_TEXT_MAX])
{
    struct buffer text = buffer_over(out, ROW_TEXT_MAX - 1);
    unsigned number = reference_cause_of_code(code->code);
    const struct reference_cause *cause = reference_cause_find(number);
    const struct reference_cause *by_warning = reference_cause_find(reference_cause_by_warning(code->code));
    bool redirect = code->code / 100 == 3;
    if (cause)
        buffer_addf(&text, "%u, %s", number, cause->names[language]);
    else
        buffer_add_text(&text, reference_text_label(
                                   redirect ? REFERENCE_LABEL_CAUSE_OF_REDIRECT : REFERENCE_LABEL_NO_CAUSE, language));
    if (by_warning)
        buffer_addf(&text, "%s%u, %s, %s", semicolon(language), by_warning->cause, by_warning->names[language],
                    reference_text_label(REFERENCE_LABEL_CAUSE_BY_WARNING, language));
    if (code->code / 100 == 6)
        buffer_addf(&text, " (%s)", reference_text_label(REFERENCE_LABEL_CAUSE_AT_USER, language));
    out[text.len] = '\0';
}

/* The causes that arrive as the code. */
static void causes_in(const struct reference_code *code, enum reference_language language, char out[ROW_TEXT_MAX])
{
    struct buffer text = buffer_over(out, ROW_TEXT_MAX - 1);
    const struct reference_cause *cause;
    for (size_t i = 0; (cause = reference_cause_at(i)); i++) {
        bool conditional = cause->instead == code->code;
        if (cause->code != code->code && !conditional)
            continue;
        buffer_addf(&text, "%s%u", text.len ? semicolon(language) : "", cause->cause);
        buffer_addf(&text, ", %s", cause->names[language]);
        if (conditional)
            buffer_addf(&text, " (%s %s)", reference_text_label(REFERENCE_LABEL_WHERE, language),
                        cause->conditions[language]);
    }
    if (code->code == REFERENCE_CAUSE_OTHERS_BECOME)
        buffer_addf(&text, "%s%s", semicolon(language), reference_text_label(REFERENCE_LABEL_OTHER_CAUSES, language));
    if (!text.len)
        buffer_add_text(&text, reference_text_label(REFERENCE_LABEL_NONE, language));
    out[text.len] = '\0';
}

/* The rows of facts that both kinds of page have. */
enum { FACTS = 9 };

struct facts {
    enum reference_label labels[FACTS];
    const char *texts[FACTS];
    char out[ROW_TEXT_MAX];
    char in[ROW_TEXT_MAX];
};

static void facts_of(const struct reference_code *code, enum reference_language language, struct facts *facts)
{
    unsigned class = code->code / 100;
    cause_out(code, language, facts->out);
    causes_in(code, language, facts->in);
    const char *carries = code->carries[0] ? code->carries : reference_text_label(REFERENCE_LABEL_NONE, language);
    const struct {
        enum reference_label label;
        const char *text;
    } rows[FACTS] = {
        {REFERENCE_LABEL_CLASS, reference_text_class(class, language)},
        {REFERENCE_LABEL_ABOUT, reference_text_about(code->about, language)},
        {REFERENCE_LABEL_LASTING, reference_text_lasting(code->lasting, language)},
        {REFERENCE_LABEL_NEXT, reference_text_next(code->next, language)},
        {REFERENCE_LABEL_FORKING, reference_text_forking(class, language)},
        {REFERENCE_LABEL_CARRIES, carries},
        {REFERENCE_LABEL_SENT_AS, facts->out},
        {REFERENCE_LABEL_RECEIVED_FROM, facts->in},
        {REFERENCE_LABEL_SOURCE, code->source},
    };
    for (size_t i = 0; i < FACTS; i++) {
        facts->labels[i] = rows[i].label;
        facts->texts[i] = rows[i].text;
    }
}

void reference_page_one(const struct reference_code *code, enum reference_language language, struct buffer *out)
{
    const struct reference_text *text = reference_text_find(code->code, language);
    char line[ROW_TEXT_MAX];
    struct facts facts;
    title(code, language, line);
    add_wrapped(out, line, 0);
    buffer_add_byte(out, '\n');
    add_row(out, reference_text_label(REFERENCE_LABEL_MEANING, language), text->meaning);
    add_row(out, reference_text_label(REFERENCE_LABEL_WHEN, language), text->when);
    add_row(out, reference_text_label(REFERENCE_LABEL_CALLER, language), text->caller);
    add_row(out, reference_text_label(REFERENCE_LABEL_SERVER, language), text->server);
    buffer_add_byte(out, '\n');
    facts_of(code, language, &facts);
    for (size_t i = 0; i < FACTS; i++)
        add_row(out, reference_text_label(facts.labels[i], language), facts.texts[i]);
    if (text->depth) {
        add_heading(out, REFERENCE_LABEL_IN_DEPTH, language);
        add_wrapped(out, text->depth, INDENT);
    }
}

static void add_differences(const struct facts *left, const struct facts *right, enum reference_language language,
                            struct buffer *out)
{
    char same[ROW_TEXT_MAX];
    struct buffer shared = buffer_over(same, sizeof(same) - 1);
    for (size_t i = 0; i < FACTS; i++) {
        const char *label = reference_text_label(left->labels[i], language);
        if (strcmp(left->texts[i], right->texts[i]) != 0)
            add_columns(out, label, left->texts[i], right->texts[i]);
        else
            buffer_addf(&shared, "%s%s (%s)", shared.len ? semicolon(language) : "", label, left->texts[i]);
    }
    same[shared.len] = '\0';
    if (shared.len) {
        add_heading(out, REFERENCE_LABEL_SAME, language);
        add_wrapped(out, same, INDENT);
    }
}

static void add_choice(const struct reference_text *text, enum reference_language language, struct buffer *out)
{
    char line[ROW_TEXT_MAX * 2];
    (void)snprintf(line, sizeof(line), "%u%s %s %s", text->code, language == REFERENCE_FR ? " :" : ":", text->when,
                   text->server);
    add_wrapped(out, line, INDENT);
}

void reference_page_two(const struct reference_code *left, const struct reference_code *right,
                        enum reference_language language, struct buffer *out)
{
    const struct reference_text *first = reference_text_find(left->code, language);
    const struct reference_text *second = reference_text_find(right->code, language);
    const char *pair = reference_text_pair(left->code, right->code, language);
    char names[2][ROW_TEXT_MAX];
    struct facts facts[2];
    title(left, language, names[0]);
    title(right, language, names[1]);
    facts_of(left, language, &facts[0]);
    facts_of(right, language, &facts[1]);
    add_columns(out, "", names[0], names[1]);
    add_heading(out, REFERENCE_LABEL_DIFFERENCES, language);
    add_columns(out, reference_text_label(REFERENCE_LABEL_MEANING, language), first->meaning, second->meaning);
    add_columns(out, reference_text_label(REFERENCE_LABEL_CALLER, language), first->caller, second->caller);
    add_differences(&facts[0], &facts[1], language, out);
    add_heading(out, REFERENCE_LABEL_CHOICE, language);
    if (pair)
        add_wrapped(out, pair, INDENT);
    add_choice(first, language, out);
    add_choice(second, language, out);
}

void reference_page_list(enum reference_language language, struct buffer *out)
{
    const struct reference_code *code;
    unsigned class = 0;
    for (size_t i = 0; (code = reference_code_at(i)); i++) {
        if (code->code / 100 != class) {
            class = code->code / 100;
            buffer_addf(out, "%s%s\n", i ? "\n" : "", reference_text_class(class, language));
        }
        char line[ROW_TEXT_MAX];
        title(code, language, line);
        buffer_addf(out, "  %s\n", line);
    }
}

void reference_page_cause(const struct reference_cause *cause, enum reference_language language, struct buffer *out)
{
    const struct reference_code *code = reference_code_find(cause->code);
    const struct reference_code *instead = reference_code_find(cause->instead);
    char line[ROW_TEXT_MAX] = "";
    buffer_addf(out, "Q.850 %u, %s\n", cause->cause, cause->names[language]);
    if (code) {
        title(code, language, line);
        buffer_addf(out, "  -> %s\n", line);
    } else {
        buffer_addf(out, "  -> %s\n", reference_text_label(REFERENCE_LABEL_NO_ANSWER, language));
    }
    if (instead) {
        title(instead, language, line);
        buffer_addf(out, "  -> %s, %s %s\n", line, reference_text_label(REFERENCE_LABEL_WHERE, language),
                    cause->conditions[language]);
    }
}

static void put_causes(const struct reference_code *code, struct json *json)
{
    unsigned sent_as = reference_cause_of_code(code->code);
    json_key(json, "q850");
    if (sent_as)
        json_u64(json, sent_as);
    else
        json_none(json);
    json_key(json, "from_q850");
    json_array_begin(json);
    const struct reference_cause *cause;
    for (size_t i = 0; (cause = reference_cause_at(i)); i++) {
        if (cause->code == code->code || cause->instead == code->code)
            json_u64(json, cause->cause);
    }
    json_array_end(json);
}

void reference_page_json(const struct reference_code *code, enum reference_language language, struct json *json)
{
    const struct reference_text *text = reference_text_find(code->code, language);
    json_object_begin(json);
    json_put_u64(json, "code", code->code);
    json_put_text(json, "phrase", code->phrase);
    json_put_text(json, "name", text->name);
    json_put_text(json, "class", reference_text_class(code->code / 100u, language));
    json_put_text(json, "meaning", text->meaning);
    json_put_text(json, "when", text->when);
    json_put_text(json, "caller", text->caller);
    json_put_text(json, "answerer", text->server);
    if (text->depth)
        json_put_text(json, "depth", text->depth);
    json_put_text(json, "about", reference_text_about(code->about, language));
    json_put_text(json, "lasts", reference_text_lasting(code->lasting, language));
    json_put_text(json, "next", reference_text_next(code->next, language));
    json_put_text(json, "forking", reference_text_forking(code->code / 100u, language));
    json_put_text(json, "carries", code->carries);
    json_put_text(json, "source", code->source);
    put_causes(code, json);
    json_object_end(json);
}
