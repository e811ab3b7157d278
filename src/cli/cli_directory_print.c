/* SPDX-License-Identifier: Apache-2.0 */
/* Answers about the directory for people. */
#include "cli/cli_directory.h"
#include "cli/cli_text.h"

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void print_edit(const struct cli_directory_ask *ask, const json_t *answer, FILE *to)
{
    const json_t *record = json_object_get(answer, "record");
    const char *forward = cli_text_of(record, "forward");
    if (record)
        (void)fprintf(to, "%s: %s%s%s (change %lld)\n", cli_text_of(record, "key"), cli_text_of(record, "state"),
                      forward[0] ? " to " : "", forward, number_of(answer, "seq"));
    else
        (void)fprintf(to, "%s: removed (change %lld)\n", ask->key, number_of(answer, "seq"));
}

static const char *state_of(const json_t *row, const char *key)
{
    const char *state = cli_text_of(json_object_get(row, key), "state");
    return state[0] ? state : "none";
}

static void print_history(const json_t *answer, FILE *to)
{
    const json_t *changes = json_object_get(answer, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *row = json_array_get(changes, i);
        const char *note = cli_text_of(row, "note");
        const char *key = cli_text_of(row, "key");
        (void)fprintf(to, "%6lld  %-24s %-10s ", number_of(row, "seq"), cli_text_of(row, "when"),
                      cli_text_of(row, "op"));
        if (key[0])
            (void)fprintf(to, "%s: %s -> %s", key, state_of(row, "before"), state_of(row, "after"));
        (void)fprintf(to, "  by %s%s%s\n", cli_text_of(row, "by"), note[0] ? ": " : "", note);
    }
}

static void print_import(const json_t *answer, FILE *to)
{
    bool is_dry = json_is_true(json_object_get(answer, "dry_run"));
    (void)fprintf(to, "%s%lld rows: %lld added, %lld changed (%lld retired), %lld removed, %lld unchanged\n",
                  is_dry ? "dry run, nothing changed; " : "", number_of(answer, "rows"), number_of(answer, "added"),
                  number_of(answer, "changed"), number_of(answer, "retired"), number_of(answer, "removed"),
                  number_of(answer, "unchanged"));
    (void)fprintf(to, "%lld entries before, %lld %s; took %.1f s\n", number_of(answer, "before"),
                  number_of(answer, "after"), is_dry ? "then" : "now", (double)number_of(answer, "took_ms") / 1000);
}

static void print_verify(const json_t *answer, FILE *to)
{
    (void)fprintf(to, "%lld entries, %lld journal rows, %lld damaged\n", number_of(answer, "records"),
                  number_of(answer, "journal_rows"), number_of(answer, "damaged"));
    const char *first = cli_text_of(answer, "first");
    if (first[0])
        (void)fprintf(to, "first: %s\n", first);
}

void cli_directory_print(const struct cli_directory_ask *ask, const json_t *answer, FILE *to)
{
    switch (ask->op) {
    case CLI_DIRECTORY_SHOW:
        cli_text_tree(json_object_get(answer, "record"), to);
        return;
    case CLI_DIRECTORY_HISTORY:
        print_history(answer, to);
        return;
    case CLI_DIRECTORY_IMPORT:
        print_import(answer, to);
        return;
    case CLI_DIRECTORY_VERIFY:
        print_verify(answer, to);
        return;
    case CLI_DIRECTORY_BACKUP:
        (void)fprintf(to, "backed up to %s\n", cli_text_of(answer, "path"));
        return;
    case CLI_DIRECTORY_COMPACT:
        (void)fprintf(to, "%lld bytes before, %lld now\n", number_of(answer, "before_bytes"),
                      number_of(answer, "after_bytes"));
        return;
    case CLI_DIRECTORY_EXPORT:
        return; /* the file is the answer */
    default:
        print_edit(ask, answer, to);
    }
}
