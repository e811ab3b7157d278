-- SPDX-License-Identifier: Apache-2.0
-- A region is closed step by step: its numbers are served until a day, lead to a neighbour for half a year, and are
-- gone then.
return policy {
  name     = "regional_closing",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    closed_region = ranges { "+4989555*" },
    ours          = ranges { "+49*" },
  },
  rules = {
    { "region closed", when = { number = in_ranges "closed_region", after = "2026-10-01" },
      verdict = gone { evidence = "closed_region", q850 = 22,
                       error_info = "https://announcements.example.com/region-closed.wav" } },
    { "region moving", when = { number = in_ranges "closed_region", after = "2026-04-01" },
      verdict = redirect { contact = "sip:+4930555100@example.com", reason = "Branch Closed" } },
    { "ours", when = { number = in_ranges "ours" }, verdict = ok {} },
  },
}
