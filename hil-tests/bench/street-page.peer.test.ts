/** The street's page in a real browser: overview, acts as buttons, and an agent's page behind its charger. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repoRoot } from "../../build/paths.ts";
import { assert, test } from "../../build/testing.ts";
import { Chromium, CHROMIUM, CONTRASTS, type Tab } from "../../edge-agent/dashboard/chromium.testing.ts";
import { PlayedStreet } from "./street-page.testing.ts";

let opened: Chromium | undefined;

async function withStreet(use: (street: PlayedStreet, url: string, browser: Chromium) => Promise<void>): Promise<void> {
  const street = new PlayedStreet();
  const { page, close } = await street.open();
  const browser = opened ??= await Chromium.start();
  browser.said.length = browser.requested.length = 0;
  try {
    await use(street, page.url, browser);
    assert.equal(browser.said.filter((text) => !/status of (409|502)/.test(text)), [], "no error");
    assert.ok(browser.requested.every((one) => one.startsWith(page.url) || /^(data|about):/.test(one)),
      "nothing from elsewhere");
  } finally {
    await browser.closeAll();
    await close();
  }
}

function pageTest(name: string, use: Parameters<typeof withStreet>[0]): void {
  if (CHROMIUM === undefined) test.skip(`Chromium: ${name}`, "no chromium");
  else test(`Chromium: ${name}`, () => withStreet(use));
}

const shown = (tab: Tab): Promise<void> => tab.until(`document.querySelectorAll("#maps circle").length === 12`);
const textOf = (tab: Tab, id: string): Promise<string> => tab.see<string>(`document.getElementById("${id}").innerText`);

pageTest("twelve chargers of two zones on the map, incidents, and nobody signs in", async (_, url, browser) => {
  const tab = await browser.open(url);
  await shown(tab);
  assert.equal(await tab.see(`["enter", "all"].map((id) => document.getElementById(id).offsetParent)`), [null, null]);
  assert.equal(await tab.see(`[...document.querySelectorAll("#maps svg")].map((at) => at.getAttribute("aria-label"))`),
    ["map of north", "map of south"]);
  assert.is(await tab.see(`document.querySelectorAll("#maps .affected").length`), 2);
  assert.match(await textOf(tab, "state"), /12 chargers in 2 zones; 2 open/);
  assert.match(await textOf(tab, "all-incidents"), /load-manipulation[\s\S]*Told by 2 agents: N-1 N-2/);
  assert.match(await textOf(tab, "all-incidents"), "<script>alert(1)</script>");
  assert.is(await tab.see(`document.querySelectorAll("main script, main img").length`), 0, "a vendor's string is text");
  assert.match(await textOf(tab, "maps"), /energy-theft 0\.62/);
});

pageTest("acts are buttons: played, shown as told or not, and what cannot be played says why",
  async ({ endings }, url, browser) => {
    const tab = await browser.open(url);
    await shown(tab);
    const row = (n: number) => `document.querySelectorAll("#acts > li")[${n}]`;
    const holds = (n: number, words: string) => `${row(n)}.innerText.includes(${JSON.stringify(words)})`;
    assert.ok(await tab.see(`${row(2)}.querySelector("button").disabled && ${holds(2, "play a and b first")}`));
    await tab.see(`${row(0)}.querySelector("button").click()`);
    await tab.until(`${holds(0, "playing")} && ${row(1)}.querySelector("button").disabled`);
    endings.get("a")!({ observed: "three bills", asTold: true, words: "all is well" });
    await tab.until(`${holds(0, "as told")} && ${holds(0, "Seen: three bills")} && ${holds(0, "all is well")}`);
    await tab.until(`!${row(1)}.querySelector("button").disabled`);
    await tab.see(`${row(1)}.querySelector("button").click()`);
    await tab.until(holds(1, "playing"));
    endings.get("b")!({ observed: "BUT nothing raised", asTold: false });
    await tab.until(`${holds(1, "NOT as told")} && ${holds(1, "BUT nothing raised")}`);
    assert.ok(await tab.see(`${row(1)}.querySelector("button").disabled`), "each once");
    await tab.until(`!${row(2)}.querySelector("button").disabled`);
  });

pageTest("behind a charger is its agent's page, and the way back", async ({ world }, url, browser) => {
  const tab = await browser.open(url);
  await shown(tab);
  await tab.see(`document.querySelector('#maps table a[href="#N-1"]').click()`);
  await tab.until(`!document.getElementById("all").hidden && document.getElementById("overview").hidden`);
  await tab.until(`document.querySelector('#street a[aria-current]').textContent === "N-1"`);
  assert.match(await textOf(tab, "energy"), /meter 11\.21 kWh/);
  await tab.see(`(() => { const box = document.querySelector('[data-incident^="aaa"]'); box.open = true;
    const at = box.querySelector("input"); at.value = "seen"; at.form.requestSubmit(); })()`);
  await tab.until(`document.getElementById("incidents").textContent.includes("Acknowledged by")`);
  assert.equal(world.asked.map(({ by, reason }) => [by, reason]), [["the street's page", "seen"]]);
  await tab.see(`document.querySelector(".skip").click()`);
  assert.not.ok(await tab.see(`document.getElementById("all").hidden`), "the skip link leads nowhere else");
  await tab.see(`location.hash = "#N-3"`);
  await tab.until(`document.getElementById("state").textContent.includes("does not answer")`);
  assert.ok(await tab.see(`document.getElementById("all").hidden`), "nobody else's figures are left standing");
  await tab.see("location.hash = ''");
  await tab.until(`!document.getElementById("overview").hidden && document.getElementById("all").hidden`);
});

pageTest("on a phone nothing is wider than the screen, in both themes every text can be told from its ground",
  async ({ endings, stage }, url, browser) => {
    void stage.play("a");
    endings.get("a")!({ observed: "three bills; nothing raised", asTold: true, words: "all is well" });
    const folder = join(repoRoot, "dist", "bench");
    mkdirSync(folder, { recursive: true });
    for (const scheme of ["light", "dark"] as const) {
      for (const width of [360, 1_100]) {
        const tab = await browser.open(url, width, scheme);
        await shown(tab);
        assert.ok(await tab.see<boolean>(`document.documentElement.scrollWidth <= ${width}`), `${scheme} ${width}`);
        assert.equal(await tab.see(CONTRASTS), [], scheme);
        writeFileSync(join(folder, `street-${scheme}-${width}.png`), await tab.picture());
      }
    }
  });

test("the browser ends", async () => opened?.stop());
