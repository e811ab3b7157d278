-- SPDX-License-Identifier: Apache-2.0
local function call(user, from)
  return { uri = "sip:" .. user .. "@example.com", from = "sip:" .. (from or "+15550100") .. "@example.net" }
end
local active = { state = "active" }

return {
  { "an honest call is answered",
    request = call "+15550101", record = active,
    expect = { verdict = "ok", rule = "active" } },
  { "a source of fraud gets nothing",
    request = call "+15550101", record = active, source = "203.0.113.9",
    expect = { verdict = "drop", rule = "bad source" } },
  { "a blocked caller is told so",
    request = call("+15550101", "+19005550000"), record = active,
    expect = { verdict = "reject", code = 403, rule = "bad caller" } },
  { "thirty costly calls in an hour pass",
    request = call("+15550661", "+15550177"), record = active, times = 30,
    expect = { code = 200, rule = "active" } },
  { "the next does not",
    request = call("+15550662", "+15550177"), record = active,
    expect = { code = 403, rule = "too many costly calls", q850 = 21 } },
  { "another caller is not meant",
    request = call("+15550661", "+15550178"), record = active,
    expect = { code = 200, rule = "active" } },
  { "an hour later it is forgotten",
    request = call("+15550661", "+15550177"), record = active, now = "2026-01-01T01:00:01Z",
    expect = { code = 200, rule = "active" } },
  { "emergency calls go first, from everywhere",
    request = call("112", "+19005550000"), source = "203.0.113.9",
    expect = { code = 302, rule = "emergency" } },
  { "a retired number is still gone",
    request = call "+15550102", record = { state = "gone" },
    expect = { code = 410, rule = "gone" } },
}
