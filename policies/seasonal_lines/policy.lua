-- SPDX-License-Identifier: Apache-2.0
-- Lines that sleep for a part of each year: the lido's and the ski school's.  Asleep is 480 with the time of waking.
local calendar = require "lib.calendar"

local DAY = 86400
local SEASONS = { -- month * 100 + day, the first and the last day, in UTC
  ["+15550120"] = { first = 501, last = 930 },  -- lido: May to September
  ["+15550121"] = { first = 1201, last = 331 }, -- ski school: December to March, over New Year
}
local LINES = { "+15550120", "+15550121" }

local function is_open(season)
  local _, month, day = calendar.date(now() // DAY)
  local today = month * 100 + day
  if season.first <= season.last then return today >= season.first and today <= season.last end
  return today >= season.first or today <= season.last
end

-- Seconds until the first day of the next season begins.
local function until_opening(season)
  local year, month, day = calendar.date(now() // DAY)
  if month * 100 + day >= season.first then year = year + 1 end
  return calendar.days(year, season.first // 100, season.first % 100) * DAY - now()
end

return policy {
  name     = "seasonal_lines",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    { "in season", when = { number = LINES },
      check   = function(req) return is_open(SEASONS[req.target.number]) end,
      verdict = ok {} },
    { "out of season", when = { number = LINES },
      decide = function(req)
        return unavailable { reason = "Out of Season", retry_after = until_opening(SEASONS[req.target.number]) }
      end },
  },
}
