/** Real agents whose roster file is replaced: who is a member of the street changes, and no charger notices. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { encodeRoster, type Member, type Roster } from "../gossip/roster.ts";
import { encodeRosterFile, rosterHash, signRoster } from "../gossip/roster-file.ts";
import { type Epoch, epochOf, type StationId, type WallMs, type ZoneId } from "../models/units.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import {
  connectThrough, type Csms, entriesOf, freshFolder, Heard, passes, startCsms, statementsOf, within, writeConfig,
} from "./agent.testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { nodeCrypto, signerFromSeed, systemRandom } from "./adapters/crypto.ts";
import { loadOrCreateKeys } from "./adapters/keys.ts";
import { formatOperatorKey } from "./operators.ts";

const crypto = nodeCrypto();
const operator = signerFromSeed(new Uint8Array(32).fill(7));
const ZONE = "street" as ZoneId;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class House {
  readonly folder = freshFolder();
  readonly stateDir = join(this.folder, "state");
  readonly notices = new Heard<string>();
  readonly member: Member;
  #agent: RunningAgent | undefined;

  constructor(station: string, port: number) {
    mkdirSync(this.stateDir);
    const { statement, log, witness, tls } = loadOrCreateKeys(this.stateDir, systemRandom).signers;
    this.member = {
      station: station as StationId, zone: ZONE, address: `127.0.0.1:${port}`, latE6: 0, lonE6: 0, ratedW: 0, keys: {
        statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey, tls: tls.publicKey,
      },
    };
  }

  get agent(): RunningAgent {
    return this.#agent!;
  }

  /** Replaces the roster's file in one step, as an operator should. */
  put(roster: Roster): void {
    const bytes = encodeRoster(roster);
    const path = join(this.folder, "roster.kw");
    writeFileSync(`${path}.new`, encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] }));
    renameSync(`${path}.new`, path);
  }

  async start(csms: Csms): Promise<void> {
    const { station, address } = this.member;
    const file = writeConfig(this.folder, {
      station, csms: `ws://127.0.0.1:${csms.port}`, mesh: { roster: "roster.kw", listen: `mqtts://${address}` },
      operators: { threshold: 1, keys: [formatOperatorKey(crypto, { label: "town", publicKey: operator.publicKey })] },
    });
    this.#agent = await startAgent(loadConfig(file, {}), {
      notice: (text) => this.notices.add(text), out: () => undefined, colour: false, env: {},
    });
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = undefined;
  }

  says(pattern: RegExp): Promise<string> {
    return this.notices.next((text) => pattern.test(text));
  }

  /** Roster version and epoch of what it stated, as its log tells. */
  stated(): [version: number, epoch: number][] {
    return statementsOf(entriesOf(this.stateDir)).map(({ rosterVersion, epoch }) => [rosterVersion, epoch]);
  }

  hears(other: House): boolean {
    const { members, epoch } = this.agent.status().mesh!;
    const seen = members.find(({ station }) => station === other.member.station)?.lastEpoch;
    return seen !== undefined && seen >= epoch - 2;
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function rosterOf(members: readonly Member[], before?: Roster, more: Partial<Roster> = {}): Roster {
  return {
    network: "town", version: (before?.version ?? 0) + 1, fromEpoch: 0 as Epoch, epochS: 1, threshold: 1,
    previous: before === undefined ? new Uint8Array(0) : rosterHash(crypto, encodeRoster(before)),
    operators: [operator.publicKey], zones: [{ id: ZONE, ratingW: 0, f: 0 }],
    members: [...members].sort((a, b) => (a.station < b.station ? -1 : 1)), revoked: [], events: [], ...more,
  };
}

async function onStreet(use: (houses: readonly House[], csms: Csms) => Promise<void>): Promise<void> {
  const csms = await startCsms();
  const houses: House[] = [];
  for (const station of ["CP-001", "CP-002", "CP-003"]) houses.push(new House(station, await freePort()));
  try {
    await within(use(houses, csms), () => houses.flatMap(({ notices }) => notices.all).join("\n"));
  } finally {
    for (const house of houses) await house.stop().catch(() => undefined);
    await csms.close();
  }
}

test("a neighbour is added and another taken away while agents run; wrong files change nothing", () =>
  onStreet(async ([one, two, three], csms) => {
    const first = rosterOf([one!.member, two!.member]);
    for (const house of [one!, two!]) {
      house.put(first);
      await house.start(csms);
    }
    const ends = await connectThrough(one!.agent.listening.port, csms);
    await until(() => one!.hears(two!) && two!.hears(one!));

    const second = rosterOf([one!.member, two!.member, three!.member], first);
    for (const house of [one!, two!, three!]) house.put(second);
    await three!.start(csms);
    assert.match(await one!.says(/version 2/), /version 2 is in force: 3 members in zone street; new: CP-003$/);
    await until(() => one!.hears(three!) && three!.hears(one!) && two!.hears(three!) && one!.hears(two!));
    await passes(ends);

    one!.put({ ...second, version: 3 });
    assert.match(await one!.says(/goes on/), /mesh\.roster: .*previous: found .*version 2, the one in force, goes on$/);
    one!.put(rosterOf([one!.member], first));
    assert.match(await one!.says(/two rosters/), /of version 2: .*nothing is certified until a later version counts$/);
    assert.ok(one!.hears(two!));

    const third = rosterOf([one!.member, three!.member], second);
    for (const house of [one!, two!, three!]) house.put(third);
    assert.match(await one!.says(/version 3 is/), /2 members in zone street; gone: CP-002$/);
    assert.match(await two!.says(/watches alone/), /version 3 has no member CP-002; have it enrolled; watches alone$/);
    await until(() => three!.agent.status().mesh!.links.every(({ to }) => to !== "CP-002"));
    await until(() => one!.hears(three!));
    assert.equal(one!.notices.all.filter((text) => /roster/.test(text)).length, 4, "each once");
    await passes(ends);

    const alone = await connectThrough(two!.agent.listening.port, csms);
    await passes(alone);
    const silent = two!.stated().at(-1)!;
    const fourth = rosterOf([one!.member, two!.member, three!.member], third);
    for (const house of [one!, two!, three!]) house.put(fourth);
    await two!.says(/version 4 is in force/);
    await until(() => one!.hears(two!) && two!.hears(three!));
    assert.is(two!.stated().filter(([version]) => version === 3).length, 0);
    assert.ok(two!.stated().at(-1)![1] > silent[1]);
    await passes(alone);
  }));

test("given to one, a roster is everybody's: the others have it from their neighbours, and it is in their logs", () =>
  onStreet(async ([one, two, three], csms) => {
    const first = rosterOf([one!.member, two!.member, three!.member]);
    for (const house of [one!, two!, three!]) {
      house.put(first);
      await house.start(csms);
    }
    const ends = await connectThrough(three!.agent.listening.port, csms);
    await until(() => one!.hears(two!) && two!.hears(three!) && three!.hears(one!));
    const from = epochOf(Date.now() as WallMs, 1) + 8;
    const second = rosterOf([two!.member, three!.member], first, { fromEpoch: from as Epoch });
    one!.put(second);
    for (const house of [two!, three!]) assert.match(await house.says(/is good/), /version 2 is good and counts from/);
    assert.match(await one!.says(/watches alone/), /version 2 has no member CP-001/);
    for (const house of [two!, three!]) assert.match(await house.says(/in force: /), /; gone: CP-001$/);
    await until(() => two!.stated().some(([version]) => version === 2) && two!.hears(three!) && three!.hears(two!));
    const name = Buffer.from(rosterHash(crypto, encodeRoster(second))).toString("hex");
    for (const house of [one!, two!, three!]) {
      const noted = entriesOf(house.stateDir).flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));
      assert.ok(noted.includes(`roster: version 2 (SHA-256 ${name}) is in force`));
    }
    await passes(ends);
  }));

test("a version that counts from later on is in force from exactly that epoch, also after a restart", () =>
  onStreet(async ([one], csms) => {
    const first = rosterOf([one!.member]);
    one!.put(first);
    await one!.start(csms);
    await until(() => one!.stated().length > 0);
    const from = epochOf(Date.now() as WallMs, 1) + 3;
    const second = rosterOf([one!.member], first, { fromEpoch: from as Epoch });
    one!.put(second);
    await one!.says(/version 2 is good and counts from/);
    await one!.says(/version 2 is in force/);
    await until(() => one!.stated().some(([version]) => version === 2));
    for (const [version, epoch] of one!.stated()) assert.is(version, epoch < from ? 1 : 2, `${epoch}`);
    await one!.stop();
    one!.put(first);
    await one!.start(csms);
    assert.match(await one!.says(/goes on/), /version: found 1; allowed: 3.*version 2, the one in force, goes on/);
    const before = one!.stated().length;
    await until(() => one!.stated().length > before);
    assert.is(one!.stated().at(-1)![0], 2);
  }));
