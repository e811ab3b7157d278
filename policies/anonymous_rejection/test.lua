-- SPDX-License-Identifier: Apache-2.0
local function call(user, from, privacy)
  return { uri = "sip:" .. user .. "@example.com", from = from, headers = { ["Privacy"] = privacy } }
end
local active = { state = "active" }

return {
  { "a hidden caller is asked to show himself",
    request = call("+15550110", "sip:anonymous@example.net"), record = active,
    expect = { verdict = "reject", code = 433, rule = "anonymous" } },
  { "also behind the host that RFC 3323 names",
    request = call("+15550110", "sip:c8oqz84zk7z@anonymous.invalid"), record = active,
    expect = { code = 433, rule = "hidden host" } },
  { "or by name alone",
    request = call("+15550110", '"Anonymous" <sip:+15550100@example.net>'), record = active,
    expect = { code = 433, rule = "hidden name" } },
  { "or who has the network hide him",
    request = call("+15550110", "sip:+15550100@example.net", "user;id"), record = active,
    expect = { code = 433, rule = "privacy" } },
  { "not who asks for privacy of another kind",
    request = call("+15550110", "sip:+15550100@example.net", "session;critical"), record = active,
    expect = { code = 200, rule = "active" } },
  { "an unwanted one is told so",
    request = call("+15550110", "sip:+15550660@example.net"), record = active,
    expect = { code = 607, rule = "unwanted" } },
  { "others get through",
    request = call("+15550110", "sip:+15550100@example.net"), record = active,
    expect = { code = 200, rule = "active" } },
  { "other lines take anonymous calls",
    request = call("+15550112", "sip:anonymous@example.net"), record = active,
    expect = { code = 200, rule = "active" } },
  { "a retired line is gone for the known",
    request = call("+15550111", "sip:+15550100@example.net"), record = { state = "gone" },
    expect = { code = 410, rule = "gone" } },
}
