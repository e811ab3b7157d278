-- SPDX-License-Identifier: Apache-2.0
local function call(user)
  return { uri = "sip:" .. user .. "@example.com" }
end

return {
  { "the extension moves along",
    request = call "+493050042",
    expect = { verdict = "moved", code = 301, rule = "office moved", contact = "sip:+493070042@example.com",
               q850 = 22 } },
  { "the bare number too",
    request = call "+4930500",
    expect = { code = 301, rule = "office moved", contact = "sip:+4930700@example.com" } },
  { "an extension that was not kept goes to the switchboard, for now",
    request = call "+4930500123",
    expect = { verdict = "redirect", code = 302, rule = "extension not kept", contact = "sip:+49307000@example.com" } },
  { "the new office answers",
    request = call "+493070042",
    expect = { code = 200, rule = "new office" } },
  { "its neighbours are not meant",
    request = call "+493060042",
    expect = { code = 404, rule = "default" } },
}
