-- SPDX-License-Identifier: Apache-2.0
-- A number that was given up rests before somebody else gets it.  While it rests it is gone; once it is free it is only
-- unknown; when it is given out again the directory says so and it is answered.
return policy {
  name     = "quarantine",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "active",    when = { state = "active" },    verdict = ok {} },
    { "suspended", when = { state = "suspended" }, verdict = unavailable {} },
    { "moved",     when = { state = "moved" },     verdict = moved {} },
    { "free again",
      when  = { state = "gone" },
      check = function(req)
        local free_from = req.record.reassign_after
        return free_from ~= nil and now() >= free_from
      end,
      note    = "a 410 would outlive the next owner's first call",
      verdict = not_found {} },
    { "in quarantine", when = { state = "gone" }, verdict = gone { q850 = 22 } },
  },
}
