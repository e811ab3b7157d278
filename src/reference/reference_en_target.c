/* SPDX-License-Identifier: Apache-2.0 */
/* 469 to 494 in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_target[] = {
    {469, "Bad Info Package", "This kind of INFO was not offered in this call.",
     "An INFO whose Info-Package is not in the receiver's Recv-Info.",
     "Send only packages from Recv-Info; the call goes on.",
     "List in Recv-Info what you take. An INFO without any package is not refused so (RFC 6086 4.2.2).", NULL},
    {470, "Consent Needed", "Somebody on the list of receivers has not agreed to receive this.",
     "A relay that sends a request on to each address of a list in it (RFC 5360).",
     "Add the addresses in Permission-Missing to the list that the relay keeps; the relay then asks for their consent.",
     "Send the request to nobody, and name in Permission-Missing those whose permission is missing.", NULL},
    {480, "Temporarily Unavailable", "Whom was asked for is known here, but cannot be reached now.",
     "Not registered, switched off, no answer, do not disturb, closed for tonight, suspended.",
     "Try again later, after what Retry-After says; leave a message elsewhere. Never delete the address.",
     "Say in the phrase what is the matter, and when it will end in Retry-After. Do not say more than the subscriber "
     "wants to be known.",
     "480 says two things: the address is good, and the trouble is for now. So it is right for a suspended account, "
     "an office at night, a line that rings without an answer, and the hours of a porting, and wrong for what never "
     "existed (404) or has ended (410).\n"
     "It comes from two sides: from the called end itself, where nobody is logged in or wants to be disturbed (RFC "
     "3261 21.4.18), and from a proxy that knows the user but has no place to send the call to (RFC 3261 16.5). The "
     "person may be somewhere else, which this server does not know.\n"
     "It is not 486: busy says that the end is there and takes no further call, and diallers come back within "
     "minutes. It is not 503: that speaks about the whole server, and whoever hears it stops sending anything there. "
     "In a forked search the other branches go on. Inside a dialog it ends the one usage, and Retry-After holds for "
     "that alone (RFC 5057 5.1).\n"
     "Gateways send it on as cause 18, no user responding, and make it from the causes 19, 20 and 31; 18 itself "
     "comes in as 408 (RFC 3398 7.2.4.1). The effectiveness ratio of RFC 6076 4.7 counts it, with 486, 600 and 603, "
     "as the user's doing and no failure."},
    {481, "Call/Transaction Does Not Exist", "The request belongs to a call or transaction that is not known here.",
     "A BYE after a restart, a CANCEL for nothing, a NOTIFY without a subscription.",
     "The dialog is over. One that an INVITE began is ended by a BYE (RFC 3261 12.2.1.2), unless it was a BYE that got "
     "this.",
     "For requests with a To tag and for CANCEL. An ACK gets no answer at all.", NULL},
    {482, "Loop Detected", "The request came back to where it has been, or came twice by two ways.",
     "A routing loop at a proxy; an endpoint that is reached over two branches of one fork (a merged request).",
     "For merged requests nothing is wrong: another branch was answered. Else look for the loop.",
     "Answer the second copy of a merged request so and go on with the first (RFC 3261 8.2.2.2). A proxy never does: "
     "it leaves merged requests to the endpoint.",
     NULL},
    {483, "Too Many Hops", "Max-Forwards has run out.", "A routing loop, nearly always; at times a trace by hops.",
     "Do not repeat it: look for where the request turns in circles.",
     "Only in the place of forwarding, where Max-Forwards was 0 on arrival; OPTIONS may be answered instead (RFC 3261 "
     "16.3).",
     NULL},
    {484, "Address Incomplete", "The number is not complete yet: more digits are needed.",
     "Dialling digit by digit (overlap), or a number that is too short.",
     "Send a new INVITE with more digits, or show that the number is incomplete.",
     "Say in the phrase what is missing. Only where more digits could lead somewhere; else 404.", NULL},
    {485, "Ambiguous", "The name fits several people.", "A directory where \"smith\" is more than one.",
     "Let a person choose among the addresses in Contact; no machine should.",
     "List them only where their privacy allows it; else leave the list out, or answer 404.", NULL},
    {486, "Busy Here", "Whom was asked for was reached, and takes no further call here now.",
     "Engaged, call waiting refused, every channel of a line in use.",
     "Try again in a few minutes, after Retry-After where it is given; offer call completion or voice mail.",
     "Send it where another endpoint may still answer; where you know that nobody else will, 600.",
     "486 speaks for one endpoint: in a fork the others ring on. 600 ends the whole search at once, so it belongs to "
     "those who know every place where the person can be found, voice mail included; an endpoint seldom does (RFC "
     "3261 13.3.1.3).\n"
     "Many systems play the busy tone and redial soon, and the effectiveness ratio of RFC 6076 4.7 counts it as the "
     "user's doing and no failure: do not use it for a number that does not exist, nor to slow a flood of honest "
     "callers down for long. Inside a dialog it ends nothing but the request (RFC 5057 5.1).\n"
     "It is cause 17, user busy, in both directions (RFC 3398 7.2.4.1, 8.2.6.1); 600 goes out as 17 too, with the "
     "user as its location."},
    {487, "Request Terminated", "The request was ended by a CANCEL or a BYE before it was answered.",
     "The caller hung up while it rang, or the INVITE's own Expires ran out.",
     "Acknowledge it; it is what you asked for.",
     "Answer the INVITE so; the CANCEL or the BYE itself gets 200. A script should never send it.", NULL},
    {488, "Not Acceptable Here",
     "The session that was offered is not possible here: codec, media, encryption, bandwidth.",
     "No codec in common, SRTP wanted and not offered.", "Offer something else, as Warning says; else give up.",
     "Say why in Warning (304 media type, 305 format, 370 bandwidth). 606 would speak for every place.", NULL},
    {489, "Bad Event", "This event package is not known here.",
     "A SUBSCRIBE or PUBLISH for something the server does not offer.", "Choose from Allow-Events; do not repeat it.",
     "List in Allow-Events what you offer; to a PUBLISH it is mandatory (RFC 3903).", NULL},
    {491, "Request Pending", "Both sides wanted to change the session at the same moment.",
     "A re-INVITE or UPDATE that meets one from the other side.",
     "Wait for a random time and try again: 2.1 to 4 s for who made the Call-ID, 0 to 2 s for the other.",
     "Only within a dialog, while your own INVITE is under way or your own offer waits for its answer.", NULL},
    {493, "Undecipherable", "The encrypted body cannot, or shall not, be opened here.",
     "S/MIME for somebody else, or with an old key.", "Encrypt with the public key in the answer, where it has one.",
     "A body with your own public key helps the caller (RFC 3261 23.2).", NULL},
    {494, "Security Agreement Required", "The first hop wants to agree on a security mechanism.",
     "A request without protection that has sec-agree in Require, Proxy-Require or Supported (RFC 3329).",
     "Set up what has the highest q in Security-Server among what you know, and repeat with Security-Verify, which "
     "mirrors the list.",
     "Security-Server is mandatory: list what you offer, whatever the client's list says.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
