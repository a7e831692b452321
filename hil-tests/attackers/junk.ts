/** A thousand junk messages a second at an agent's broker: what honest messages and the agent itself notice of it. */
import { randomBytes } from "node:crypto";
import { encodeMessage } from "../../gossip/message.ts";
import type { ZoneId } from "../../models/units.ts";
import { agentCommand, AgentProcess } from "../bench/agent-process.ts";
import { configure, fourHouses, type NewHouse } from "../bench/four-houses.testing.ts";
import { usageOf } from "../bench/street-figures.ts";
import { connected, epochNow, heardAt, portOf, publish, topicOf } from "./mesh-stage.ts";

const JUNK_PER_S = 1_000;
const TURN_MS = 10;
/** An honest message each so many milliseconds. */
const HONEST_MS = 125;

export interface JunkFigures {
  readonly delayMs: number;
  readonly slowestMs: number;
  /** Of a core. */
  readonly cpuShare: number;
  readonly sent: number;
}

const nap = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? NaN;

/** The agent of a house as a process, with the file that ships; `junk` at the same time, or not. */
export async function underJunk(seconds: number, junk: boolean): Promise<JunkFigures> {
  const street = await fourHouses();
  const [house, thief, friend, deaf] = street.houses as [NewHouse, NewHouse, NewHouse, NewHouse];
  const agent = new AgentProcess(agentCommand(configure(house, "ws://127.0.0.1:9")), `${house.folder}/agent.log`);
  await agent.start();
  try {
    const [attacker, speaker, listener] = [await connected(thief, portOf(house)),
      await connected(friend, portOf(house)), await connected(deaf, portOf(house))];
    await listener.subscribe(topicOf("+", "vote"));
    await nap(3_000);
    const before = usageOf(agent.pid!)!;
    const began = performance.now();
    const passed = (): number => performance.now() - began;
    const delays: number[] = [];
    let sent = 0;
    const flooding = (async () => {
      while (passed() < 1_000 * seconds) {
        for (; junk && sent < (passed() / 1_000) * JUNK_PER_S; sent++) {
          publish(attacker, topicOf(thief.station), randomBytes(300));
        }
        await nap(TURN_MS);
      }
    })();
    for (let n = 1; passed() < 1_000 * seconds; n++) {
      const head = { network: "town", zone: "street" as ZoneId, rosterVersion: 1, station: friend.station };
      const { whole } = encodeMessage("vote", { epoch: epochNow(), proposal: randomBytes(32) }, head,
        friend.keys.signers.statement);
      const at = performance.now();
      publish(speaker, topicOf(friend.station, "vote"), whole);
      while (!heardAt(listener, whole)) await new Promise((resolve) => setImmediate(resolve));
      delays.push(performance.now() - at);
      listener.packets.length = 0;
      await nap(Math.max(0, HONEST_MS * n - passed()));
    }
    await flooding;
    const used = usageOf(agent.pid!)!.cpuS - before.cpuS;
    for (const client of [attacker, speaker, listener]) await client.end();
    return { delayMs: median(delays), slowestMs: Math.max(...delays), cpuShare: used / (passed() / 1_000), sent };
  } finally {
    await agent.stop();
    street.remove();
  }
}
