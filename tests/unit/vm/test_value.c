/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files as plain C: values, order, lines, and errors that name file, line and what was expected. */
#include "support_vm.h"
#include "util/buffer.h"
#include "vm/vm_value.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct vm_value_file *load(const char *source)
{
    struct vm_value_file *file = NULL;
    struct fault fault = {0};
    if (vm_value_load("verdict.lua", span_of(source), &file, &fault) != OK)
        fail_msg("%s:%d: %s", fault.file, fault.line, fault.text);
    return file;
}

static void refuses(const char *source, int line, const char *said)
{
    struct vm_value_file *file = NULL;
    struct fault fault = {0};
    assert_int_not_equal(vm_value_load("verdict.lua", span_of(source), &file, &fault), OK);
    assert_null(file);
    if (strcmp(fault.file, "verdict.lua") != 0 || fault.line != line || !strstr(fault.text, said))
        fail_msg("%s: got %s:%d: %s", source, fault.file, fault.line, fault.text);
}

static const char CONFIG[] = "-- the engine's configuration\n"
                             "local defaults = { t1_ms = 500 }\n"
                             "return {\n"
                             "  listen = { 'udp:127.0.0.1:5060',\n"
                             "             'tcp:[::1]:5060' }, -- { not = this }\n"
                             "  t1_ms = defaults.t1_ms,\n"
                             "  ['log'] = {\n"
                             "    level = [[info]], sample = 0.5,\n"
                             "    file = { path = \"a = b, {c}\",\n"
                             "      rotate = true } };\n"
                             "  domains = {\n"
                             "    { name = 'example.com' },\n"
                             "    { name = 'example.org',\n"
                             "      aliases = { 'a', 'b' } },\n"
                             "  },\n"
                             "  [7] = 'seven',\n"
                             "  answer = math.floor(42.5), nested = f and { 1 } or (function(a, b) return a end)(\n"
                             "    9, 8),\n"
                             "  last = 1 }\n";

static void values_come_over(void **state)
{
    (void)state;
    struct vm_value_file *file = load("return { a = 1, b = 2.5, c = 'text', d = true, e = { 1, 2 }, f = 3.0 }");
    const struct vm_value *root = vm_value_root(file);
    assert_int_equal(root->kind, VM_VALUE_TABLE);
    assert_int_equal(root->child_count, 6);
    assert_int_equal(root->position_count, 0);
    assert_int_equal(vm_value_get(root, "a")->kind, VM_VALUE_INTEGER);
    assert_int_equal(vm_value_get(root, "a")->integer, 1);
    assert_true(vm_value_get(root, "a")->number > 0.5);
    assert_int_equal(vm_value_get(root, "b")->kind, VM_VALUE_NUMBER);
    assert_int_equal(vm_value_get(root, "f")->integer, 3);
    assert_string_equal(vm_value_get(root, "c")->text.at, "text");
    assert_true(vm_value_get(root, "d")->boolean);
    const struct vm_value *e = vm_value_get(root, "e");
    assert_int_equal(e->position_count, 2);
    assert_int_equal(e->children[1].index, 2);
    assert_int_equal(e->children[1].integer, 2);
    assert_null(vm_value_get(root, "absent"));
    assert_null(vm_value_get(vm_value_get(root, "a"), "x"));
    assert_null(vm_value_get(NULL, "x"));
    assert_string_equal(vm_value_kind_name(NULL), "nil");
    assert_string_equal(vm_value_kind_name(e), "table");
    vm_value_file_free(file);
    vm_value_file_free(NULL);
}

static void children_have_an_order(void **state)
{
    (void)state;
    struct vm_value_file *file = load("return { z = 1, 'one', a = 1, 'two', [9] = 1, [-1] = 1, m = 1 }");
    const struct vm_value *root = vm_value_root(file);
    assert_int_equal(root->position_count, 2);
    char bytes[64];
    struct buffer order = buffer_over(bytes, sizeof(bytes));
    for (size_t i = 0; i < root->child_count; i++) {
        char path[16];
        vm_value_path(&root->children[i], path, sizeof(path));
        buffer_add_text(&order, path);
        buffer_add_byte(&order, ' ');
    }
    assert_true(span_equal(buffer_span(&order), SPAN("[1] [2] [9] [-1] a m z ")));
    vm_value_file_free(file);
}

static int line_of(const struct vm_value *root, const char *name)
{
    const struct vm_value *value = vm_value_get(root, name);
    assert_non_null(value);
    return value->line;
}

static void lines_are_those_of_the_source(void **state)
{
    (void)state;
    char source[sizeof(CONFIG) + 16];
    snprintf(source, sizeof(source), "local f = 1\n%s", CONFIG);
    struct vm_value_file *file = load(source);
    const struct vm_value *root = vm_value_root(file);
    assert_int_equal(line_of(root, "listen"), 5);
    assert_int_equal(vm_value_get(root, "listen")->children[0].line, 5);
    assert_int_equal(vm_value_get(root, "listen")->children[1].line, 6);
    assert_int_equal(line_of(root, "t1_ms"), 7);
    const struct vm_value *log = vm_value_get(root, "log");
    assert_int_equal(log->line, 8);
    assert_int_equal(line_of(log, "level"), 9);
    assert_int_equal(line_of(vm_value_get(log, "file"), "rotate"), 11);
    const struct vm_value *domains = vm_value_get(root, "domains");
    assert_int_equal(line_of(&domains->children[1], "aliases"), 15);
    assert_int_equal(line_of(root, "answer"), 18);
    assert_int_equal(line_of(root, "last"), 20);
    char path[64];
    vm_value_path(&vm_value_get(&domains->children[1], "aliases")->children[1], path, sizeof(path));
    assert_string_equal(path, "domains[2].aliases[2]");
    vm_value_file_free(file);
}

static void a_field_set_by_a_statement_has_its_tables_line(void **state)
{
    (void)state;
    struct vm_value_file *file = load("local t = {\n a = 1 }\nt.b = 2\nreturn t");
    const struct vm_value *root = vm_value_root(file);
    assert_int_equal(line_of(root, "a"), 2);
    assert_int_equal(line_of(root, "b"), 1);
    vm_value_file_free(file);
}

static void faults_say_what_was_expected(void **state)
{
    (void)state;
    struct vm_value_file *file = load("return {\n listen = {\n  5060 },\n s = 'a text', b = true, n = 1.5, t = {} }");
    const struct vm_value *root = vm_value_root(file);
    struct fault fault;
    const struct vm_value *wrong = &vm_value_get(root, "listen")->children[0];
    assert_int_equal(vm_value_expected(wrong, &fault, "a string \"udp:ADDR:PORT\""), ERR_INVALID);
    assert_string_equal(fault.text, "listen[1]: expected a string \"udp:ADDR:PORT\", got 5060");
    assert_string_equal(fault.file, "verdict.lua");
    assert_int_equal(fault.line, 3);
    vm_value_expected(vm_value_get(root, "s"), &fault, "a number");
    assert_string_equal(fault.text, "s: expected a number, got \"a text\"");
    vm_value_expected(vm_value_get(root, "b"), &fault, "a number");
    assert_string_equal(fault.text, "b: expected a number, got true");
    vm_value_expected(vm_value_get(root, "n"), &fault, "a whole number");
    assert_string_equal(fault.text, "n: expected a whole number, got 1.5");
    vm_value_expected(vm_value_get(root, "t"), &fault, "a number");
    assert_string_equal(fault.text, "t: expected a number, got table");
    vm_value_fault(vm_value_get(root, "t"), &fault, "unknown key '%s'", "lisen");
    assert_string_equal(fault.text, "t: unknown key 'lisen'");
    vm_value_file_free(file);
}

static void what_is_no_configuration_is_refused(void **state)
{
    (void)state;
    refuses("return {\n a = = 1 }", 2, "unexpected symbol");
    refuses("return 7", 0, "expected the file to return a table");
    refuses("local x = 1", 0, "expected the file to return a table");
    refuses("return {\n a = function() end }", 2, "a: expected a boolean, a number, a string or a table");
    refuses("return {\n [1.5] = 1 }", 1, "expected names and positions");
    refuses("return {\n [true] = 1 }", 1, "expected names and positions");
    refuses("\nreturn os.getenv('HOME')", 2, "there is no global 'os'");
    refuses("\nerror('on purpose')", 2, "on purpose");
    refuses("while true do end", 1, "out of fuel");
    refuses("local t = { } t.t = t return t", 1, "less nesting");
    refuses("return { s = ('x'):rep(16000) .. ('x'):rep(16000) }", 1, "longer than its cap");
}

static void a_file_on_disk(void **state)
{
    (void)state;
    struct vm_value_file *file = NULL;
    struct fault fault = {0};
    assert_int_equal(vm_value_load_path("/nonexistent/verdict.lua", &file, &fault), ERR_IO);
    assert_string_equal(fault.file, "/nonexistent/verdict.lua");
    char path[] = "/tmp/verdict-value-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "return { a = 1 }", 16), 16);
    close(fd);
    assert_int_equal(vm_value_load_path(path, &file, &fault), OK);
    assert_int_equal(vm_value_get(vm_value_root(file), "a")->integer, 1);
    vm_value_file_free(file);
    assert_int_equal(vm_value_load_path("/tmp", &file, &fault), ERR_IO);
    unlink(path);
}

/* Whatever the text, the scan for lines ends; what Lua refuses, it refuses with a line. */
static void any_prefix_is_survived(void **state)
{
    (void)state;
    char source[sizeof(CONFIG)];
    for (size_t len = 0; len < sizeof(CONFIG); len++) {
        memcpy(source, CONFIG, len);
        struct vm_value_file *file = NULL;
        struct fault fault;
        if (vm_value_load("verdict.lua", span_make(source, len), &file, &fault) == OK)
            vm_value_file_free(file);
        else
            assert_string_equal(fault.file, "verdict.lua");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_over),
        cmocka_unit_test(children_have_an_order),
        cmocka_unit_test(lines_are_those_of_the_source),
        cmocka_unit_test(a_field_set_by_a_statement_has_its_tables_line),
        cmocka_unit_test(faults_say_what_was_expected),
        cmocka_unit_test(what_is_no_configuration_is_refused),
        cmocka_unit_test(a_file_on_disk),
        cmocka_unit_test(any_prefix_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
