-- SPDX-License-Identifier: Apache-2.0
-- Numbers that come digit by digit: too short is 484, so that the caller's exchange goes on dialling; too long is 404.
local COMPLETE = #"+4930555" + 3

local function is_complete(req)
  return #req.target.number == COMPLETE
end

return policy {
  name     = "incomplete_numbers",
  on_error = reject(500) {},
  default  = not_found { q850 = 1 },
  data     = {
    ours     = ranges { "+4930555*" },
    returned = ranges { "+49305559*" },
  },
  rules = {
    { "returned", when = { number = in_ranges "returned" }, check = is_complete,
      verdict = gone { evidence = "returned", q850 = 1 } },
    { "complete", when = { number = in_ranges "ours" }, check = is_complete,
      verdict = ok {} },
    { "more digits needed", when = { number = in_ranges "ours" },
      check   = function(req) return #req.target.number < COMPLETE end,
      verdict = reject(484) { q850 = 28 } },
  },
}
