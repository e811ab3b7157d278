-- SPDX-License-Identifier: Apache-2.0
-- A tenant leaves in three steps: suspended at once, forwarded where it asked for that, gone when the contract has
-- ended. A tenant that pays after all is taken off the lists, and everything is as before.
return policy {
  name     = "tenant_offboarding",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    leaving = domains "leaving.txt",
    left    = domains "left.txt",
    tenants = domains "tenants.txt",
  },
  rules = {
    { "billing contact", when = { user = "billing", host = in_set "leaving" },
      note = "must be reached while it can still be settled", verdict = ok {} },
    { "tenant left", when = { host = in_set "left" },
      verdict = gone { evidence = "left", error_info = "https://announcements.example.com/no-longer-served.wav" } },
    { "moved",  when = { host = in_set "leaving", state = "moved" }, verdict = moved {} },
    { "tenant leaving", when = { host = in_set "leaving" },
      verdict = unavailable { reason = "Service Suspended", retry_after = 86400 } },
    { "active", when = { host = in_set "tenants", state = "active" },    verdict = ok {} },
    { "suspended", when = { host = in_set "tenants", state = "suspended" }, verdict = unavailable {} },
    { "gone",   when = { host = in_set "tenants", state = "gone" },      verdict = gone {} },
  },
}
