-- SPDX-License-Identifier: Apache-2.0
-- Numbers that move to another carrier on a known night: served before, "for now" while both sides switch, and for good
-- at the new carrier afterwards.  Never 410: the numbers live on.
local NEW_CARRIER = "carrier-b.example"
local FROM, UNTIL = "2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z"

return policy {
  name     = "porting_window",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    ported = ranges "ported.csv",
    ours   = ranges { "+15550100-+15550199" },
  },
  rules = {
    { "being ported", when = { number = in_ranges "ported", after = FROM, before = UNTIL },
      verdict = unavailable { reason = "Number Being Ported", retry_after = 1800 } },
    { "ported", when = { number = in_ranges "ported", after = UNTIL },
      decide = function(req)
        return moved { contact = "sip:" .. req.target.number .. "@" .. NEW_CARRIER }
      end },
    { "ours", when = { number = in_ranges "ours" }, verdict = ok {} },
  },
}
