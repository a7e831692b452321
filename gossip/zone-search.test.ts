/** The search over what an agent really holds, with everything that makes it cheap, against the naive one. */
import { seeded, type Seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { nodeCrypto } from "../edge-agent/adapters/crypto.ts";
import { createFloor, lowerFloor, raiseFloor } from "../models/agree/floor.ts";
import { naiveSearch } from "../models/agree/zone-decision.reference.ts";
import { searchRaises } from "../models/agree/zone-decision.ts";
import { zoneThreshold } from "../models/agree/zone-laws.ts";
import type { Signer } from "../models/crypto.ts";
import { type EvidenceKey, EVIDENCE_KEYS } from "../models/terms.ts";
import type { Epoch, StationId, ZoneId } from "../models/units.ts";
import type { Directory } from "./directory.ts";
import { messageOfStatement, type MessageOf } from "./message.ts";
import { namesOf } from "./reading.ts";
import { signStatement } from "./statement.ts";
import {
  addStatement, createZoneView, historyOf, oldestHeld, pruneView, reseat, setGuilty, type ZoneView,
} from "./zone-view.ts";

const crypto = nodeCrypto();
const MOST = 2_000_000_000;
/** One of each manner: summed, with a mean to reach, with another clip. */
const KEYS: readonly EvidenceKey[] = ["starts", "remote-command-abuse", "setpoint-step"];

interface Author {
  readonly station: StationId;
  readonly values: number[];
  seq: number;
}

function directoryOf(authors: readonly Author[], f: number, version: number): Directory {
  return {
    network: "example", version, epochS: 10, zone: { id: "feeder-7" as ZoneId, f },
    members: authors.map(({ station }) => ({ station, statementKey: new TextEncoder().encode(station) })),
    indexOf: (station) => authors.findIndex((author) => author.station === station),
  };
}

/** Quiet decay, rises that all share, single jumps, and now and then a value at the edge of what can be said. */
function live(author: Author, dice: Seeded, isRising: boolean): void {
  for (const key of KEYS) {
    const at = EVIDENCE_KEYS.indexOf(key);
    const step = dice.int(40) === 0 ? dice.int(30_000) : isRising ? dice.int(2_500) : -dice.int(300);
    const value = (author.values[at] as number) + step;
    author.values[at] = dice.int(400) === 0 ? dice.pick([-MOST, MOST, 0]) : Math.max(-MOST, Math.min(MOST, value));
  }
}

const SIGNER: Signer = { publicKey: new Uint8Array(32), sign: () => new Uint8Array(64) };

/** @param length a list that is too short counts as 0 beyond its end, one that is too long as if it ended */
function stated({ station, values, seq }: Author, epoch: number, length: number): MessageOf<"statement"> {
  return messageOfStatement(signStatement({
    network: "example", zone: "feeder-7", station, epoch: epoch as Epoch, seq, previous: new Uint8Array(0),
    rosterVersion: 1, evidence: Array.from({ length }, (_, key) => values[key] ?? 7), checkpoint: new Uint8Array(0),
  }, SIGNER));
}

function isOverItsFloor({ statements, floor }: ZoneView["members"][number]): boolean {
  return statements.every(({ evidence }) => floor.values.every((value, key) => value <= (evidence[key] ?? 0)));
}

test("through gaps, late statements, guilt, new rosters and extreme values the search finds what the naive one does",
  () => {
    const dice = seeded(11);
    let [raised, quiet] = [0, 0];
    for (let round = 0; round < 4; round++) {
      const f = dice.int(2);
      let authors = Array.from({ length: 3 * f + 2 + dice.int(3) }, (_, i): Author =>
        ({ station: `CP-${i}` as StationId, values: EVIDENCE_KEYS.map(() => 0), seq: 0 }));
      let view = createZoneView(directoryOf(authors, f, 1));
      const late: (() => void)[] = [];
      for (let epoch = 1_000; epoch < 1_420; epoch++) {
        const isRising = epoch % 140 > 110;
        if (epoch % 100 === 50) {
          authors = [...authors].reverse();
          view = reseat(view, directoryOf(authors, f, epoch));
        }
        authors.forEach((author) => {
          live(author, dice, isRising);
          author.seq += 1;
          if (dice.int(8) === 0) return;
          const message = stated(author, epoch, dice.pick([EVIDENCE_KEYS.length, EVIDENCE_KEYS.length, 40, 20]));
          const add = (): void => {
            addStatement(view, authors.indexOf(author), message, namesOf(message.bytes, crypto));
          };
          if (dice.int(6) === 0) late.push(add);
          else add();
        });
        while (late.length > 3) late.splice(dice.int(late.length), 1)[0]!();
        if (epoch === 1_300) setGuilty(view, 0, { station: authors[0]!.station, whole: new Uint8Array(1) });
        pruneView(view, epoch);
        if (epoch % 5 > 0) continue;
        assert.ok(view.members.every(isOverItsFloor), `${round} ${epoch}`);
        const zone = historyOf(view, f, epoch);
        const found = searchRaises(zone);
        assert.ok(found.every(({ key }) => KEYS.includes(key)));
        for (const key of KEYS) {
          const naive = naiveSearch(zone, key);
          const least = zoneThreshold(key, zone);
          const sum = found.find((one) => one.key === key)?.decision.sum;
          assert.is(sum, naive !== undefined && naive.sum >= least ? naive.sum : undefined, `${round} ${epoch} ${key}`);
          if (sum === undefined) quiet += 1;
          else raised += 1;
        }
        const after = historyOf(view, f, epoch, epoch - 20);
        const bare = { ...after, members: after.members.map(({ floor: _, ...member }) => member) };
        assert.equal(searchRaises(after, KEYS), searchRaises(bare, KEYS), `${round} ${epoch}: later onsets alone`);
      }
    }
    assert.ok(raised > 200 && quiet > 200, `${raised} raised, ${quiet} did not`);
  });

test("the floor is under everything that is held, and forgets what is long gone", () => {
  const dice = seeded(12);
  const floor = createFloor();
  const held = new Map<number, number[]>();
  for (let epoch = 0; epoch < 2_000; epoch++) {
    const evidence = EVIDENCE_KEYS.map(() => (epoch < 1_000 ? -MOST : 0) + dice.int(MOST));
    const at = epoch - dice.int(5);
    held.set(at, evidence);
    lowerFloor(floor, at, evidence);
    raiseFloor(floor, oldestHeld(epoch));
    for (const one of held.keys()) if (one < oldestHeld(epoch)) held.delete(one);
    const lowest = Math.min(...[...held.values()].map(([value]) => value as number));
    assert.ok(floor.values[0]! <= lowest, `${epoch}`);
    assert.ok(floor.blocks.size <= 8, `${floor.blocks.size}`);
  }
  assert.ok(floor.values.every((value) => value >= 0), "the lows of the first thousand are forgotten");
});

test("only the keys that are asked for are looked at", () => {
  const statements = [0, 1].map((at) => ({ epoch: 998 + at, evidence: EVIDENCE_KEYS.map(() => at * 12_000) }));
  const zone = { n: 4, f: 1, epoch: 1_000, members: Array.from({ length: 4 }, () => ({ statements })) };
  assert.ok(searchRaises(zone).length > 3);
  assert.equal(searchRaises(zone, ["stops"]).map(({ key }) => key), ["stops"]);
  assert.equal(searchRaises(zone, []), []);
});
