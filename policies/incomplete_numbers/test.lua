-- SPDX-License-Identifier: Apache-2.0
local function call(user)
  return { uri = "sip:" .. user .. "@example.com" }
end

return {
  { "the bare prefix wants more digits",
    request = call "+4930555",
    expect = { verdict = "reject", code = 484, rule = "more digits needed", q850 = 28 } },
  { "one digit is not enough",
    request = call "+49305551",
    expect = { code = 484, rule = "more digits needed" } },
  { "nor are two",
    request = call "+493055514",
    expect = { code = 484, rule = "more digits needed" } },
  { "three make a number",
    request = call "+4930555142",
    expect = { verdict = "ok", rule = "complete" } },
  { "four are one too many",
    request = call "+49305551422",
    expect = { code = 404, rule = "default", q850 = 1 } },
  { "a returned number is gone",
    request = call "+4930555942",
    expect = { verdict = "gone", code = 410, rule = "returned", evidence = "returned" } },
  { "once it is whole: before, nobody can know",
    request = call "+493055594",
    expect = { code = 484, rule = "more digits needed" } },
  { "another area is not ours",
    request = call "+4989555142",
    expect = { code = 404, rule = "default" } },
}
