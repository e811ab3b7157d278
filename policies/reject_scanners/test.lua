-- SPDX-License-Identifier: Apache-2.0
local function from(agent)
  return { uri = "sip:100@example.com", headers = { ["User-Agent"] = agent } }
end

return {
  { "a scanner gets nothing",
    request = from "friendly-scanner",
    expect = { verdict = "drop", code = 0, rule = "scanner" } },
  { "in any case, anywhere in the name",
    request = from "my SIPvicious 0.3",
    expect = { verdict = "drop", rule = "scanner" } },
  { "an honest phone is answered",
    request = from "Deskphone 1.0",
    expect = { verdict = "ok", rule = "ours" } },
  { "a bad network gets nothing",
    request = from "Deskphone 1.0", source = "203.0.113.77",
    expect = { verdict = "drop", rule = "bad network" } },
  { "its neighbour is answered",
    request = from "Deskphone 1.0", source = "203.0.114.1",
    expect = { verdict = "ok", rule = "ours" } },
  { "who names neither itself nor a contact",
    request = { method = "OPTIONS", uri = "sip:100@example.com" },
    expect = { verdict = "drop", rule = "no name" } },
  { "the hundredth call in a minute passes",
    request = from "Deskphone 1.0", source = "198.51.100.1", times = 100,
    expect = { verdict = "ok", rule = "ours" } },
  { "the next one does not",
    request = from "Deskphone 1.0", source = "198.51.100.1",
    expect = { verdict = "reject", code = 486, rule = "flood" } },
  { "a trusted source is not counted",
    request = from "Deskphone 1.0", source = { ip = "198.51.100.2", trusted = true }, times = 200,
    expect = { verdict = "ok", rule = "ours" } },
  { "a minute later all is forgotten",
    request = from "Deskphone 1.0", source = "198.51.100.1", now = "2026-01-01T00:01:01Z",
    expect = { verdict = "ok", rule = "ours" } },
}
