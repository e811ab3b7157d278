/* SPDX-License-Identifier: Apache-2.0 */
/* One declarative parser for every subcommand's options: a table says name, kind and help; from it come the parsing, the
 * messages and --help. */
#pragma once

#include "util/buffer.h"
#include "util/err.h"

enum { CLI_EXIT_OK = 0, CLI_EXIT_FAILED = 1, CLI_EXIT_USAGE = 2, CLI_LIST_MAX = 64 };

/* What an option's value is, and so the type of the member that takes it. */
enum cli_option_kind {
    CLI_FLAG,   /* bool; takes no value */
    CLI_TEXT,   /* const char * into argv */
    CLI_NUMBER, /* uint32_t, from `least` to `most` */
    CLI_SECONDS, /* uint32_t in milliseconds, written in seconds with a point: "32", "0.5", "60s"; bounds in milliseconds */
    CLI_CHOICE, /* const char *: one of the words of `value`, "udp|tcp" */
    CLI_LIST    /* struct cli_list: may be given several times */
};

struct cli_list {
    const char *items[CLI_LIST_MAX];
    unsigned count;
};

struct cli_option {
    const char *name;  /* "timeout" for --timeout; NULL ends a table */
    const char *value; /* how help calls the value: "SECONDS"; a choice's words */
    const char *help;  /* one line */
    enum cli_option_kind kind;
    size_t at; /* offsetof in the struct of values */
    uint32_t least, most;
};

/* Ends a table of options. */
#define CLI_END                                                                                                        \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

struct cli_command;
typedef int (*cli_run_fn)(const struct cli_command *command, int argc, char **argv);

struct cli_command {
    const char *name;      /* "add" */
    const char *path;      /* "directory add" */
    const char *arguments; /* "KEY [FORWARD]" as help shows them, or "" */
    const char *summary;   /* one line */
    const char *details;   /* further paragraphs for its help, or NULL */
    const struct cli_option *options;
    unsigned args_min, args_max;
    cli_run_fn run;                            /* gets what follows its name; returns the exit code */
    const struct cli_command *const *children; /* instead of run: subcommands of its own, ended by NULL */
};

/* What is left beside the options. */
struct cli_arguments {
    const char *items[CLI_LIST_MAX];
    unsigned count;
};

enum cli_parse { CLI_PARSE_OK, CLI_PARSE_HELP, CLI_PARSE_BAD };

/* Reads argv (without the command's name) into `values`, a struct that holds the defaults and is laid out as the table
 * says.  Everything behind "--" is an argument.  CLI_PARSE_HELP on --help or -h.  CLI_PARSE_BAD: `fault` says what is wrong and what
 * was expected, `values` may be half set. */
enum cli_parse cli_options_parse(const struct cli_command *command, int argc, char **argv, void *values,
                                 struct cli_arguments *out_arguments, struct fault *fault);

/* As cli_options_parse, and prints help or the error.  True: go on; false: return *out_exit. */
bool cli_options_read(const struct cli_command *command, int argc, char **argv, void *values,
                      struct cli_arguments *out_arguments, int *out_exit);

/* The text of --help: usage, summary, details, options or subcommands. */
void cli_options_help(const struct cli_command *command, struct buffer *out);

/* "0.5" to 500; false unless it is digits with at most three behind a point and fits. */
bool cli_seconds_parse(const char *text, uint32_t *out_ms);

/* Writes to standard output. */
void cli_write(struct span text);

/* Prints "verdict COMMAND: text" to standard error. */
void cli_error(const struct cli_command *command, const char *format, ...) PRINTF_LIKE(2, 3);
