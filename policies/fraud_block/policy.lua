-- SPDX-License-Identifier: Apache-2.0
-- Stops known fraud and what looks like it, without lying about who exists: a block is 403, never 404 or 410.
local CALLS_AN_HOUR = 30

return policy {
  name     = "fraud_block",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    bad_sources = cidrs "bad-sources.txt",
    bad_callers = prefixes "bad-callers.txt",
    hot_numbers = prefixes "hot-numbers.txt",
    emergency   = strings { "112", "911" },
  },
  shared = {
    hot_calls = counter { ttl = 3600, max = 100000 },
  },
  rules = {
    { "emergency", when = { user = in_set "emergency" }, verdict = redirect { contact = "sip:sos@emergency.example" } },
    { "bad source", when = { source = in_set "bad_sources" },    verdict = drop },
    { "bad caller", when = { from_user = in_set "bad_callers" }, verdict = reject(403) { reason = "Caller Blocked" } },
    { "too many costly calls",
      when  = { number = in_set "hot_numbers" },
      check = function(req, env)
        return env.hot_calls:incr(req.from.user or req.source.ip) > CALLS_AN_HOUR
      end,
      verdict = reject(403) { reason = "Destination Blocked", q850 = 21 } },
    { "active", when = { state = "active" }, verdict = ok {} },
    { "gone",   when = { state = "gone" },   verdict = gone {} },
  },
}
