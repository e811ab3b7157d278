-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+15550100@example.com" }

return {
  { "open on a Monday morning, in winter",
    request = call, now = "2026-01-12T07:00:00Z", -- 08:00 in Berlin
    expect = { verdict = "ok", rule = "open" } },
  { "not yet open a second before",
    request = call, now = "2026-01-12T06:59:59Z",
    expect = { verdict = "unavailable", code = 480, rule = "closed now", reason = "Closed" } },
  { "in summer an hour earlier in UTC",
    request = call, now = "2026-07-13T06:00:00Z", -- 08:00 in Berlin
    expect = { verdict = "ok", rule = "open" } },
  { "closed at the stroke of the hour",
    request = call, now = "2026-01-12T17:00:00Z",
    expect = { rule = "closed now" } },
  { "Friday ends early",
    request = call, now = "2026-01-16T15:30:00Z",
    expect = { rule = "closed now" } },
  { "Sunday",
    request = call, now = "2026-01-18T11:00:00Z",
    expect = { rule = "closed now" } },
  { "Christmas is a Friday",
    request = call, now = "2026-12-25T09:00:00Z",
    expect = { rule = "closed now" } },
  { "the night watch is there past midnight",
    request = { uri = "sip:watch@example.com" }, now = "2026-01-18T03:00:00Z",
    expect = { verdict = "ok", rule = "night watch" } },
  { "and not at noon",
    request = { uri = "sip:watch@example.com" }, now = "2026-01-18T12:00:00Z",
    expect = { code = 404, rule = "default" } },
}
