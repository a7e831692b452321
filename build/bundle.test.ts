import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROGRAMS, bundle, makeProgram } from "./bundler.ts";
import type { Program } from "./bundler.ts";
import { CODE_FOLDERS, repoRoot } from "./paths.ts";
import { assert, test } from "./testing.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const AGENT: Program = { entry: "edge-agent/main.ts", outFile: "dist/kerbwatch.cjs", budget: PROGRAMS[0]!.budget! };

/** Hands a temporary folder with the given files, and this repository's packages, to `use`. */
async function inTree(files: Readonly<Record<string, string>>, use: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "kerbwatch-bundle-"));
  try {
    symlinkSync(join(repoRoot, "node_modules"), join(root, "node_modules"));
    for (const [path, text] of Object.entries({ "package.json": `{"version":"1.2.3","type":"module"}`, ...files })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    await use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const USES_PACKAGES = `
import { WebSocketServer } from "ws";
import nacl from "tweetnacl";
import { Encoder } from "cbor-x/encode";
import { CORE_SCHEMA, load, YAMLException } from "js-yaml";
import * as v from "valibot";
import { VERSION } from "./version.ts";
const schema = v.object({ a: v.number() });
try { load("a: [", { schema: CORE_SCHEMA }); } catch (e) { if (!(e instanceof YAMLException)) throw e; }
const isStrict = function () { return this === undefined; };
console.log(VERSION, typeof WebSocketServer, isStrict(),
  nacl.sign.keyPair.fromSeed(new Uint8Array(32)).publicKey.length,
  new Encoder({ useRecords: false }).encode([9])[1],
  v.parse(schema, load("a: 7", { schema: CORE_SCHEMA })).a);
`;
const VERSION_FILE = `declare const __VERSION__: string; export const VERSION = __VERSION__;`;

for (const program of PROGRAMS) {
  const name = `${program.outFile} is the same to the bit when it is built in another folder`;
  if (!existsSync(join(repoRoot, program.entry))) {
    test.skip(name, `no ${program.entry} yet`);
    continue;
  }
  test(name, () => inTree({}, async (root) => {
    for (const path of [...CODE_FOLDERS, "package.json", "tsconfig.json"]) {
      if (existsSync(join(repoRoot, path))) cpSync(join(repoRoot, path), join(root, path), { recursive: true });
    }
    const here = await bundle(repoRoot, program);
    assert.ok(here.contents.every((byte) => byte < 0x80), "or it takes twice the memory");
    assert.not.match(here.text, /[^\0-\x7f]/);
    const there = await bundle(root, program);
    assert.is(sha256(there.contents), sha256(here.contents));
  }));
}

test("a program with every package is the same to the bit in two folders", () =>
  inTree({ "edge-agent/main.ts": USES_PACKAGES, "edge-agent/version.ts": VERSION_FILE }, (one) =>
    inTree({ "edge-agent/main.ts": USES_PACKAGES, "edge-agent/version.ts": VERSION_FILE }, async (other) => {
      assert.is(sha256((await bundle(one, AGENT)).contents), sha256((await bundle(other, AGENT)).contents));
    })));

test("the program runs alone in an empty folder, as an executable, with its version inside", () =>
  inTree({ "edge-agent/main.ts": USES_PACKAGES, "edge-agent/version.ts": VERSION_FILE }, async (root) => {
    const said: string[] = [];
    assert.ok(await makeProgram(root, AGENT, (line) => said.push(line)), said.join("\n"));
    assert.match(said[0] ?? "", /^dist\/kerbwatch\.cjs: [\d,]+ bytes \(budget 524,288, [\d.]+ % used\)$/);
    assert.match(said[1] ?? "", /^ {2}held by any agent: [\d,]+ bytes \(budget 655,360, [\d.]+ % used\)$/);
    assert.match(said[2] ?? "", /^ {2}held beyond by one with all options: 0 bytes \(budget 32,768, 0\.0 % used\)$/);
    assert.match(said[3] ?? "", /^ {2}as text dist\/kerbwatch\.plain\.cjs: [\d,]+ bytes, SHA-256 \w{64}$/);
    assert.is(said.length, 9, "the five largest inputs follow");
    assert.is(statSync(join(root, AGENT.outFile)).mode & 0o111, 0o111);
    await inTree({}, async (empty) => {
      rmSync(join(empty, "node_modules"));
      cpSync(join(root, AGENT.outFile), join(empty, "kerbwatch.cjs"));
      assert.is(execFileSync("./kerbwatch.cjs", { cwd: empty, encoding: "utf8" }), "1.2.3 function true 32 9 7\n");
    });
  }));

const USES_MESH = `
import { systemClock, systemTimers } from "./adapters/clock.ts";
import { systemRandom } from "./adapters/crypto.ts";
import { createMesh } from "./adapters/mesh.ts";
import { tlsIdentity } from "./adapters/tls-identity.ts";
const identities = ["A", "B"].map((station, n) => tlsIdentity(station, new Uint8Array(32).fill(n + 1)));
const members = identities.map(({ station, publicKey }) => ({ station, zone: "z", tlsKey: publicKey }));
const meshes = identities.map((identity, n) => createMesh({
  identity, network: "n", zones: ["z"], members: () => members, listen: { host: "127.0.0.1", port: 0 },
  clock: systemClock, timers: systemTimers, random: systemRandom,
}, (topic, bytes, from) => {
  console.log(identity.station, topic, String(Buffer.from(bytes)), from);
  if (n === 1) meshes[1].publish("kw1/n/z/vote/B", Buffer.from("well"), new Set());
  else void Promise.all(meshes.map((mesh) => mesh.stop()));
}, console.log));
void Promise.all(meshes.map((mesh) => mesh.start())).then(() => {
  meshes[0].setNeighbours([{ ...members[1], address: "127.0.0.1:" + meshes[1].stats().port }]);
  meshes[0].publish("kw1/n/z/vote/A", Buffer.from("how do you do"));
});
`;

test("the slimmed MQTT packages work in the program: two agents in an empty folder talk to one another", () =>
  inTree({}, async (root) => {
    for (const path of CODE_FOLDERS) {
      if (existsSync(join(repoRoot, path))) cpSync(join(repoRoot, path), join(root, path), { recursive: true });
    }
    writeFileSync(join(root, "edge-agent/mesh-alone.ts"), USES_MESH);
    const made = await bundle(root, { ...AGENT, entry: "edge-agent/mesh-alone.ts" });
    assert.equal(made.faults, []);
    await inTree({ "mesh.cjs": "" }, async (empty) => {
      rmSync(join(empty, "node_modules"));
      rmSync(join(empty, "package.json"));
      writeFileSync(join(empty, "mesh.cjs"), made.contents);
      const said = execFileSync(process.execPath, ["mesh.cjs"], { cwd: empty, encoding: "utf8", timeout: 60_000 });
      assert.is(said, "B kw1/n/z/vote/A how do you do A\nA kw1/n/z/vote/B well B\n");
    });
  }));

/** Builds an agent of this one source and expects it to be refused for this reason. */
function refused(name: string, source: string, reason: RegExp, program: Program = AGENT): void {
  test(`refused: ${name}`, () => inTree({ "edge-agent/main.ts": source }, async (root) => {
    const said: string[] = [];
    assert.not(await makeProgram(root, program, (line) => said.push(line)));
    assert.match(said.join("\n"), reason);
    assert.not(existsSync(join(root, program.outFile)), "and is not written");
  }));
}

const MODULE_NAME = `import { createRequire } from "node:module"; console.log(createRequire);`;
const ROOM = { fileBytes: 1_000_000, textBytes: 1_000_000, optionalBytes: 1_000_000 };
refused("one byte over the budget", MODULE_NAME, /not made: \d+ bytes; at most 20$/, {
  ...AGENT, budget: { ...ROOM, fileBytes: 20 },
});
refused("one byte of text over the budget", MODULE_NAME, /not made: \d+ bytes of text; at most 20$/, {
  ...AGENT, budget: { ...ROOM, textBytes: 20 },
});
test("what is apart costs no agent anything, and is there when it is asked for", () => inTree({
  "edge-agent/main.ts": `if (process.argv[2] === "b") void import("./b.ts").then(({ say }) => say());
    else void import("./a.ts").then(({ say }) => say());`,
  "edge-agent/a.ts": `import { word } from "./word.ts"; export const say = () => console.log("a", word);`,
  "edge-agent/b.ts": `import { word } from "./word.ts";
    export const say = () => console.log("b", word, "${"x".repeat(5e3)}");`,
  "edge-agent/word.ts": `export const word = process.pid > 0 ? "well" : "";`,
}, async (root) => {
  const made = await bundle(root, { ...AGENT, apart: ["edge-agent/b.ts"] });
  assert.ok(made.heldBytes < 5_000 && made.text.length > 5_000);
  assert.is(made.optionalBytes, 0, "what is apart is no option");
  const optional = await bundle(root, { ...AGENT, optional: ["edge-agent/b.ts"] });
  assert.is(optional.heldBytes, made.heldBytes);
  assert.ok(optional.optionalBytes > 5_000 && optional.optionalBytes < 6_000);
  const tight = await bundle(root, { ...AGENT, budget: { ...ROOM, optionalBytes: 20 }, optional: ["edge-agent/b.ts"] });
  assert.equal(tight.faults, [`${optional.optionalBytes} bytes of optional text; at most 20`]);
  assert.ok((await bundle(root, AGENT)).heldBytes > 5_000, "unless it is not apart");
  writeFileSync(join(root, "p.cjs"), made.contents);
  const said = (...args: string[]) =>
    execFileSync(process.execPath, ["p.cjs", ...args], { cwd: root, encoding: "utf8" });
  assert.equal([said(), said("b").slice(0, 7)], ["a well\n", "b well "]);
}));

refused("a module that is not inside", `try { require("bufferutil"); } catch {}`, /loads bufferutil/);
refused("a module named at run time", `console.log(require(process.argv[2]));`, /loads by require\(process/);
refused("an entry that is missing", "", /nowhere\.ts is missing/, { ...AGENT, entry: "nowhere.ts" });
