-- SPDX-License-Identifier: Apache-2.0
-- Between the years somebody else answers: for now, and with an end that the caller's phone may keep in mind.
return policy {
  name     = "holiday_forwarding",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "on holiday", when = { user = { "ada", "bob" }, after = "2026-12-24", before = "2027-01-02" },
      verdict = redirect { contact = "sip:standby@example.com", expires = 3600 } },
    { "standby closed", when = { user = "standby", hours = not_(hours "daily 07:00-22:00") },
      verdict = unavailable { retry_after = 3600 } },
    { "here", when = { user = { "ada", "bob", "standby" } }, verdict = ok {} },
  },
}
