/** The page in a real browser, in each role, with hostile strings in everything that it shows. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packedPage } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import type { Handle } from "../alert/handling.ts";
import { CATALOGUE } from "../alert/catalogue.ts";
import { createStatusServer } from "../adapters/http.ts";
import { systemRandom } from "../adapters/crypto.ts";
import { alertWith, HOSTILE } from "../adapters/outlets/outlets.testing.ts";
import { MESH, STATUS } from "../status.testing.ts";
import { Chromium, CHROMIUM, type Tab } from "./chromium.testing.ts";
import { Dashboard } from "./dashboard.ts";
import { type Role, Sessions } from "./sessions.ts";

const NOW = Date.UTC(2026, 10, 1, 12);
const HISTORY = Array.from({ length: 60 }, (_, n) => ({
  at: NOW - (60 - n) * 60_000, meterWh: n * 190, reportedWh: n * 130, meterW: 7_000, opinion: n / 60,
}));
const ZONE = alertWith({
  incidentId: "b".repeat(64), onset: "2026-11-01T10:00:00.000Z", stations: ["CP-002"],
  certificate: { epoch: 177_235_562, rosterVersion: 4, quorum: 12, file: alertWith().evidence[0]! },
});
const STATION = alertWith({
  incidentId: "a".repeat(64), scope: "station", threat: "energy-theft", stations: [HOSTILE], summary: HOSTILE,
  onset: "2026-11-01T11:00:00.000Z", explanation: [{ term: HOSTILE, value: 9, share: 1 }],
});
const STORY = {
  frames: [{ time: "2026-11-01T11:00:00.000Z", direction: "cp-to-csms", text: `[2,"1","X",{"v":"${HOSTILE}"}]` }],
  certificates: [], missing: [],
};

const CHECKS = {
  checks: [{ name: "clock", state: "ok", says: "good" }, { name: "disk", state: "fail", says: HOSTILE, mend: "x" }],
};

class World {
  readonly asked: Handle[] = [];
  readonly sessions = new Sessions(systemRandom, () => performance.now());
  incidents: unknown[] = [{ ...STATION, open: true }, { ...ZONE, open: true }];

  readonly state = (): unknown => ({
    status: { ...STATUS, mesh: MESH, notices: [HOSTILE, ...STATUS.notices] },
    incidents: this.incidents, history: HISTORY,
    catalogue: { "energy-theft": CATALOGUE["energy-theft"], "load-manipulation": CATALOGUE["load-manipulation"] },
    board: { memoryBytes: 64 * 1024 * 1024 }, witnesses: [{ station: "CP-002", holds: 300, forked: false }],
    places: MESH.members.map(({ station }, n) => ({ station, latE6: 56_000_000 + 90 * n, lonE6: 40 * n * n })),
  });

  readonly handle = (asked: Handle) => {
    if (this.asked.some(({ incidentId }) => incidentId === asked.incidentId)) {
      return { ok: false as const, why: "conflict" as const, says: "alice acknowledged it first, at noon" };
    }
    this.asked.push(asked);
    this.incidents = [{ ...STATION, open: true, handled: { ...asked, at: "2026-11-01T12:00:00.000Z" } }];
    return { ok: true as const, incidentId: asked.incidentId, effects: [] };
  };
}

/** One for all tests: it takes a second to start. */
let opened: Chromium | undefined;

async function withPage(use: (world: World, url: string, browser: Chromium) => Promise<void>): Promise<void> {
  const world = new World();
  const run = (args: readonly string[]): Promise<string> =>
    Promise.resolve(JSON.stringify(args[0] === "doctor" ? CHECKS : STORY));
  const dashboard = new Dashboard({
    sessions: world.sessions, page: await packedPage(repoRoot), secure: false, state: world.state, handle: world.handle,
    run, monoMs: () => performance.now(),
  });
  const server = createStatusServer({
    stateDir: mkdtempSync(join(tmpdir(), "kerbwatch-page-")), http: { host: "127.0.0.1", port: 0 },
    status: () => STATUS, page: (request, response) => dashboard.take(request, response),
  });
  await server.start();
  const browser = opened ??= await Chromium.start();
  browser.said.length = browser.requested.length = 0;
  try {
    await use(world, `http://127.0.0.1:${server.address()!.port}/`, browser);
    assert.equal(browser.said.filter((text) => !/40[1349]|429/.test(text)), [], "no error, and nothing against "
      + "the policy");
    assert.ok(browser.requested.every((one) => /^(http:\/\/127\.0\.0\.1:|data:|about:)/.test(one)), "nothing from "
      + "elsewhere");
  } finally {
    await browser.closeAll();
    await server.stop();
  }
}

function pageTest(name: string, use: Parameters<typeof withPage>[0]): void {
  if (CHROMIUM === undefined) test.skip(`Chromium: ${name}`, "no chromium");
  else test(`Chromium: ${name}`, () => withPage(use));
}

async function signedIn(tab: Tab, code: string): Promise<void> {
  await tab.until(`!document.getElementById("enter").hidden`);
  await tab.see(`(() => { const at = document.getElementById("code"); at.value = ${JSON.stringify(code)};
    at.form.requestSubmit(); })()`);
  await tab.until(`!document.getElementById("all").hidden`);
}

const enter = async ({ sessions }: World, tab: Tab, role: Role): Promise<void> =>
  signedIn(tab, sessions.issue(role, role));
const textOf = (tab: Tab, id: string): Promise<string> => tab.see<string>(`document.getElementById("${id}").innerText`);

pageTest("nothing is told without a code; a wrong one is said, and a used one", async (world, url, browser) => {
  const tab = await browser.open(url);
  await tab.until(`!document.getElementById("enter").hidden`);
  assert.not.match(await textOf(tab, "main"), "CP-002");
  await tab.see(`(() => { document.getElementById("code").value = "AAAA-AAAA";
    document.getElementById("code").form.requestSubmit(); })()`);
  await tab.until(`document.getElementById("wrong").textContent.includes("not a code")`);
  const code = world.sessions.issue("auditor", "anna");
  await signedIn(tab, ` ${code.toLowerCase()} `);
  const other = await browser.open(url);
  await other.until(`!document.getElementById("enter").hidden`);
  await other.see(`(() => { document.getElementById("code").value = "${code}";
    document.getElementById("code").form.requestSubmit(); })()`);
  await other.until(`document.getElementById("wrong").textContent.includes("not a code")`);
  assert.is(await tab.see("document.cookie"), "", "scripts cannot read the session");
});

pageTest("an auditor sees everything and can change nothing", async (world, url, browser) => {
  const tab = await browser.open(url);
  await enter(world, tab, "auditor");
  for (const [id, words] of Object.entries({
    state: /charger and CSMS connected; 2 open incidents; auditor/, line: /38 µs median, 181 µs at the 99th/,
    energy: /meter 11\.21 kWh, reported by the charger 7\.67 kWh/, beliefs: /authorization-abuse 0\.21/,
    zone: /quorum/, log: /321[\s\S]*CP-002: up to entry 300/, board: /61 MB of 64 MB/, incidents: /energy-theft/,
  })) assert.match(await textOf(tab, id), words);
  assert.ok(await tab.see(`document.getElementById("checks-part").hidden`));
  assert.is(await tab.see(`document.querySelectorAll("#incidents form").length`), 0);
  for (const path of ["doctor", `incidents/${"a".repeat(64)}/close`]) {
    assert.is(await tab.see(`fetch("/api/${path}", { method: "POST", headers: { "X-Kerbwatch": "page" }, body: "{}" })
      .then((r) => r.status)`), 403);
  }
});

pageTest("hostile strings are text: no element, script or line comes of them", async (world, url, browser) => {
  const tab = await browser.open(url);
  await enter(world, tab, "operator");
  assert.match(await textOf(tab, "incidents"), "<script>alert(1)</script>");
  assert.is(await tab.see("document.scripts.length"), 1);
  assert.is(await tab.see(`document.querySelectorAll("main script, main img, main a").length`), 0);
  const turned = await tab.see(`/[\\u202a-\\u202e\\u2028]/.test(document.body.textContent)`);
  assert.not.ok(turned, "nor is reading turned");
  await tab.see(`document.querySelector("#incidents details").open = true`);
  await tab.see(`document.querySelector("#incidents details button[type=button]").click()`);
  await tab.until(`document.querySelector("#incidents pre")?.textContent.includes("<script>")`);
});

pageTest("an installer runs the checks, an operator answers, and of two the second learns of the first",
  async (world, url, browser) => {
    const installer = await browser.open(url);
    await enter(world, installer, "installer");
    await installer.see(`document.getElementById("check").click()`);
    await installer.until(`document.querySelectorAll("#checks li.bad").length === 1`);
    assert.is(await installer.see(`document.querySelectorAll("#incidents form").length`), 0);
    const [first, second] = [await browser.open(url), await browser.open(url)];
    await enter(world, first, "operator");
    await enter(world, second, "operator");
    const answer = `(() => { const box = document.querySelector('[data-incident^="aaa"]'); box.open = true;
      const at = box.querySelector("input"); at.value = "technician on site"; at.form.requestSubmit(); })()`;
    await Promise.all([first.see(answer), second.see(answer)]);
    const either = (words: string) => `document.getElementById("incidents").textContent.includes("${words}")`;
    await Promise.race([first.until(either("acknowledged it first")), second.until(either("acknowledged it first"))]);
    await Promise.race([first.until(either("Acknowledged by operator")), second.until(either("Acknowledged by "
      + "operator"))]);
    assert.equal(world.asked.map(({ action, by, reason }) => [action, by, reason]),
      [["acknowledge", "operator", "technician on site"]]);
  });

pageTest("on a phone nothing is wider than the screen, in both themes every text can be told from its ground",
  async (world, url, browser) => {
    const folder = join(repoRoot, "dist", "bench");
    mkdirSync(folder, { recursive: true });
    for (const scheme of ["light", "dark"] as const) {
      for (const width of [360, 1_100]) {
        const tab = await browser.open(url, width, scheme);
        await enter(world, tab, "operator");
        await tab.see(`document.querySelector("#incidents details").open = true`);
        assert.ok(await tab.see<boolean>(`document.documentElement.scrollWidth <= ${width}`), `${scheme} ${width}`);
        assert.equal(await tab.see(CONTRASTS), [], scheme);
        writeFileSync(join(folder, `page-${scheme}-${width}.png`), await tab.picture());
      }
    }
  });

/** WCAG 2.1, 1.4.3: the ratio of luminances, 4.5 at least; which elements fall short. */
const CONTRASTS = `(() => {
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

pageTest("every field has a name, every section a heading, and the keyboard reaches what a mouse does",
  async (world, url, browser) => {
    const tab = await browser.open(url);
    await enter(world, tab, "operator");
    assert.equal(await tab.see(`[...document.querySelectorAll("input")].filter((at) => !at.labels.length).length`), 0);
    assert.equal(await tab.see(`[...document.querySelectorAll("section")].filter((at) =>
      !document.getElementById(at.getAttribute("aria-labelledby"))).length`), 0);
    assert.equal(await tab.see(`[...document.querySelectorAll("meter, [role=img]")].filter((at) =>
      !at.getAttribute("aria-label")).length`), 0);
    assert.is(await tab.see("document.documentElement.lang"), "en");
    const odd = `document.querySelectorAll("[onclick], [tabindex]:not([tabindex='-1'])").length`;
    assert.is(await tab.see(odd), 0);
  });

pageTest("a thousand incidents are quick to see, fifty of them", async (world, url, browser) => {
  world.incidents = Array.from({ length: 1_000 }, (_, n) =>
    ({ ...STATION, incidentId: n.toString(16).padStart(64, "0"), open: true }));
  const tab = await browser.open(url);
  await enter(world, tab, "operator");
  assert.is(await tab.see(`document.querySelectorAll("#incidents details").length`), 50);
});

test("the browser ends", async () => opened?.stop());
