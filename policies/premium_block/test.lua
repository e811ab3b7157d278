-- SPDX-License-Identifier: Apache-2.0
local function call(user, from)
  return { uri = "sip:" .. user .. "@example.com", from = "sip:" .. from .. "@example.com" }
end

return {
  { "a premium number is refused",
    request = call("+19005550123", "+15550100"),
    expect = { verdict = "reject", code = 403, rule = "premium", q850 = 21, reason = "Premium Numbers Blocked" } },
  { "a foreign one too",
    request = call("+4990012345", "+15550100"),
    expect = { code = 403, rule = "premium" } },
  { "who asked for it gets through",
    request = call("+19005550123", "+15550107"),
    expect = { code = 302, rule = "premium, asked for", contact = "sip:premium@gateway.example" } },
  { "who hides is asked to show",
    request = call("+19005550123", "anonymous"),
    expect = { code = 433, rule = "premium, anonymous" } },
  { "other numbers are not meant",
    request = call("+15550101", "+15550100"), record = { state = "active" },
    expect = { code = 200, rule = "active" } },
  { "a retired one is gone",
    request = call("+15550102", "+15550100"), record = { state = "gone" },
    expect = { code = 410, rule = "gone" } },
}
