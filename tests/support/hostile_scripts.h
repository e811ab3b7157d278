/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that try to hold a worker, for the VM and for the whole engine. */
#pragma once

enum hostile_end {
    HOSTILE_KILLED,  /* by fuel, memory or clock */
    HOSTILE_REFUSED, /* an ordinary error */
    HOSTILE_HARMLESS,
    HOSTILE_ENDED /* any of these */
};

struct hostile {
    const char *name;
    enum hostile_end expected;
    const char *source; /* returns the function that is the decision */
};

static const struct hostile hostile_scripts[] = {
    /* plain loops */
    {"while", HOSTILE_KILLED, "return function() while true do end end"},
    {"repeat", HOSTILE_KILLED, "return function() repeat until false end"},
    {"goto", HOSTILE_KILLED, "return function() ::again:: goto again end"},
    {"for over everything", HOSTILE_KILLED, "return function() for i = math.mininteger, math.maxinteger do end end"},
    {"float for", HOSTILE_KILLED, "return function() for i = 1, math.huge do end end"},
    {"recursion", HOSTILE_KILLED, "local function f() return 1 + f() end return f"},
    {"tail calls", HOSTILE_KILLED, "local function f() return f() end return f"},
    {"mutual recursion", HOSTILE_KILLED,
     "local a, b function a() return 1 + b() end function b() return 1 + a() end return a"},
    {"generic for", HOSTILE_KILLED, "return function() for _ in function() return 1 end do end end"},
    /* pcall */
    {"loop in pcall", HOSTILE_KILLED,
     "return function() while true do pcall(function() while true do end end) end end"},
    {"pcall of pcall", HOSTILE_ENDED,
     "return function() return pcall(pcall, pcall, pcall, function() while true do end end) end"},
    {"recursion through pcall", HOSTILE_KILLED, "local function f() while true do pcall(f) end end return f"},
    {"stack overflow in pcall", HOSTILE_KILLED,
     "local function f() return 1 + f() end return function() while true do pcall(f) end end"},
    {"C stack overflow in pcall", HOSTILE_ENDED,
     "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end\n"
     "return function() for i = 1, 100000 do pcall(function() return t.x end) end end"},
    {"memory in pcall", HOSTILE_KILLED,
     "return function() while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = {} end end) end end"},
    {"string over its cap in pcall", HOSTILE_KILLED,
     "return function() local s = string.rep('x', 16000) while true do pcall(function() return s .. s end) end end"},
    {"error while out of memory", HOSTILE_KILLED,
     "return function() local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = 'x' .. i\n"
     "error({ #t }) end end) end end"},
    {"error in error values", HOSTILE_REFUSED,
     "return function() error(setmetatable({}, { __tostring = function() error('again') end })) end"},
    {"error values that loop", HOSTILE_KILLED,
     "local e = setmetatable({}, { __tostring = function() while true do end end })\n"
     "return function() local ok, caught = pcall(error, e) return tostring(caught) end"},
    {"error values without end", HOSTILE_KILLED,
     "return function() local e = 'x' while true do local _, m = pcall(error, e, 1) e = m .. 'longer' end end"},
    {"error with a long text", HOSTILE_REFUSED, "return function() error(string.rep('x', 16000)) end"},
    /* metamethods */
    {"__index chain", HOSTILE_ENDED,
     "local t = {} for i = 1, 1900 do t = setmetatable({}, { __index = t }) end\n"
     "return function() for i = 1, 1e9 do local x = t.nothing end end"},
    {"__index loop", HOSTILE_REFUSED,
     "local a, b = {}, {} setmetatable(a, { __index = b }) setmetatable(b, { __index = a })\n"
     "return function() return a.x end"},
    {"__newindex chain", HOSTILE_ENDED,
     "local t = {} for i = 1, 1900 do t = setmetatable({}, { __newindex = t }) end\n"
     "return function() for i = 1, 1e9 do t.nothing = i end end"},
    {"__call of itself", HOSTILE_KILLED,
     "local t = {} setmetatable(t, { __call = t }) return function() return t() end"},
    {"__call of itself in pcall", HOSTILE_KILLED,
     "local t = {} setmetatable(t, { __call = t }) return function() while true do pcall(t) end end"},
    {"__call chain", HOSTILE_KILLED,
     "local f = function() end for i = 1, 2000 do f = setmetatable({}, { __call = f }) end\n"
     "return function() while true do f() end end"},
    {"__len that lies", HOSTILE_KILLED,
     "local t = setmetatable({}, { __len = function() return math.maxinteger end })\n"
     "return function() return table.unpack(t, 1, 10), table.concat(t, ',', 1, 0), table.remove(t, 1) end"},
    {"__len and insert", HOSTILE_KILLED,
     "local t = setmetatable({}, { __len = function() return 1 << 40 end })\n"
     "return function() table.insert(t, 1, 'x') end"},
    {"__len and sort", HOSTILE_REFUSED,
     "local t = setmetatable({}, { __len = function() return 1 << 40 end }) return function() table.sort(t) end"},
    {"__len and sort below the cap", HOSTILE_KILLED,
     "local t = setmetatable({}, { __len = function() return 2147483646 end, __index = function(_, i) return -i end "
     "})\n"
     "return function() table.sort(t) end"},
    {"__len and unpack", HOSTILE_REFUSED,
     "local t = setmetatable({}, { __len = function() return 1 << 40 end }) return function() return table.unpack(t) "
     "end"},
    {"__eq that loops", HOSTILE_KILLED,
     "local m = { __eq = function() while true do end end }\n"
     "return function() return setmetatable({}, m) == setmetatable({}, m) end"},
    {"__concat that grows", HOSTILE_KILLED,
     "local m m = { __concat = function(a, b) return setmetatable({ a, b }, m) end }\n"
     "return function() local x = setmetatable({}, m) while true do x = x .. x end end"},
    {"__lt in sort", HOSTILE_KILLED,
     "local m = { __lt = function() while true do end end }\n"
     "return function() table.sort({ setmetatable({}, m), setmetatable({}, m) }) end"},
    {"__pairs without end", HOSTILE_KILLED,
     "local t = setmetatable({}, { __pairs = function() return function() return 1 end end })\n"
     "return function() for _ in pairs(t) do end end"},
    {"__close set later", HOSTILE_REFUSED,
     "local mt = {} local t = setmetatable({}, mt) mt.__closed = 1\n"
     "return function() local x <close> = t end"},
    {"__close that loops", HOSTILE_KILLED,
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
     "return function() local x <close> = t end"},
    {"__close that loops in an error", HOSTILE_KILLED,
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
     "return function() pcall(function() local x <close> = t error('x') end) end"},
    {"__close that loops after a kill", HOSTILE_KILLED,
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
     "return function() local x <close> = t while true do end end"},
    {"many __close after a kill", HOSTILE_KILLED,
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
     "local function f(n) local a <close> = t local b <close> = t local c <close> = t\n"
     "if n > 0 then f(n - 1) end while true do end end\n"
     "return function() f(100) end"},
    {"__close in a generic for", HOSTILE_KILLED,
     "local mt = {} local t = setmetatable({}, mt) mt.__close = function() while true do end end\n"
     "return function() for _ in function() end, nil, nil, t do end end"},
    {"__gc refused", HOSTILE_REFUSED,
     "return function() setmetatable({}, { __gc = function() while true do end end }) end"},
    {"__gc set later", HOSTILE_ENDED,
     "local mt = {} local t = {}\n"
     "return function() for i = 1, 100 do t[i] = setmetatable({}, mt) end\n"
     "mt.__gc = function() while true do end end t = {} end"},
    {"__mode refused", HOSTILE_REFUSED, "return function() setmetatable({}, { __mode = 'k' }) end"},
    {"__tostring without end", HOSTILE_KILLED,
     "local t = setmetatable({}, { __tostring = function() while true do end end })\n"
     "return function() return string.format('%s', t) end"},
    {"__name", HOSTILE_HARMLESS,
     "local t = setmetatable({}, { __name = string.rep('n', 16000) })\n"
     "return function() for i = 1, 100 do tostring(t) end end"},
    /* patterns */
    {"quadratic pattern", HOSTILE_KILLED, "return function() return string.find(string.rep('a', 16000), '.-b') end"},
    {"cubic pattern", HOSTILE_KILLED, "return function() return string.match(string.rep('a', 16000), '.-.-b') end"},
    {"exponential pattern", HOSTILE_KILLED,
     "return function() return string.match(string.rep('a', 40), string.rep('a-', 40) .. 'b') end"},
    {"many optional items", HOSTILE_KILLED,
     "return function() return string.match(string.rep('a', 25), string.rep('a?', 25) .. string.rep('a', 26)) end"},
    {"balanced without end", HOSTILE_KILLED,
     "return function() return string.find(string.rep('(', 16000), '%b()') end"},
    {"back references", HOSTILE_KILLED, "return function() return string.find(string.rep('a', 16000), '(a*)%1b') end"},
    {"frontier over and over", HOSTILE_ENDED,
     "return function() return string.find(string.rep('a', 16000), '.-%f[b]') end"},
    {"sets in sets", HOSTILE_KILLED,
     "local set = '[' .. string.rep('%d', 4000) .. ']'\n"
     "return function() return string.find(string.rep('a', 16000), set) end"},
    {"deep captures", HOSTILE_REFUSED, "return function() return string.match('x', string.rep('(', 100)) end"},
    {"deep items", HOSTILE_ENDED,
     "return function() return string.match(string.rep('a', 16000), string.rep('a*', 8000)) end"},
    {"gmatch of nothing", HOSTILE_KILLED,
     "return function() while true do for _ in string.gmatch(string.rep('a', 1000), '') do end end end"},
    {"gsub that grows", HOSTILE_KILLED,
     "return function() return (string.gsub(string.rep('a', 16000), '.', string.rep('b', 1000))) end"},
    {"gsub with %0 twice", HOSTILE_KILLED,
     "return function() local s = 'aa' while true do s = string.gsub(s, '.+', '%0%0') end end"},
    {"gsub with a function that loops", HOSTILE_KILLED,
     "return function() return string.gsub('abc', '.', function() while true do end end) end"},
    {"plain find again and again", HOSTILE_KILLED,
     "local s, p = string.rep('a', 16000), string.rep('a', 8000) .. 'b'\n"
     "return function() while true do string.find(s, p, 1, true) end end"},
    /* strings */
    {"giant rep", HOSTILE_REFUSED, "return function() return string.rep('x', 1e9) end"},
    {"giant rep with a separator", HOSTILE_REFUSED, "return function() return string.rep('', 1 << 40, 'x') end"},
    {"rep of nothing", HOSTILE_HARMLESS, "return function() return string.rep('', 1 << 60) end"},
    {"rep that overflows", HOSTILE_REFUSED, "return function() return string.rep('xx', math.maxinteger) end"},
    {"rep in a loop", HOSTILE_KILLED, "return function() while true do local s = string.rep('x', 16000) end end"},
    {"doubling", HOSTILE_KILLED, "return function() local s = 'x' while true do s = s .. s end end"},
    {"concat of many", HOSTILE_KILLED,
     "local s = string.rep('x', 16000)\n"
     "return function() return s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s "
     "end"},
    {"long results in a loop", HOSTILE_KILLED,
     "local s = string.rep('x', 8000) return function() while true do local t = s .. s end end"},
    {"< on NULs", HOSTILE_KILLED,
     "local a, b = string.rep('\\0', 16000), string.rep('\\0', 15999) .. 'b'\n"
     "return function() while true do local c = a < b end end"},
    {"== on long strings", HOSTILE_KILLED,
     "local a, b = string.rep('x', 15999) .. 'a', string.rep('x', 15999) .. 'b'\n"
     "return function() while true do local c = a == b end end"},
    {"arithmetic on long strings", HOSTILE_KILLED,
     "local a = string.rep('9', 16000) return function() while true do local c = a + 1 end end"},
    {"arithmetic on long hexadecimals", HOSTILE_KILLED,
     "local a = '0x' .. string.rep('f', 15000) return function() while true do local c = a * 2.0 end end"},
    {"bitwise on long strings", HOSTILE_ENDED,
     "local a = '0x' .. string.rep('f', 15000) return function() while true do local c = a | 1 end end"},
    {"tonumber of long strings", HOSTILE_KILLED,
     "local a = string.rep('9', 16000) return function() while true do tonumber(a) end end"},
    {"tonumber with a base", HOSTILE_KILLED,
     "local a = string.rep('z', 16000) return function() while true do tonumber(a, 36) end end"},
    {"t[long]", HOSTILE_KILLED,
     "local s = string.rep('x', 15990)\n"
     "return function() local t, i = {}, 0 while true do i = i + 1 t[s .. i] = true end end"},
    {"# of long strings", HOSTILE_KILLED,
     "local s = string.rep('x', 16000) return function() while true do local n = #s end end"},
    {"format with a wide field", HOSTILE_REFUSED, "return function() return string.format('%1000d', 1) end"},
    {"format in a loop", HOSTILE_KILLED,
     "return function() while true do string.format('%99.99f %99.99f', 1e308, 1e308) end end"},
    {"format of long strings", HOSTILE_KILLED,
     "local s = string.rep('\\0', 16000) return function() while true do string.format('%q', s) end end"},
    {"pack with giant padding", HOSTILE_KILLED, "return function() return string.pack('c2147483647', '') end"},
    {"pack in a loop", HOSTILE_KILLED,
     "local s = string.rep('x', 8000) return function() while true do string.pack('s1s2z', 'a', s, s) end end"},
    {"unpack of many", HOSTILE_ENDED,
     "local f = string.rep('b', 2000) local s = string.rep('x', 2000)\n"
     "return function() while true do string.unpack(f, s) end end"},
    {"byte of all", HOSTILE_ENDED,
     "local s = string.rep('x', 16000) return function() return string.byte(s, 1, -1) end"},
    {"byte in a loop", HOSTILE_KILLED,
     "local s = string.rep('x', 1000) return function() while true do string.byte(s, 1, -1) end end"},
    {"char of many", HOSTILE_KILLED,
     "local t = {} for i = 1, 1000 do t[i] = 65 end\n"
     "return function() while true do string.char(table.unpack(t)) end end"},
    {"upper, lower, reverse", HOSTILE_KILLED,
     "local s = string.rep('x', 16000) return function() while true do s:upper():lower():reverse() end end"},
    {"utf8 over bytes", HOSTILE_KILLED,
     "local s = string.rep('\\u{7FFFFFFF}', 2000) return function() while true do utf8.len(s, 1, -1, true) end end"},
    {"utf8.offset", HOSTILE_KILLED,
     "local s = string.rep('\\u{20AC}', 5000) return function() while true do utf8.offset(s, 5000) end end"},
    {"utf8.codepoint of all", HOSTILE_ENDED,
     "local s = string.rep('x', 16000) return function() return utf8.codepoint(s, 1, -1) end"},
    {"utf8.codes", HOSTILE_KILLED,
     "local s = string.rep('x', 16000) return function() while true do for _ in utf8.codes(s) do end end end"},
    /* tables */
    {"a table without end", HOSTILE_KILLED, "return function() local t = {} for i = 1, 1e9 do t[i] = i end end"},
    {"tables in tables", HOSTILE_KILLED, "return function() local t = {} while true do t = { t } end end"},
    {"closures", HOSTILE_KILLED,
     "return function() local t = {} for i = 1, 1e9 do t[i] = function() return i end end end"},
    {"rehash again and again", HOSTILE_KILLED,
     "return function() local t = {} for i = 1, 4096 do t['k' .. i] = i end\n"
     "for i = 1, 1e9 do t['k' .. i] = nil t['n' .. i] = i end end"},
    {"rehash of a table made at load", HOSTILE_KILLED,
     "local t = {} for i = 1, 8191 do t['k' .. i] = i end\n"
     "return function() for i = 1, 1e9 do t['k' .. i] = nil t['n' .. i] = 1 end end"},
    {"huge constructor", HOSTILE_KILLED,
     "return function() while true do local t = { table.unpack({}, 1, 1000) } end end"},
    {"unpack a million", HOSTILE_REFUSED, "return function() return table.unpack({}, 1, 1e6) end"},
    {"unpack everything", HOSTILE_REFUSED,
     "return function() return table.unpack({}, math.mininteger, math.maxinteger) end"},
    {"unpack in a loop", HOSTILE_KILLED,
     "return function() while true do local a = { table.unpack({}, 1, 1200) } end end"},
    {"select over many", HOSTILE_KILLED,
     "return function() local function f(...) while true do select(1, ...) end end f(table.unpack({}, 1, 1000)) end"},
    {"varargs in recursion", HOSTILE_KILLED, "local function f(...) return f(1, ...) end return f"},
    {"concat without end", HOSTILE_KILLED,
     "local t = setmetatable({}, { __index = function() return 'x' end })\n"
     "return function() return table.concat(t, ',', 1, math.maxinteger) end"},
    {"concat of nothing", HOSTILE_KILLED,
     "local t = {} for i = 1, 10000 do t[i] = '' end\n"
     "return function() while true do table.concat(t) end end"},
    {"move over holes", HOSTILE_KILLED, "return function() table.move({}, 1, 1 << 40, 2) end"},
    {"move that overlaps", HOSTILE_KILLED, "return function() table.move({ 1, 2, 3 }, 1, 1 << 40, 1 << 20, {}) end"},
    {"insert at the front", HOSTILE_KILLED,
     "return function() local t = {} while true do table.insert(t, 1, 'x') end end"},
    {"remove at the front", HOSTILE_KILLED,
     "local t = {} for i = 1, 10000 do t[i] = i end\n"
     "return function() while true do table.insert(t, table.remove(t, 1)) end end"},
    {"sort with a lying comparator", HOSTILE_ENDED,
     "return function() local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end) end"},
    {"sort with a comparator that changes the table", HOSTILE_ENDED,
     "return function() local t = {} for i = 1, 200 do t[i] = i % 7 end\n"
     "table.sort(t, function(a, b) t[#t + 1] = 1 t[1] = nil return (a or 0) < (b or 0) end) end"},
    {"sort in a loop", HOSTILE_KILLED,
     "local t = {} for i = 1, 5000 do t[i] = (i * 7919) % 5003 end\n"
     "return function() while true do table.sort(t) end end"},
    {"sort of NULs", HOSTILE_KILLED,
     "local t = {} for i = 1, 200 do t[i] = string.rep('\\0', 15000) .. i end\n"
     "return function() while true do table.sort(t) end end"},
    {"unpack over a chain of __index", HOSTILE_ENDED,
     "local t = {} for i = 1, 1900 do t = setmetatable({}, { __index = t }) end\n"
     "return function() return (table.unpack(t, 1, 1300)) end"},
    {"pairs over a great table", HOSTILE_KILLED,
     "local t = {} for i = 1, 8000 do t['k' .. i] = i end\n"
     "return function() while true do for _ in pairs(t) do break end end end"},
    {"pairs over a great empty table", HOSTILE_KILLED,
     "local t = {} for i = 1, 8000 do t['k' .. i] = i end for i = 1, 8000 do t['k' .. i] = nil end\n"
     "return function() while true do for _ in pairs(t) do end end end"},
    {"pairs over tables as keys", HOSTILE_REFUSED, "return function() for _ in pairs({ [{}] = 1 }) do end end"},
    {"ipairs without end", HOSTILE_KILLED,
     "local t = setmetatable({}, { __index = function(_, i) return i end })\n"
     "return function() for _ in ipairs(t) do end end"},
    /* numbers */
    {"random over and over", HOSTILE_KILLED, "return function() while true do math.random(1, 1 << 62) end end"},
    {"division by zero", HOSTILE_REFUSED, "return function() return 1 // 0 end"},
    {"powers", HOSTILE_KILLED, "return function() local x = 1.0000001 while true do x = x ^ x end end"},
    /* the environment */
    {"writing a global", HOSTILE_REFUSED, "return function() leaked = 1 end"},
    {"writing a library", HOSTILE_REFUSED, "return function() string.rep = nil end"},
    {"reading what is absent", HOSTILE_REFUSED, "return function() return os.exit end"},
    {"the string metatable", HOSTILE_REFUSED, "return function() getmetatable('').__index = nil end"},
    {"replacing _ENV", HOSTILE_ENDED, "return function() local _ENV = {} x = 1 while true do end end"},
    {"load", HOSTILE_REFUSED, "return function() return load('x = 1') end"},
    {"collectgarbage", HOSTILE_REFUSED, "return function() collectgarbage() end"},
    {"require in a decision", HOSTILE_REFUSED, "return function() require 'x' end"},
};

enum { HOSTILE_SCRIPTS = sizeof(hostile_scripts) / sizeof(hostile_scripts[0]) };
