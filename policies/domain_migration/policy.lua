-- SPDX-License-Identifier: Apache-2.0
-- Everybody keeps their name and gets a new domain: the same user there, first for now, then for good, and one day the
-- old domain is gone.
local NEW = "example.net"

local function at_new_domain(req)
  return "sip:" .. req.uri.user .. "@" .. NEW
end

-- Names that can stand in a URI as they are: others are not sent on.
local function is_plain(user)
  return user ~= nil and #user <= 64 and user:find("^[%w%+%.%-_]+$") ~= nil
end

return policy {
  name     = "domain_migration",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    old_domain = domains { "old.example" },
  },
  rules = {
    { "old domain given up", when = { host = in_set "old_domain", after = "2028-01-01" },
      verdict = gone { evidence = "old_domain" } },
    { "no name to take along", when = { host = in_set "old_domain" },
      check   = function(req) return not is_plain(req.uri.user) end,
      verdict = not_found {} },
    { "moved for good", when = { host = in_set "old_domain", after = "2026-07-01" },
      decide = function(req) return moved { contact = at_new_domain(req) } end },
    { "moving", when = { host = in_set "old_domain" },
      decide = function(req) return redirect { contact = at_new_domain(req) } end },
    { "new domain", when = { host = NEW }, verdict = ok {} },
  },
}
