/** The roster's file, replaced by better and worse ones while an agent runs, and between two runs. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { encodeRoster, type Member, type Roster } from "../../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../../gossip/roster-file.ts";
import type { Signer } from "../../models/crypto.ts";
import type { Epoch, StationId, ZoneId } from "../../models/units.ts";
import { type Config } from "../config.ts";
import { formatOperatorKey } from "../operators.ts";
import { writeConfig } from "../agent.testing.ts";
import { loadConfig } from "./config-file.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "./crypto.ts";
import { type FollowedRoster, openRoster } from "./followed-roster.ts";
import { type DeviceKeys, loadOrCreateKeys } from "./keys.ts";

const crypto = nodeCrypto();
const signerOf = (fill: number): Signer => signerFromSeed(new Uint8Array(32).fill(fill));
const [operator, stranger] = [signerOf(7), signerOf(9)];
const ZONE = "street" as ZoneId;

class House {
  readonly folder = mkdtempSync(join(tmpdir(), "kerbwatch-roster-"));
  readonly path = join(this.folder, "roster.kw");
  readonly notices: string[] = [];
  readonly config: Config;
  readonly keys: DeviceKeys;
  readonly first: Roster;
  last: Roster;

  constructor() {
    const file = writeConfig(this.folder, {
      csms: "ws://127.0.0.1:9", mesh: { roster: "roster.kw" },
      operators: { threshold: 1, keys: [formatOperatorKey(crypto, { label: "town", publicKey: operator.publicKey })] },
    });
    mkdirSync(join(this.folder, "state"), { recursive: true });
    this.config = loadConfig(file, {});
    this.keys = loadOrCreateKeys(this.config.stateDir, systemRandom);
    this.first = {
      network: "town", version: 1, previous: new Uint8Array(0), fromEpoch: 0 as Epoch, epochS: 1, threshold: 1,
      operators: [operator.publicKey], zones: [{ id: ZONE, ratingW: 0, f: 0 }], members: [this.own(), other(2)],
      revoked: [], events: [],
    };
    this.last = this.first;
  }

  own(more: Partial<Member> = {}): Member {
    const { statement, log, witness, tls } = this.keys.signers;
    return {
      station: "CP-001" as StationId, zone: ZONE, address: "", latE6: 0, lonE6: 0, ratedW: 0, keys: {
        statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey, tls: tls.publicKey,
      }, ...more,
    };
  }

  next(more: Partial<Roster> = {}): Roster {
    this.last = {
      ...this.last, version: this.last.version + 1, previous: rosterHash(crypto, encodeRoster(this.last)), ...more,
    };
    return this.last;
  }

  /** As an operator should: in one step. */
  put(file: Uint8Array): void {
    writeFileSync(`${this.path}.new`, file);
    renameSync(`${this.path}.new`, this.path);
  }

  open(epoch = 0): ReturnType<typeof openRoster> {
    this.notices.length = 0;
    const { keys, notices } = this;
    return openRoster(this.config, { crypto, keys, notice: (text) => notices.push(text) }, epoch);
  }

  /** What is said at looking, some epochs long. */
  looks(followed: FollowedRoster, epoch = 0): string[] {
    this.notices.length = 0;
    for (let again = 0; again < 5; again++) followed.look(epoch);
    return [...this.notices];
  }
}

const key = (fill: number): Uint8Array => signerOf(fill).publicKey;
const other = (i: number, zone = ZONE): Member => ({
  station: `CP-00${i}` as StationId, zone, address: "", latE6: 0, lonE6: 0, ratedW: 0,
  keys: { statement: key(10 * i), log: key(10 * i + 1), witness: key(10 * i + 2), tls: key(10 * i + 3) },
});

function fileOf(roster: Roster, ...signers: Signer[]): Uint8Array {
  const bytes = encodeRoster(roster);
  return encodeRosterFile({ bytes, signatures: signers.map((signer) => signRoster(bytes, signer)) });
}

function inHouse(use: (house: House, started: () => FollowedRoster) => void): void {
  const house = new House();
  try {
    house.put(fileOf(house.first, operator));
    use(house, () => house.open()!.followed);
  } finally {
    rmSync(house.folder, { recursive: true, force: true });
  }
}

test("a version that follows comes into force, with its epoch, and is kept", () => inHouse((house, started) => {
  const followed = started();
  assert.equal(house.looks(followed), []);
  house.put(fileOf(house.next({ members: [house.own(), other(2), other(3)] }), operator));
  assert.equal(house.looks(followed), []);
  const taken = followed.takeForce(0);
  assert.equal([taken?.roster.version, taken?.before.version, taken?.member?.station], [2, 1, "CP-001"]);
  assert.equal(readFileSync(join(house.config.stateDir, "roster.kw")), readFileSync(house.path));
  house.put(fileOf(house.next({ fromEpoch: 1_700_000_000 as Epoch }), operator));
  assert.equal(house.looks(followed, 1_600_000_000),
    ["roster: version 3 is good and counts from 2023-11-14T22:13:20.000Z"]);
  assert.is(followed.takeForce(1_699_999_999), undefined);
  assert.is(followed.takeForce(1_700_000_000)?.roster.version, 3);
}));

test("what does not follow is said once, with the file and the place, and the one in force goes on", () =>
  inHouse((house, started) => {
    const followed = started();
    const bad: readonly (readonly [() => void, RegExp])[] = [
      [() => house.put(new Uint8Array(40)), /roster\.kw: roster file: .*version 1, the one in force, goes on$/],
      [() => house.put(fileOf({ ...house.next(), previous: new Uint8Array(32) }, operator)), /previous: found/],
      [() => house.put(fileOf({ ...house.first, version: 2 }, stranger)), /found 0 good signatures.*not trusted/],
      [() => house.put(fileOf({ ...house.first, network: "other" }, operator)), /network: found other/],
      [() => rmSync(house.path), /no such file/],
      [() => mkdirSync(house.path), /no regular file/],
    ];
    for (const [replace, says] of bad) {
      replace();
      const said = house.looks(followed);
      assert.is(said.length, 1, says.source);
      assert.match(said[0]!, /^mesh\.roster: /);
      assert.match(said[0]!, says);
      assert.is(followed.takeForce(9), undefined);
      assert.is(followed.chain.inForce.roster.version, 1);
    }
    rmSync(house.path, { recursive: true });
    house.put(fileOf(house.first, operator));
    assert.equal(house.looks(followed), [], "as it was");
    house.last = house.first;
    house.put(fileOf(house.next(), operator));
    house.looks(followed);
    assert.is(followed.takeForce(0)?.roster.version, 2);
    house.put(fileOf(house.first, operator));
    assert.match(house.looks(followed).join(), /version: found 1; allowed: 3, the next one/);
  }));

test("two of one version: said, and a fork until a later one counts", () => inHouse((house, started) => {
  const followed = started();
  house.put(fileOf({ ...house.first, members: [house.own()] }, operator));
  assert.match(house.looks(followed).join("|"), /^mesh\.roster: .*two rosters of version 1: .*nothing is certified/);
  assert.ok(followed.chain.isForked);
  house.put(fileOf(house.next(), operator));
  house.looks(followed);
  followed.takeForce(0);
  assert.not(followed.chain.isForked);
}));

test("who is not listed, or with other keys, is told why", () => inHouse((house, started) => {
  const followed = started();
  house.put(fileOf(house.next({ members: [other(2)] }), operator));
  house.looks(followed);
  const gone = followed.takeForce(0)!;
  assert.equal([gone.member, gone.problem], [undefined, "version 2 has no member CP-001; have it enrolled"]);
  house.put(fileOf(house.next({ members: [house.own({ keys: other(3).keys }), other(2)] }), operator));
  house.looks(followed);
  assert.match(followed.takeForce(0)!.problem ?? "", /^the statement key of CP-001 is not this device's; put back/);
  house.put(fileOf(house.next({ members: [house.own(), other(2)] }), operator));
  house.looks(followed);
  assert.is(followed.takeForce(0)!.problem, undefined);
}));

test("the first start needs a good file that lists the station", () => {
  for (const [file, says] of [
    [new Uint8Array(9), /^mesh\.roster: \S+roster\.kw: roster file/], [undefined, /no such file/],
    ["stranger", /found 0 good signatures/], ["gone", /has no member CP-001; have it enrolled/],
  ] as const) {
    inHouse((house) => {
      if (file === undefined) rmSync(house.path);
      else if (file === "stranger") house.put(fileOf(house.first, stranger));
      else if (file === "gone") house.put(fileOf({ ...house.first, members: [other(2)] }, operator));
      else house.put(file);
      assert.throws(() => house.open(), (error: Error) => says.test(error.message));
      assert.not(existsSync(join(house.config.stateDir, "roster.kw")));
    });
  }
});

test("at a later start whatever is wrong with the file, the charger's agent runs", () => inHouse((house, started) => {
  started();
  const second = house.next();
  house.put(fileOf(second, operator));
  assert.is(house.open()!.followed.chain.inForce.roster.version, 2, "what came meanwhile");
  const versions = (): (number | undefined)[] => {
    const { followed, membership } = house.open()!;
    return [followed.chain.inForce.roster.version, membership?.roster.version, house.notices.length];
  };
  for (const file of [new Uint8Array(9), fileOf(house.first, operator), fileOf(house.next(), stranger)]) {
    house.put(file);
    assert.equal(versions(), [2, 2, 1]);
  }
  rmSync(house.path);
  assert.equal(versions(), [2, 2, 1]);
  house.put(fileOf({ ...second, members: [house.own()] }, operator));
  assert.ok(house.open()!.followed.chain.isForked);
  assert.match(house.notices.join(), /two rosters of version 2/);
  // The same trouble is not said again by looking.
  assert.equal(house.looks(house.open()!.followed), []);
}));

test("at a later start versions that were missed are no hindrance, and neither is another network", () => {
  inHouse((house, started) => {
    started();
    house.next();
    house.next();
    house.put(fileOf(house.next(), operator));
    assert.is(house.open()!.membership?.roster.version, 4);
    house.put(fileOf({ ...house.first, network: "village" }, operator));
    assert.equal([house.open()!.membership?.roster.network, house.notices.length], ["village", 0]);
    assert.is(house.open()!.followed.chain.inForce.roster.network, "village", "and is kept");
  });
});

test("at a later start: to come, listed no more, and a kept one that is damaged", () => inHouse((house, started) => {
  started();
  house.put(fileOf(house.next({ fromEpoch: 50 as Epoch }), operator));
  assert.is(house.open(49)!.membership?.roster.version, 1);
  assert.match(house.notices.join(), /version 2 is good and counts from/);
  assert.is(house.open(50)!.membership?.roster.version, 2);
  house.put(fileOf(house.next({ members: [other(2)] }), operator));
  const alone = house.open(50)!;
  assert.equal([alone.membership, alone.followed.chain.inForce.roster.version], [undefined, 3]);
  assert.match(house.notices.join(), /^roster: version 3 has no member CP-001; have it enrolled; watches alone$/);
  writeFileSync(join(house.config.stateDir, "roster.kw"), new Uint8Array(7));
  assert.throws(() => house.open(50), /has no member/);
  house.put(fileOf(house.first, operator));
  assert.is(house.open(50)!.membership?.roster.version, 1, "as at a first start");
  assert.match(house.notices.join(), /^roster: \S+: damaged; begins with mesh\.roster/);
  assert.equal([house.open(50)!.membership?.roster.version, house.notices.length], [1, 0], "and is whole again");
}));
