import { assert, test } from "../build/testing.ts";
import type { StationId } from "../models/units.ts";
import type { Certificate } from "./certificate.ts";
import { type Incidents, lapse, onsetBound, standing, takeCertificate } from "./incidents.ts";

const KEY = 17;

function certificate(epoch: number, name = `${epoch}`): Certificate {
  return {
    name, hash: new Uint8Array(32), epoch, rosterVersion: 1, key: "starts", keyIndex: KEY, onset: epoch - 5, items: [],
    signers: [], whole: new Uint8Array(0), station: "CP-1" as StationId,
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
  for (const [order] of orders) assert.is(after(...order)[0].get(KEY)!.first.epoch, 100, order.join());
  assert.is(after(131, 116, 100)[0].get(KEY)!.newest.epoch, 131);
});

test("one that comes late makes a lapsed incident stand again, under its old name", () => {
  const [incidents] = after(100);
  lapse(incidents, 131);
  assert.is(takeCertificate(incidents, certificate(128), 132)?.change, "renewed");
  const incident = incidents.get(KEY)!;
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
    assert.equal([incidents.get(KEY)!.first.name, incidents.get(KEY)!.newest.name], ["a", "b"]);
  }
});

test("renewal from 15 epochs before the end, by onsets after the last certificate's epoch less 30", () => {
  const [incidents] = after(100);
  const bounds: readonly (readonly [number, number | undefined])[] = [
    [99, undefined], [100, undefined], [114, undefined], [115, 70], [129, 70], [130, 70], [300, 70],
  ];
  for (const [epoch, bound] of bounds) assert.is(onsetBound(incidents, KEY, epoch), bound, `${epoch}`);
  assert.is(onsetBound(incidents, KEY + 1, 100), -1);
  lapse(incidents, 310);
  assert.is(onsetBound(incidents, KEY, 310), 70);
  lapse(incidents, 311);
  assert.is(onsetBound(incidents, KEY, 311), -1);
});

test("what stands: the first and the newest, of this roster", () => {
  const [incidents] = after(100, 115, 120);
  assert.equal(standing(incidents, 1).map(({ epoch }) => epoch), [120, 100]);
  assert.equal(standing(incidents, 2), []);
  lapse(incidents, 150);
  assert.equal(standing(incidents, 1), []);
});
