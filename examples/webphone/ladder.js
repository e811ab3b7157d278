// SPDX-License-Identifier: Apache-2.0
// The ladder: every SIP message that went over the page's connection, as an arrow, in groups by Call-ID.
"use strict";

const ladder = (() => {
  const ALL = "";
  const groups = new Map([[ALL, { title: "Everything", messages: [] }]]);
  const at = (id) => document.getElementById(id);
  let shown = ALL;
  let open = null;

  /** What the ladder says of a message; null of a keep-alive. */
  function read(text, direction) {
    const [head, body = ""] = text.split(/\r\n\r\n/, 2);
    const lines = head.replace(/\r\n[ \t]+/g, " ").split("\r\n");
    const header = (...names) => {
      const line = lines.slice(1).find((one) => names.includes(one.split(":", 1)[0].trim().toLowerCase()));
      return line && line.slice(line.indexOf(":") + 1).trim();
    };
    const answer = /^SIP\/2\.0 (\d{3}) (.*)$/.exec(lines[0]);
    const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(lines[0]);
    if (!answer && !request)
      return null;
    return {
      direction, text, body, header, when: performance.now(), code: answer ? Number(answer[1]) : 0,
      method: request ? request[1] : (header("cseq") || "").split(" ").pop(), callId: header("call-id", "i") || "?",
      title: answer ? `${answer[1]} ${answer[2]}` : request[1],
    };
  }

  /** The second half of a label: what else a reader wants to know at a glance. */
  function note(message) {
    const words = [message.code ? `to ${message.method}` : message.header("to", "t").replace(/.*<|>.*|;tag=.*/g, "")];
    if (!message.code && message.header("authorization"))
      words.push("with credentials");
    if (message.header("subscription-state"))
      words.push(message.header("subscription-state"));
    if (/^m=/m.test(message.body))
      words.push(message.body.match(/^m=\S+ \d+/gm).every((line) => line.endsWith(" 0")) ? "SDP without media" : "SDP");
    return words.join(" · ");
  }

  const tone = (code) => (!code ? "idle" : code < 200 ? "wait" : code < 300 ? "good" : code === 401 || code === 407 ? "wait" : "bad");

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  /** A line as long as there is room for, with its head at the end that it points to. */
  function arrow(direction) {
    const namespace = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(namespace, "svg");
    svg.setAttribute("aria-hidden", "true");
    const sent = direction === "sent";
    for (const [tag, attributes] of [["line", { x1: 0, y1: 4.5, x2: "100%", y2: 4.5, stroke: "currentColor", "stroke-width": 1.6 }],
      ["svg", { x: sent ? "100%" : 0, overflow: "visible" }]]) {
      const part = document.createElementNS(namespace, tag);
      for (const [key, value] of Object.entries(attributes))
        part.setAttribute(key, value);
      svg.append(part);
    }
    const head = document.createElementNS(namespace, "path");
    head.setAttribute("d", sent ? "M-10 0 L0 4.5 L-10 9 Z" : "M10 0 L0 4.5 L10 9 Z");
    head.setAttribute("fill", "currentColor");
    svg.lastChild.append(head);
    return svg;
  }

  function row(message, first) {
    const label = element("span", { className: "flow" }, element("b", { textContent: message.title }),
      element("i", { textContent: note(message) }), arrow(message.direction));
    const button = element("button", { type: "button", className: `message ${message.direction} ${message.code ? "" : "request"}` },
      element("time", { textContent: `+${((message.when - first) / 1000).toFixed(3)} s` }), label);
    if (message.code)
      button.dataset.tone = tone(message.code);
    button.setAttribute("aria-label", `${message.direction}: ${message.title}, ${note(message)}`);
    button.setAttribute("aria-pressed", message === open);
    button.onclick = () => inspect(message === open ? null : message);
    return element("li", {}, button);
  }

  function inspect(message) {
    open = message;
    at("raw").hidden = !message;
    at("text").textContent = message ? message.text : "";
    at("text").scrollTop = 0;
    draw();
    document.querySelector('.message[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
  }

  function tab(id, group) {
    const button = element("button", { type: "button", textContent: group.title + " " });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-selected", id === shown);
    if (group.code)
      button.append(element("b", { textContent: group.code }));
    button.dataset.tone = tone(group.code);
    button.onclick = () => show(id);
    return button;
  }

  function draw() {
    const { messages } = groups.get(shown);
    at("dialogs").replaceChildren(...[...groups].map(([id, group]) => tab(id, group)));
    at("messages").replaceChildren(...messages.map((message) => row(message, messages[0].when)));
    at("empty").hidden = messages.length > 0;
  }

  function show(id) {
    shown = id;
    inspect(null);
    at("messages").scrollTop = at("messages").scrollHeight;
  }

  /** Takes a message that was sent or received.  A new call comes to the front. */
  function add(direction, text) {
    const message = read(text, direction);
    if (!message)
      return;
    const isNew = !groups.has(message.callId);
    if (isNew)
      groups.set(message.callId, { title: `${message.method} ${note(message).split(" · ")[0].replace(/^sips?:|@.*/g, "")}`, method: message.method, messages: [] });
    const group = groups.get(message.callId);
    // The answer to what began it stays with the group: a BYE's 200 says nothing new.
    if (message.code >= 200 && message.method === group.method)
      group.code = message.code;
    group.messages.push(message);
    groups.get(ALL).messages.push(message);
    if (isNew && message.method === "INVITE")
      shown = message.callId;
    draw();
    at("messages").scrollTop = at("messages").scrollHeight;
  }

  draw();
  return { add };
})();
