/**
 * Power cuts at every moment of an update's life. The disk is the worst that POSIX allows: content that was not synced
 * may be gone, cut, zero or rubbish; a name that was not synced may be the old or the new, each name by itself.
 */
import { assert, test } from "../../build/testing.ts";
import { choose, install, programOf, readPointer, writePointer } from "./install.ts";
import { kept, rolledBack, takenBack, withdrawn } from "./pointer.ts";
import { candidateOf, keepManifest, keepPiece, keptCandidate, piecesHere, type Shelf, wholeProgram } from "./shelf.ts";
import {
  crypto, Disk, incomingOf, NAMED, OPERATORS, PowerCut, programText, remains, releaseOf, signedRelease,
} from "./update.testing.ts";

/** What a start runs: the program's text, or `by hand`. Throws when it would run what is not whole. */
function started(state: ReadonlyMap<string, Uint8Array>): string {
  const disk = new Disk(Infinity, state);
  const { release } = choose(disk, crypto, OPERATORS);
  if (release === undefined) return "by hand";
  const program = disk.read(programOf(release.hash));
  assert.equal(program, programText(release.sequence), "a program that is not whole");
  return `release ${release.sequence}`;
}

interface Story {
  readonly name: string;
  /** What is there before, made without power cuts. */
  readonly before: (disk: Disk) => void;
  readonly does: (disk: Disk) => void;
  readonly allowed: readonly string[];
  /** What runs when nothing is cut. */
  readonly ends: string;
}

const installed = (sequence: number) => (disk: Disk): void => assert.ok(install(disk, crypto, incomingOf(sequence)).ok);
const keep = (disk: Disk): void => writePointer(disk, kept(readPointer(disk), "healthy"));
const running = (sequence: number) => (disk: Disk): void => {
  installed(sequence)(disk);
  choose(disk, crypto, OPERATORS);
  keep(disk);
};

/** What fetching a release from neighbours does to the disk, whatever of it is there already (fetching.ts). */
function fetched(sequence: number): (disk: Shelf) => void {
  const offered = candidateOf(crypto, NAMED, signedRelease(releaseOf(sequence)))!;
  const program = programText(sequence);
  return (disk) => {
    if (readPointer(disk).newest >= sequence) return;
    const candidate = keptCandidate(disk, readPointer(disk), crypto, NAMED) ?? offered;
    if (candidate === offered) keepManifest(disk, readPointer(disk), offered);
    if (piecesHere(disk, candidate) === 0) keepPiece(disk, candidate, 0, program);
    let whole = wholeProgram(disk, crypto, candidate);
    if (whole === undefined) {
      keepPiece(disk, candidate, 0, program);
      whole = wholeProgram(disk, crypto, candidate)!;
    }
    const { manifest, verified, signedBy } = candidate;
    assert.ok(install(disk, crypto, { manifest, verified, program: whole, signedBy, fromNeighbours: true }).ok);
  };
}

const STORIES: readonly Story[] = [
  { name: "a release from neighbours, from its manifest to its trial", before: running(1), does: fetched(2),
    allowed: ["release 1", "release 2"], ends: "release 2" },
  { name: "the withdrawal of what came from neighbours", before: (disk) => { running(1)(disk); fetched(2)(disk); },
    does: (disk) => writePointer(disk, withdrawn(readPointer(disk), "found ill")),
    allowed: ["release 1", "release 2"], ends: "release 1" },
  { name: "the first installation", before: () => undefined, does: installed(1), allowed: ["by hand", "release 1"],
    ends: "release 1" },
  { name: "an installation beside a running release", before: running(1), does: installed(2),
    allowed: ["release 1", "release 2"], ends: "release 2" },
  { name: "an installation in the place of a trial",
    before: (disk) => { running(1)(disk); installed(2)(disk); }, does: installed(3),
    allowed: ["release 1", "release 2", "release 3"], ends: "release 3" },
  { name: "the start of a trial", before: (disk) => { running(1)(disk); installed(2)(disk); },
    does: (disk) => void choose(disk, crypto, OPERATORS), allowed: ["release 2"], ends: "release 2" },
  { name: "the keeping of a trial",
    before: (disk) => { running(1)(disk); installed(2)(disk); choose(disk, crypto, OPERATORS); }, does: keep,
    allowed: ["release 2"], ends: "release 2" },
  { name: "the taking back of a trial",
    before: (disk) => { running(1)(disk); installed(2)(disk); choose(disk, crypto, OPERATORS); },
    does: (disk) => writePointer(disk, takenBack(readPointer(disk), "no frames")),
    allowed: ["release 1", "release 2"], ends: "release 1" },
  { name: "a roll-back by hand", before: (disk) => { running(1)(disk); running(2)(disk); },
    does: (disk) => writePointer(disk, rolledBack(readPointer(disk))),
    allowed: ["release 1", "release 2"], ends: "release 1" },
];

let states = 0;
for (const { name, before, does, allowed, ends } of STORIES) {
  test(`power cut at every step of ${name}: the old or the new runs, whole`, () => {
    const first = new Disk(Infinity);
    before(first);
    const from = new Map([...first.names].map(([file, { content }]) => [file, content] as const));
    const seen = new Set<string>();
    for (let cutAt = 0; ; cutAt++) {
      const disk = new Disk(cutAt, from);
      let cut = false;
      try {
        does(disk);
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
        cut = true;
      }
      for (const state of remains(disk)) {
        states += 1;
        const runs = started(state);
        seen.add(runs);
        assert.ok(allowed.includes(runs), `cut at ${cutAt}: ${runs}`);
        // Once it is done, no power cut undoes it.
        if (!cut) assert.is(runs, ends);
      }
      if (!cut) break;
    }
    assert.ok(seen.has(ends));
  });
}

test("wherever the power is cut while a release comes from neighbours, it comes whole in the end", () => {
  const first = new Disk(Infinity);
  running(1)(first);
  const from = new Map([...first.names].map(([file, { content }]) => [file, content] as const));
  for (let cutAt = 0; ; cutAt++) {
    const disk = new Disk(cutAt, from);
    let cut = false;
    try {
      fetched(2)(disk);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      cut = true;
    }
    for (const state of remains(disk)) {
      states += 1;
      const again = new Disk(Infinity, state);
      fetched(2)(again);
      assert.is(started(new Map([...again.names].map(([file, { content }]) => [file, content]))), "release 2");
    }
    if (!cut) break;
  }
});

test("the power cuts above were many", () => {
  assert.ok(states > 240, `${states} states`);
  console.log(`${states} states of the disk`);
});
