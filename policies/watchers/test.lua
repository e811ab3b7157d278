-- SPDX-License-Identifier: Apache-2.0
local alice, active = "sip:alice@example.com", { state = "active" }

local function by(identity)
  return { trusted = true, identity = identity }
end

local function ask(method)
  local headers = { Event = "presence" }
  if method == "SUBSCRIBE" then
    headers.Contact = "<sip:watcher@192.0.2.1>"
  end
  return { method = method, uri = alice, headers = headers,
           body = method == "PUBLISH" and "<presence/>" or nil,
           body_type = method == "PUBLISH" and "application/pidf+xml" or nil }
end

return {
  { "alice publishes for herself",
    request = ask "PUBLISH", source = by(alice), record = active,
    expect = { verdict = "ok", code = 200, rule = "own presence" } },
  { "bob does not publish for alice",
    request = ask "PUBLISH", source = by "sip:bob@example.com", record = active,
    expect = { code = 403, rule = "not yours" } },
  { "whoever is not known does not either",
    request = ask "PUBLISH", record = active,
    expect = { code = 403, rule = "not yours" } },
  { "bob may watch alice",
    request = ask "SUBSCRIBE", source = by "sip:bob@example.com", record = active,
    expect = { verdict = "ok", code = 200, rule = "colleague" } },
  { "another domain may not",
    request = ask "SUBSCRIBE", source = by "sip:mallory@example.net", record = active,
    expect = { code = 403, rule = "stranger" } },
  { "nor may who only looks like ours",
    request = ask "SUBSCRIBE", source = by "sip:mallory@notexample.com", record = active,
    expect = { code = 403, rule = "stranger" } },
  { "nobody watches who has left",
    request = ask "SUBSCRIBE", source = by "sip:bob@example.com", record = { state = "gone" },
    expect = { verdict = "gone", code = 410, rule = "retired" } },
  { "calls go on as ever",
    request = { uri = alice }, record = active,
    expect = { code = 200, rule = "active" } },
  { "a suspended user is not here now",
    request = { uri = alice }, record = { state = "suspended" },
    expect = { code = 480, rule = "suspended" } },
}
