/* SPDX-License-Identifier: Apache-2.0 */
/* 5xx and 6xx in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_failure[] = {
    {500, "Server Internal Error", "Something in the server failed; this says nothing about whom was asked for.",
     "A script with an error, a database that is gone, a proxy that got nothing but a 503 from behind; inside a "
     "dialog also a request that comes out of order (RFC 3261 12.2.2).",
     "Try again after some seconds, or when Retry-After says.",
     "The right answer to a failure of your own: never 404, never 410.", NULL},
    {501, "Not Implemented", "The server does not know this method, for anybody.", "A new method at an old server.",
     "Do without it here.", "A method that is known but not for this address is 405.", NULL},
    {502, "Bad Gateway", "The server behind this one gave an invalid answer.",
     "A gateway or proxy whose other side speaks wrongly; from the telephone network, a destination that is out of "
     "order.",
     "Try another way.", "Only from what stands between: it is the other side that failed.", NULL},
    {503, "Service Unavailable", "The whole server cannot answer now: overload or maintenance.",
     "Overload, a drain before a restart, a directory that cannot be read.",
     "Send this request to another server (RFC 3263), and nothing to this one until Retry-After has passed.",
     "Use it only for the whole server, with Retry-After where you can say when; refusing the connection or dropping "
     "the request says the same.",
     "503 is the one answer that stops more than the request: whoever hears it with Retry-After should send nothing "
     "there for that time, not for this number alone but for all. Without Retry-After it is to be treated as a 500 "
     "(RFC 3261 21.5.4). A connection that is refused or breaks counts as a 503 too (RFC 3261 8.1.3.1).\n"
     "So no rule about one number may answer 503. For one number that is not reachable now there is 480.\n"
     "A proxy that hears one from behind does not hand it on, unless whatever else it would send would fail as well; "
     "if it has heard nothing else, it answers 500 (RFC 3261 16.7). So a 503 speaks about the next server, never "
     "about one far behind it. Inside a dialog it ends nothing but the request (RFC 5057 5.1).\n"
     "It is also the honest answer of a guard: where it is not known who exists, neither 404 nor 410 is true.\n"
     "Gateways send it on as cause 41, temporary failure, and make it from the causes 34, 38, 41, 42, 47, 58 and 88; "
     "to the first five they may add Retry-After (RFC 3398 7.2.4.1)."},
    {504, "Server Time-out", "Another server that was needed did not answer in time.",
     "A lookup in another system (a number database, a location service) took too long.", "Try again later.",
     "For a server that is asked on the way. Where nothing came within the Expires of the request itself, it is 408 "
     "(RFC 3261 21.5.5).",
     NULL},
    {505, "Version Not Supported", "This version of SIP is not spoken here.", "A start line with anything but SIP/2.0.",
     "Speak SIP/2.0.", "Answer in SIP/2.0, whatever was asked.", NULL},
    {513, "Message Too Large", "The whole message is longer than the server takes.",
     "Headers or a body beyond what the server reads.", "Send less.",
     "For the message as a whole; 413 is for the body alone.", NULL},
    {555, "Push Notification Service Not Supported", "The push service that the client named is not known here.",
     "A REGISTER with a pn-provider that this server cannot wake phones by (RFC 8599).",
     "Register without push, or by another provider; repeating it as it is never helps.",
     "Only for the service that pn-provider names (RFC 8599 8.1).", NULL},
    {580, "Precondition Failure", "A condition of the session (reserved bandwidth, say) cannot be met.",
     "An offer in INVITE or UPDATE with preconditions (RFC 3312).", "Offer without them, or give up.",
     "Say which condition failed by SDP in the body, with ports of zero; it is neither an offer nor an answer (RFC "
     "3312 8).",
     NULL},
    {600, "Busy Everywhere", "Whom was asked for is busy, and no other endpoint of theirs will take the call.",
     "An endpoint or a service that speaks for all places of a person. Rare: an endpoint seldom knows (RFC 3261 "
     "13.3.1.3).",
     "Try again later, after Retry-After where it is given.",
     "Only where nothing else will answer, not even voice mail: a proxy ends the whole search. Else 486; and 603 "
     "where the reason shall not be told.",
     NULL},
    {603, "Decline",
     "Whom was asked for does not want this call or cannot take it, and no other endpoint of theirs will.",
     "Somebody presses \"reject\"; in some networks also a call that the network itself blocks (\"603+\").",
     "Do not call again at once; Retry-After says when it might be welcome.",
     "It ends the search at all places. For this place alone: 480 or 486.", NULL},
    {604, "Does Not Exist Anywhere", "The server knows for certain that the user exists nowhere.",
     "A server that is the authority for the name, wherever it may be registered.",
     "Check the address; do not search any further.",
     "Rarely right: it needs authority over more than your own domain. For here: 404. Never use it to be rid of a "
     "caller: others may take the user for gone, and nobody reaches them any more (RFC 8688 1).",
     NULL},
    {606, "Not Acceptable", "Whom was asked for would talk, but nowhere in the way that was offered.",
     "No media that any of the person's places could take.", "Offer something else, as Warning says.",
     "Only where you speak for all places; else 488.", NULL},
    {607, "Unwanted",
     "The called person does not want this call, and will likely refuse what else comes from this caller.",
     "A \"spam\" button on the phone (RFC 8197).",
     "Stop calling this person; whoever takes it for a mistake asks by another way.",
     "On the word of the person called, or of their phone; networks may count it about the caller. What a machine on "
     "the way thinks is 608.",
     NULL},
    {608, "Rejected", "A machine on the way took the call for unwanted and refused it.",
     "Analysis in the network (RFC 8688).", "If the call was honest, complain at the address in Call-Info.",
     "Give in Call-Info a signed card (purpose=jwscard) with where a caller can object; leave it out only where it "
     "would be abused (RFC 8688 3.1).",
     NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
