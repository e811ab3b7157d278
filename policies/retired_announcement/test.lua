-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+15550101@example.com" }

return {
  { "a retired number is gone",
    request = call, record = { state = "gone", cause = 22 },
    expect = { verdict = "gone", code = 410, rule = "retired" } },
  { "without a cause too",
    request = call, record = { state = "gone" },
    expect = { code = 410, rule = "retired" } },
  { "a number of a returned block is gone for another reason",
    request = call, record = { state = "gone", cause = 1 },
    expect = { verdict = "gone", code = 410, rule = "given back", q850 = 1 } },
  { "a suspended line is not gone",
    request = call, record = { state = "suspended" },
    expect = { verdict = "unavailable", code = 480, rule = "suspended" } },
  { "a moved one says where to",
    request = call, record = { state = "moved", forward = "sip:+15550190@example.net" },
    expect = { verdict = "moved", code = 301, rule = "moved" } },
  { "an active one is answered",
    request = call, record = { state = "active" },
    expect = { code = 200, rule = "active" } },
  { "an unknown one is not found",
    request = call,
    expect = { code = 404, rule = "default" } },
}
