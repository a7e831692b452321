/** Real OCPP frames for a simulated charger: unknown cards are tried, so that detectors find it themselves. */
import type { AgentEvent } from "../../../edge-agent/ports.ts";
import type { Dice } from "../dice.ts";
import type { Guessing } from "./scenario.ts";

/** What passes at an agent in this epoch: a call of the station and the CSMS's answer for each guess. */
export function guesses(all: readonly Guessing[], agent: number, epoch: number, chance: Dice): AgentEvent[] {
  return all.flatMap(({ from, to, agents, anEpoch }) => {
    const isOn = epoch >= from && epoch < to && agents.includes(agent);
    return isOn ? Array.from({ length: anEpoch }, () => guess(chance)).flat() : [];
  });
}

function guess(chance: Dice): AgentEvent[] {
  const id = chance.uuid();
  const call = [2, id, "Authorize", { idTag: chance.hex(8) }];
  const result = [3, id, { idTagInfo: { status: "Invalid" } }];
  return [
    { kind: "frame", direction: "cp-to-csms", text: JSON.stringify(call), ocppVersion: "1.6" },
    { kind: "frame", direction: "csms-to-cp", text: JSON.stringify(result), ocppVersion: "1.6" },
  ];
}
