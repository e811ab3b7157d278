-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+15550101@example.com" }
local given_up = { state = "gone", since = "2026-01-01", reassign_after = "2026-07-01" }

return {
  { "while it rests it is gone",
    request = call, record = given_up, now = "2026-06-30T23:59:59Z",
    expect = { verdict = "gone", code = 410, rule = "in quarantine", q850 = 22 } },
  { "when the rest is over it is only unknown",
    request = call, record = given_up, now = "2026-07-01T00:00:00Z",
    expect = { verdict = "not_found", code = 404, rule = "free again" } },
  { "without a date it rests for ever",
    request = call, record = { state = "gone" }, now = "2040-01-01T00:00:00Z",
    expect = { code = 410, rule = "in quarantine" } },
  { "given out again it is answered",
    request = call, record = { state = "active" }, now = "2026-08-01T00:00:00Z",
    expect = { code = 200, rule = "active" } },
  { "what never was is not found",
    request = call,
    expect = { code = 404, rule = "default" } },
  { "a suspended number is not gone",
    request = call, record = { state = "suspended" },
    expect = { code = 480, rule = "suspended" } },
  { "who left an address is found by it",
    request = call, record = { state = "moved", forward = "sip:+15550190@example.net" },
    expect = { code = 301, rule = "moved" } },
}
