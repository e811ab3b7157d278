/* SPDX-License-Identifier: Apache-2.0 */
/* 5xx and 6xx in English. */
#include "reference/reference_priv.h"

const struct reference_text reference_en_failure[] = {
    {500, "Server Internal Error", "Something in the server failed; this says nothing about whom was asked for.",
     "A script with an error, a database that is gone, a proxy that got a 503 from behind.",
     "Try again later, or by another server.", "The right answer to a failure of your own: never 404, never 410.",
     NULL},
    {501, "Not Implemented", "The server does not know this method, for anybody.", "A new method at an old server.",
     "Do without it here.", "A method that is known but not for this address is 405.", NULL},
    {502, "Bad Gateway", "The server behind this one answered nonsense.",
     "A gateway whose other side speaks wrongly or is out of order.", "Try another way.",
     "Only from what stands between: it is the other side that failed.", NULL},
    {503, "Service Unavailable", "The whole server cannot answer now: overload or maintenance.",
     "Overload, a drain before a restart, a directory that cannot be read.",
     "Send this request to another server (RFC 3263), and nothing to this one until Retry-After has passed.",
     "Use it only for the whole server, with Retry-After where you can say when; refusing the connection says the "
     "same.",
     "503 is the one answer that stops more than the request: whoever hears it with Retry-After sends nothing there "
     "for "
     "that time, not for this number alone but for all. Without Retry-After it is to be treated as a 500 (RFC 3261 "
     "21.5.4).\n"
     "So no rule about one number may answer 503, and a proxy that hears one from behind hands on 500 instead, unless "
     "all else that it would send would fail as well. For one number that is not reachable now there is 480.\n"
     "It is also the honest answer of a guard: where it is not known who exists, neither 404 nor 410 is true.\n"
     "Gateways send it on as cause 41, temporary failure, and make it from the causes 34, 38, 41, 42, 47, 58 and 88."},
    {504, "Server Time-out", "Another server that was needed did not answer in time.",
     "A lookup in another system (a number database, a location service) took too long.", "Try again later.",
     "For a server that is asked on the way; for the called side itself it is 408.", NULL},
    {505, "Version Not Supported", "This version of SIP is not spoken here.", "A start line with anything but SIP/2.0.",
     "Speak SIP/2.0.", "Answer in SIP/2.0, whatever was asked.", NULL},
    {513, "Message Too Large", "The whole message is longer than the server takes.",
     "Headers or a body beyond what the server reads.", "Send less.",
     "For the message as a whole; 413 is for the body alone.", NULL},
    {555, "Push Notification Service Not Supported", "The push service that the client named is not known here.",
     "A REGISTER with a pn-provider that this server cannot wake phones by (RFC 8599).",
     "Register without push, or by another provider; repeating it as it is never helps.",
     "Only for the provider; wrong push parameters are 400.", NULL},
    {580, "Precondition Failure", "A condition of the session (reserved bandwidth, say) cannot be met.",
     "An offer with mandatory preconditions (RFC 3312).", "Offer without them, or give up.",
     "The body may say which condition failed.", NULL},
    {600, "Busy Everywhere", "Whom was asked for is busy and wants no other place to be tried.",
     "An endpoint or a service that speaks for all places of a person.",
     "Try again later, after Retry-After where it is given.",
     "Only where you know every place: a proxy ends the whole search. Else 486.", NULL},
    {603, "Decline", "Whom was asked for does not want this call, nowhere.",
     "Somebody presses \"reject\"; in some networks also calls blocked by law or by analysis.",
     "Do not call again at once; Retry-After says when it might be welcome.",
     "It ends the search at all places. For this place alone: 480 or 486.", NULL},
    {604, "Does Not Exist Anywhere", "The server knows for certain that the user exists nowhere.",
     "A server that is the authority for the name, wherever it may be registered.",
     "Check the address; do not search any further.",
     "Rarely right: it needs authority over more than your own domain. For here: 404.", NULL},
    {606, "Not Acceptable", "Whom was asked for would talk, but nowhere in the way that was offered.",
     "No media that any of the person's places could take.", "Offer something else, as Warning says.",
     "Only where you speak for all places; else 488.", NULL},
    {607, "Unwanted", "The called person does not want this call, nor any other from this caller.",
     "A \"spam\" button on the phone (RFC 8197).", "Stop calling this person.",
     "Only by an act of the person called; networks may count it about the caller. A machine's opinion is 608.", NULL},
    {608, "Rejected", "A machine on the way took the call for unwanted and refused it.",
     "Analysis in the network (RFC 8688).", "If the call was honest, complain at the address in Call-Info.",
     "Give in a signed Call-Info where a caller can object.", NULL},
    {0, NULL, NULL, NULL, NULL, NULL, NULL},
};
