/** What checkers know of a run: every good certificate that anybody says or holds, and every statement by its hash. */
import { hex } from "../../../../gossip/bytes.ts";
import { type Certificate, readCertificate, verifyCertificate } from "../../../../gossip/certificate.ts";
import { certificatesOf } from "../../../../gossip/incidents.ts";
import type { Outgoing } from "../../../../gossip/protocol-state.ts";
import type { SimAgent } from "../sim-agent.ts";
import type { Checker, World } from "../world.ts";

/** Tells each certificate once, when it is first said by anybody or held by somebody honest. */
export function certificatesSeen(
  world: World, tell: (certificate: Certificate) => void,
): Required<Pick<Checker, "said" | "epoch">> {
  const known = new Set<string>();
  const { crypto } = world.street.keys;
  const take = (whole: Uint8Array): void => {
    const read = readCertificate(whole, crypto);
    if (read === undefined || known.has(read.name)) return;
    const directory = world.directoryOf(read.rosterVersion, read.zone);
    const verified = directory && verifyCertificate(whole, directory, crypto);
    if (verified?.ok !== true) return;
    known.add(read.name);
    tell(verified.certificate);
  };
  return {
    said(_, { kind, bytes }) {
      // What was passed on before is known: most are.
      if (kind === "certificate" && !known.has(world.read(kind, bytes)?.name ?? "")) take(bytes);
    },
    epoch() {
      for (const agent of world.agents) {
        if (!world.isHonest(agent)) continue;
        for (const incident of agent.protocol?.incidents.values() ?? []) {
          for (const { name, whole } of certificatesOf(incident)) if (!known.has(name)) take(whole);
        }
      }
    },
  };
}

export interface Uttered {
  readonly by: number;
  readonly epoch: number;
  readonly seq: number;
  readonly evidence: readonly number[];
  readonly previous: string;
}

/** Every statement that was said at first hand, by its hash. */
export class Statements {
  readonly byHash = new Map<string, Uttered>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The statement that this message is, when it is the agent's own and new. */
  take(by: SimAgent, { kind, station, bytes }: Outgoing): (Uttered & { readonly hash: string }) | undefined {
    if (kind !== "statement" || station !== by.station) return undefined;
    const read = this.#world.read("statement", bytes);
    if (read === undefined || this.byHash.has(read.name)) return undefined;
    const { name: hash, message } = read;
    const { epoch, seq, evidence, previous } = message.content;
    const uttered = { by: by.index, epoch, seq, evidence, previous: hex(previous) };
    this.byHash.set(hash, uttered);
    return { ...uttered, hash };
  }
}
