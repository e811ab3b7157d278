-- SPDX-License-Identifier: Apache-2.0
return {
  { "an active user is sent on",
    request = { uri = "sip:+15550100@example.com" }, record = { state = "active" },
    expect = { verdict = "redirect", code = 302, rule = "active" } },
  { "a retired user is gone",
    request = { uri = "sip:+15550101@example.com" }, record = { state = "gone" },
    expect = { verdict = "gone", code = 410, rule = "retired" } },
  { "nobody is not found",
    request = { uri = "sip:+15550999@example.com" },
    expect = { code = 404, rule = "default" } },
}
