/** Real agents of a street hand a release on, over their own meshes; what neighbours took back goes no further. */
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { PART_BYTES } from "../gossip/message-content.ts";
import { encodeSignedFile, signFile } from "../gossip/signed-file.ts";
import type { MonotonicMs, WallMs } from "../models/units.ts";
import { releaseFolder } from "./adapters/release-folder.ts";
import { entriesOf } from "./agent.testing.ts";
import { crypto, type House, onStreet, operator, rosterOf, until } from "./agent-street.testing.ts";
import { ran } from "./cli/io.testing.ts";
import { choose, install, programOf, readPointer, writePointer } from "./update/install.ts";
import { encodeRelease, PROGRAM_FILE, verifyRelease } from "./update/manifest.ts";
import { kept, takenBack } from "./update/pointer.ts";

const OPERATORS = { threshold: 1, keys: [operator.publicKey] };
const PROGRAM = Uint8Array.from({ length: 2 * PART_BYTES + 5 }, (_, i) => i % 251);
/** Four times as fast as this machine's: agents listen for 32 epochs before they take anything. */
const PACE = 4;
const [startWall, startMono] = [Date.now(), performance.now()];
const sinceMs = (): number => PACE * (performance.now() - startMono);
const fast = { wallMs: () => Math.floor(startWall + sinceMs()) as WallMs, monoMs: () => sinceMs() as MonotonicMs };

/** A board that runs a release, and found it healthy; or took it back. */
function has({ stateDir }: House, sequence: number, becomes: typeof kept): void {
  const issuedS = Math.floor(startWall / 1000);
  const bytes = encodeRelease({
    sequence, name: `0.${sequence}.0`, issuedS, expiresS: issuedS + 86_400, stages: [],
    files: [{ name: PROGRAM_FILE, bytes: PROGRAM.length, sha256: crypto.sha256(PROGRAM) }],
  });
  const manifest = encodeSignedFile({ bytes, signatures: [signFile("release", bytes, operator)] });
  const verified = verifyRelease(crypto, manifest, OPERATORS);
  if (!verified.ok) throw new Error(verified.problem);
  const folder = releaseFolder(stateDir);
  install(folder, crypto, { manifest, verified: verified.value, program: PROGRAM, signedBy: ["operator/town"] });
  choose(folder, crypto, OPERATORS);
  writePointer(folder, becomes(readPointer(folder), "because"));
}

const TAKES = { updates: { fromNeighbours: true } };

test("a release that one agent runs comes to another that may take it, and to none that may not", () =>
  onStreet(async ([one, two, three], csms) => {
    const roster = rosterOf([one!, two!, three!].map(({ member }) => member));
    for (const house of [one!, two!, three!]) house.put(roster);
    has(one!, 7, kept);
    await one!.start(csms, {}, fast);
    await two!.start(csms, TAKES, fast);
    await three!.start(csms, {}, fast);
    await until(() => readPointer(releaseFolder(two!.stateDir)).trial !== undefined);
    const { trial } = readPointer(releaseFolder(two!.stateDir));
    assert.is(trial!.fromNeighbours, true);
    assert.equal(new Uint8Array(releaseFolder(two!.stateDir).read(programOf(trial!.release.hash))!), PROGRAM);
    assert.equal(readPointer(releaseFolder(three!.stateDir)).newest, 0);
    const config = join(two!.folder, "kerbwatch.json");
    assert.match((await ran(["update", "status", "--config", config])).out, /on trial  release 7 \(0\.7\.0\)/);
    await two!.stop();
    const logged = entriesOf(two!.stateDir).flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));
    for (const step of [/signed by operator\/town, is offered by CP-001$/, /is fetched from CP-001, 3 pieces/,
      /all of it came from neighbours; it is tried when no car charges$/]) {
      assert.ok(logged.some((text) => step.test(text)), String(step));
    }
  }));

test("one that a neighbour took back is not fetched, and status says who did", () => onStreet(async (houses, csms) => {
  const [one, two, three] = houses;
  const roster = rosterOf([one!, two!, three!].map(({ member }) => member));
  for (const house of houses) house.put(roster);
  has(one!, 7, kept);
  has(three!, 7, takenBack);
  await one!.start(csms, {}, fast);
  await three!.start(csms, {}, fast);
  await two!.start(csms, TAKES, fast);
  await two!.says(/waits: CP-003 of this zone took it back for ill health$/);
  const config = join(two!.folder, "kerbwatch.json");
  const { out } = await ran(["update", "status", "--config", config]);
  assert.match(out, /neighbours release 7 .*waits: CP-003 of this zone took it back for ill health\n/);
  assert.match(out, /\n *0 of its 24581 bytes are here\n/);
  assert.is(readPointer(releaseFolder(two!.stateDir)).newest, 0);
}));
