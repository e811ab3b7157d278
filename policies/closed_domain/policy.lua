-- SPDX-License-Identifier: Apache-2.0
-- A brand was given up: its whole domain is gone, except for a few addresses that moved elsewhere.
return policy {
  name     = "closed_domain",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    closed_domains = domains { "old-brand.example" },
  },
  rules = {
    { "support moved", when = { user = "support", host = in_set "closed_domains" },
      verdict = moved { contact = "sip:support@new-brand.example" } },
    { "closed domain", when = { host = in_set "closed_domains" },
      verdict = gone { evidence = "closed_domains", error_info = "https://new-brand.example/farewell.wav" } },
    { "ours", when = { host = "new-brand.example" }, verdict = ok {} },
  },
}
