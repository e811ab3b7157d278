-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:alice@example.com" }
local bob = "sip:bob@example.com"

return {
  { "a stranger is asked", request = call, record = { state = "active" },
    expect = { rule = "who are you", code = 401 } },
  { "whoever it is for",   request = call, expect = { rule = "who are you", code = 401 } },
  { "even the retired",    request = call, record = { state = "gone" }, expect = { rule = "who are you", code = 401 } },
  { "bob calls alice",     request = call, authenticated_as = bob, record = { state = "active" },
    expect = { rule = "here", code = 200 } },
  { "bob calls nobody",    request = call, authenticated_as = bob, expect = { rule = "default", code = 404 } },
  { "bob calls who left",  request = call, authenticated_as = bob, record = { state = "gone" },
    expect = { rule = "retired", code = 410 } },
  { "bob calls who moved", request = call, authenticated_as = bob,
    record = { state = "moved", forward = "sip:alice@example.net" },
    expect = { rule = "moved", code = 301 } },
  { "not now",             request = call, authenticated_as = bob, record = { state = "suspended" },
    expect = { rule = "suspended", code = 480 } },
  { "a proxy of ours",     request = call, source = { ip = "192.0.2.7", trusted = true }, record = { state = "active" },
    expect = { rule = "here", code = 200 } },
  { "bob publishes for alice", authenticated_as = bob, expect = { rule = "not yours", code = 403 },
    request = { method = "PUBLISH", uri = "sip:alice@example.com", headers = { Event = "presence" },
                body_type = "application/pidf+xml",
                body = '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.com"/>' } },
  { "a qualify is not asked", request = { method = "OPTIONS", uri = "sip:alice@example.com" },
    record = { state = "active" }, expect = { rule = "here", code = 200 } },
}
