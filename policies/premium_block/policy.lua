-- SPDX-License-Identifier: Apache-2.0
-- Premium-rate numbers are for those who asked for them: others are refused, with a reason that the caller can act on.
return policy {
  name     = "premium_block",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    premium = prefixes "premium.txt",
    allowed = strings "allowed-callers.txt",
  },
  rules = {
    { "premium, asked for", when = { number = in_set "premium", from_user = in_set "allowed" },
      verdict = redirect { contact = "sip:premium@gateway.example" } },
    { "premium, anonymous", when = { number = in_set "premium", from_user = "anonymous" },
      verdict = reject(433) {} },
    { "premium", when = { number = in_set "premium" },
      verdict = reject(403) { reason = "Premium Numbers Blocked", q850 = 21,
                              error_info = "https://announcements.example.com/premium-blocked.wav" } },
    { "active", when = { state = "active" }, verdict = ok {} },
    { "gone",   when = { state = "gone" },   verdict = gone {} },
  },
}
