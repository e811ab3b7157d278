/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's files: what is read, what is left out, what is refused; and the hash over them. */
#include "source/source.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static void write_file(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static void make_folder(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/verdict-source-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static struct source *read_ok(const char *name)
{
    char path[512];
    struct fault fault = {0};
    struct source *source = NULL;
    snprintf(path, sizeof(path), "%s/%s", root, name);
    if (source_read(path, &source, &fault) != OK)
        fail_msg("%s: %s", fault.file, fault.text);
    return source;
}

static struct fault read_fault(const char *name)
{
    char path[512];
    struct fault fault = {0};
    struct source *source = NULL;
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_not_equal(source_read(path, &source, &fault), OK);
    assert_null(source);
    assert_true(fault.file[0] != '\0');
    return fault;
}

static void folder(void **state)
{
    (void)state;
    make_folder("p");
    make_folder("p/lib");
    make_folder("p/.git");
    write_file("p/policy.lua", "return 1");
    write_file("p/lib/a.lua", "return 2");
    write_file("p/data.csv", "x\n");
    write_file("p/empty.txt", "");
    write_file("p/README.md", "left out");
    write_file("p/policy.lua~", "left out");
    write_file("p/.policy.lua.swp", "left out");
    write_file("p/#policy.lua#", "left out");
    write_file("p/.git/x", "left out");
    struct source *source = read_ok("p/");
    assert_string_equal(source_name(source), "p");
    assert_string_equal(source_main(source), "policy.lua");
    assert_int_equal(source_count(source), 4);
    assert_string_equal(source_at(source, 0)->name, "data.csv");
    assert_string_equal(source_at(source, 2)->name, "lib/a.lua");
    assert_null(source_at(source, 4));
    assert_int_equal(source_find(source, "empty.txt")->bytes.len, 0);
    assert_true(span_equal(source_find(source, "lib/a.lua")->bytes, SPAN("return 2")));
    assert_null(source_find(source, "README.md"));
    struct source *again = read_ok("p");
    assert_string_equal(source_hash(source), source_hash(again));
    source_unref(again);
    write_file("p/README.md", "another text");
    again = read_ok("p");
    assert_string_equal(source_hash(source), source_hash(again));
    source_unref(again);
    write_file("p/data.csv", "y\n");
    again = read_ok("p");
    assert_string_not_equal(source_hash(source), source_hash(again));
    source_unref(again);
    source_unref(source_ref(source));
    source_unref(source);
    source_unref(NULL);
}

static void one_file(void **state)
{
    (void)state;
    write_file("hello.lua", "return 1");
    write_file("notes.txt", "x");
    struct source *source = read_ok("hello.lua");
    assert_string_equal(source_name(source), "hello");
    assert_string_equal(source_main(source), "hello.lua");
    assert_int_equal(source_count(source), 1);
    source_unref(source);
    assert_non_null(strstr(read_fault("notes.txt").text, "has no .lua"));
    assert_int_equal(read_fault("nothing").err, ERR_NOT_FOUND);
    make_folder("empty");
    assert_non_null(strstr(read_fault("empty").text, "no policy.lua"));
}

static void links(void **state)
{
    (void)state;
    char from[256];
    make_folder("p");
    make_folder("p/.data");
    write_file("p/.data/policy.lua", "return 1");
    write_file("outside.lua", "secret");
    snprintf(from, sizeof(from), "%s/p/policy.lua", root);
    assert_int_equal(symlink(".data/policy.lua", from), 0);
    snprintf(from, sizeof(from), "%s/current", root);
    assert_int_equal(symlink("p", from), 0);
    struct source *source = read_ok("current");
    assert_string_equal(source_name(source), "current");
    assert_true(span_equal(source_find(source, "policy.lua")->bytes, SPAN("return 1")));
    source_unref(source);
    snprintf(from, sizeof(from), "%s/p/leak.lua", root);
    assert_int_equal(symlink("../outside.lua", from), 0);
    struct fault fault = read_fault("p");
    assert_int_equal(fault.err, ERR_DENIED);
    assert_non_null(strstr(fault.text, "out of the policy's folder"));
    assert_int_equal(unlink(from), 0);
    assert_int_equal(symlink("nowhere", from), 0);
    assert_int_equal(read_fault("p").err, ERR_NOT_FOUND);
}

static void caps(void **state)
{
    (void)state;
    char name[200];
    make_folder("p");
    write_file("p/policy.lua", "return 1");
    make_folder("p/a");
    make_folder("p/a/b");
    make_folder("p/a/b/c");
    struct source *source = read_ok("p");
    source_unref(source);
    make_folder("p/a/b/c/d");
    assert_non_null(strstr(read_fault("p").text, "nested"));
    snprintf(name, sizeof(name), "%s/p/a/b/c/d", root);
    assert_int_equal(rmdir(name), 0);
    snprintf(name, sizeof(name), "%s/p/fifo", root);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_non_null(strstr(read_fault("p").text, "not a regular file"));
    assert_int_equal(unlink(name), 0);
    snprintf(name, sizeof(name), "p/%0150d.csv", 7);
    write_file(name, "x");
    assert_int_equal(read_fault("p").err, ERR_TOO_LONG);
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/p/big.lua", root);
    write_file("p/big.lua", "x");
    assert_int_equal(truncate(path, SOURCE_SCRIPT_MAX + 1), 0);
    assert_non_null(strstr(read_fault("p").text, "a script has at most"));
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < SOURCE_FILES_MAX; i++) {
        snprintf(name, sizeof(name), "p/%d.csv", i);
        write_file(name, "x");
    }
    assert_int_equal(read_fault("p").err, ERR_FULL);
}

static void memory(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct source *source = NULL;
    const struct source_file good[] = {{"b.csv", SPAN("x")}, {"policy.lua", SPAN("return 1")}};
    const struct source_file twice[] = {{"policy.lua", SPAN("1")}, {"policy.lua", SPAN("2")}};
    const struct source_file none[] = {{"other.lua", SPAN("1")}};
    assert_int_equal(source_from_memory("m", good, 2, &source, &fault), OK);
    assert_string_equal(source_name(source), "m");
    assert_string_equal(source_path(source), "");
    source_unref(source);
    source = NULL;
    assert_int_equal(source_from_memory("m", twice, 2, &source, &fault), ERR_EXISTS);
    assert_int_equal(source_from_memory("m", none, 1, &source, &fault), ERR_NOT_FOUND);
    assert_null(source);
}

static unsigned given_back;

static void give_back(void *thing)
{
    (void)thing;
    given_back++;
}

/* What has not changed is one memory, with what was made of it, as long as one of the two lives. */
static void equal_files_are_shared(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct source *first, *second;
    static int set;
    const struct source_file old[] = {{"policy.lua", SPAN("return 1")}, {"a.csv", SPAN("one")}, {"b.csv", SPAN("two")}};
    const struct source_file new[] = {
        {"b.csv", SPAN("TWO")}, {"policy.lua", SPAN("return 2")}, {"a.csv", SPAN("one")}, {"c.csv", SPAN("one")}};
    given_back = 0;
    assert_int_equal(source_from_memory("m", old, 3, &first, &fault), OK);
    assert_int_equal(source_from_memory("m", new, 4, &second, &fault), OK);
    const struct source_made made = {7, &set, give_back}, other = {8, &set, give_back};
    assert_true(source_keep(first, source_find(first, "a.csv"), &made));
    assert_true(source_keep(first, source_find(first, "b.csv"), &other));
    assert_null(source_made(second, source_find(second, "a.csv"), 7));
    source_share(second, first);
    assert_ptr_equal(source_find(second, "a.csv")->bytes.at, source_find(first, "a.csv")->bytes.at);
    assert_ptr_equal(source_made(second, source_find(second, "a.csv"), 7), &set);
    assert_null(source_made(second, source_find(second, "a.csv"), 8));
    assert_null(source_made(second, source_find(second, "b.csv"), 8));
    assert_null(source_made(second, source_find(second, "c.csv"), 7)); /* another name is another file */
    assert_true(span_equal(source_find(second, "b.csv")->bytes, SPAN("TWO")));
    source_unref(first);
    assert_int_equal(given_back, 1);
    assert_true(span_equal(source_find(second, "a.csv")->bytes, SPAN("one")));
    source_unref(second);
    assert_int_equal(given_back, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(caps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory, set_up, tear_down),
        cmocka_unit_test(equal_files_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
