// SPDX-License-Identifier: Apache-2.0
// A small phone on JsSIP: registers, calls, hangs up, watches.  What it sends and receives goes to the ladder.
"use strict";

const EXPIRES = 600; // seconds, of a registration and of a subscription
const at = (id) => document.getElementById(id);
let ua = null;
let account = ""; // what the phone was made for
let session = null;
let lost = null; // the call whose connection broke
const watched = new Map(); // user to its subscriber

const MEANINGS = {
  200: "The call stands. The server handles no media, so nothing is heard.",
  301: "This user has moved for good.",
  401: "The password is wrong.",
  403: "The server will not have this call.",
  404: "There is nobody of that name.",
  410: "This user is retired for good: take the number out of the book.",
  480: "This user is not available at the moment.",
  486: "Busy.",
  488: "The server takes none of the streams that were offered.",
};

function pill(text, tone) {
  at("registration").textContent = text;
  at("registration").dataset.tone = tone;
}

function verdict(code, phrase, meaning, tone) {
  at("verdict").dataset.tone = tone;
  at("code").textContent = code;
  at("phrase").textContent = phrase;
  at("meaning").textContent = meaning;
}

/** A connection whose messages are seen on their way. */
function watchedSocket(url) {
  const socket = new JsSIP.WebSocketInterface(url);
  const send = socket.send.bind(socket);
  socket.send = (message) => {
    ladder.add("sent", message);
    return send(message);
  };
  let take = null;
  Object.defineProperty(socket, "ondata", {
    set(receiver) { take = receiver; },
    get: () => (data) => {
      ladder.add("received", typeof data === "string" ? data : new TextDecoder().decode(data));
      take(data);
    },
  });
  return socket;
}

/** A track of silence.  The server plays and records nothing, so nobody is asked for a microphone. */
function silence() {
  return new AudioContext().createMediaStreamDestination().stream;
}

function fail(error) {
  pill(error.message, "bad");
}

/** A phone for what stands in the form; one that was made for another account goes. */
function connect() {
  const wanted = ["server", "user", "password"].map((id) => at(id).value.trim()).join("\n");
  if (ua && account === wanted)
    return;
  account = wanted;
  if (ua)
    ua.stop();
  watched.clear();
  at("presence").replaceChildren();
  at("presence").hidden = true;
  const server = at("server").value.trim();
  at("peer").textContent = server.replace(/^wss?:\/\//, "");
  ua = new JsSIP.UA({
    sockets: [watchedSocket(server)], uri: at("user").value.trim(), password: at("password").value, register: false,
    register_expires: EXPIRES, session_timers: false, user_agent: `webphone JsSIP ${JsSIP.version}`,
  });
  const mine = ua;
  const on = (event, handler) => mine.on(event, (data) => mine === ua && handler(data));
  on("disconnected", () => {
    registered(false, "no connection", "bad");
    loseCall();
  });
  on("registered", () => {
    registered(true, "registered", "good");
    watchMyself();
  });
  const failed = ({ response, cause }) => {
    const text = response ? `${response.status_code} ${response.reason_phrase}` : cause;
    registered(false, response && response.status_code === 410 ? `${text}: this account is retired` : text, "bad");
  };
  on("registrationFailed", failed);
  // With a cause: behind a failure, or because the server refused to end it.  Without a connection: that has been said.
  on("unregistered", (data) => {
    if (data.cause)
      failed(data);
    else if (mine.isConnected())
      registered(false, "not registered", "idle");
  });
  localStorage.setItem("webphone", JSON.stringify({ server, user: at("user").value }));
}

function registered(is, text, tone) {
  at("unregister").disabled = !is;
  pill(text, tone);
}

/** Starts the phone if there is none, and gives it once it is connected. */
function connected() {
  connect();
  if (ua.isConnected())
    return Promise.resolve(ua);
  pill("connecting", "wait");
  return new Promise((keep, fail) => {
    ua.once("connected", () => {
      pill("connected", "idle");
      keep(ua);
    });
    ua.once("disconnected", () => fail(new Error(`no connection to ${at("server").value}`)));
    ua.start();
  });
}

async function register(event) {
  event.preventDefault();
  try {
    await connected();
    pill("registering", "wait");
    ua.register();
  } catch (error) {
    fail(error);
  }
}

/** The reg event package (RFC 3680) tells at once when the server ends the registration; else the next REGISTER would. */
function watchMyself() {
  if (watched.has("reg"))
    return;
  const subscriber = ua.subscribe(at("user").value.trim(), "reg", "application/reginfo+xml", { expires: EXPIRES });
  watched.set("reg", subscriber);
  subscriber.on("notify", (isFinal, request, body) => {
    const state = /<registration\b[^>]*\bstate="(\w+)"/.exec(body || "");
    if (state && state[1] === "terminated" || (isFinal && /noresource|rejected/.test(request.getHeader("Subscription-State"))))
      registered(false, "registration ended by the server", "bad");
  });
  subscriber.on("terminated", () => watched.delete("reg"));
  subscriber.subscribe();
}

/** Without its connection a call has nobody left to talk to: it is ended here, and said so. */
function loseCall() {
  if (!session || !session.isEstablished())
    return; // one that is being set up fails by itself
  lost = session;
  session.terminate();
}

function inCall(is) {
  at("call").disabled = is;
  at("hangup").disabled = !is;
}

async function call(event) {
  event.preventDefault();
  const target = at("target").value.trim();
  inCall(true);
  verdict("…", "Calling", target, "wait");
  try {
    await connected();
    session = ua.call(target, { mediaStream: silence(), pcConfig: { iceServers: [] } });
  } catch (error) {
    inCall(false);
    return verdict("–", "Not sent", error.message, "bad");
  }
  const started = session;
  session.on("progress", ({ response }) => verdict(response.status_code, response.reason_phrase, target, "wait"));
  session.on("accepted", ({ response }) => verdict(response.status_code, response.reason_phrase, MEANINGS[200], "good"));
  session.on("ended", ({ originator }) => {
    inCall(false);
    if (lost === started)
      return verdict("–", "Connection lost", "The call is over: its connection to the server broke.", "bad");
    verdict(200, "Ended", originator === "local" ? "You hung up." : "The server hung up.", "good");
  });
  session.on("failed", ({ message, cause }) => {
    inCall(false);
    if (!message || !message.status_code)
      return verdict("–", cause, target, started.isCanceled ? "idle" : "bad");
    const code = message.status_code;
    verdict(code, message.reason_phrase, MEANINGS[code] || `The answer for ${target}.`, "bad");
  });
}

async function subscribe() {
  const target = at("target").value.trim();
  const name = target.replace(/^sips?:/, "");
  if (watched.has(target))
    return;
  try {
    await connected();
  } catch (error) {
    return fail(error);
  }
  const shown = document.createElement("dd");
  const say = (text, tone) => {
    shown.textContent = text;
    shown.dataset.tone = tone;
  };
  shown.className = "pill";
  say("asking", "wait");
  at("presence").hidden = false;
  at("presence").append(Object.assign(document.createElement("dt"), { textContent: name }), shown);
  const subscriber = ua.subscribe(target, "presence", "application/pidf+xml", { expires: EXPIRES });
  watched.set(target, subscriber);
  subscriber.on("notify", (isFinal, request, body) => {
    if (body)
      say(/<(\w+:)?basic>open</.test(body) ? "available" : "not available", /basic>open</.test(body) ? "good" : "idle");
    if (isFinal)
      say(`ended: ${request.getHeader("Subscription-State").replace(/.*reason=/, "")}`, "bad");
  });
  subscriber.on("terminated", (code, reason) => {
    watched.delete(target);
    if (shown.dataset.tone === "wait")
      say(reason || "refused", "bad");
  });
  subscriber.subscribe();
}

const kept = { ...JSON.parse(localStorage.getItem("webphone") || "{}"), ...Object.fromEntries(new URLSearchParams(location.search)) };
for (const id of ["server", "user", "target"])
  if (kept[id])
    at(id).value = kept[id];
at("account").onsubmit = register;
at("unregister").onclick = () => ua.unregister();
at("dial").onsubmit = call;
at("hangup").onclick = () => session.terminate();
at("subscribe").onclick = subscribe;
at("close").onclick = () => document.querySelector('.message[aria-pressed="true"]')?.click();
if (typeof JsSIP === "undefined")
  at("missing").hidden = false;
