/** The page in a real browser, in each role, with hostile strings in everything that it shows. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packedPage } from "../../build/page.ts";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { Chromium, CHROMIUM, CONTRASTS, type Tab } from "./chromium.testing.ts";
import { servePage, STATION, World } from "./page-world.testing.ts";
import type { Role } from "./sessions.ts";

/** One for all tests: it takes a second to start. */
let opened: Chromium | undefined;

async function withPage(use: (world: World, url: string, browser: Chromium) => Promise<void>): Promise<void> {
  const world = new World();
  const server = await servePage(world, await packedPage(repoRoot));
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
  assert.is(await tab.see(`document.getElementById("all").offsetParent`), null, "no empty frames either");
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

pageTest("an installer brings a signed declaration; what it holds is shown, what is wrong with another is said",
  async (world, url, browser) => {
    const tab = await browser.open(url);
    await enter(world, tab, "installer");
    const bring = (text: string) => `(() => { const files = new DataTransfer(); files.items.add(new File([${
      JSON.stringify(text)}], "x.word")); const at = document.getElementById("word"); at.files = files.files;
      at.dispatchEvent(new Event("change")); })()`;
    assert.match(await textOf(tab, "declared"), "Nothing is foreseen");
    await tab.see(bring("an update is forged"));
    await tab.until(`document.querySelector("#taken.wrong")?.textContent.includes("<script>")`);
    await tab.see(bring("an update is foreseen"));
    await tab.until(`document.getElementById("declared").textContent.includes("holds 1")`);
    assert.match(await textOf(tab, "declared"), /firmware, reboot at CP-001, 2026-11-01 12:00:00 UTC to [^]*by alice/);
    assert.is(await tab.see(`document.querySelectorAll("main script, main img").length`), 0);
    const auditor = await browser.open(url);
    await enter(world, auditor, "auditor");
    assert.ok(await auditor.see(`document.getElementById("bring").hidden`));
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
