-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+15550155@example.com" }

return {
  { "before the night we answer",
    request = call, now = "2026-02-28T23:59:59Z",
    expect = { verdict = "ok", code = 200, rule = "ours" } },
  { "in the window it is for now, not for good",
    request = call, now = "2026-03-01T00:00:00Z",
    expect = { verdict = "unavailable", code = 480, rule = "being ported" } },
  { "to its last second",
    request = call, now = "2026-03-01T05:59:59Z",
    expect = { code = 480, rule = "being ported" } },
  { "then it lives at the new carrier",
    request = call, now = "2026-03-01T06:00:00Z",
    expect = { verdict = "moved", code = 301, rule = "ported", contact = "sip:+15550155@carrier-b.example" } },
  { "and does so a year later",
    request = call, now = "2027-03-01T06:00:00Z",
    expect = { code = 301, rule = "ported" } },
  { "its neighbour stays",
    request = { uri = "sip:+15550160@example.com" }, now = "2026-03-01T03:00:00Z",
    expect = { code = 200, rule = "ours" } },
  { "what is not ours is not found",
    request = { uri = "sip:+15559999@example.com" }, now = "2026-03-01T03:00:00Z",
    expect = { code = 404, rule = "default" } },
}
