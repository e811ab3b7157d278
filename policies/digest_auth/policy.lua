-- SPDX-License-Identifier: Apache-2.0
-- Users prove who they are before anything else is said; then the directory decides.
return policy {
  name     = "digest_auth",
  on_error = reject(500) {},
  default  = not_found {},
  rules = {
    -- Before any look at the directory, so that a stranger learns nothing from the answer.
    { "who are you",
      when = { authenticated = false, trusted = false,
               method = { "REGISTER", "PUBLISH", "SUBSCRIBE", "INVITE", "MESSAGE" } },
      verdict = challenge {} },
    -- A user registers and publishes for no one but himself.
    { "not yours",
      when = { method = { "REGISTER", "PUBLISH" }, trusted = false, authenticated_as = not_ "target" },
      verdict = reject(403) {} },
    { "retired",      when = { state = "gone" },      verdict = gone {} },
    { "moved",        when = { state = "moved" },     verdict = moved {} },
    { "suspended",    when = { state = "suspended" }, verdict = unavailable {} },
    { "here",         when = { state = "active" },    verdict = ok {} },
  },
}
