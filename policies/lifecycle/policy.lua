-- SPDX-License-Identifier: Apache-2.0
-- The default policy: what the directory knows about a number or an account decides, and two lists of things that were
-- closed as a whole.
return policy {
  name     = "lifecycle",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    closed_blocks   = ranges "closed-blocks.csv",
    retired_domains = domains "retired-domains.txt",
  },
  rules = {
    { "retired domain", when = { host = in_set "retired_domains" }, verdict = gone { evidence = "retired_domains" } },
    { "active",         when = { state = "active" },                verdict = ok {} },
    { "moved",          when = { state = "moved" },                 verdict = moved {} },
    { "suspended",      when = { state = "suspended" },             verdict = unavailable {} },
    { "retired",        when = { state = "gone" },                  verdict = gone {} },
    { "closed block",   when = { number = in_ranges "closed_blocks" },
      verdict = gone { evidence = "closed_blocks", q850 = 1 } },
  },
}
