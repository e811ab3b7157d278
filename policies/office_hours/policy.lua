-- SPDX-License-Identifier: Apache-2.0
-- An office that is closed at night has not gone: 480, with the time after which it is worth trying again.
local SWITCHBOARD = { "+15550100", "+15550101" }

return policy {
  name     = "office_hours",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "open",
      when = {
        number = SWITCHBOARD,
        hours  = hours { "mon-thu 08:00-18:00", "fri 08:00-16:00", zone = "Europe/Berlin",
                         except = { "2026-12-25", "2026-12-26", "2027-01-01" } },
      },
      verdict = ok {} },
    { "closed now", when = { number = SWITCHBOARD }, verdict = unavailable { reason = "Closed", retry_after = 3600 } },
    { "night watch", when = { user = "watch", hours = hours "daily 18:00-08:00" }, verdict = ok { ring = true } },
  },
}
