-- SPDX-License-Identifier: Apache-2.0
local tests = {}

-- Asks one test number as a trusted source.
local function try(user, code, rule)
  tests[#tests + 1] = {
    user .. " answers as its name says",
    request = { uri = "sip:" .. user .. "@example.com" },
    source = { ip = "192.0.2.7", trusted = true },
    expect = { code = code, rule = rule },
  }
end

try("test-200", 200, "test: answered")
try("test-180", 180, "test: ringing") -- what goes out first; the 200 follows
try("test-183", 183, "test: early media")
try("test-bye", 200, "test: hung up")
try("test-timer", 200, "test: refreshed")
try("test-301", 301, "test: moved")
try("test-302", 302, "test: elsewhere")
try("test-404", 404, "test: not found")
try("test-410", 410, "test: gone")
try("test-480", 480, "test: unavailable")
try("test-486", 486, "test: busy")
try("test-silence", 0, "test: silence")

tests[#tests + 1] = { "a stranger finds none of them",
  request = { uri = "sip:test-410@example.com" },
  expect = { code = 404, rule = "default" } }
tests[#tests + 1] = { "real numbers are answered beside them",
  request = { uri = "sip:+15550100@example.com" }, record = { state = "active" },
  expect = { code = 200, rule = "active" } }

-- `in_call` is sent in the call that the request began; `expect` is about its answer.
tests[#tests + 1] = { "in a call a MESSAGE is heard",
  request = { uri = "sip:test-200@example.com" }, source = { ip = "192.0.2.7", trusted = true },
  in_call = { method = "MESSAGE", body = "hello" },
  expect = { code = 200, verdict = "ok", rule = "on_request", reason = "Heard" } }
tests[#tests + 1] = { "and so it is once the phone has stopped ringing",
  request = { uri = "sip:test-180@example.com" }, source = { ip = "192.0.2.7", trusted = true },
  in_call = { method = "MESSAGE", headers = { Subject = "hello" } },
  expect = { code = 200, rule = "on_request" } }
tests[#tests + 1] = { "an INFO is the engine's to answer",
  request = { uri = "sip:test-200@example.com" }, source = { ip = "192.0.2.7", trusted = true },
  in_call = { method = "INFO" },
  expect = { code = 200, rule = "" } }

tests[#tests + 1] = { "retired ones are gone",
  request = { uri = "sip:+15550101@example.com" }, record = { state = "gone" },
  expect = { code = 410, rule = "gone" } }

return tests
