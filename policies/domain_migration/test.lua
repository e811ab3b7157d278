-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:ada@old.example" }

return {
  { "at first the new address is for now",
    request = call, now = "2026-06-30T23:59:59Z",
    expect = { verdict = "redirect", code = 302, rule = "moving", contact = "sip:ada@example.net" } },
  { "when all works it is for good",
    request = call, now = "2026-07-01T00:00:00Z",
    expect = { verdict = "moved", code = 301, rule = "moved for good", contact = "sip:ada@example.net" } },
  { "numbers are taken along",
    request = { uri = "sip:+15550100@old.example" }, now = "2026-08-01T00:00:00Z",
    expect = { code = 301, rule = "moved for good", contact = "sip:+15550100@example.net" } },
  { "names that do not fit into a URI are not",
    request = { uri = "sip:a%3Eb@old.example" }, now = "2026-08-01T00:00:00Z",
    expect = { code = 404, rule = "no name to take along" } },
  { "at last the old domain is gone",
    request = call, now = "2028-01-01T00:00:00Z",
    expect = { verdict = "gone", code = 410, rule = "old domain given up", evidence = "old_domain" } },
  { "the new one is answered",
    request = { uri = "sip:ada@example.net" }, now = "2028-01-01T00:00:00Z",
    expect = { code = 200, rule = "new domain" } },
  { "others are not ours",
    request = { uri = "sip:ada@example.org" },
    expect = { code = 404, rule = "default" } },
}
