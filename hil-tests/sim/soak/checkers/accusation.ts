/** No honest agent is named: by no proof that holds, in no honest agent's view, and in no alert. */
import { readMessage } from "../../../../gossip/certificate.ts";
import { checkProof } from "../../../../gossip/equivocation.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "no honest agent named";

export function noFalseAccusation(world: World): Checker {
  const { crypto } = world.street.keys;
  const accuse = (station: string, how: string): void => {
    const agent = world.agentOf(station);
    if (agent !== undefined && world.isHonest(agent)) {
      throw new CheckFailure(NAME, `agent ${agent.index} (${station}) is honest, and ${how}`);
    }
  };
  const read = new WeakSet<Uint8Array>();
  return {
    name: NAME,
    said(by, { kind, bytes }) {
      if (kind !== "proof" || read.has(bytes)) return;
      read.add(bytes);
      const proof = readMessage("proof", bytes);
      for (const directory of world.rosters.flatMap(({ directories }) => directories)) {
        const culprit = proof && checkProof(proof.content, directory, crypto);
        if (culprit !== undefined) {
          accuse(directory.members[culprit]!.station, `agent ${by.index} tells a proof against it that holds`);
        }
      }
    },
    epoch() {
      for (const agent of world.agents) {
        if (!world.isHonest(agent)) continue;
        for (const { station, guilt } of agent.protocol?.view.members ?? []) {
          if (guilt !== undefined) accuse(station, `agent ${agent.index} holds it for guilty`);
        }
      }
    },
    end() {
      for (const agent of world.agents.filter((one) => world.isHonest(one))) {
        for (const { threat, stations } of agent.alerts) {
          if (threat !== "agent-misbehaviour") continue;
          for (const station of stations) accuse(station, `agent ${agent.index} names it in an alert`);
        }
      }
    },
  };
}
