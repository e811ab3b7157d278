-- SPDX-License-Identifier: Apache-2.0
-- A retired number says why, in words that the caller can hear: Error-Info points to the announcement that fits the
-- cause.
local ANNOUNCEMENTS = "https://announcements.example.com/"

return policy {
  name     = "retired_announcement",
  on_error = reject(500) {},
  default  = not_found { error_info = ANNOUNCEMENTS .. "unknown.wav" },
  rules = {
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "suspended", when = { state = "suspended" },
      verdict = unavailable { error_info = ANNOUNCEMENTS .. "try-later.wav" } },
    { "moved",     when = { state = "moved" },     verdict = moved { error_info = ANNOUNCEMENTS .. "new-number.wav" } },
    { "given back",
      when  = { state = "gone" },
      check = function(req) return req.record.cause == 1 end,
      note  = "the block went back to the regulator",
      verdict = gone { q850 = 1, error_info = ANNOUNCEMENTS .. "not-in-service.wav" } },
    { "retired", when = { state = "gone" },
      verdict = gone { error_info = ANNOUNCEMENTS .. "disconnected.wav" } },
  },
}
