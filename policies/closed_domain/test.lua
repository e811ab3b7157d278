-- SPDX-License-Identifier: Apache-2.0
return {
  { "the closed domain is gone",
    request = { uri = "sip:ada@old-brand.example" },
    expect = { verdict = "gone", code = 410, rule = "closed domain" } },
  { "also below it, in any case",
    request = { uri = "sip:ada@VOICE.old-brand.EXAMPLE" },
    expect = { verdict = "gone", code = 410, rule = "closed domain" } },
  { "a name that only ends alike is not",
    request = { uri = "sip:ada@not-old-brand.example" },
    expect = { code = 404, rule = "default" } },
  { "support has moved",
    request = { uri = "sip:support@old-brand.example" },
    expect = { verdict = "moved", code = 301, rule = "support moved", contact = "sip:support@new-brand.example" } },
  { "the new brand is here",
    request = { uri = "sip:ada@new-brand.example" },
    expect = { verdict = "ok", code = 200, rule = "ours" } },
}
