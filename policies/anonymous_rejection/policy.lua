-- SPDX-License-Identifier: Apache-2.0
-- Lines that want to know who calls: hidden callers are asked to show themselves, those on a person's own list are
-- refused in that person's name.  Hidden is what RFC 5079 3 calls so; who merely has no asserted identity is not.
return policy {
  name     = "anonymous_rejection",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    private_lines = strings { "+15550110", "+15550111" },
    unwanted      = prefixes { "+1555066" },
  },
  rules = {
    { "anonymous", when = { number = in_set "private_lines", from_user = "anonymous" },
      verdict = reject(433) {} },
    { "hidden host", when = { number = in_set "private_lines", from_host = "anonymous.invalid" },
      verdict = reject(433) {} },
    { "hidden name", when = { number = in_set "private_lines",
                              header = { ["From"] = any_of { matches '"anonymous"*', matches "anonymous <*" } } },
      verdict = reject(433) {} },
    { "privacy", when = { number = in_set "private_lines",
                          header = { ["Privacy"] = any_of { matches "*id*", matches "*user*" } } },
      verdict = reject(433) {} },
    { "unwanted", when = { number = in_set "private_lines", from_user = in_set "unwanted" },
      verdict = reject(607) {} },
    { "active", when = { state = "active" }, verdict = ok {} },
    { "gone",   when = { state = "gone" },   verdict = gone {} },
  },
}
