/* SPDX-License-Identifier: Apache-2.0 */
/* The last good version on disk: what is written is read back, what is damaged is not, a full disk is an error. */
#include "release/release_keep.h"
#include "support/cmocka_all.h"
#include "support_release.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct source *read_source(const char *path)
{
    struct source *source;
    struct fault fault = {0};
    enum err err = source_read(path, &source, &fault);
    if (err != OK)
        fail_msg("%s", fault.text);
    return source;
}

static void save(const struct release_place *place, const char *path)
{
    struct source *source = read_source(path);
    struct fault fault = {0};
    enum err err = release_keep_save(place->data, RELEASE_KEPT_GOOD, source, path, &fault);
    source_unref(source);
    if (err != OK)
        fail_msg("%s: %s", fault.file, fault.text);
}

static void assert_kept(const struct release_place *place, const char *path, const char *name, const char *hash)
{
    struct source *source;
    struct fault fault = {0};
    enum err err = release_keep_load(place->data, RELEASE_KEPT_GOOD, path, &source, &fault);
    if (err != OK)
        fail_msg("%s: %s", fault.file, fault.text);
    assert_string_equal(source_hash(source), hash);
    assert_string_equal(source_name(source), name);
    source_unref(source);
}

static void hash_of(const char *path, char out[DIGEST_HEX_MAX])
{
    struct source *source = read_source(path);
    snprintf(out, DIGEST_HEX_MAX, "%s", source_hash(source));
    source_unref(source);
}

static void test_a_folder_comes_back(void **state)
{
    struct release_place *place = *state;
    char below[400];
    char hash[DIGEST_HEX_MAX];
    snprintf(below, sizeof(below), "%s/lib", place->policy);
    assert_int_equal(mkdir(below, 0700), 0);
    place_write(place, "policy.lua", "return function() return ok {} end");
    place_write(place, "lib/numbers.lua", "return {}");
    place_write(place, "blocks.csv", "+15550100-+15550199\n");
    hash_of(place->policy, hash);
    save(place, place->policy);
    assert_kept(place, place->policy, "policy", hash);
    save(place, place->policy); /* once more is nothing */
    assert_kept(place, place->policy, "policy", hash);
}

static void test_a_single_file_comes_back(void **state)
{
    struct release_place *place = *state;
    char path[400];
    char hash[DIGEST_HEX_MAX];
    place_write(place, "bench.lua", "return function() return ok {} end");
    snprintf(path, sizeof(path), "%s/bench.lua", place->policy);
    hash_of(path, hash);
    save(place, path);
    assert_kept(place, path, "bench", hash);
}

static void test_the_newer_one_replaces_the_older_one(void **state)
{
    struct release_place *place = *state;
    char hash[DIGEST_HEX_MAX];
    char old_hash[DIGEST_HEX_MAX];
    char old_folder[600];
    place_write(place, "policy.lua", "return 1");
    hash_of(place->policy, old_hash);
    save(place, place->policy);
    place_write(place, "policy.lua", "return 2");
    hash_of(place->policy, hash);
    save(place, place->policy);
    assert_kept(place, place->policy, "policy", hash);
    snprintf(old_folder, sizeof(old_folder), "%s/last_good/%s", place->data, old_hash);
    assert_int_not_equal(access(old_folder, F_OK), 0);
}

static void test_a_trailing_slash_is_the_same_path(void **state)
{
    struct release_place *place = *state;
    char path[400];
    char hash[DIGEST_HEX_MAX];
    place_write(place, "policy.lua", "return 1");
    hash_of(place->policy, hash);
    save(place, place->policy);
    snprintf(path, sizeof(path), "%s/", place->policy);
    assert_kept(place, path, "policy", hash);
}

static enum err load_err(const struct release_place *place, const char *path)
{
    struct source *source = NULL;
    struct fault fault = {0};
    enum err err = release_keep_load(place->data, RELEASE_KEPT_GOOD, path, &source, &fault);
    assert_null(source);
    assert_true(fault.text[0] != '\0');
    return err;
}

static void test_another_path_or_none_is_not_found(void **state)
{
    struct release_place *place = *state;
    assert_int_equal(load_err(place, place->policy), ERR_NOT_FOUND);
    place_write(place, "policy.lua", "return 1");
    save(place, place->policy);
    assert_int_equal(load_err(place, "/somewhere/else"), ERR_NOT_FOUND);
}

static void write_to(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_damage_is_found(void **state)
{
    struct release_place *place = *state;
    char hash[DIGEST_HEX_MAX];
    char path[700];
    place_write(place, "policy.lua", "return 1");
    hash_of(place->policy, hash);
    save(place, place->policy);
    snprintf(path, sizeof(path), "%s/last_good/%s/policy/policy.lua", place->data, hash);
    write_to(path, "return 2");
    assert_int_equal(load_err(place, place->policy), ERR_CORRUPT);
    snprintf(path, sizeof(path), "%s/last_good/current", place->data);
    write_to(path, "nonsense");
    assert_int_equal(load_err(place, place->policy), ERR_CORRUPT);
    write_to(path, "../../etc/passwd\npolicy\n/x\n");
    assert_int_equal(load_err(place, place->policy), ERR_CORRUPT);
    save(place, place->policy); /* damage is no obstacle to the next save */
    assert_kept(place, place->policy, "policy", hash);
}

/* A crash before the rename leaves a folder called "writing" and the old version. */
static void test_what_a_crash_left_is_no_obstacle(void **state)
{
    struct release_place *place = *state;
    char hash[DIGEST_HEX_MAX];
    char path[700];
    place_write(place, "policy.lua", "return 1");
    save(place, place->policy);
    snprintf(path, sizeof(path), "%s/last_good/writing", place->data);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/last_good/writing/half", place->data);
    write_to(path, "x");
    place_write(place, "policy.lua", "return 2");
    hash_of(place->policy, hash);
    save(place, place->policy);
    assert_kept(place, place->policy, "policy", hash);
}

static void test_a_full_disk_leaves_the_old_version(void **state)
{
    struct release_place *place = *state;
    char hash[DIGEST_HEX_MAX];
    char big[20000];
    place_write(place, "policy.lua", "return 1");
    hash_of(place->policy, hash);
    save(place, place->policy);
    memset(big, ' ', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    place_write(place, "policy.lua", big);
    struct source *source = read_source(place->policy);
    struct fault fault = {0};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err err = release_keep_save(place->data, RELEASE_KEPT_GOOD, source, place->policy, &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    source_unref(source);
    assert_int_equal(err, ERR_FULL);
    assert_non_null(strstr(fault.text, "last good"));
    assert_kept(place, place->policy, "policy", hash);
}

/* Megabytes of data are not written again because the code changed; and are their own file when they change. */
static void test_large_files_are_linked(void **state)
{
    struct release_place *place = *state;
    static char text[200001];
    char hash[DIGEST_HEX_MAX], path[800];
    struct stat info;
    memset(text, '7', sizeof(text) - 1);
    place_write(place, "policy.lua", "return function() return ok {} end\n");
    place_write(place, "data.csv", text);
    save(place, place->policy);
    place_write(place, "policy.lua", "return function() return not_found {} end\n");
    struct source *source = read_source(place->policy);
    snprintf(hash, sizeof(hash), "%s", source_hash(source));
    struct fault fault = {0};
    assert_int_equal(release_keep_save(place->data, RELEASE_KEPT_PROVEN, source, place->policy, &fault), OK);
    source_unref(source);
    snprintf(path, sizeof(path), "%s/last_good/%s/policy/data.csv", place->data, hash);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_nlink, 2);
    save(place, place->policy); /* the older version goes, its data stays */
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_nlink, 1);
    assert_kept(place, place->policy, "policy", hash);
    text[sizeof(text) - 2] = '8';
    place_write(place, "data.csv", text);
    hash_of(place->policy, hash);
    save(place, place->policy);
    snprintf(path, sizeof(path), "%s/last_good/%s/policy/data.csv", place->data, hash);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_nlink, 1);
    assert_kept(place, place->policy, "policy", hash);
}

static void test_no_data_folder_is_an_error(void **state)
{
    struct release_place *place = *state;
    char missing[400];
    struct fault fault = {0};
    place_write(place, "policy.lua", "return 1");
    struct source *source = read_source(place->policy);
    snprintf(missing, sizeof(missing), "%s/missing", place->root);
    assert_int_equal(release_keep_save(missing, RELEASE_KEPT_GOOD, source, place->policy, &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.file, "missing"));
    source_unref(source);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_folder_comes_back),
        TEST(test_a_single_file_comes_back),
        TEST(test_the_newer_one_replaces_the_older_one),
        TEST(test_a_trailing_slash_is_the_same_path),
        TEST(test_another_path_or_none_is_not_found),
        TEST(test_damage_is_found),
        TEST(test_what_a_crash_left_is_no_obstacle),
        TEST(test_a_full_disk_leaves_the_old_version),
        TEST(test_large_files_are_linked),
        TEST(test_no_data_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
