-- SPDX-License-Identifier: Apache-2.0
-- Decides by number ranges alone, without a directory.
return policy {
  name     = "number_ranges",
  on_error = reject(500) {},
  default  = not_found { q850 = 1 },
  data     = {
    in_service = ranges "in-service.csv",
    returned   = ranges "returned.csv",
    emergency  = strings { "112", "911" },
  },
  rules = {
    { "emergency", when = { user = in_set "emergency" }, verdict = redirect { contact = "sip:sos@emergency.example" } },
    { "returned",   when = { number = in_ranges "returned" },   verdict = gone { evidence = "returned", q850 = 22 } },
    { "in service", when = { number = in_ranges "in_service" }, verdict = ok {} },
  },
}
