import { assert, test } from "../../build/testing.ts";
import { nodeCrypto } from "../adapters/crypto.ts";
import { alertWith } from "../adapters/outlets/outlets.testing.ts";
import { before, createTurns, due, isTurn, type Teller } from "./turns.ts";

const crypto = nodeCrypto();
const NAMES = Array.from({ length: 7 }, (_, n) => `CP-00${n + 1}`);
const EPOCH = 1_000;
const allHeard = (heard = EPOCH): Teller[] => NAMES.map((station) => ({ station, heard }));
const idOf = (n: number): string => n.toString(16).padStart(64, "0");

test("one member tells each incident, whichever asks, and the work goes round", () => {
  const told = new Map<string, number>();
  for (let n = 0; n < 700; n += 1) {
    const alert = alertWith({ incidentId: idOf(n) });
    const tellers = NAMES.filter((own) => isTurn(createTurns(crypto), alert, allHeard(), own, EPOCH));
    assert.is(tellers.length, 1);
    told.set(tellers[0]!, (told.get(tellers[0]!) ?? 0) + 1);
  }
  assert.ok(NAMES.every((name) => (told.get(name) ?? 0) > 60), JSON.stringify([...told]));
});

test("who is known to be silent is passed over at once", () => {
  const alert = alertWith({ incidentId: idOf(1) });
  const order = [...NAMES].sort((a, b) =>
    before(crypto, alert.incidentId, allHeard(), a).length - before(crypto, alert.incidentId, allHeard(), b).length);
  const members = allHeard().map((one) => (one.station === order[0] ? { ...one, heard: EPOCH - 3 } : one));
  assert.equal(NAMES.filter((own) => own !== order[0] && isTurn(createTurns(crypto), alert, members, own, EPOCH)),
    [order[1]]);
});

test("when the one whose turn it was falls silent, the next tells it after three epochs, and nobody else", () => {
  const alert = alertWith({ incidentId: idOf(2) });
  const first = NAMES.find((own) => before(crypto, alert.incidentId, allHeard(), own).length === 0)!;
  const others = NAMES.filter((own) => own !== first);
  const turns = new Map(others.map((own) => [own, createTurns(crypto)]));
  for (const own of others) assert.not.ok(isTurn(turns.get(own)!, alert, allHeard(), own, EPOCH));
  const told: string[] = [];
  for (let epoch = EPOCH + 1; epoch < EPOCH + 20; epoch += 1) {
    const members = allHeard(epoch).map((one) => (one.station === first ? { ...one, heard: EPOCH } : one));
    for (const own of others) told.push(...due(turns.get(own)!, members, own, epoch).map(() => `${own} ${epoch}`));
  }
  assert.is(told.length, 1);
  assert.match(told[0]!, / 1004$/);
});

test("while it goes on making statements nobody else tells it, and nothing is kept", () => {
  const alert = alertWith({ incidentId: idOf(3) });
  for (const own of NAMES) {
    const turns = createTurns(crypto);
    if (isTurn(turns, alert, allHeard(), own, EPOCH)) continue;
    for (let epoch = EPOCH + 1; epoch < EPOCH + 9; epoch += 1) {
      assert.equal(due(turns, allHeard(epoch), own, epoch), []);
    }
    assert.equal(turns.held, []);
  }
});

test("what waits is bounded", () => {
  const turns = createTurns(crypto);
  for (let n = 0; n < 5_000; n += 1) isTurn(turns, alertWith({ incidentId: idOf(n) }), allHeard(), NAMES[0]!, EPOCH);
  assert.is(turns.held.length, 64);
});
