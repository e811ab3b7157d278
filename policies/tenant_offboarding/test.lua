-- SPDX-License-Identifier: Apache-2.0
local function call(user, host)
  return { uri = "sip:" .. user .. "@" .. host }
end
local active = { state = "active" }

return {
  { "a tenant that stays is served",
    request = call("ada", "north.example"), record = active,
    expect = { code = 200, rule = "active" } },
  { "one that leaves is suspended, not gone",
    request = call("ada", "south.example"), record = active,
    expect = { verdict = "unavailable", code = 480, rule = "tenant leaving", reason = "Service Suspended" } },
  { "forwarding that it asked for is honoured",
    request = call("bob", "south.example"), record = { state = "moved", forward = "sip:bob@elsewhere.example" },
    expect = { verdict = "moved", code = 301, rule = "moved" } },
  { "its billing contact is reached",
    request = call("billing", "south.example"),
    expect = { code = 200, rule = "billing contact" } },
  { "one that has left is gone",
    request = call("ada", "west.example"),
    expect = { verdict = "gone", code = 410, rule = "tenant left", evidence = "left" } },
  { "with everything below its domain",
    request = call("ada", "voice.west.example"),
    expect = { code = 410, rule = "tenant left" } },
  { "a list that is wrong about an active entry does no harm",
    request = call("ada", "west.example"), record = active,
    expect = { code = 480, rule = "tenant left" } },
  { "a deleted account of a tenant that stays is gone",
    request = call("eve", "north.example"), record = { state = "gone" },
    expect = { code = 410, rule = "gone" } },
  { "a stranger's domain is not ours",
    request = call("ada", "east.example"), record = active,
    expect = { code = 404, rule = "default" } },
  { "and a suspended one is not",
    request = call("bob", "north.example"), record = { state = "suspended" },
    expect = { code = 480, rule = "suspended" } },
}
