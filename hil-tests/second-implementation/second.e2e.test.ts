/** A second implementation, in Python, as a member of a zone of agents, which decides nothing without it. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { assert } from "../../build/testing.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { cosignedPath, readNote } from "../../edge-agent/adapters/ledger-read.ts";
import { hex } from "../../gossip/bytes.ts";
import type { MemberKeys, Roster } from "../../gossip/roster.ts";
import { systemClock } from "../bench/bench-clock.ts";
import { BenchCsms } from "../bench/csms.ts";
import { alertsOf, type Houses, fourHouses, type NewHouse, operator, signed, startAgentOf }
  from "../bench/four-houses.testing.ts";
import { BenchStation } from "../bench/station.ts";
import { PYTHON, peerTest, python } from "./python.testing.ts";

interface Said {
  readonly event: string;
  readonly station?: string;
  readonly chained?: boolean | null;
  readonly signers?: readonly string[];
  readonly name?: string;
  readonly key?: string;
  readonly raises?: boolean;
  readonly missing?: number;
  readonly proposal?: string;
}

/** The process that joins the zone in the place of the fourth house. */
class SecondPeer {
  readonly said: Said[] = [];
  errors = "";
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(folder: string, station: string, rosterFile: string) {
    const key = hex(operator.publicKey);
    this.#child = spawn(PYTHON, python("peer.py", "join", folder, station, rosterFile, key), { stdio: "pipe" });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.said.push(JSON.parse(line) as Said));
    this.#child.stderr.on("data", (text) => void (this.errors += String(text)));
  }

  of(event: string, station?: string): Said[] {
    return this.said.filter((one) => one.event === event && (station === undefined || one.station === station));
  }

  suspect(key: string, millinats: number): void {
    this.#child.stdin.write(`suspect ${key} ${millinats}\n`);
  }

  /** Waits for something to have happened; fails with what the process said when it ended instead. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.errors !== "" || this.#child.exitCode !== null) throw new Error(`the peer ended: ${this.errors}`);
      await systemClock.wait(50);
    }
  }

  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    const [code] = await exited as [number | null];
    return code;
  }
}

/** Keys that the second implementation made, in the roster in the place of the last house's. */
function enrol({ folder, roster }: Houses, { station }: NewHouse): { rosterFile: string; own: string } {
  const own = join(folder, "python");
  const { stdout, stderr } = spawnSync(PYTHON, python("peer.py", "keys", own, station), { encoding: "utf8" });
  assert.is(stderr, "");
  const made = (JSON.parse(stdout) as { keys: Readonly<Record<keyof MemberKeys, string>> }).keys;
  const key = (purpose: keyof MemberKeys): Uint8Array => Uint8Array.from(Buffer.from(made[purpose], "hex"));
  const keys = { statement: key("statement"), log: key("log"), witness: key("witness"), tls: key("tls") };
  const changed: Roster = { ...roster, members: roster.members.map((member) =>
    (member.station === station ? { ...member, keys, address: "" } : member)) };
  const rosterFile = join(folder, "roster.kw");
  writeFileSync(rosterFile, signed(changed));
  return { rosterFile, own };
}

interface Street {
  readonly houses: readonly NewHouse[];
  readonly agents: readonly RunningAgent[];
  readonly chargers: readonly BenchStation[];
  readonly peer: SecondPeer;
}

/** Two agents, one member that is never there, and the second implementation: a quorum takes all three. */
async function onStreet(use: (street: Street) => Promise<void>): Promise<void> {
  const four = await fourHouses();
  const { rosterFile, own } = enrol(four, four.houses[3]!);
  const houses = four.houses.slice(0, 2);
  const csms = await BenchCsms.listen({ tokens: [] });
  const [agents, chargers]: [RunningAgent[], BenchStation[]] = [[], []];
  const peer = new SecondPeer(own, four.houses[3]!.station, rosterFile);
  try {
    for (const house of houses) {
      const agent = await startAgentOf(house, csms.url);
      agents.push(agent);
      const url = `ws://127.0.0.1:${agent.listening.port}`;
      const charger = new BenchStation({ id: house.station, ocppVersion: "1.6", url });
      chargers.push(charger);
      await charger.connect();
      await charger.boot();
    }
    await use({ houses, agents, chargers, peer });
    assert.is(await peer.stop(), 0, peer.errors);
  } finally {
    await Promise.all([peer.stop(), ...chargers.map((charger) => charger.close())]);
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    four.remove();
  }
}

/** Statements of the peer that an agent has taken. */
const heardBy = (agent: RunningAgent): number | undefined =>
  agent.status().mesh?.members.find(({ station }) => station === "CP-4")?.lastEpoch;
const lastHeard = (agents: readonly RunningAgent[]): number => Math.min(...agents.map((one) => heardBy(one) ?? 0));

async function exchanged({ agents, peer, houses }: Street, epochs: number): Promise<void> {
  await peer.until(() => lastHeard(agents) > 0);
  const before = lastHeard(agents);
  const chained = (house: NewHouse): number =>
    peer.of("heard", house.station).filter((one) => one.chained === true).length;
  await peer.until(() => lastHeard(agents) >= before + epochs && houses.every((house) => chained(house) >= epochs));
}

peerTest("in a zone of agents it states, hears, votes and witnesses, and no quorum is without it", async () => {
  await onStreet(async (street) => {
    const { agents, chargers, houses, peer } = street;
    await exchanged(street, 4);
    for (const { event, chained, ...more } of peer.of("heard")) {
      assert.not.equal(chained, false, `${event} ${JSON.stringify(more)}: a chain that is broken`);
    }
    for (let guess = 0; guess < 6; guess++) {
      for (const charger of chargers) await charger.authorize(`BAD${guess}`);
    }
    peer.suspect("authorization-abuse", 12_000);
    const certified = (house: NewHouse): boolean => alertsOf(house).some(({ scope }) => scope === "zone");
    await peer.until(() => houses.every(certified));
    await peer.until(() => peer.of("certificate").length > 0);
    const [certificate] = peer.of("certificate");
    assert.equal(certificate?.signers, ["CP-1", "CP-2", "CP-4"]);
    assert.equal([certificate?.key, certificate?.raises, certificate?.missing], ["authorization-abuse", true, 0]);
    assert.ok(peer.of("voted").some(({ proposal }) => proposal === certificate?.name));
    const alert = alertsOf(houses[0]!).find(({ scope }) => scope === "zone");
    assert.equal([alert?.threat, alert?.certificate?.quorum], ["authorization-abuse", 3]);
    const cosigned = ({ folder }: NewHouse): boolean =>
      readNote(cosignedPath(folder), nodeCrypto())?.includes("kerbwatch/CP-4/witness ") ?? false;
    await peer.until(() => houses.every(cosigned));
    for (const agent of agents) {
      const { refused } = agent.status().mesh?.traffic ?? {};
      for (const why of ["bad-signature", "not-cbor", "bad-shape", "too-long", "bad-topic"]) {
        assert.is(refused?.[why as keyof typeof refused] ?? 0, 0, why);
      }
    }
  });
});
