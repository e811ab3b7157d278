-- SPDX-License-Identifier: Apache-2.0
-- For a proxy that asks first: an active user is a 302 to the real next hop, everybody else gets the final answer.
local next_hop = "127.0.0.1:5080" -- where calls to active users really go

return policy {
  name     = "kamailio",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "active", when = { state = "active" },
      decide = function(req) return redirect { contact = "sip:" .. req.target.user .. "@" .. next_hop } end },
    { "moved",     when = { state = "moved" },     verdict = moved {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "retired",   when = { state = "gone" },      verdict = gone {} },
  },
}
