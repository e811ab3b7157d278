/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing options by their table, and saying what is wrong with them. */
#include "cli/cli_options.h"
#include "util/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the parser stands on. */
struct reading {
    const struct cli_command *command;
    void *values;
    struct cli_arguments *arguments;
    struct fault *fault;
    int argc;
    char **argv;
    int at;
};

static const struct cli_option *find_option(const struct cli_command *command, struct span name)
{
    const struct cli_option *option = command->options;
    for (; option && option->name; option++) {
        if (span_equal(span_of(option->name), name))
            return option;
    }
    return NULL;
}

static enum cli_parse unknown_option(struct reading *reading, const char *text)
{
    char word[SUGGEST_WORD_MAX];
    struct span name = span_of(text);
    (void)span_copy(span_slice(name, 0, span_find(name, '=')), word, sizeof(word));
    char *bare = word + strspn(word, "-");
    struct suggestion suggestion = suggest_for(bare);
    const struct cli_option *option = reading->command->options;
    for (; option && option->name; option++)
        suggest_consider(&suggestion, option->name);
    suggest_consider(&suggestion, "help");
    if (suggestion.best)
        (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "unknown option %s: did you mean --%s?", text,
                        suggestion.best);
    else
        (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "unknown option %s: see verdict help %s", text,
                        reading->command->path);
    return CLI_PARSE_BAD;
}

static enum cli_parse bad_value(struct reading *reading, const struct cli_option *option, const char *value,
                                const char *expected)
{
    (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "--%s %s: expected %s", option->name, value, expected);
    return CLI_PARSE_BAD;
}

/* Thousandths of what `text` says. */
bool cli_seconds_parse(const char *text, uint32_t *out_ms)
{
    struct span span = span_of(text);
    if (span.len > 1 && span.at[span.len - 1] == 's') /* "60s" is what people write */
        span.len--;
    size_t point = span_find(span, '.');
    struct span whole = span_slice(span, 0, point);
    struct span part = span_slice(span, point + 1, span.len);
    uint32_t seconds = 0;
    uint32_t thousandths = 0;
    if (!span_to_u32(whole, &seconds) || seconds > UINT32_MAX / 1000 - 1)
        return false;
    if (point < span.len && (part.len > 3 || !span_to_u32(part, &thousandths)))
        return false;
    for (size_t i = part.len; i < 3; i++)
        thousandths *= 10;
    *out_ms = seconds * 1000 + thousandths;
    return true;
}

static bool is_choice(const char *words, const char *value)
{
    struct span rest = span_of(words);
    while (rest.len) {
        size_t end = span_find(rest, '|');
        if (span_equal(span_slice(rest, 0, end), span_of(value)))
            return true;
        rest = span_slice(rest, end + 1, rest.len);
    }
    return false;
}

static enum cli_parse take_number(struct reading *reading, const struct cli_option *option, const char *value)
{
    uint32_t number = 0;
    bool is_seconds = option->kind == CLI_SECONDS;
    bool is_number = is_seconds ? cli_seconds_parse(value, &number) : span_to_u32(span_of(value), &number);
    if (is_number && number >= option->least && number <= option->most) {
        *(uint32_t *)(void *)((char *)reading->values + option->at) = number;
        return CLI_PARSE_OK;
    }
    char expected[96];
    if (is_seconds)
        (void)snprintf(expected, sizeof(expected), "seconds from %g to %g", option->least / 1000.0,
                       option->most / 1000.0);
    else
        (void)snprintf(expected, sizeof(expected), "a number from %u to %u", option->least, option->most);
    return bad_value(reading, option, value, expected);
}

static enum cli_parse take_value(struct reading *reading, const struct cli_option *option, const char *value)
{
    void *at = (char *)reading->values + option->at;
    switch (option->kind) {
    case CLI_NUMBER:
    case CLI_SECONDS:
        return take_number(reading, option, value);
    case CLI_CHOICE:
        if (!is_choice(option->value, value))
            return bad_value(reading, option, value, option->value);
        *(const char **)at = value;
        return CLI_PARSE_OK;
    case CLI_LIST: {
        struct cli_list *list = at;
        if (list->count == CLI_LIST_MAX)
            return bad_value(reading, option, value, "at most 64 of them");
        list->items[list->count++] = value;
        return CLI_PARSE_OK;
    }
    case CLI_FLAG:
        *(bool *)at = true;
        return CLI_PARSE_OK;
    case CLI_TEXT:
        *(const char **)at = value;
        return CLI_PARSE_OK;
    }
    return CLI_PARSE_BAD;
}

/* argv[at] begins with "--". */
static enum cli_parse take_option(struct reading *reading)
{
    const char *text = reading->argv[reading->at];
    struct span name = span_of(text + 2);
    size_t equals = span_find(name, '=');
    const char *value = equals < name.len ? name.at + equals + 1 : NULL;
    const struct cli_option *option = find_option(reading->command, span_slice(name, 0, equals));
    if (!option)
        return unknown_option(reading, text);
    if (option->kind == CLI_FLAG) {
        if (!value)
            return take_value(reading, option, NULL);
        (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "--%s takes no value", option->name);
        return CLI_PARSE_BAD;
    }
    if (!value && reading->at + 1 < reading->argc)
        value = reading->argv[++reading->at];
    if (!value) {
        (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "--%s needs a value: %s", option->name, option->value);
        return CLI_PARSE_BAD;
    }
    return take_value(reading, option, value);
}

static enum cli_parse take_argument(struct reading *reading, const char *text)
{
    if (reading->arguments->count == reading->command->args_max) {
        (void)fault_set(reading->fault, ERR_INVALID, NULL, 0, "unexpected \"%s\": expected %s", text,
                        reading->command->args_max ? reading->command->arguments : "only options");
        return CLI_PARSE_BAD;
    }
    reading->arguments->items[reading->arguments->count++] = text;
    return CLI_PARSE_OK;
}

enum cli_parse cli_options_parse(const struct cli_command *command, int argc, char **argv, void *values,
                                 struct cli_arguments *out_arguments, struct fault *fault)
{
    struct reading reading = {command, values, out_arguments, fault, argc, argv, 0};
    *out_arguments = (struct cli_arguments){.count = 0};
    bool only_arguments = false;
    for (; reading.at < argc; reading.at++) {
        const char *text = argv[reading.at];
        enum cli_parse parse = CLI_PARSE_OK;
        if (only_arguments || text[0] != '-' || strcmp(text, "-") == 0)
            parse = take_argument(&reading, text);
        else if (strcmp(text, "--") == 0)
            only_arguments = true;
        else if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
            return CLI_PARSE_HELP;
        else if (text[1] == '-')
            parse = take_option(&reading);
        else
            parse = unknown_option(&reading, text);
        if (parse != CLI_PARSE_OK)
            return parse;
    }
    if (out_arguments->count < command->args_min) {
        (void)fault_set(fault, ERR_INVALID, NULL, 0, "expected %s", command->arguments);
        return CLI_PARSE_BAD;
    }
    return CLI_PARSE_OK;
}

bool cli_options_read(const struct cli_command *command, int argc, char **argv, void *values,
                      struct cli_arguments *out_arguments, int *out_exit)
{
    struct fault fault = {0};
    enum cli_parse parse = cli_options_parse(command, argc, argv, values, out_arguments, &fault);
    if (parse == CLI_PARSE_OK)
        return true;
    *out_exit = CLI_EXIT_USAGE;
    if (parse == CLI_PARSE_BAD) {
        cli_error(command, "%s", fault.text);
        return false;
    }
    struct buffer help = buffer_heap(1 << 16);
    cli_options_help(command, &help);
    cli_write(buffer_span(&help));
    buffer_done(&help);
    *out_exit = CLI_EXIT_OK;
    return false;
}

void cli_write(struct span text)
{
    if (text.len)
        (void)fwrite(text.at, 1, text.len, stdout);
    (void)fflush(stdout);
}

void cli_error(const struct cli_command *command, const char *format, ...)
{
    char text[FAULT_FILE_MAX + FAULT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fflush(stdout); /* what was said before stands before */
    (void)fprintf(stderr, "verdict%s%s: %s\n", command ? " " : "", command ? command->path : "", text);
}

static void add_padded(struct buffer *out, struct span left, const char *right)
{
    enum { COLUMN = 26 };
    buffer_add_literal(out, "  ");
    buffer_add_span(out, left);
    if (left.len >= COLUMN) {
        buffer_add_byte(out, '\n');
        left.len = 0;
        buffer_add_literal(out, "  ");
    }
    for (size_t i = left.len; i < COLUMN; i++)
        buffer_add_byte(out, ' ');
    buffer_add_text(out, right);
    buffer_add_byte(out, '\n');
}

static void add_option_help(struct buffer *out, const struct cli_option *option)
{
    char memory[128];
    struct buffer left = buffer_over(memory, sizeof(memory));
    buffer_addf(&left, "--%s", option->name);
    if (option->kind != CLI_FLAG)
        buffer_addf(&left, " %s", option->value);
    if (option->kind == CLI_LIST)
        buffer_add_literal(&left, " ...");
    add_padded(out, buffer_span(&left), option->help);
}

void cli_options_help(const struct cli_command *command, struct buffer *out)
{
    buffer_addf(out, "usage: verdict %s", command->path);
    if (command->children)
        buffer_add_literal(out, " COMMAND");
    if (command->options && command->options->name)
        buffer_add_literal(out, " [OPTION]...");
    if (command->arguments[0])
        buffer_addf(out, " %s", command->arguments);
    buffer_addf(out, "\n\n%s\n", command->summary);
    if (command->details)
        buffer_addf(out, "\n%s\n", command->details);
    if (command->children)
        buffer_add_literal(out, "\nCommands:\n");
    for (const struct cli_command *const *child = command->children; child && *child; child++)
        add_padded(out, span_of((*child)->name), (*child)->summary);
    if (command->options && command->options->name)
        buffer_add_literal(out, "\nOptions:\n");
    for (const struct cli_option *option = command->options; option && option->name; option++)
        add_option_help(out, option);
}
