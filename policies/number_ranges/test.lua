-- SPDX-License-Identifier: Apache-2.0
local function call(user)
  return { uri = "sip:" .. user .. "@example.com" }
end

return {
  { "in service",
    request = call "+15550100",
    expect = { verdict = "ok", rule = "in service" } },
  { "by prefix",
    request = call "+493090182042",
    expect = { verdict = "ok", rule = "in service" } },
  { "given back, inside a range in service",
    request = call "+15550155",
    expect = { verdict = "gone", code = 410, rule = "returned", q850 = 22 } },
  { "the last of the returned range",
    request = call "+15550159",
    expect = { verdict = "gone", rule = "returned" } },
  { "the one behind it",
    request = call "+15550160",
    expect = { verdict = "ok", rule = "in service" } },
  { "not ours",
    request = call "+15559999",
    expect = { code = 404, rule = "default" } },
  { "emergency numbers go to where they are answered",
    request = call "112",
    expect = { code = 302, rule = "emergency", contact = "sip:sos@emergency.example" } },
}
