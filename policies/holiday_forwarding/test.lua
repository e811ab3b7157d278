-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:ada@example.com" }

return {
  { "at work before the holidays",
    request = call, now = "2026-12-23T23:59:59Z",
    expect = { code = 200, rule = "here" } },
  { "then somebody else answers, for now",
    request = call, now = "2026-12-24T00:00:00Z",
    expect = { verdict = "redirect", code = 302, rule = "on holiday", contact = "sip:standby@example.com" } },
  { "back in the new year",
    request = call, now = "2027-01-02T00:00:00Z",
    expect = { code = 200, rule = "here" } },
  { "the standby sleeps at night",
    request = { uri = "sip:standby@example.com" }, now = "2026-12-26T23:00:00Z",
    expect = { code = 480, rule = "standby closed" } },
  { "and answers by day",
    request = { uri = "sip:standby@example.com" }, now = "2026-12-26T12:00:00Z",
    expect = { code = 200, rule = "here" } },
  { "who was never here is not found",
    request = { uri = "sip:eve@example.com" }, now = "2026-12-26T12:00:00Z",
    expect = { code = 404, rule = "default" } },
}
