/* SPDX-License-Identifier: Apache-2.0 */
#include "support_release.h"
#include "store/store_file.h"
#include "support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int place_setup(void **state)
{
    struct release_place *place = calloc(1, sizeof(*place));
    if (!place)
        return -1;
    const char *base = getenv("TMPDIR");
    snprintf(place->root, sizeof(place->root), "%s/verdict-release-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(place->root))
        return -1;
    snprintf(place->policy, sizeof(place->policy), "%s/policy", place->root);
    snprintf(place->data, sizeof(place->data), "%s/data", place->root);
    *state = place;
    return mkdir(place->policy, 0700) || mkdir(place->data, 0700);
}

int place_teardown(void **state)
{
    struct release_place *place = *state;
    enum err err = store_remove_folder(place->root);
    free(place);
    return err == OK ? 0 : -1;
}

static void path_of(const struct release_place *place, const char *name, char out[600])
{
    snprintf(out, 600, "%s/%s", place->policy, name);
}

void place_write(const struct release_place *place, const char *name, const char *text)
{
    char path[600];
    path_of(place, name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

void place_remove(const struct release_place *place, const char *name)
{
    char path[600];
    path_of(place, name, path);
    assert_int_equal(unlink(path), 0);
}

void place_rename(const struct release_place *place, const char *from, const char *to)
{
    char source[600];
    char target[600];
    path_of(place, from, source);
    path_of(place, to, target);
    assert_int_equal(rename(source, target), 0);
}

static void collect_log(void *ctx, enum log_level level, const char *line)
{
    struct fake_workers *fake = ctx;
    (void)level;
    size_t len = strlen(fake->log);
    snprintf(fake->log + len, sizeof(fake->log) - len, "%s\n", line);
}

void fake_workers_init(struct fake_workers *fake)
{
    *fake = (struct fake_workers){.refuse_index = -1, .test_err = ERR_NOT_FOUND};
    log_set_sink(collect_log, fake);
}

static void fill_options(void *ctx, unsigned index, struct policy_options *out_options)
{
    const struct fake_workers *fake = ctx;
    (void)index;
    *out_options = (struct policy_options){.shared = fake->shared};
}

static enum err stage(void *ctx, unsigned index, uint64_t version, struct policy *policy, struct fault *fault)
{
    struct fake_workers *fake = ctx;
    struct fake_worker *worker = &fake->workers[index];
    if ((int)index == fake->refuse_index)
        return fake->refuse_silent ? ERR_FULL : fault_set(fault, ERR_FULL, NULL, 0, "worker %u is full", index);
    int place = -1;
    for (int at = 0; at < FAKE_HELD_MAX; at++)
        if (worker->versions[at] == version || (place < 0 && worker->versions[at] == 0))
            place = at;
    assert_true(place >= 0);
    worker->versions[place] = version;
    worker->policies[place] = policy;
    fake->staged++;
    unsigned held = fake_held(fake, index);
    fake->most_held = held > fake->most_held ? held : fake->most_held;
    return OK;
}

static int place_of(const struct fake_worker *worker, uint64_t version)
{
    for (int at = 0; at < FAKE_HELD_MAX; at++)
        if (worker->versions[at] == version)
            return at;
    return -1;
}

static void activate_all(void *ctx, uint64_t version)
{
    struct fake_workers *fake = ctx;
    fake->switched++;
    for (int index = 0; index < FAKE_WORKERS; index++) {
        assert_true(place_of(&fake->workers[index], version) >= 0);
        fake->workers[index].active = version;
    }
}

static void withdraw(void *ctx, unsigned index, uint64_t version)
{
    struct fake_workers *fake = ctx;
    struct fake_worker *worker = &fake->workers[index];
    int place = place_of(worker, version);
    assert_true(place >= 0);
    assert_true(version != fake->comparing.version);
    worker->versions[place] = 0;
    worker->policies[place] = NULL;
    fake->withdrawn++;
}

static void compare(void *ctx, const struct release_comparison *comparison)
{
    struct fake_workers *fake = ctx;
    fake->comparing = comparison ? *comparison : (struct release_comparison){0};
    if (!comparison)
        return;
    for (int index = 0; index < FAKE_WORKERS; index++) {
        assert_true(place_of(&fake->workers[index], comparison->version) >= 0);
        assert_true(fake->workers[index].active != comparison->version);
        assert_non_null(comparison->tallies[index]);
    }
}

static void collect(void *ctx, struct release_tally *const *tallies, struct release_tally *total)
{
    (void)ctx;
    for (int index = 0; index < FAKE_WORKERS; index++)
        release_tally_merge(total, tallies[index]);
}

uint64_t fake_now_ms = 1000;

static uint64_t now_ms(void)
{
    return fake_now_ms;
}

static enum err accept(void *ctx, const struct policy_description *description, struct fault *fault)
{
    struct fake_workers *fake = ctx;
    assert_non_null(description->name);
    if (fake->accept_err == OK)
        return OK;
    return fault_set(fault, fake->accept_err, "policy.lua", 1, "it asks the directory, and none was ever made");
}

static enum err test_policy(void *ctx, struct source *source, struct authoring_test_summary *out_summary,
                            struct fault *fault)
{
    struct fake_workers *fake = ctx;
    assert_non_null(source);
    *out_summary = fake->test_summary;
    if (fake->test_err == ERR_SCRIPT)
        (void)fault_set(fault, ERR_SCRIPT, "test.lua", 7, "expected 410, got 200");
    return fake->test_err == ERR_SCRIPT ? OK : fake->test_err;
}

struct release_options fake_options(struct fake_workers *fake, const char *data_dir)
{
    return (struct release_options){
        .workers = {.ctx = fake,
                    .count = FAKE_WORKERS,
                    .options = fill_options,
                    .stage = stage,
                    .activate_all = activate_all,
                    .withdraw = withdraw,
                    .compare = compare,
                    .collect = collect},
        .now_ms = now_ms,
        .probation_sample = 1,
        .checks = {.ctx = fake, .accept = accept, .test = test_policy},
        .data_dir = data_dir,
    };
}

unsigned fake_held(const struct fake_workers *fake, unsigned index)
{
    unsigned held = 0;
    for (int at = 0; at < FAKE_HELD_MAX; at++)
        held += fake->workers[index].versions[at] != 0;
    return held;
}

void fake_assert_active(const struct fake_workers *fake, uint64_t version)
{
    for (int index = 0; index < FAKE_WORKERS; index++) {
        assert_int_equal(fake->workers[index].active, version);
        assert_true(place_of(&fake->workers[index], version) >= 0);
    }
}
