-- SPDX-License-Identifier: Apache-2.0
local call = { uri = "sip:+15550101@example.com" }
local gone = { state = "gone", cause = 22 }
local moved = { state = "moved", forward = "sip:+15550190@example.net" }

return {
  { "carrier A hears 410 with its cause",
    request = call, record = gone, source = "198.51.100.3",
    expect = { verdict = "gone", code = 410, rule = "gone, carrier a", q850 = 22 } },
  { "carrier B hears 404",
    request = call, record = gone, source = "198.51.100.17",
    expect = { verdict = "not_found", code = 404, rule = "gone, carrier b", q850 = 1 } },
  { "over IPv6 too",
    request = call, record = gone, source = "2001:db8:b::5",
    expect = { code = 404, rule = "gone, carrier b" } },
  { "everybody else hears 410",
    request = call, record = gone, source = "192.0.2.9",
    expect = { code = 410, rule = "gone" } },
  { "carrier B is not redirected",
    request = call, record = moved, source = "198.51.100.17",
    expect = { code = 404, rule = "moved, carrier b cannot follow" } },
  { "others are",
    request = call, record = moved, source = "198.51.100.3",
    expect = { code = 301, rule = "moved" } },
  { "suspended is the same for all",
    request = call, record = { state = "suspended" }, source = "198.51.100.17",
    expect = { code = 480, rule = "suspended", q850 = 20 } },
  { "active too",
    request = call, record = { state = "active" }, source = "198.51.100.17",
    expect = { code = 200, rule = "active" } },
  { "unknown too",
    request = call, source = "198.51.100.3",
    expect = { code = 404, rule = "default", q850 = 1 } },
}
