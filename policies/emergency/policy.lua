-- SPDX-License-Identifier: Apache-2.0
-- Emergency calls are never refused: whoever calls, from wherever, however often, and whatever else is wrong.  The rule
-- stands first, asks no directory and runs no Lua.
return policy {
  name     = "emergency",
  on_error = redirect { contact = "sip:sos@emergency.example" },
  default  = not_found {},
  data     = {
    emergency   = strings { "112", "911", "999", "110", "118", "+112", "+911", "sos" },
    bad_sources = cidrs { "203.0.113.0/24" },
  },
  shared = {
    calls = counter { ttl = 60, max = 100000 },
  },
  rules = {
    { "emergency", when = { user = any_of { in_set "emergency", prefix "sos." } },
      verdict = redirect { contact = "sip:sos@emergency.example" } },
    { "bad source", when = { source = in_set "bad_sources" }, verdict = drop },
    { "flood", check = function(req, env) return env.calls:incr(req.source.ip) > 50 end,
      verdict = reject(486) { retry_after = 60 } },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "gone",      when = { state = "gone" },      verdict = gone {} },
  },
}
