-- SPDX-License-Identifier: Apache-2.0
-- Numbers for those who connect to us: each always gives the same answer, so that they can try what their side makes
-- of it. Only trusted sources reach them.
return policy {
  name     = "test_numbers",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "test: answered",    when = { user = "test-200", trusted = true }, verdict = ok {} },
    { "test: ringing",     when = { user = "test-180", trusted = true }, verdict = ok { ring = 3 } },
    { "test: early media", when = { user = "test-183", trusted = true }, verdict = ok { ring = 3, progress = true } },
    { "test: hung up",     when = { user = "test-bye", trusted = true }, verdict = ok { hangup_after = 10 } },
    { "test: refreshed",   when = { user = "test-timer", trusted = true }, verdict = ok { session_expires = 90 } },
    { "test: moved",       when = { user = "test-301", trusted = true },
      verdict = moved { contact = "sip:test-200@example.com" } },
    { "test: elsewhere",   when = { user = "test-302", trusted = true },
      verdict = redirect { contact = "sip:test-200@example.com" } },
    { "test: not found",   when = { user = "test-404", trusted = true }, verdict = not_found { q850 = 1 } },
    { "test: gone",        when = { user = "test-410", trusted = true },
      verdict = gone { evidence = "test number", q850 = 22 } },
    { "test: unavailable", when = { user = "test-480", trusted = true }, verdict = unavailable { retry_after = 60 } },
    { "test: busy",        when = { user = "test-486", trusted = true }, verdict = reject(486) { q850 = 17 } },
    { "test: silence",     when = { user = "test-silence", trusted = true }, verdict = drop },
    { "active", when = { state = "active" }, verdict = ok {} },
    { "gone",   when = { state = "gone" },   verdict = gone {} },
  },
  -- In a call a MESSAGE is heard, and says so; all else is answered as the engine does by itself.
  on_request = function(req)
    if req.method == "MESSAGE" then return ok { reason = "Heard" } end
  end,
}
