-- SPDX-License-Identifier: Apache-2.0
-- While the directory is worked on nobody may hear that a number ended or never was: everything that the directory
-- would decide is "for now".  What needs no directory goes on.
local FROM, UNTIL = "2026-05-10T01:00:00Z", "2026-05-10T03:00:00Z"

return policy {
  name     = "maintenance",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    emergency = strings { "112", "911" },
  },
  rules = {
    { "emergency", when = { user = in_set "emergency" }, verdict = redirect { contact = "sip:sos@emergency.example" } },
    { "hotline",   when = { user = "support" },          verdict = ok {} },
    { "maintenance", when = { after = FROM, before = UNTIL },
      note    = "stands before every rule that asks the directory",
      verdict = unavailable { reason = "Maintenance", retry_after = 7200 } },
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "moved",     when = { state = "moved" },     verdict = moved {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "gone",      when = { state = "gone" },      verdict = gone {} },
  },
}
