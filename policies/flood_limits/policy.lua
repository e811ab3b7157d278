-- SPDX-License-Identifier: Apache-2.0
-- Limits that honest callers never meet: a token bucket for each source, a smaller one for each number that is asked
-- for, and a stop for those who try one number after the other.
return policy {
  name     = "flood_limits",
  on_error = reject(500) {},
  default  = not_found {},
  shared   = {
    sources = bucket { rate = 10, burst = 40, max = 100000 },
    targets = bucket { rate = 1, burst = 5, max = 100000 },
    misses  = counter { ttl = 300, max = 100000 },
  },
  rules = {
    { "guessing numbers",
      when  = { trusted = false },
      check = function(req, env) return env.misses:get(req.source.ip) >= 20 end,
      note  = "twenty unknown numbers in five minutes are no typing mistakes", verdict = drop },
    { "too many from one source",
      when  = { trusted = false },
      check = function(req, env) return not env.sources:take(req.source.ip) end,
      verdict = reject(480) { reason = "Too Many Requests", retry_after = 10 } },
    { "too many to one number",
      when  = { method = "INVITE", trusted = false },
      check = function(req, env) return not env.targets:take(req.target.aor) end,
      verdict = reject(486) { retry_after = 5 } },
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "gone",      when = { state = "gone" },      verdict = gone {} },
    { "miss counted",
      when   = { trusted = false },
      decide = function(req, env)
        env.misses:incr(req.source.ip)
        return not_found {}
      end },
  },
}
