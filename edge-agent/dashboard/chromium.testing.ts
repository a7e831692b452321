/** A real headless Chromium, driven over its DevTools protocol. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find((path) => spawnSync(path, ["--version"]).status === 0);
/** Nothing waits for this to pass: what is awaited has then not come. */
const HUNG_MS = 60_000;

type Json = Readonly<Record<string, unknown>>;

export class Chromium {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Json) => void>();
  /** What pages said on their consoles, and what their policy refused. */
  readonly said: string[] = [];
  /** URLs that pages asked for. */
  readonly requested: string[] = [];
  #next = 1;
  readonly #contexts: unknown[] = [];

  private constructor(child: ChildProcess, folder: string, socket: WebSocket) {
    this.#child = child;
    this.#folder = folder;
    this.#socket = socket;
    socket.on("message", (data) => this.#take(JSON.parse(String(data)) as Json));
  }

  static async start(): Promise<Chromium> {
    const folder = mkdtempSync(join(tmpdir(), "kerbwatch-chromium-"));
    const child = spawn(CHROMIUM!, [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
      "--remote-debugging-port=0", `--user-data-dir=${folder}`, "--disable-background-networking", "about:blank",
    ], { stdio: ["ignore", "ignore", "pipe"] });
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      child.stderr!.on("data", (text) => {
        said += String(text);
        const found = /DevTools listening on (ws:\/\/\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once("exit", () => reject(new Error(`Chromium ended: ${said}`)));
    });
    const socket = new WebSocket(url);
    await once(socket, "open");
    return new Chromium(child, folder, socket);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    await this.send("Browser.close").catch(() => undefined);
    await ended;
    this.#socket.terminate();
    try {
      rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // a process of it still writes; the folder goes with the test's own
    }
  }

  #take(message: Json): void {
    const { id, method, params } = message as { id?: number; method?: string; params?: Json };
    if (id !== undefined) this.#waiting.get(id)?.(message);
    if (method === "Log.entryAdded") this.said.push(String((params?.["entry"] as Json)["text"]));
    if (method === "Runtime.exceptionThrown") this.said.push(JSON.stringify(params?.["exceptionDetails"]));
    if (method === "Network.requestWillBeSent") this.requested.push(String((params?.["request"] as Json)["url"]));
  }

  send(method: string, params: Json = {}, sessionId?: string): Promise<Json> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return new Promise((resolve, reject) => this.#waiting.set(id, (answer) => {
      this.#waiting.delete(id);
      if (answer["error"] !== undefined) reject(new Error(JSON.stringify(answer["error"])));
      else resolve(answer["result"] as Json);
    }));
  }

  /** Closes every page. */
  async closeAll(): Promise<void> {
    for (const browserContextId of this.#contexts.splice(0)) {
      await this.send("Target.disposeBrowserContext", { browserContextId });
    }
  }

  /** A page of its own, with cookies of its own, of this width. */
  async open(url: string, width = 1_100, scheme: "light" | "dark" = "light"): Promise<Tab> {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    this.#contexts.push(browserContextId);
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const tab = new Tab(this, String(sessionId));
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await tab.send(`${domain}.enable`);
    await tab.send("Emulation.setDeviceMetricsOverride",
      { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
    await tab.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    await tab.send("Page.navigate", { url });
    return tab;
  }
}

export class Tab {
  readonly #browser: Chromium;
  readonly #session: string;

  constructor(browser: Chromium, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  send(method: string, params: Json = {}): Promise<Json> {
    return this.#browser.send(method, params, this.#session);
  }

  /** The value of an expression in the page, which may be a promise. */
  async see<T = unknown>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true, userGesture: true });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as Json)["value"] as T;
  }

  /** Looks until the expression holds. */
  async until(expression: string): Promise<void> {
    for (const end = performance.now() + HUNG_MS; ;) {
      if (await this.see(`Boolean(${expression})`).catch(() => false) === true) return;
      if (performance.now() > end) {
        const page = await this.see<string>("document.body.innerText");
        throw new Error(`still waiting for ${expression}; the page: ${page}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** PNG of the whole page. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(String(data), "base64");
  }
}

/** WCAG 2.1, 1.4.3: the ratio of luminances, 4.5 at least; which elements fall short. */
export const CONTRASTS = `(() => {
  const light = (rgb) => { const [r, g, b] = rgb.match(/[\\d.]+/g).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (at) => { for (; at; at = at.parentElement) { const { backgroundColor: c } = getComputedStyle(at);
    if (!/, 0\\)$/.test(c)) return c; } return "rgb(255,255,255)"; };
  return [...document.querySelectorAll("main *, header *")].filter((at) => [...at.childNodes]
    .some((n) => n.nodeType === 3 && n.textContent.trim()) && at.offsetParent && !(at instanceof SVGElement))
    .filter((at) => {
      const [a, b] = [light(getComputedStyle(at).color), light(ground(at))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5; }).map((at) => at.outerHTML.slice(0, 80));
})()`;
