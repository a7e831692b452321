/** Four real agents witness each other's logs, and an auditor with the roster reads who cosigned. */
import { writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { entriesOf } from "../../edge-agent/agent.testing.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import { nodeCrypto } from "../../edge-agent/adapters/crypto.ts";
import { cosignedPath, readNote } from "../../edge-agent/adapters/ledger-read.ts";
import { ran } from "../../edge-agent/cli/io.testing.ts";
import { formatOperatorKey } from "../../edge-agent/operators.ts";
import { decodeBody } from "../../gossip/statement.ts";
import { MINUTE_MS, type MonotonicMs, type WallMs } from "../../models/units.ts";
import { systemClock } from "./bench-clock.ts";
import { type Houses, fourHouses, type NewHouse, operator, startAgentOf } from "./four-houses.testing.ts";

/** Checkpoints are told to witnesses as often as this, also when nothing happens. */
const QUIET_MS = 10 * MINUTE_MS;

/** All agents' clock: goes with the machine's, and now and then jumps to when the next checkpoint is told. */
class Jumping {
  #ahead = 0;
  readonly wallMs = (): WallMs => (Date.now() + this.#ahead) as WallMs;
  readonly monoMs = (): MonotonicMs => (performance.now() + this.#ahead) as MonotonicMs;

  jump(): void {
    this.#ahead += QUIET_MS;
  }
}

const CSMS = "ws://127.0.0.1:9";

async function until(what: () => boolean): Promise<void> {
  while (!what()) await systemClock.wait(50);
}

const entryCount = (agent: RunningAgent): number => agent.status().log.entries;
const witnessEntries = ({ folder }: NewHouse): number =>
  entriesOf(folder).filter(({ kind }) => kind === "witness").length;

interface Verified {
  readonly ok: boolean;
  readonly cosigned: { readonly size: number; readonly by: readonly string[]; readonly neighbours: number };
}

function writeOperators({ folder }: Houses): void {
  const key = formatOperatorKey(nodeCrypto(), { label: "town", publicKey: operator.publicKey });
  writeFileSync(join(folder, "operators.json"), JSON.stringify({ threshold: 1, keys: [key] }));
}

async function verify({ folder }: Houses, house: NewHouse): Promise<Verified> {
  const { out, err } = await ran(["ledger", "verify", "--state", house.folder, "--json",
    "--roster", join(folder, "roster.kw"), "--operators", join(folder, "operators.json")]);
  assert.is(err, "");
  return JSON.parse(out) as Verified;
}

/**
 * Lets all agents come to a checkpoint, and to what all the others make of it: three epochs later. While they are
 * connecting to one another something is lost, and the next minute mends it.
 */
async function cosign(street: Houses, agents: readonly RunningAgent[], clock: Jumping): Promise<void> {
  await stated(agents);
  const before = street.houses.map(cosignedIn);
  const isDone = (): boolean => street.houses.every((house, i) => {
    const note = cosignedIn(house);
    return note !== before[i] && note.match(/\/witness /g)?.length === 3;
  });
  for (let epoch = 0; !isDone(); epoch++) {
    if (epoch % 4 === 0) clock.jump();
    await stated(agents);
  }
}

/** Every agent states something more. */
async function stated(agents: readonly RunningAgent[]): Promise<void> {
  const before = agents.map(entryCount);
  await until(() => agents.every((agent, i) => entryCount(agent) > before[i]!));
}

const cosignedIn = ({ folder }: NewHouse): string => readNote(cosignedPath(folder), nodeCrypto()) ?? "";

test("each log is cosigned by the other three, on disk, and again after one of them was restarted", async () => {
  const street = await fourHouses();
  const clock = new Jumping();
  const agents: RunningAgent[] = [];
  writeOperators(street);
  try {
    for (const house of street.houses) agents.push(await startAgentOf(house, CSMS, { clock }));
    await cosign(street, agents, clock);
    const sizes: number[] = [];
    for (const house of street.houses) {
      const { ok, cosigned } = await verify(street, house);
      assert.equal([ok, cosigned.by.length, cosigned.neighbours], [true, 3, 3], house.station);
      sizes.push(cosigned.size);
    }
    await agents[1]!.stop();
    agents[1] = await startAgentOf(street.houses[1]!, CSMS, { clock });
    await cosign(street, agents, clock);
    for (const [i, house] of street.houses.entries()) {
      const { ok, cosigned } = await verify(street, house);
      assert.equal([ok, cosigned.by.length], [true, 3], `${house.station} after the restart`);
      assert.ok(cosigned.size > sizes[i]!);
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    street.remove();
  }
});

test("what could not be written is not said: no statement, and no cosignature", async () => {
  const street = await fourHouses();
  const clock = new Jumping();
  const agents: RunningAgent[] = [];
  writeOperators(street);
  let isFull = false;
  const logWrite = (fd: number, bytes: Uint8Array, position: number): number => {
    if (isFull) throw Object.assign(new Error("ENOSPC: no room"), { code: "ENOSPC" });
    return writeSync(fd, bytes, 0, bytes.length, position);
  };
  const [full, other] = street.houses as [NewHouse, NewHouse];
  try {
    for (const house of street.houses) {
      agents.push(await startAgentOf(house, CSMS, { clock, ...(house === full && { logWrite }) }));
    }
    await stated(agents);
    const heardOf = (agent: RunningAgent) =>
      agent.status().mesh!.members.find(({ station }) => station === full.station)?.lastEpoch;
    await until(() => agents.slice(1).every((agent) => heardOf(agent) !== undefined));
    isFull = true;
    clock.jump();
    await until(() => witnessEntries(other) >= 2);
    // Long enough for what neighbours lack to be asked for, or told again: a digest comes every fourth epoch.
    for (let epoch = 0; epoch < 5; epoch++) await stated(agents.slice(1));
    const epochs = entriesOf(full.folder).flatMap((entry) =>
      (entry.kind === "statement" ? [decodeBody(entry.signedBytes)!.epoch] : []));
    for (const agent of agents.slice(1)) {
      // The very last may have been on its way when the clocks jumped.
      assert.ok(heardOf(agent)! <= epochs.at(-1)!, "no statement that is not on its disk");
    }
    assert.is(witnessEntries(full), 0);
    assert.is(cosignedIn(full), "");
    for (const house of street.houses.slice(1)) {
      const { cosigned } = await verify(street, house);
      assert.not(cosigned.by.includes(full.station), house.station);
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    street.remove();
  }
});
