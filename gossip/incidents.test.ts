import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { StationId, ZoneId } from "../models/units.ts";
import type { Certificate } from "./certificate.ts";
import { incidentOf, type Incidents, lapse, MOST_BETWEEN, onsetBound, standing, takeCertificate } from "./incidents.ts";

/** `starts`, and the number of `load-manipulation`. */
const KEY = 17;
const LOAD = 5;
const POWER_STEP = EVIDENCE_KEYS.indexOf("power-step");
const REFUSALS = EVIDENCE_KEYS.indexOf("refusals");

function certificate(epoch: number, name = `${epoch}`, keyIndex = KEY): Certificate {
  return {
    name, hash: new Uint8Array(32), epoch, zone: "feeder-7" as ZoneId, rosterVersion: 1,
    key: EVIDENCE_KEYS[keyIndex]!, keyIndex, onset: epoch - 5, items: [], signers: [],
    whole: new Uint8Array(0), station: "CP-1" as StationId,
  };
}

/** The incident after certificates came in this order, and what each changed. */
function after(...epochs: readonly number[]): readonly [Incidents, (string | undefined)[]] {
  const incidents: Incidents = new Map();
  const changes = epochs.map((epoch) => takeCertificate(incidents, certificate(epoch), epoch)?.change);
  return [incidents, changes];
}

test("a lease is 30 epochs from the certificate's, told once when it ends, and renewals prolong it", () => {
  const [incidents] = after(100);
  assert.equal(lapse(incidents, 129), []);
  assert.is(lapse(incidents, 130).length, 1);
  assert.equal(lapse(incidents, 131), []);
  const [renewed] = after(100, 120);
  assert.equal(lapse(renewed, 149), []);
  assert.is(lapse(renewed, 150)[0]?.first.epoch, 100);
});

test("in whatever order certificates come, the incident is named by the first", () => {
  const orders: readonly (readonly [number[], (string | undefined)[]])[] = [
    [[100, 116, 131], ["new", "renewed", "renewed"]], [[131, 116, 100], ["new", "earlier", "earlier"]],
    [[116, 131, 100], ["new", "renewed", "earlier"]], [[100, 131, 116], ["new", "new", "earlier"]],
    [[100, 120, 110], ["new", "renewed", "further"]],
  ];
  for (const [order, expected] of orders) assert.equal(after(...order)[1], expected, order.join());
  for (const [order] of orders) assert.is(after(...order)[0].get(LOAD)!.first.epoch, 100, order.join());
  assert.is(after(131, 116, 100)[0].get(LOAD)!.newest.epoch, 131);
});

test("one that comes late makes a lapsed incident stand again, under its old name", () => {
  const [incidents] = after(100);
  lapse(incidents, 131);
  assert.is(takeCertificate(incidents, certificate(128), 132)?.change, "renewed");
  const incident = incidentOf(incidents, KEY)!;
  assert.equal([incident.lapsed, incident.first.epoch], [false, 100]);
});

test("what is more than a lease before the incident that is known is told nobody", () => {
  const [incidents] = after(200);
  assert.is(takeCertificate(incidents, certificate(170), 201), undefined);
  assert.is(takeCertificate(incidents, certificate(171), 201)?.change, "earlier");
});

test("two of one epoch are ordered alike by everyone", () => {
  for (const names of [["a", "b"], ["b", "a"]]) {
    const incidents: Incidents = new Map();
    for (const name of names) takeCertificate(incidents, certificate(100, name), 100);
    assert.equal([incidentOf(incidents, KEY)!.first.name, incidentOf(incidents, KEY)!.newest.name], ["a", "b"]);
  }
});

test("renewal from 15 epochs before the end, by onsets after the last certificate's epoch less 30", () => {
  const [incidents] = after(100);
  const bounds: readonly (readonly [number, number | undefined])[] = [
    [99, undefined], [100, undefined], [114, undefined], [115, 70], [129, 70], [130, 70], [300, 70],
  ];
  for (const [epoch, bound] of bounds) assert.is(onsetBound(incidents, KEY, epoch), bound, `${epoch}`);
  assert.is(onsetBound(incidents, REFUSALS, 100), -1);
  for (const [epoch, bound] of bounds) assert.is(onsetBound(incidents, POWER_STEP, epoch), bound, `power, ${epoch}`);
  lapse(incidents, 310);
  assert.is(onsetBound(incidents, KEY, 310), 70);
  lapse(incidents, 311);
  assert.is(onsetBound(incidents, KEY, 311), -1);
});

test("what stands: the first and the newest, then those between; of this roster", () => {
  const [incidents] = after(100, 115, 120, 130);
  assert.equal(standing(incidents, 1).map(({ epoch }) => epoch), [130, 100, 120, 115]);
  takeCertificate(incidents, certificate(125, "125", REFUSALS), 125);
  assert.equal(standing(incidents, 1).map(({ epoch }) => epoch), [130, 100, 125, 120, 115]);
  assert.equal(standing(incidents, 2), []);
  lapse(incidents, 160);
  assert.equal(standing(incidents, 1), []);
});

test("a certificate that is held changes nothing a second time, wherever it stands", () => {
  const [incidents] = after(100, 115, 130, 145, 120);
  const before = JSON.stringify([...incidents]);
  for (const epoch of [100, 115, 120, 130, 145]) {
    assert.is(takeCertificate(incidents, certificate(epoch), 150), undefined, `${epoch}`);
  }
  assert.is(JSON.stringify([...incidents]), before);
});

test("of a long incident the last eight between are kept, in whatever order they come; none older", () => {
  const epochs = Array.from({ length: 30 }, (_, i) => 100 + 14 * i);
  const [incidents] = after(...epochs.filter((_, i) => i % 3 !== 1));
  for (const epoch of epochs.toReversed()) takeCertificate(incidents, certificate(epoch), 510);
  const incident = incidentOf(incidents, KEY)!;
  assert.equal([incident.first.epoch, incident.newest.epoch], [100, 506]);
  assert.equal(incident.between.map(({ epoch }) => epoch), epochs.slice(-1 - MOST_BETWEEN, -1));
  assert.is(takeCertificate(incidents, certificate(248), 510), undefined);
});

test("a lease that is over begins no incident: a certificate that somebody kept is not told again", () => {
  const incidents: Incidents = new Map();
  assert.is(takeCertificate(incidents, certificate(100), 130), undefined);
  assert.is(takeCertificate(incidents, certificate(100), 129)?.change, "new");
  lapse(incidents, 130);
  assert.is(takeCertificate(incidents, certificate(140), 170), undefined);
  assert.is(incidentOf(incidents, KEY)!.newest.epoch, 100);
});

test("one that joins two incidents makes the first of both the first, and the others stay", () => {
  const [incidents] = after(100, 115, 145, 160);
  assert.is(takeCertificate(incidents, certificate(130), 160)?.change, "earlier");
  const { first, newest, between } = incidentOf(incidents, KEY)!;
  assert.equal([first, ...between, newest].map(({ epoch }) => epoch), [100, 115, 130, 145, 160]);
  assert.is(takeCertificate(incidents, certificate(90), 160)?.change, "earlier");
  assert.is(incidentOf(incidents, KEY)!.first.epoch, 90);
});

test("keys of one threat are one incident, in whatever order their certificates come: named by the earliest", () => {
  const all = [
    certificate(100, "a", POWER_STEP), certificate(101, "b"), certificate(116, "c", LOAD), certificate(131, "d"),
    certificate(131, "e", REFUSALS),
  ];
  const random = seeded(4);
  for (let round = 0; round < 100; round++) {
    const incidents: Incidents = new Map();
    // What fits nothing yet is asked for again, as by digest.
    for (let again = 0; again < 3; again++) {
      const left = [...all];
      while (left.length > 0) takeCertificate(incidents, left.splice(random.int(left.length), 1)[0]!, 131);
    }
    const { first, newest, between } = incidentOf(incidents, POWER_STEP)!;
    assert.equal([first, ...between, newest].map(({ name }) => name).join(""), "abcd", `${round}`);
    assert.equal([...incidents.keys()].sort(), [0, LOAD]);
  }
});
