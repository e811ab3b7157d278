-- SPDX-License-Identifier: Apache-2.0
return function(req)
  if req.target.user == "old" then
    return gone { evidence = "the account was closed" }
  end
  return ok {}
end
