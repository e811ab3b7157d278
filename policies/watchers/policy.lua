-- SPDX-License-Identifier: Apache-2.0
-- Who may see whether somebody is there: a user publishes for itself alone, and is watched by its own domain.
local function who(req)
  return req.authenticated_as or req.source.identity or ""
end

return policy {
  name     = "watchers",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "retired", when = { state = "gone" }, verdict = gone {} },
    { "own presence",
      when  = { method = "PUBLISH", state = "active" },
      check = function(req) return who(req) == req.target.aor end,
      verdict = ok { expires = 3600 } },
    { "not yours", when = { method = "PUBLISH" }, verdict = reject(403) { reason = "Not Your Presence" } },
    { "colleague",
      when  = { method = "SUBSCRIBE", state = "active" },
      check = function(req) return who(req):match "@(.*)$" == req.target.host end,
      verdict = ok {} },
    { "stranger", when = { method = "SUBSCRIBE" }, verdict = reject(403) { reason = "Not Yours to Watch" } },
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
  },
}
