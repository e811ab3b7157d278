// SPDX-License-Identifier: Apache-2.0
// The same few deeds with both libraries.  Each gives {status, ...}: the code of the final answer and what came with it.
import JsSIP from "jssip";
import * as SIP from "sip.js";

const audio = { audio: true, video: false };
const EXPIRES = 600;

/** A promise with its ends outside. */
function promised() {
  const ends = {};
  ends.promise = new Promise((keep, fail) => Object.assign(ends, { keep, fail }));
  return ends;
}

class JsSipPhone {
  constructor({ server, uri, password }) {
    this.ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri, password, register: false, register_expires: EXPIRES });
  }

  async start() {
    const done = promised();
    this.ua.once("connected", () => done.keep());
    this.ua.once("disconnected", () => done.fail(new Error("no connection")));
    this.ua.start();
    await done.promise;
  }

  register() {
    const done = promised();
    this.ua.once("registered", ({ response }) => done.keep({ status: response.status_code }));
    this.ua.once("registrationFailed", ({ response, cause }) => done.keep({ status: response?.status_code ?? 0, cause }));
    this.ua.register();
    return done.promise;
  }

  call(target) {
    const done = promised();
    this.ended = promised();
    let answered = 0;
    this.session = this.ua.call(target, { mediaConstraints: audio, pcConfig: { iceServers: [] } });
    this.session.on("accepted", ({ response }) => { answered = response.status_code; });
    this.session.on("confirmed", () => done.keep({ status: answered, streams: this.streams() }));
    this.session.on("failed", ({ message, cause }) => {
      done.keep({ status: message?.status_code ?? 0, cause, reason: message?.getHeader?.("Reason") });
    });
    this.session.on("ended", ({ originator, cause }) => this.ended.keep({ originator, cause }));
    return done.promise;
  }

  streams() {
    return this.session.connection.currentRemoteDescription.sdp.match(/^m=.*$/gm);
  }

  hangUp() {
    this.session.terminate();
    return this.ended.promise;
  }

  /** Who ends the call that stands: "remote" is the server. */
  async isEnded() {
    return (await this.ended.promise).originator;
  }

  /** What it writes into a request that begins a dialog. */
  contact() {
    return this.ua.contact.toString({ outbound: true });
  }

  subscribe(target, event, accept) {
    const done = promised();
    const subscriber = this.ua.subscribe(target, event, accept, { expires: EXPIRES, contentType: accept });
    this.notified = [];
    subscriber.on("notify", (isFinal, request, body) => {
      this.notified.push({ state: request.getHeader("Subscription-State"), body });
      done.keep({ status: 200, ...this.notified.at(-1) });
    });
    subscriber.on("terminated", (code, reason) => done.keep({ status: 0, code, reason }));
    subscriber.subscribe();
    return done.promise;
  }

  stop() {
    this.ua.stop();
  }
}

class SipJsPhone {
  constructor({ server, uri, password }) {
    this.ua = new SIP.UserAgent({
      uri: SIP.UserAgent.makeURI(uri), transportOptions: { server }, logLevel: "warn", authorizationPassword: password,
      authorizationUsername: uri.replace(/^sip:|@.*/g, ""),
      sessionDescriptionHandlerFactoryOptions: { iceGatheringTimeout: 500, peerConnectionConfiguration: { iceServers: [] } },
    });
  }

  start() {
    return this.ua.start();
  }

  /** The delegate that tells of a request's final answer. */
  static answer(done) {
    const tell = ({ message }) => done.keep({ status: message.statusCode, reason: message.getHeader("Reason") });
    return { requestDelegate: { onAccept: tell, onReject: tell } };
  }

  register() {
    const done = promised();
    this.registerer ??= new SIP.Registerer(this.ua, { expires: EXPIRES, regId: 1 });
    this.registerer.register(SipJsPhone.answer(done));
    return done.promise;
  }

  async call(target) {
    const done = promised();
    const stood = promised();
    const session = this.session = new SIP.Inviter(this.ua, SIP.UserAgent.makeURI(target),
      { sessionDescriptionHandlerOptions: { constraints: audio } });
    this.ended = promised();
    session.delegate = { onBye: (bye) => bye.accept().then(() => this.ended.keep("remote")) };
    session.stateChange.addListener((state) => {
      if (state === SIP.SessionState.Established || state === SIP.SessionState.Terminated) stood.keep(state);
    });
    await session.invite(SipJsPhone.answer(done));
    const got = await done.promise;
    const state = await stood.promise;
    return { ...got, state, streams: state === SIP.SessionState.Established ? this.streams() : undefined };
  }

  streams() {
    return this.session.sessionDescriptionHandler.peerConnection.currentRemoteDescription.sdp.match(/^m=.*$/gm);
  }

  /** Another offer in the call, as holding and changing devices make.  JsSIP cannot: it waits for ICE, which has nothing to do. */
  offerAgain() {
    const done = promised();
    this.session.invite(SipJsPhone.answer(done));
    return done.promise;
  }

  hangUp() {
    const done = promised();
    this.session.bye(SipJsPhone.answer(done));
    return done.promise;
  }

  isEnded() {
    return this.ended.promise;
  }

  contact() {
    return this.ua.contact.toString({ outbound: !this.ua.contact.pubGruu });
  }

  subscribe(target, event, accept) {
    const done = promised();
    const subscriber = new SIP.Subscriber(this.ua, SIP.UserAgent.makeURI(target), event, { expires: EXPIRES, extraHeaders: [`Accept: ${accept}`] });
    this.notified = [];
    subscriber.delegate = {
      onNotify: (notification) => {
        notification.accept();
        this.notified.push({ state: notification.request.getHeader("Subscription-State"), body: notification.request.body });
        done.keep({ status: 200, ...this.notified.at(-1) });
      },
    };
    subscriber.subscribe().catch((error) => done.keep({ status: 0, error: String(error) }));
    return done.promise;
  }

  stop() {
    return this.ua.stop();
  }
}

export let phone = null;

/** Makes the page's phone and connects it. */
export async function start(library, options) {
  phone = new { jssip: JsSipPhone, sipjs: SipJsPhone }[library](options);
  await phone.start();
}
