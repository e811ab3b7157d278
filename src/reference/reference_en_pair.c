/* SPDX-License-Identifier: Apache-2.0 */
/* What parts codes that are easily mistaken for each other, in English. */
#include "reference/reference_priv.h"

const struct reference_pair reference_en_pairs[] = {
    {200, 410,
     "Here, or never again: the two ends of a life. 200 while somebody can be reached or an announcement shall be "
     "heard; 410 once the end is certain and nothing is left to say but that. An announcement that a number is out "
     "of service belongs in the 410's Error-Info, or in 183 before it; in a 200 it begins a call that may be billed."},
    {200, 404,
     "200 where somebody is there now. 404 where nobody of this name is known. What is known but not there now is "
     "480."},
    {301, 302,
     "For good, or for now. 301 tells callers to replace what they have stored; 302 holds for this one call, or as "
     "long as Expires says. When in doubt, 302."},
    {301, 404, "301 as long as the new address is known and may be told. Where nothing of the old one is known, 404."},
    {301, 410,
     "Both end the old address for good. 301 where there is a new address that may be told; 410 where there is none, "
     "or its owner does not want it told."},
    {302, 410,
     "302 where the address will count again and the call can go elsewhere meanwhile; 410 where it will not, and "
     "there is nowhere to send the call."},
    {302, 480,
     "302 where the call can be taken elsewhere for now, and the caller may be told where; 480 where it cannot be "
     "taken at all for now."},
    {401, 407, "401 from whom was asked for or a registrar; 407 from a proxy on the way. Both ask for credentials."},
    {403, 404,
     "403 admits that the address may exist and refuses; 404 says that there is none. Where a stranger must not "
     "learn which numbers exist, answer all alike."},
    {403, 603,
     "403 is the network's or the service's refusal, and other branches go on. 603 is the called person's, and ends "
     "the whole search."},
    {404, 410,
     "404 where it never existed here, or where nobody can say that its end is permanent; callers may ask again. 410 "
     "only with evidence that it existed and has ended for good; to ask again is in vain. When in doubt, 404: a "
     "wrong 404 costs another call, a wrong 410 costs the caller for ever."},
    {404, 480,
     "404 where the address is not known. 480 where it is known and cannot be reached now. A suspended account is "
     "480: it exists."},
    {404, 503,
     "404 is knowledge: there is nobody. 503 is the lack of it: the server cannot say now. A directory that cannot "
     "be read never makes a 404."},
    {404, 604, "404 speaks for this domain, and other branches go on. 604 speaks for every place and ends the search."},
    {405, 501,
     "405 where the method is known but not for this address; 501 where the server does not know it for anybody."},
    {408, 480,
     "408 where nothing was heard in time, so that nothing is known; 480 where the address is known and nobody can "
     "take the call now. From the telephone network 408 is cause 18, no user responding, and 480 is 19, no answer."},
    {408, 504,
     "408 where no answer could be had in time, or none came within the Expires of the request; 504 where another "
     "server, which was asked for it, did not answer."},
    {410, 480,
     "Ended, or away. 410 where it will not come back; 480 where it will, or might: suspended for unpaid bills, "
     "closed tonight, in the hours of a porting. When in doubt, 480 or 404."},
    {410, 486, "410 ends an address for good; 486 says that it works and takes no further call now."},
    {410, 503,
     "410 speaks about one address, for good; 503 about the whole server, for now. Whatever goes wrong in a server "
     "is 503 or 500, never 410: no caller can be told afterwards that it was a mistake."},
    {410, 604, "410 says that it existed and has ended, here; 604 that it exists nowhere, and ends the whole search."},
    {480, 486,
     "480 where nobody can be reached: off, not registered, no answer, closed. 486 where the end was reached and "
     "takes no further call. Diallers repeat a 486 within minutes, so do not use it for an absence of days."},
    {480, 503,
     "480 is about one address, 503 about the whole server: whoever hears 503 with Retry-After sends nothing more "
     "there, for no number. A rule about a number never answers 503."},
    {486, 503,
     "486 where one person is busy; 503 where the server is. A server that is overloaded says 503, so that callers "
     "go to another one."},
    {486, 600, "486 for one place, and the others ring on; 600 for all places, and the search ends."},
    {488, 606, "488 for this place, and the others may still fit; 606 for all, and the search ends."},
    {500, 503,
     "500 for a failure of this one request; 503 for the whole server, which then gets no more requests until "
     "Retry-After has passed."},
    {603, 607,
     "603 refuses this call, perhaps only for now, and may say when another is welcome; 607 objects to the caller, "
     "whenever the call comes (RFC 8197 3)."},
    {607, 608, "607 comes from the person called; 608 was decided by a machine on the way, and tells where to object."},
    {0, 0, NULL},
};
