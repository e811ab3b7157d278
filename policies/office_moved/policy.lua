-- SPDX-License-Identifier: Apache-2.0
-- An office has new numbers: the new one has the same extension.  Where the extension was not kept, the switchboard
-- answers for now.
local NEW_PREFIX = "+4930700"

return policy {
  name     = "office_moved",
  on_error = reject(500) {},
  default  = not_found {},
  data     = {
    old_office = ranges { "+4930500*" },
    new_office = ranges { "+4930700*" },
    not_kept   = strings "not-kept.txt",
  },
  rules = {
    { "extension not kept", when = { number = in_set "not_kept" },
      verdict = redirect { contact = "sip:+49307000@example.com" } },
    { "office moved", when = { number = in_ranges "old_office" },
      decide = function(req)
        local extension = req.target.number:sub(#NEW_PREFIX + 1)
        return moved { contact = "sip:" .. NEW_PREFIX .. extension .. "@example.com", q850 = 22 }
      end },
    { "new office", when = { number = in_ranges "new_office" }, verdict = ok {} },
  },
}
