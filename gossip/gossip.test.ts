import { createHash } from "node:crypto";
import { seeded } from "../build/seeded.ts";
import { assert, test } from "../build/testing.ts";
import type { Crypto } from "../models/crypto.ts";
import { EVIDENCE_KEYS } from "../models/terms.ts";
import type { MonotonicMs, StationId, WallMs, ZoneId } from "../models/units.ts";
import { createGossip, makeStatement, type GossipOptions, type GossipState } from "./gossip.ts";
import { decodeBody, type Statement } from "./statement.ts";

const START = Date.UTC(2026, 2, 2);
const MINUTE = 60;
const HOUR = 3_600;
const crypto: Crypto = {
  sha256: (...parts) => new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest()),
  hmacSha256: () => new Uint8Array(32),
  verify: () => false,
};
const signer = { publicKey: new Uint8Array(32), sign: () => new Uint8Array(64) };
const CHECKPOINT = new Uint8Array(32).fill(3);

function create(options: Partial<GossipOptions> = {}): GossipState {
  return createGossip({
    crypto, signer, network: "example", zone: "zone-1" as ZoneId, station: "CP-1" as StationId, epochS: 10,
    earliest: 0 as WallMs, ...options,
  });
}

interface Moment {
  readonly wallS: number;
  /** Default: as the wall clock. */
  readonly monoS?: number;
  /** Cumulative evidence of every kind, millinats. */
  readonly evidence?: number;
  readonly checkpoint?: Uint8Array | undefined;
}

function state(own: GossipState, moment: Moment): Statement | undefined {
  const { wallS, monoS = wallS, evidence = 0 } = moment;
  const checkpoint = "checkpoint" in moment ? moment.checkpoint : CHECKPOINT;
  const now = { wallMs: (START + wallS * 1_000) as WallMs, monoMs: (1e6 + monoS * 1_000) as MonotonicMs };
  return makeStatement(own, (keys) => keys.map(() => evidence), checkpoint, now);
}

test("one at the start, then on a rise of half a nat, and otherwise once an hour", () => {
  const own = create();
  const told = (moment: Moment): boolean => state(own, moment) !== undefined;
  assert.ok(told({ wallS: 0 }));
  assert.not.ok(told({ wallS: 20, evidence: 499 }));
  assert.ok(told({ wallS: 40, evidence: 500 }));
  assert.not.ok(told({ wallS: 60, evidence: -1e6 }), "quiet can wait");
  assert.not.ok(told({ wallS: 40 + HOUR - 1, evidence: -1e6 }));
  assert.ok(told({ wallS: 40 + HOUR, evidence: -1e6 }));
  assert.ok(told({ wallS: 80 + HOUR, evidence: -1e6 + 500 }), "a rise counts from what was stated");
});

test("it says what is so, and each names the one before", () => {
  const own = create();
  const first = state(own, { wallS: 5, evidence: 12 })!;
  const second = state(own, { wallS: 15, evidence: 900 })!;
  const body = decodeBody(first.bytes)!;
  assert.equal(body, { ...first.body });
  assert.equal([body.network, body.zone, body.station], ["example", "zone-1", "CP-1"]);
  assert.equal([body.seq, body.rosterVersion], [0, 0]);
  assert.equal([body.epoch, body.checkpoint, body.previous], [START / 10_000, CHECKPOINT, new Uint8Array(0)]);
  assert.equal(body.evidence, EVIDENCE_KEYS.map(() => 12));
  assert.equal([second.body.seq, second.body.previous], [1, crypto.sha256(first.bytes)]);
});

test("never two for one epoch, also when the clock jumps back, nor one for an epoch that is over", () => {
  const own = create();
  assert.ok(state(own, { wallS: 105 }));
  for (const wallS of [105, 109.999, 100, 95, 0, -1e6]) {
    assert.is(state(own, { wallS, monoS: 9e6, evidence: 1e6 }), undefined, `${wallS}`);
  }
  assert.ok(state(own, { wallS: 110, evidence: 1e6 }));
});

test("property: whatever clock and restarts do, epochs and sequence numbers only rise", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    let own = create();
    let last: Statement | undefined;
    for (let step = 0; step < 200; step++) {
      const wallS = random.int(4) === 0 ? random.int(5_000) : step * 20 + random.int(30);
      const told = state(own, { wallS, monoS: step, evidence: random.int(1e6) });
      if (told !== undefined && last !== undefined) {
        assert.ok(told.body.epoch > last.body.epoch, `seed ${seed}`);
        assert.is(told.body.seq, last.body.seq + 1);
        assert.equal(told.body.previous, crypto.sha256(last.bytes));
      }
      last = told ?? last;
      if (random.int(10) === 0) {
        own = create(last === undefined ? {} : { last: { body: decodeBody(last.bytes)!, bytes: last.bytes } });
      }
    }
  }
});

test("a clock that was never set states nothing, nor one that is off by centuries", () => {
  const earliest = (START - 1_000) as WallMs;
  const own = create({ earliest });
  assert.is(state(own, { wallS: -2 }), undefined);
  assert.is(state(own, { wallS: 1e12 }), undefined);
  assert.ok(state(own, { wallS: -1 }));
});

test("nothing when the log may not be signed any more; an agent without a checkpoint yet may", () => {
  const own = create();
  assert.is(state(own, { wallS: 0, checkpoint: undefined }), undefined);
  assert.is(own.seq, 0);
  assert.ok(state(own, { wallS: 0, checkpoint: new Uint8Array(0) }));
  assert.is(state(own, { wallS: 10 * MINUTE, evidence: 1e6, checkpoint: undefined }), undefined);
});
