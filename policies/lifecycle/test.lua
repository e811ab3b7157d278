-- SPDX-License-Identifier: Apache-2.0
local function call(user)
  return { uri = "sip:" .. user .. "@example.com" }
end

return {
  { "an active number is answered",
    request = call "+15550100", record = { state = "active" },
    expect = { verdict = "ok", code = 200, rule = "active" } },
  { "a retired number is gone",
    request = call "+15550101", record = { state = "gone", since = "2025-06-30", cause = 22 },
    expect = { verdict = "gone", code = 410, rule = "retired" } },
  { "a moved number is redirected for good",
    request = call "+15550102", record = { state = "moved", forward = "sip:+15550190@example.net" },
    expect = { verdict = "moved", code = 301, rule = "moved" } },
  { "a suspended number is not gone",
    request = call "+15550103", record = { state = "suspended" },
    expect = { verdict = "unavailable", code = 480, rule = "suspended" } },
  { "a number that never existed is not found",
    request = call "+15550999",
    expect = { verdict = "not_found", code = 404, rule = "default" } },
  { "a number of a closed block is gone",
    request = call "+15550342",
    expect = { verdict = "gone", code = 410, rule = "closed block", evidence = "closed_blocks", q850 = 1 } },
  { "a number that came back to life in a closed block is answered",
    request = call "+15550342", record = { state = "active" },
    expect = { verdict = "ok", code = 200, rule = "active" } },
  { "the number behind the block is not gone",
    request = call "+15550400",
    expect = { code = 404, rule = "default" } },
  { "a retired domain is gone",
    request = { uri = "sip:anybody@www.old-brand.example" },
    expect = { verdict = "gone", code = 410, rule = "retired domain" } },
  { "OPTIONS gets what an INVITE would get",
    request = { method = "OPTIONS", uri = "sip:+15550101@example.com" }, record = { state = "gone" },
    expect = { code = 410, rule = "retired" } },
}
