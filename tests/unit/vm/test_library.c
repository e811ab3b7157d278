/* SPDX-License-Identifier: Apache-2.0 */
/* Where the bound does not bite, our functions do what the manual says: each expression gives the same here and in a stock
 * Lua, errors and their texts included. */
#include "support_vm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char PRELUDE[] = "local function show(...) local n, t = select('#', ...), {...}\n"
                              "for i = 1, n do if type(t[i]) == 'table' then local s = {} for k = 1, #t[i] do\n"
                              "s[k] = tostring(t[i][k]) end t[i] = '{' .. table.concat(s, ',') .. '}' end\n"
                              "t[i] = math.type(t[i]) and tostring(t[i]) or type(t[i]) == 'string' and\n"
                              "string.format('%q', t[i]) or tostring(t[i]) end return table.concat(t, ' ') end\n";

/* Evaluates `expression` in both; the texts must be equal. */
static void same(const char *expression)
{
    char source[2048];
    snprintf(source, sizeof(source), "%sreturn show(pcall(function() return %s end))", PRELUDE, expression);
    char *stock = test_stock_text(source), *ours = test_bounded_text(source);
    if (strcmp(stock, ours) != 0)
        fail_msg("%s\n  stock: %s\n  ours:  %s", expression, stock, ours);
    free(stock);
    free(ours);
}

#define SAME_ALL(expressions)                                                                                          \
    for (size_t i_ = 0; i_ < sizeof(expressions) / sizeof((expressions)[0]); i_++)                                     \
    same((expressions)[i_])

static void patterns(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const expressions[] = {
        "('hello world'):find('o w')", "('hello'):find('l+')", "('hello'):find('xyz')", "('hello'):find('')",
        "('hello'):find('', 10)", "('hello'):find('', 6)", "('hello'):find('l', -2)", "('hello'):find('l', -20)",
        "('a.b'):find('.', 1, true)", "('a.b'):find('%.')", "('a+b'):find('+', 1, true)",
        "('\\0a\\0'):find('\\0', 2)", "('hello'):find('h', 1, false)", "('key = value'):match('^(%w+)%s*=%s*(%w+)$')",
        "('  trim  '):match('^%s*(.-)%s*$')", "('hello'):match('.-')", "('hello'):match('.*')",
        "('hello'):match('.+l')", "('hello'):match('.-l')", "('hello'):match('h?e')", "('hello'):match('x?e')",
        "('hello'):match('()ll()')", "('f(a(b)c)d'):match('%b()')", "('THE (quick) fox'):find('%((%a+)%)')",
        "('THE fox'):gsub('%f[%a]%a+', string.lower)", "('aa'):match('(a)%1')", "('ab'):match('(a)%1')",
        "('abc'):match('[a-b]+')", "('abc'):match('[^a-b]+')", "('a-b'):match('[a%-]+')", "('a]b'):match('[]]')",
        "('a]b'):match('[^]]+')", "('a^b'):match('[b^]+')", "('x-y'):match('[+-]')", "('x-y'):match('[x-]+')",
        "('\\200\\201'):match('[\\199-\\201]+')", "('a\\0b'):match('a%zb')", "('a\\0b'):match('[^b]+')",
        "('abc123 ,;'):match('%a+%d+%s%p+')", "('abc'):match('%A+')", "('\\1\\127x'):match('%c+')",
        "('\\1 x'):match('%g+')", "('AbC'):gsub('%u', '<%0>')", "('AbC'):gsub('%l', '<%0>')",
        "('0xFf'):match('%x+', 3)", "('a b'):gsub('%W', '_')", "('hello world'):gsub('o', '0')",
        "('hello world'):gsub('o', '0', 1)", "('hello'):gsub('', '-')", "('hello'):gsub('l*', 'x')",
        "('abc'):gsub('%w', '%0%0')", "('abc'):gsub('(a)(b)', '%2%1')", "('abc'):gsub('b', '%%')",
        "('abc'):gsub('b', {b = 'B'})", "('abc'):gsub('b', {})", "('abc'):gsub('%w', {a = 1, b = true})",
        "('abc'):gsub('%w', function(c) if c == 'b' then return 'X' end end)", "('abc'):gsub('()', '%1')",
        "('abc'):gsub('b', 5)", "('abc'):gsub('^a', 'x')", "('aaa'):gsub('^a', 'x')", "('abc'):gsub('$', 'x')",
        "('a$'):gsub('$$', 'x')", "('abc'):gsub('b', '%2')", "('abc'):gsub('b', '%a')", "('abc'):gsub('b', '%')",
        "('abc'):gsub('b', function() return {} end)", "('abc'):gsub('b', nil)", "('abc'):gsub('b', true)",
        "('abc'):gsub('b', 'x', 0)", "('abc'):gsub('b', 'x', -1)", "('abc'):match('%')", "('abc'):match('[a')",
        "('abc'):match('[')", "('abc'):match('[%')", "('abc'):match('(a')", "('abc'):match('a)')",
        "('abc'):match('%1')", "('abc'):match('(%1)')", "('abc'):match('%b')", "('abc'):match('%bx')",
        "('abc'):match('%f')", "('abc'):find('%f[%z]')", "('a'):match(('(a'):rep(33))", "('abc'):match('()')",
        "('abc'):find('(b)(c)')", "('abc'):find('b', 2)", "('abc'):match('[a-]')", "('abc'):match('[%a-z]+')",
        "('a-z'):match('[%a-z]+')", "('x'):rep(300):match(('x?'):rep(300))", "('abc'):find('c', -1)", "(123):rep(2)",
        "('x'):find(1)", "string.find('a1b', 1)", "('a\\nb'):match('a.b')", "('äö'):match('..')",
        "('a,b,,c'):gsub(',', ';')", "('abc'):match('b', math.maxinteger)", "('abc'):match('b', math.mininteger)",
        "string.match('', '')", "string.match('x', '^')", "string.match('x', '$')", "string.match('x', '^$')",
        "string.find('abc', '[b-]')", "string.find('a', '%a%a?')",
        "(function() local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[#t + 1] = k .. v end return t end)()",
        "(function() local t = {} for w in ('one two'):gmatch('%a+') do t[#t + 1] = w end return t end)()",
        "(function() local t = {} for p in ('abc'):gmatch('()') do t[#t + 1] = p end return t end)()",
        "(function() local t = {} for w in ('abc'):gmatch('%a*') do t[#t + 1] = w end return t end)()",
        "(function() local t = {} for w in ('^a^a'):gmatch('^a') do t[#t + 1] = w end return t end)()",
        "(function() local t = {} for w in ('abcdef'):gmatch('%a', 4) do t[#t + 1] = w end return t end)()",
        "(function() local t = {} for w in ('abcdef'):gmatch('%a', -2) do t[#t + 1] = w end return t end)()",
        "(function() local t = {} for w in ('abc'):gmatch('%a', 9) do t[#t + 1] = w end return t end)()",
        "string.gmatch('a')", "string.find()", "string.match('a')", "string.gsub('a', 'b')", "string.find({}, 'a')",
    };
    /* clang-format on */
    SAME_ALL(expressions);
}

static void strings(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const expressions[] = {
        "('x'):rep(3)", "('x'):rep(3, ',')", "('x'):rep(0)", "('x'):rep(-1)", "('x'):rep(1, ',')", "(''):rep(10)",
        "(''):rep(3, ',')", "('ab'):rep(2.0)", "('x'):rep(1.5)", "string.rep()", "string.rep('x')", "('abc'):sub(2)",
        "('abc'):sub(-2)", "('abc'):sub(2, -2)", "('abc'):sub(0)", "('abc'):sub(5)", "('abc'):sub(-100, 100)",
        "('abc'):sub(math.mininteger, math.maxinteger)", "('abc'):byte()", "('abc'):byte(-1)", "('abc'):byte(1, -1)",
        "('abc'):byte(10)", "('abc'):byte(0)", "('abc'):byte(2, 1)", "('abc'):byte(-10, 10)", "('abc'):byte(0, 2)",
        "(''):byte()", "string.byte({})", "('abc'):byte('x')", "string.char()", "string.char(72, 105)",
        "string.char(256)", "string.char(-1)", "string.char('x')", "('abc'):reverse()", "(''):reverse()",
        "('aBc'):lower()", "('aBc'):upper()", "('abc'):len()", "#'a\\0b'", "string.len()", "('äÖ'):upper()",
        "('%d %5d %-5d| %05d %+d'):format(1, 2, 3, 4, 5)", "('%i'):format(3.0)", "('%d'):format(3.5)",
        "('%d'):format('10')", "('%d'):format('x')", "('%x %X %#x %o'):format(255, 255, 255, 8)",
        "('%c%c'):format(72, 105)", "('%e %E'):format(1.5, 1.5)", "('%f %.2f %10.3f'):format(1, 2, 3)",
        "('%g %G'):format(1e20, 1e-20)", "('%a'):format(1)", "('%s'):format('x')",
        "('%10s|%-10s|%.2s'):format('a', 'b', 'cdef')", "('%s %s %s'):format(nil, true, 1.5)",
        "('%q'):format('a\\n\"\\0b\\r')", "('%q %q'):format(1, 0x7fffffffffffffff)", "('%q'):format(1/3)",
        "('%q'):format({})", "('%q'):format(math.mininteger)", "('%q'):format(1/0)", "('%%'):format()",
        "('%'):format(1)", "('%y'):format(1)", "('%d'):format()", "('%123d'):format(1)", "('%.123d'):format(1)",
        "('%s'):format(setmetatable({}, {__tostring = function() return 'T' end}))",
        "('%s'):format(setmetatable({}, {__tostring = function() return 1 end}))", "('%d'):format(2^53)",
        "('%d'):format(2^63)", "('%5.1s|'):format('abc')", "('%s'):format('a\\0b')", "('%5s'):format('a\\0b')",
        "('%-+ #0d'):format(1)", "('%.3q'):format('a')", "('%i'):format('0x10')", "('%.20f'):format(0.1)",
        "('%99.99f'):format(1/3)", "('%u'):format(3)", "('%n'):format(3)", "('%.f'):format(2.5)",
        "('%5.'):format(2.5)", "string.pack('i4', 100):byte(1, -1)", "string.unpack('<i4', string.pack('<i4', -5))",
        "string.unpack('z', 'abc\\0def')", "string.unpack('s1', '\\3abc')",
        "string.pack('>I2 <I2 =I2', 1, 1, 1):byte(1, -1)", "string.packsize('i4 i8 !8 d')", "string.packsize('s')",
        "string.pack('i1', 300)", "string.unpack('i4', 'abc')", "string.pack('c5', 'ab')",
        "string.unpack('c2', 'abc')", "string.unpack('d', string.pack('d', 1.5))",
        "string.unpack('i4', 'abcdefgh', 5)", "string.pack('q', 1)", "string.unpack('<i16', string.pack('<i16', -3))",
        "'10' + 5", "'0x10' * 2", "'3' // '2'", "-'2'", "'a' + 1", "'10' .. 5", "1 .. ''", "1.0 .. ''", "-0.0 .. ''",
        "2^63 .. ''", "'abc' < 'abd'", "'a' < 'B'", "'a\\0b' < 'a\\0c'", "'' < 'a'", "1 < '2'", "('x').y",
        "('abc').len", "#('x'):rep(100)", "'3' | 4", "'a' | 4", "'1.5' | 4",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
        if (strcmp(expressions[i], "('abc').len") != 0)
            same(expressions[i]);
}

static void tables(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const expressions[] = {
        "table.concat({1, 2, 3})", "table.concat({1, 2, 3}, ', ')", "table.concat({1, 2, 3}, ', ', 2)",
        "table.concat({1, 2, 3}, ', ', 2, 3)", "table.concat({}, 'x')", "table.concat({1, {}, 3})",
        "table.concat({1, nil, 3})", "table.concat({1, 2}, ',', 3)", "table.concat({'a'}, ',', 1, 2)",
        "table.concat()", "table.concat({1.5, -0.0})",
        "table.concat({[math.maxinteger] = 'x'}, ',', math.maxinteger, math.maxinteger)",
        "(function() local t = {1, 2} table.insert(t, 3) return t end)()",
        "(function() local t = {1, 2} table.insert(t, 1, 0) return t end)()",
        "(function() local t = {1, 2} table.insert(t, 3, 0) return t end)()", "table.insert({1, 2}, 4, 0)",
        "table.insert({1, 2}, 0, 0)", "table.insert({})", "table.insert({}, 1, 2, 3)", "table.insert(nil, 1)",
        "table.insert({}, 'x', 1)", "(function() local t = {1, 2, 3} return table.remove(t), t end)()",
        "(function() local t = {1, 2, 3} return table.remove(t, 1), t end)()", "table.remove({})",
        "table.remove({}, 0)", "table.remove({}, 1)", "table.remove({}, 2)", "table.remove({1, 2}, 3)",
        "table.remove({1, 2}, 4)", "table.remove({1, 2}, 0)", "table.remove({1, 2}, -1)",
        "table.remove({n = 1, [0] = 'z'}, 0)", "table.unpack({1, 2, 3})", "table.unpack({1, 2, 3}, 2)",
        "table.unpack({1, 2, 3}, 2, 3)", "table.unpack({1, 2}, 1, 4)", "table.unpack({}, 1, 0)",
        "table.unpack({1}, 2, 1)", "table.unpack({}, 1, 1e7)", "table.unpack({}, math.mininteger, math.maxinteger)",
        "table.unpack({[math.maxinteger] = 1}, math.maxinteger, math.maxinteger)",
        "table.unpack({[math.mininteger] = 1}, math.mininteger, math.mininteger)", "table.pack(1, nil, 3).n",
        "table.pack().n", "table.pack(1, 2)", "table.move({1, 2, 3}, 1, 3, 2)", "table.move({1, 2, 3}, 2, 3, 1)",
        "table.move({1, 2, 3}, 1, 3, 1, {})", "table.move({1, 2, 3}, 1, 0, 5)",
        "table.move({}, 1, math.maxinteger, 2)", "table.move({}, math.mininteger, 0, 1)",
        "table.move({1}, 1, 1, math.maxinteger)", "table.move({1, 2}, 1, 2, math.maxinteger)", "table.move({}, 1, 2)",
        "table.move({1, 2, 3}, 1, 3, 3, {9, 9, 9})", "(function() local t = {3, 1, 2} table.sort(t) return t end)()",
        "(function() local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return t end)()",
        "(function() local t = {'b', 'a', 'B', ''} table.sort(t) return t end)()", "(pcall(table.sort, {1, 'x'}))",
        "(pcall(table.sort, {1, 2, {}}))", "table.sort({}, 1)", "table.sort(nil)", "table.sort({})",
        "table.sort({1})",
        "(function() local t = {} for i = 1, 500 do t[i] = i * 7919 % 503 end table.sort(t) return t end)()",
        "(function() local t = {} for i = 1, 300 do t[i] = 'k' .. i * 31 % 307 end table.sort(t) return t end)()",
        "(function() local t = {2.5, 1, -1, 1e300} table.sort(t) return t end)()", "#{1, 2, nil, 4}", "#{n = 1}",
        "select('#')", "select('#', nil, nil)", "select(2, 'a', 'b', 'c')", "select(-1, 'a', 'b')",
        "select(-3, 'a', 'b')", "select(0)", "select(5, 'a')", "select('x')",
        "(function() local p = setmetatable({}, {__index = {1, 2, 3}, __len = function() return 3 end}) return table.concat(p, ','), table.unpack(p) end)()",
        "(function() local out = {} local p = setmetatable({}, {__newindex = function(t, k, v) out[#out + 1] = k .. '=' .. tostring(v) end}) table.insert(p, 'x') return out end)()",
        "table.concat(setmetatable({}, {__len = function() return 'x' end}))", "table.concat('abc')",
        "table.unpack('abc')",
    };
    /* clang-format on */
    SAME_ALL(expressions);
}

static void basics(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const expressions[] = {
        "tostring(nil)", "tostring(true)", "tostring(1)", "tostring(1.0)", "tostring(-0.0)", "tostring(1e100)",
        "tostring('x')", "tostring()", "tostring(1/0)", "tostring(-(0/0)) ~= nil",
        "tostring(setmetatable({}, {__tostring = function() return 'T' end}))",
        "tostring(setmetatable({}, {__tostring = function() return {} end}))", "tonumber('10')", "tonumber('0x10')",
        "tonumber('1e2')", "tonumber('  7  ')", "tonumber('7x')", "tonumber('')", "tonumber(' ')", "tonumber('0x')",
        "tonumber('1e')", "tonumber(5)", "tonumber(nil)", "tonumber()", "tonumber({})", "tonumber('10', 2)",
        "tonumber('ff', 16)", "tonumber('FF', 16)", "tonumber('zz', 36)", "tonumber('8', 8)", "tonumber('-10', 2)",
        "tonumber(' 11 ', 2)", "tonumber('1 1', 2)", "tonumber('', 10)", "tonumber('-', 10)", "tonumber('10', 1)",
        "tonumber('10', 37)", "tonumber(10, 10)", "tonumber('7fffffffffffffff', 16)",
        "tonumber('ffffffffffffffff', 16)", "tonumber('1\\0', 10)", "tonumber('1\\0')", "tonumber('1.5', 10)",
        "tonumber('+5', 10)", "type(nil)", "type(1)", "type('x')", "type({})", "type(type)", "type()", "type(type)",
        "assert(1, 2, 3)", "assert(false)", "assert(nil, 'msg')", "assert(false, {1})", "assert()",
        "assert(false, nil)", "error('x')", "error('x', 0)", "error('x', 2)", "error()", "error(nil)",
        "error({1, 2})", "error(5)", "pcall(error, 'x')", "pcall(error)", "pcall()", "pcall(1)",
        "pcall(function(...) return ... end, 1, nil, 3)", "pcall(pcall, error, 'e')", "getmetatable({})",
        "getmetatable(1)", "getmetatable(setmetatable({}, {__metatable = 'locked'}))",
        "setmetatable(setmetatable({}, {__metatable = 1}), {})", "setmetatable(1, {})", "setmetatable({}, 1)",
        "setmetatable({})", "setmetatable({}, nil) ~= nil", "getmetatable()",
        "(function() local m = {} return getmetatable(setmetatable({}, m)) == m end)()",
        "(function() local t = {} return setmetatable(t, {}) == t end)()",
        "(function() local s = {} for i, v in ipairs({1, 2, nil, 4}) do s[#s + 1] = v end return s end)()",
        "ipairs()",
        "(function() local s = {} for i, v in ipairs(setmetatable({}, {__index = function(_, i) if i < 4 then return i * 2 end end})) do s[i] = v end return s end)()",
        "(function() local s = {} for k, v in pairs({10, 20, 30}) do s[#s + 1] = k + v end return s end)()",
        "(function() for k, v in pairs(setmetatable({}, {__pairs = function(t) return function(_, k) if not k then return 1, 2 end end, t, nil end})) do return k, v end end)()",
        "pairs()",
        "(function() local t = {1, 2, 3, 4} local n = 0 for k in pairs(t) do t[k] = nil n = n + 1 end return n end)()",
        "math.type(1)", "math.type(1.0)", "math.type('1')", "math.type()", "math.floor(1.5)", "math.ceil(-1.5)",
        "math.floor(2^70)", "math.abs(math.mininteger)", "math.max(1, 2.5)", "math.max()", "math.min(3, 1, 2)",
        "math.fmod(7, 3)", "math.fmod(-7, 3)", "math.fmod(1, 0)", "math.modf(1.5)", "math.modf(-1/0)",
        "math.sqrt(16)", "math.tointeger(3.0)", "math.tointeger('3')", "math.tointeger(3.5)", "math.ult(1, -1)",
        "math.pi", "math.huge", "math.exp(0)", "math.log(8, 2)", "math.log(100, 10)", "math.log(0)", "math.sin(0)",
        "math.cos(0)", "math.tan(0)", "math.asin(1)", "math.acos(1)", "math.atan(1, 2)", "math.deg(math.pi)",
        "math.rad(180)", "math.maxinteger", "math.mininteger", "math.floor('x')", "math.random(0) ~= nil",
        "math.random(2, 1)", "math.random(1, 2, 3)", "math.random(5, 5)", "math.random(1.5)", "math.random(-1)",
        "7 // 0.0", "7 % -3", "-7 // 2", "1 // 0", "1 % 0", "5.5 // 2", "2^0.5", "1 << 63", "1 << 64", "~0",
        "1.5 | 1", "3 == 3.0", "math.maxinteger + 1 == math.mininteger", "1e15", "123456789012345678",
        "(function() local a <const> = 1 return a end)()", "(function() local t = {} t.x.y = 1 end)()",
        "(function() local a; a() end)()", "(function() return {} + 1 end)()", "(function() return #5 end)()",
        "(function() return {} < {} end)()", "(function() return nil .. 'x' end)()",
    };
    /* clang-format on */
    SAME_ALL(expressions);
}

static void utf8_functions(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const expressions[] = {
        "utf8.char(72, 228, 8364, 128512)", "utf8.char()", "utf8.char(-1)", "utf8.char(0x7FFFFFFF)",
        "utf8.len('häß')", "utf8.len('\\xff')", "utf8.len('abc', 2)", "utf8.len('abc', -1)", "utf8.len('abc', 5)",
        "utf8.len('')", "utf8.codepoint('ä')", "utf8.codepoint('abc', 1, -1)", "utf8.codepoint('abc', 4)",
        "utf8.codepoint('\\xff')", "utf8.codepoint('abc', 3, 2)", "utf8.codepoint('abc', -1)",
        "utf8.codepoint('abc', -2, -1)", "utf8.codepoint('abc', 0)", "utf8.codepoint('', 1)", "utf8.offset('aäb', 3)",
        "utf8.offset('aäb', -1)", "utf8.offset('aäb', 0, 3)", "utf8.offset('abc', 5)", "utf8.offset('ä', 1, 2)",
        "utf8.charpattern",
        "(function() local t = {} for p, c in utf8.codes('aä€') do t[#t + 1] = p .. ':' .. c end return t end)()",
        "(function() for p, c in utf8.codes('a\\xff') do end end)()", "utf8.len('\\u{7FFFFFFF}')",
        "utf8.len('\\u{7FFFFFFF}', 1, -1, true)", "utf8.codes()", "utf8.len({})",
    };
    /* clang-format on */
    SAME_ALL(expressions);
}

static void pairs_has_an_order(void **state)
{
    (void)state;
    static const struct {
        const char *table, *order;
    } cases[] = {
        {"{ b = 1, a = 2, c = 3 }", "a b c "},
        {"{ 1, 2, 3, x = 1, [0] = 0, [-5] = 1, [2.5] = 1, [1e300] = 1 }", "-5 0 1 2 2.5 3 1e+300 x "},
        {"{ [true] = 1, [false] = 2, z = 3, [10] = 4 }", "10 z false true "},
        {"{ ['a\\0b'] = 1, a = 2, ['a\\0a'] = 3, [''] = 4 }", " a a\\0a a\\0b "},
        {"{}", ""},
        {"{ nil, 2, nil, 4 }", "2 4 "},
        {"{ [1 << 53] = 1, [(1 << 53) + 1] = 2, [math.mininteger] = 0 }",
         "-9223372036854775808 9007199254740992 9007199254740993 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char source[512];
        snprintf(source, sizeof(source),
                 "return function() local s = '' for k in pairs(%s) do s = s .. tostring(k) .. ' ' end\n"
                 "return (s:gsub('%%z', '\\\\0')) end",
                 cases[i].table);
        char *text = test_text(source);
        assert_string_equal(text, cases[i].order);
        free(text);
    }
    char *text =
        test_text("return function() local t, s = {}, '' for i = 1, 2000 do t['k' .. i * 7919 % 2003] = i end\n"
                  "local last for k in pairs(t) do if last and last >= k then s = s .. k end last = k end\n"
                  "return s .. last end");
    assert_string_equal(text, "k999");
    free(text);
    text = test_text(
        "return function() local t, n = { a = 1, b = 2, c = 3 }, '' for k in pairs(t) do t.b = nil n = n .. k end\n"
        "return n end");
    assert_string_equal(text, "ac");
    free(text);
}

static void no_address_is_visible(void **state)
{
    (void)state;
    char *text =
        test_text("return function() return tostring({}) .. ' ' .. tostring(type) .. ' ' .. string.format('%s', {})\n"
                  ".. ' ' .. tostring(setmetatable({}, { __name = 'thing' })) end");
    assert_string_equal(text, "table function table thing");
    free(text);
    struct vm_outcome outcome;
    assert_int_equal(test_run("return function() return string.format('%p', {}) end", &outcome), ERR_SCRIPT);
    assert_non_null(strstr(outcome.text, "%p"));
    assert_int_equal(test_run("return function() return string.format('%10p', 'x') end", &outcome), ERR_SCRIPT);
}

static void weak_tables_stay_strong(void **state)
{
    (void)state;
    struct vm *vm = test_vm();
    int kept = test_keep(vm, "local mt = {} local t = setmetatable({}, mt) mt.__mode = 'kv' t[1] = {} t[{}] = 1\n"
                             "return function() return t[1] and 'strong' or 'weak' end");
    vm_seal(vm);
    struct vm_outcome outcome;
    assert_int_equal(test_decide(vm, kept, 1, &outcome), OK);
    assert_string_equal(lua_tostring(vm_state(vm), -1), "strong");
    vm_free(vm);
}

/* Whatever scripts may call of these is called above: a function that comes in brings its rows. */
static void nothing_is_left_out(void **state)
{
    (void)state;
    static char text[1 << 17];
    FILE *file = fopen(SOURCE_DIR "/tests/unit/vm/test_library.c", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    char *names =
        test_text("return function() local out = {} for _, l in ipairs { 'string', 'table', 'utf8', 'math' } do\n"
                  "for k, v in pairs(({ string = string, table = table, utf8 = utf8, math = math })[l]) do\n"
                  "if type(v) == 'function' then out[#out + 1] = l .. '.' .. k end end end\n"
                  "return table.concat(out, ' ') end");
    unsigned count = 0;
    for (char *name = strtok(names, " "); name; name = strtok(NULL, " "), count++) {
        char whole[64], method[64];
        snprintf(whole, sizeof(whole), "%s(", name);
        snprintf(method, sizeof(method), ":%s(", strchr(name, '.') + 1);
        if (!strstr(text, whole) && !strstr(text, method) && !strstr(text, name))
            fail_msg("%s is tested nowhere", name);
    }
    assert_true(count >= 40);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(strings),
        cmocka_unit_test(tables),
        cmocka_unit_test(basics),
        cmocka_unit_test(utf8_functions),
        cmocka_unit_test(pairs_has_an_order),
        cmocka_unit_test(no_address_is_visible),
        cmocka_unit_test(weak_tables_stay_strong),
        cmocka_unit_test(nothing_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
