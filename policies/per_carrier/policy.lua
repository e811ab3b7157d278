-- SPDX-License-Identifier: Apache-2.0
-- The same truth for every carrier, in the form that each understands: what a 410 becomes on the other side differs,
-- so the Q.850 cause is said explicitly, and one carrier that takes every 410 for "unallocated" is told 404 in its
-- place.
return policy {
  name     = "per_carrier",
  on_error = reject(500) {},
  default  = not_found { q850 = 1 },
  data     = {
    carrier_a = cidrs { "198.51.100.0/28" },
    carrier_b = cidrs { "198.51.100.16/28", "2001:db8:b::/48" },
  },
  rules = {
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable { q850 = 20 } },
    { "moved, carrier b cannot follow", when = { state = "moved", source = in_set "carrier_b" },
      note = "it hangs up on any 3xx", verdict = not_found {} },
    { "moved",     when = { state = "moved" },     verdict = moved {} },
    { "gone, carrier a", when = { state = "gone", source = in_set "carrier_a" },
      note = "it deletes the number from its routing for a day", verdict = gone { q850 = 22 } },
    { "gone, carrier b", when = { state = "gone", source = in_set "carrier_b" },
      note = "it takes 410 for an error of ours and tries again", verdict = not_found { q850 = 1 } },
    { "gone", when = { state = "gone" }, verdict = gone {} },
  },
}
