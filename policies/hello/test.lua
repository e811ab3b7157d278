-- SPDX-License-Identifier: Apache-2.0
return {
  { "whoever is here is answered",
    request = { uri = "sip:new@example.com" },
    expect = { verdict = "ok", code = 200 } },
  { "the closed account is gone",
    request = { uri = "sip:old@example.com" },
    expect = { verdict = "gone", code = 410, evidence = "the account was closed" } },
}
