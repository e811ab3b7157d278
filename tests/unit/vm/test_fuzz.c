/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts from a grammar that likes what is expensive: whatever they do, at load and in the decision, they end within 10 ms
 * of thread CPU time, cost the same fuel twice, and leave a VM that works.  Two seconds here; VERDICT_FUZZ_SECONDS and
 * VERDICT_FUZZ_SEED for longer runs. */
#include "support_vm.h"
#include "util/buffer.h"
#include "util/random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 2, LIMIT_MS = 10, DEPTH_MAX = 4, STATEMENTS_MAX = 6, SOURCE_MAX = 16000 };

struct writer {
    struct random random;
    struct buffer out;
    char bytes[SOURCE_MAX];
};

static unsigned below(struct writer *writer, unsigned bound)
{
    return (unsigned)random_below(&writer->random, bound);
}

static void add(struct writer *writer, const char *text)
{
    buffer_add_text(&writer->out, text);
}

#define PICK(writer, list) (list)[below((writer), sizeof(list) / sizeof((list)[0]))]

static void expression(struct writer *writer, int depth);

/* Values made at load, so that a decision finds them ready. */
static const char PRELUDE[] =
    "local long, nuls, digits = ('ab'):rep(8000), ('\\0'):rep(16000), ('9'):rep(16000)\n"
    "local big, lies, chain, names = {}, {}, {}, {}\n"
    "for i = 1, 1000 do big[i] = i * 7919 % 1009 names['n' .. i] = i end\n"
    "setmetatable(lies, { __len = function() return 1 << 40 end, __index = function(_, k) return k end,\n"
    "__newindex = function() end, __lt = function() return true end, __call = function(_, ...) return ... end,\n"
    "__concat = function(a) return a end, __tostring = function() return long end })\n"
    "for i = 1, 1000 do chain = setmetatable({}, { __index = chain, __newindex = chain, __call = chain }) end\n"
    "local function f(...) return ... end\n"
    "local a, b, c, d = 1, 'x', {}, f\n";

static void atom(struct writer *writer)
{
    static const char *const atoms[] = {"1",
                                        "0",
                                        "-1",
                                        "2",
                                        "100",
                                        "16000",
                                        "1e9",
                                        "1 << 40",
                                        "math.maxinteger",
                                        "math.mininteger",
                                        "0/0",
                                        "1/0",
                                        "0.5",
                                        "''",
                                        "'a'",
                                        "'x'",
                                        "'%d+'",
                                        "'.-b'",
                                        "'(.-)%1'",
                                        "'[^%s]*'",
                                        "'%b()'",
                                        "'%f[%w]'",
                                        "'a?a?a?a?'",
                                        "'.-.-.-c'",
                                        "'\\0'",
                                        "long",
                                        "nuls",
                                        "digits",
                                        "big",
                                        "lies",
                                        "chain",
                                        "names",
                                        "a",
                                        "b",
                                        "c",
                                        "d",
                                        "f",
                                        "nil",
                                        "true",
                                        "false",
                                        "{}",
                                        "{ 1, 2, 3 }",
                                        "string",
                                        "math",
                                        "_ENV",
                                        "'%s%s%q%99.99f'",
                                        "'i8s2z'",
                                        "\"k\" .. 1"};
    add(writer, PICK(writer, atoms));
}

static void call(struct writer *writer, int depth)
{
    static const char *const functions[] = {"string.rep",
                                            "string.find",
                                            "string.match",
                                            "string.gsub",
                                            "string.gmatch",
                                            "string.format",
                                            "string.byte",
                                            "string.char",
                                            "string.sub",
                                            "string.upper",
                                            "string.reverse",
                                            "string.len",
                                            "string.pack",
                                            "string.unpack",
                                            "table.concat",
                                            "table.insert",
                                            "table.remove",
                                            "table.sort",
                                            "table.move",
                                            "table.unpack",
                                            "table.pack",
                                            "utf8.len",
                                            "utf8.char",
                                            "utf8.codepoint",
                                            "utf8.offset",
                                            "utf8.codes",
                                            "math.random",
                                            "math.floor",
                                            "math.max",
                                            "tostring",
                                            "tonumber",
                                            "select",
                                            "pcall",
                                            "pcall",
                                            "error",
                                            "assert",
                                            "pairs",
                                            "ipairs",
                                            "type",
                                            "setmetatable",
                                            "getmetatable",
                                            "f",
                                            "a",
                                            "b",
                                            "c",
                                            "d",
                                            "lies",
                                            "chain"};
    add(writer, PICK(writer, functions));
    add(writer, "(");
    for (unsigned i = 0, count = below(writer, 5); i < count; i++) {
        add(writer, i ? ", " : "");
        expression(writer, depth + 1);
    }
    add(writer, ")");
}

static void block(struct writer *writer, int depth);

static void expression(struct writer *writer, int depth)
{
    static const char *const operators[] = {"..", "..", "+",  "-",   "*",  "/", "//", "%",  "^", "<",
                                            "<=", "==", "~=", "and", "or", "&", "|",  "<<", ">>"};
    static const char *const prefixes[] = {"#", "-", "not ", "~"};
    unsigned kind = depth >= DEPTH_MAX ? 0 : below(writer, 10);
    if (kind < 4) {
        atom(writer);
    } else if (kind < 6) {
        call(writer, depth);
    } else if (kind == 6) {
        add(writer, "(");
        expression(writer, depth + 1);
        add(writer, ") ");
        add(writer, PICK(writer, operators));
        add(writer, " (");
        expression(writer, depth + 1);
        add(writer, ")");
    } else if (kind == 7) {
        add(writer, PICK(writer, prefixes));
        add(writer, "(");
        expression(writer, depth + 1);
        add(writer, ")");
    } else if (kind == 8) {
        add(writer, "(");
        expression(writer, depth + 1);
        add(writer, ")[");
        expression(writer, depth + 1);
        add(writer, "]");
    } else {
        add(writer, "(function(...) ");
        block(writer, depth + 1);
        add(writer, " end)");
    }
}

static void loop(struct writer *writer, int depth)
{
    static const char *const heads[] = {"while true do ",
                                        "for i = 1, 100 do ",
                                        "for i = 1, math.huge do ",
                                        "for k, v in pairs(names) do ",
                                        "for k, v in ipairs(big) do ",
                                        "for k in string.gmatch(long, 'a') do ",
                                        "for k, v in f, lies, nil, c do "};
    add(writer, PICK(writer, heads));
    block(writer, depth + 1);
    add(writer, " end ");
}

static void statement(struct writer *writer, int depth)
{
    static const char *const targets[] = {
        "a",      "b",        "c",      "d",       "c[1]",          "c[#c + 1]",
        "big[1]", "names.n1", "lies.x", "chain.x", "big[#big + 1]", "names['x' .. tostring(a)]"};
    static const char *const metas[] = {"__index", "__newindex", "__call",     "__eq",   "__len", "__close", "__concat",
                                        "__lt",    "__pairs",    "__tostring", "__mode", "__gc",  "__name"};
    switch (depth >= DEPTH_MAX ? 0 : below(writer, 8)) {
    case 0:
    case 1:
        add(writer, PICK(writer, targets));
        add(writer, " = ");
        expression(writer, depth + 1);
        add(writer, " ");
        break;
    case 2:
    case 3:
        add(writer, "local _ = ");
        call(writer, depth);
        add(writer, " ");
        break;
    case 4:
        add(writer, "if ");
        expression(writer, depth + 1);
        add(writer, " then ");
        block(writer, depth + 1);
        add(writer, " end ");
        break;
    case 5:
        loop(writer, depth);
        break;
    case 6:
        add(writer, "pcall(function() ");
        block(writer, depth + 1);
        add(writer, " end) ");
        break;
    default:
        add(writer, "pcall(function() local m = getmetatable(c) or {} m.");
        add(writer, PICK(writer, metas));
        add(writer, " = ");
        expression(writer, depth + 1);
        add(writer, " setmetatable(c, m) end) ");
        break;
    }
}

static void block(struct writer *writer, int depth)
{
    for (unsigned i = 0, count = 1 + below(writer, STATEMENTS_MAX); i < count; i++) {
        bool caught = depth < 2; /* most statements are errors, and the next one shall have its turn */
        add(writer, caught ? "pcall(function() " : "");
        statement(writer, depth);
        add(writer, caught ? " end) " : "");
    }
}

static void write_script(struct writer *writer)
{
    writer->out = buffer_over(writer->bytes, sizeof(writer->bytes) - 1);
    add(writer, PRELUDE);
    add(writer, "return function(...) ");
    for (int i = 0; i < 3; i++)
        block(writer, 0);
    add(writer, " end");
    writer->bytes[writer->out.len] = '\0';
}

struct tally {
    uint64_t seed; /* of the present script */
    uint64_t most_ns;
    unsigned late;
    unsigned scripts;
    unsigned by_failure[VM_FAILURE_COUNT];
};

static uint64_t decide_once(struct vm *vm, int kept, struct vm_outcome *outcome)
{
    uint64_t took;
    enum err err = test_decide_timed(vm, kept, LIMIT_MS * 1000000, outcome, &took);
    assert_int_equal(lua_gettop(vm_state(vm)), 0);
    assert_int_equal(err == OK, outcome->failure == VM_NONE);
    return took;
}

/* cmocka cuts long messages. */
static void show(uint64_t seed, const char *source)
{
    fprintf(stderr, "VERDICT_FUZZ_SEED=%llu\n%s\n", (unsigned long long)seed, source);
}

static void run_script(struct vm_watchdog *watchdog, const char *source, struct tally *tally)
{
    struct vm_outcome first, again;
    for (int round = 0; round < 2; round++) {
        struct vm_outcome *outcome = round ? &again : &first;
        struct vm *vm = test_vm_with(&(struct vm_options){.watchdog = watchdog});
        int kept = test_keep(vm, source), works = test_keep(vm, "return function() end");
        vm_seal(vm);
        uint64_t took = decide_once(vm, kept, outcome);
        if (took > tally->most_ns)
            tally->most_ns = took;
        if (!TEST_SANITIZED && took > LIMIT_MS * 1000000) {
            show(tally->seed, source);
            print_message("%llu us, %s, %llu fuel\n", (unsigned long long)took / 1000,
                          vm_failure_name(outcome->failure), (unsigned long long)outcome->fuel);
            tally->late++;
        }
        struct vm_outcome after;
        vm_collect_outside(vm);
        decide_once(vm, works, &after);
        assert_int_equal(after.failure, VM_NONE);
        vm_free(vm);
    }
    tally->scripts++;
    tally->by_failure[first.failure]++;
    if (first.failure == VM_CLOCK || again.failure == VM_CLOCK)
        return;
    bool same_text = first.failure == VM_NONE || strcmp(first.text, again.text) == 0;
    if (first.failure == again.failure && first.fuel == again.fuel && same_text)
        return;
    show(tally->seed, source);
    fail_msg("%s %llu \"%s\", then %s %llu \"%s\"", vm_failure_name(first.failure), (unsigned long long)first.fuel,
             first.text, vm_failure_name(again.failure), (unsigned long long)again.fuel, again.text);
}

static void any_script_ends_in_time(void **state)
{
    (void)state;
    static struct writer writer;
    struct vm_watchdog *watchdog;
    struct tally tally = {0};
    const char *seconds = getenv("VERDICT_FUZZ_SECONDS"), *seed = getenv("VERDICT_FUZZ_SEED");
    uint64_t span = seconds ? strtoull(seconds, NULL, 10) : SECONDS;
    uint64_t first = seed ? strtoull(seed, NULL, 10) : 1;
    assert_int_equal(vm_watchdog_new(&watchdog), OK);
    uint64_t end = clock_mono_ns() + span * 1000000000u;
    for (uint64_t n = first; n == first || clock_mono_ns() < end; n++) {
        tally.seed = n;
        random_seed(&writer.random, n);
        write_script(&writer);
        if (!writer.out.overflow)
            run_script(watchdog, writer.bytes, &tally);
    }
    print_message("%u scripts: the longest %llu us; %u fine, %u errors, killed by fuel %u, memory %u, clock %u\n",
                  tally.scripts, (unsigned long long)tally.most_ns / 1000, tally.by_failure[VM_NONE],
                  tally.by_failure[VM_ERROR], tally.by_failure[VM_FUEL], tally.by_failure[VM_MEMORY],
                  tally.by_failure[VM_CLOCK]);
    vm_watchdog_leave(watchdog);
    vm_watchdog_free(watchdog);
    assert_int_equal(tally.late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_script_ends_in_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
