/* SPDX-License-Identifier: Apache-2.0 */
/* verdict code: what a response code means, two beside each other, and what a Q.850 cause becomes. */
#include "cli/cli_main.h"
#include "reference/reference_page.h"
#include "util/suggest.h"

#include <stdio.h>
#include <stdlib.h>

struct code_options {
    const char *language; /* NULL: as the environment says */
    bool json;
    uint32_t cause; /* 0: none */
};

static const struct cli_option options[] = {
    {"lang", "en|fr", "language; default as LC_ALL, LC_MESSAGES or LANG say, else English", CLI_CHOICE,
     offsetof(struct code_options, language), 0, 0},
    {"cause", "N", "tell what this Q.850 cause becomes instead", CLI_NUMBER, offsetof(struct code_options, cause), 1,
     127},
    {"json", NULL, "a JSON array, an object for each code", CLI_FLAG, offsetof(struct code_options, json), 0, 0},
    CLI_END,
};

static int run(const struct cli_command *command, int argc, char **argv);

const struct cli_command cli_code_command = {
    .name = "code",
    .path = "code",
    .arguments = "[CODE [CODE]]",
    .summary = "Explains a SIP response code (410, or gone), or sets two beside each other (404 410).",
    .details = "Says what it means, when one sees it, what each side should do, its Q.850 cause and its RFC.\n"
               "Without a code it lists all that are registered.",
    .options = options,
    .args_max = 2,
    .run = run,
};

/* POSIX: the first of these that is set and not empty counts. */
static enum reference_language language_of(const char *option)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    if (option)
        return reference_text_language(option);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *locale = getenv(names[i]);
        if (locale && locale[0])
            return reference_text_language(locale);
    }
    return REFERENCE_EN;
}

static enum err fault_number(const char *word, unsigned code, struct fault *fault)
{
    const struct reference_code *below;
    const struct reference_code *above;
    if (code < 100 || code > 699)
        return fault_set(fault, ERR_INVALID, NULL, 0, "%s: expected a code from 100 to 699", word);
    reference_code_nearest(code, &below, &above);
    if (below && above)
        return fault_set(fault, ERR_NOT_FOUND, NULL, 0,
                         "%u is not registered: the nearest are %u %s and %u %s; who gets it treats it as %u00", code,
                         below->code, below->phrase, above->code, above->phrase, code / 100);
    const struct reference_code *one = below ? below : above;
    return fault_set(fault, ERR_NOT_FOUND, NULL, 0,
                     "%u is not registered: the nearest is %u %s; who gets it treats it as %u00", code, one->code,
                     one->phrase, code / 100);
}

static enum err fault_phrase(const char *word, struct fault *fault)
{
    struct suggestion suggestion = suggest_for(word);
    const struct reference_code *code;
    for (size_t i = 0; (code = reference_code_at(i)); i++)
        suggest_consider(&suggestion, code->phrase);
    code = suggestion.best ? reference_code_named(suggestion.best) : NULL;
    if (code)
        return fault_set(fault, ERR_INVALID, NULL, 0, "no code is called \"%s\": did you mean %u %s?", word, code->code,
                         code->phrase);
    return fault_set(fault, ERR_INVALID, NULL, 0, "\"%s\": expected a code such as 410, or its phrase such as gone",
                     word);
}

/* "410" or "gone". */
static enum err read_code(const char *word, const struct reference_code **out_code, struct fault *fault)
{
    unsigned number = 0;
    size_t digits = 0;
    while (digits < 6 && word[digits] >= '0' && word[digits] <= '9')
        number = number * 10 + (unsigned)(word[digits++] - '0');
    bool numeric = digits > 0 && !word[digits];
    const struct reference_code *code = numeric ? reference_code_find(number) : reference_code_named(word);
    if (!code)
        return numeric ? fault_number(word, number, fault) : fault_phrase(word, fault);
    *out_code = code;
    return OK;
}

static void print_json(const struct reference_code *const *codes, unsigned count, enum reference_language language,
                       struct buffer *out)
{
    struct json json = json_into(out);
    const struct reference_code *code;
    json_array_begin(&json);
    for (unsigned i = 0; i < count; i++)
        reference_page_json(codes[i], language, &json);
    for (size_t i = 0; !count && (code = reference_code_at(i)); i++)
        reference_page_json(code, language, &json);
    json_array_end(&json);
    buffer_add_byte(out, '\n');
}

static int run_cause(const struct cli_command *command, unsigned number, enum reference_language language,
                     struct buffer *out)
{
    const struct reference_cause *cause = reference_cause_find(number);
    if (!cause) {
        cli_error(command, "--cause %u: neither RFC 3398 nor RFC 4497 lists it; such a cause becomes %u", number,
                  REFERENCE_CAUSE_OTHERS_BECOME);
        return CLI_EXIT_FAILED;
    }
    reference_page_cause(cause, language, out);
    return CLI_EXIT_OK;
}

static int run_codes(const struct cli_command *command, const struct code_options *values,
                     const struct cli_arguments *arguments, struct buffer *out)
{
    const struct reference_code *codes[2] = {NULL, NULL};
    struct fault fault = {0};
    enum reference_language language = language_of(values->language);
    for (unsigned i = 0; i < arguments->count; i++) {
        enum err err = read_code(arguments->items[i], &codes[i], &fault);
        if (err != OK) {
            cli_error(command, "%s", fault.text);
            return err == ERR_NOT_FOUND ? CLI_EXIT_FAILED : CLI_EXIT_USAGE;
        }
    }
    if (values->json)
        print_json(codes, arguments->count, language, out);
    else if (arguments->count == 2 && codes[0] != codes[1])
        reference_page_two(codes[0], codes[1], language, out);
    else if (arguments->count)
        reference_page_one(codes[0], language, out);
    else
        reference_page_list(language, out);
    return CLI_EXIT_OK;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct code_options values = {0};
    struct cli_arguments arguments;
    int exit_code;
    if (!cli_options_read(command, argc, argv, &values, &arguments, &exit_code))
        return exit_code;
    if (values.cause && (arguments.count || values.json)) {
        cli_error(command, "--cause stands alone: expected no code and no --json beside it");
        return CLI_EXIT_USAGE;
    }
    struct buffer out = buffer_heap(1 << 20);
    exit_code = values.cause ? run_cause(command, values.cause, language_of(values.language), &out)
                             : run_codes(command, &values, &arguments, &out);
    cli_write(buffer_span(&out));
    buffer_done(&out);
    return exit_code;
}
