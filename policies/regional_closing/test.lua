-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+498955512@example.com" }

return {
  { "served to the last day",
    request = call, now = "2026-03-31T23:59:59Z",
    expect = { verdict = "ok", rule = "ours" } },
  { "then the neighbour answers for now",
    request = call, now = "2026-04-01T00:00:00Z",
    expect = { verdict = "redirect", code = 302, rule = "region moving", contact = "sip:+4930555100@example.com" } },
  { "and half a year later it is gone",
    request = call, now = "2026-10-01T00:00:00Z",
    expect = { verdict = "gone", code = 410, rule = "region closed", evidence = "closed_region", q850 = 22 } },
  { "unless somebody there is still served",
    request = call, now = "2026-11-01T00:00:00Z", record = { state = "active" },
    expect = { code = 480, rule = "region closed" } },
  { "other regions are not meant",
    request = { uri = "sip:+493055500@example.com" }, now = "2026-11-01T00:00:00Z",
    expect = { code = 200, rule = "ours" } },
  { "nor other countries",
    request = { uri = "sip:+43155500@example.com" }, now = "2026-11-01T00:00:00Z",
    expect = { code = 404, rule = "default" } },
}
