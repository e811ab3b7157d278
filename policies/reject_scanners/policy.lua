-- SPDX-License-Identifier: Apache-2.0
-- Keeps scanners and floods away: the first get nothing at all, the second are told to come back later.
return policy {
  name     = "reject_scanners",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    bad_networks = cidrs "bad-networks.txt",
  },
  shared = {
    calls = counter { ttl = 60, max = 100000 },
  },
  rules = {
    { "scanner",
      when = { user_agent = any_of { matches "friendly-scanner*", matches "*sipvicious*", matches "sipcli*",
                                     matches "*VaxSIPUserAgent*", matches "sundayddr" } },
      verdict = drop },
    { "bad network", when = { source = in_set "bad_networks" }, verdict = drop },
    { "no name", when = { user_agent = false, header = { ["Contact"] = false }, trusted = false }, verdict = drop },
    { "flood",
      when = { trusted = false },
      check = function(req, env)
        return env.calls:incr(req.source.ip) > 100
      end,
      verdict = reject(486) { reason = "Too Many Calls", retry_after = 60 } },
    { "ours", when = { host = "example.com" }, verdict = ok {} },
  },
}
