// SPDX-License-Identifier: Apache-2.0
// Headless Chromium, told what to do by lines of JSON: {"do": "open", "page": "a", ...} in, {"value": ...} or {"error": ...} out.
// Serves the pages on loopback: the libraries bundled from node_modules, and examples/webphone as it stands.
import esbuild from "esbuild";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const webphone = path.resolve(here, "../../../examples/webphone");
const [executablePath, profile] = process.argv.slice(2);

// Nothing that looks for a network of its own, and a microphone that needs neither a device nor a click.
const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream", "--ignore-certificate-errors", "--disable-features=WebRtcHideLocalIpsWithMdns"];

async function bundle(entry, globalName) {
  const built = await esbuild.build({
    ...entry, bundle: true, write: false, globalName, format: "iife", platform: "browser", logLevel: "error",
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
  });
  return built.outputFiles[0].text;
}

async function serve() {
  const bundles = {
    "/lab.js": await bundle({ entryPoints: [path.join(here, "lab.js")] }, "lab"),
    "/webphone/jssip.min.js": await bundle({ stdin: { contents: 'module.exports = require("jssip")', resolveDir: here } }, "JsSIP"),
    "/lab.html": '<!doctype html><title>lab</title><link rel="icon" href="data:,"><script src="/lab.js"></script>',
  };
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  const server = http.createServer((request, response) => {
    const name = new URL(request.url, "http://localhost").pathname;
    const file = path.join(webphone, path.basename(name));
    const text = bundles[name] ?? (name.startsWith("/webphone/") && fs.existsSync(file) ? fs.readFileSync(file) : undefined);
    response.writeHead(text === undefined ? 404 : 200, { "Content-Type": (types[path.extname(name)] ?? "text/plain") + "; charset=utf-8" });
    response.end(text ?? "");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${server.address().port}`;
}

const origin = await serve();
const context = await chromium.launchPersistentContext(profile, { executablePath, args, viewport: { width: 1280, height: 800 } });
const pages = {};
const errors = []; // that no script caught
const commands = {
  async open({ page, url }) {
    const opened = pages[page] = await context.newPage();
    opened.on("console", (message) => console.error(`${page}: ${message.text()}`));
    opened.on("pageerror", (error) => {
      errors.push(`${page}: ${error}`);
      console.error(`${page}: ${error.stack}`);
    });
    await opened.goto(origin + url);
  },
  evaluate: ({ page, code }) => pages[page].evaluate(code),
  fill: ({ page, into, text }) => pages[page].fill(into, text),
  click: ({ page, on }) => pages[page].click(on, { timeout: 5000 }),
  async text({ page, of, containing, seconds }) {
    const found = pages[page].locator(of);
    if (containing) {
      const last = found.filter({ hasText: containing }).first();
      await last.waitFor({ timeout: seconds * 1000 }).catch(async () => {
        throw new Error(`${of} has no "${containing}" but: ${(await found.allInnerTexts()).join(" | ")}`);
      });
    }
    return (await found.allInnerTexts()).join("\n");
  },
  errors: () => errors,
  media: ({ page, scheme }) => pages[page].emulateMedia({ colorScheme: scheme }),
  async screenshot({ page, to }) {
    await pages[page].screenshot({ path: to });
  },
};

console.log(JSON.stringify({ value: origin }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: name, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[name](rest)) ?? null };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
await context.close();
process.exit(0);
