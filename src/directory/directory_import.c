/* SPDX-License-Identifier: Apache-2.0 */
/* An import from its first byte to the switch. */
#include "directory/directory_import.h"
#include "directory/directory_load.h"
#include "util/clock.h"

#include <stdlib.h>

enum { PERCENT_WITHOUT_FORCE = 5 };

static enum err link_ranges(struct directory_load *load)
{
    struct entry_name one, other;
    char one_text[ENTRY_KEY_TEXT_MAX];
    char other_text[ENTRY_KEY_TEXT_MAX];
    size_t len;
    enum err err = directory_range_link_all(load->build->txn, &one, &other);
    if (err == ERR_UNSUPPORTED)
        return fault_set(load->fault, ERR_INVALID, load->options->file, 0, "ranges are nested more than %d deep",
                         DIRECTORY_RANGE_DEPTH - 1);
    if (err != ERR_CONFLICT)
        return err;
    err = entry_name_text(entry_name_span(&one), one_text, &len);
    if (err == OK)
        err = entry_name_text(entry_name_span(&other), other_text, &len);
    return err != OK ? err
                     : fault_set(load->fault, ERR_INVALID, load->options->file, 0,
                                 "the ranges %s and %s overlap; expected one inside the other, or apart", one_text,
                                 other_text);
}

/* A file that removes or retires many is more often a mistake than meant. */
static enum err check_losses(const struct directory_load *load)
{
    const struct directory_import_result *result = load->result;
    uint64_t lost = result->removed + result->retired;
    if (load->options->force || lost * 100 <= result->before * PERCENT_WITHOUT_FORCE)
        return OK;
    return fault_set(load->fault, ERR_DENIED, load->options->file, 0,
                     "it would remove %llu and retire %llu of %llu entries, more than %d %%: refused without force",
                     (unsigned long long)result->removed, (unsigned long long)result->retired,
                     (unsigned long long)result->before, PERCENT_WITHOUT_FORCE);
}

/* Everything but the switch: the new generation as the file (and the rest) want it. */
static enum err fill(struct directory_load *load)
{
    struct directory_counts old;
    enum err err = directory_generation_counts(load->build->old, &old);
    if (err != OK)
        return fault_set(load->fault, err, NULL, 0, "the present directory cannot be read: %s", err_text(err));
    load->result->before = directory_counts_total(&old);
    err = directory_build_open(load->build, false);
    if (err == OK)
        err = directory_load_file(load);
    if (err == OK)
        err = directory_load_rest(load);
    if (err == OK)
        err = link_ranges(load);
    load->result->after = directory_counts_total(&load->build->counts);
    return err;
}

static enum err finish(struct directory_load *load)
{
    struct directory_build *build = load->build;
    uint64_t last, pending;
    directory_build_step(build, "carry");
    enum err err = directory_build_last(build, &last);
    if (err == OK)
        err = directory_build_carry(build, last);
    if (err == OK)
        err = store_count(build->txn, DIRECTORY_PENDING, &pending);
    if (err == OK)
        err = directory_build_reserve(build, pending + 1);
    if (err == OK)
        err = directory_build_carry(build, build->reserved - 1);
    if (err == OK)
        err = directory_load_journal(load);
    if (err == OK) {
        build->carried = build->reserved_end - 1;
        err = directory_build_switch(build);
    }
    if (err == OK)
        load->result->generation = build->fresh->number;
    return err;
}

static enum err import_into(struct directory_load *load)
{
    enum err err = fill(load);
    if (err == OK)
        err = check_losses(load);
    if (err == OK && !load->options->dry_run)
        err = finish(load);
    return err;
}

enum err directory_import(struct directory *directory, const struct directory_import_options *options,
                          entry_read_fn read, void *read_ctx, struct directory_import_result *out_result,
                          struct fault *fault)
{
    struct fault why = {.err = OK};
    struct directory_import_result result = {.rows = 0};
    struct directory_build build = {.progress = options->progress,
                                    .progress_ctx = options->progress_ctx,
                                    .step_fn = options->step_fn,
                                    .step_ctx = options->step_ctx,
                                    .fault = &why};
    struct directory_load load = {.build = &build,
                                  .options = options,
                                  .result = &result,
                                  .fault = &why,
                                  .now_ms = options->now_ms ? options->now_ms : clock_wall_ms(),
                                  .by = options->by.len ? options->by : SPAN("import")};
    uint64_t begin_ns = clock_mono_ns();
    load.input = malloc(sizeof(*load.input));
    if (!load.input)
        return fault_set(fault, ERR_NOMEM, NULL, 0, "out of memory");
    entry_input_init(load.input, options->format, options->file, read, read_ctx);
    enum err err = directory_build_begin(directory, &build);
    if (err == OK)
        err = import_into(&load);
    if (err != OK && why.err == OK)
        fault_set(&why, err, options->file, 0, "%s", err == ERR_CLOSED ? "cancelled" : err_text(err));
    directory_build_end(&build);
    free(load.input);
    result.seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    if (err == OK || err == ERR_DENIED)
        *out_result = result;
    if (err != OK && fault)
        *fault = why;
    return err;
}
