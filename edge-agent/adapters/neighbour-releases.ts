/** Releases by gossip as a running agent takes part in them: the exchange, the folder of releases, and the clock. */
import { neighboursOf } from "../../gossip/membership.ts";
import type { Outgoing, ProtocolState, StationMessage } from "../../gossip/protocol-state.ts";
import type { Roster } from "../../gossip/roster.ts";
import type { RosterChain } from "../../gossip/roster-chain.ts";
import { epochOf, SECOND_MS, type WallMs } from "../../models/units.ts";
import type { Config } from "../config.ts";
import { exchangeReleases } from "../update/exchange.ts";
import { createReleaseExchange, type ReleaseExchange } from "../update/exchange-state.ts";
import { trustedOperators } from "./membership.ts";
import { releaseFolder } from "./release-folder.ts";

export interface NeighbourReleasePorts {
  readonly publish: (messages: readonly Outgoing[]) => void;
  /** For the operator of this machine. */
  readonly notice: (text: string) => void;
  /** As an entry of the log: each step of an update. */
  readonly log: (text: string) => void;
}

export interface NeighbourReleases {
  /** With each tick, and with each word of a neighbour. */
  take(words: readonly StationMessage[], wallMs: WallMs): void;
}

/** Undefined for a lone agent. */
export function neighbourReleases(
  config: Config, protocol: ProtocolState | undefined, chain: RosterChain | undefined, ports: NeighbourReleasePorts,
): NeighbourReleases | undefined {
  const operators = protocol && trustedOperators(config, protocol.crypto);
  if (protocol === undefined || chain === undefined || operators === undefined) return undefined;
  const { stateDir, updates: { fromNeighbours: takes }, epochS } = config;
  const exchange = createReleaseExchange({ protocol, shelf: releaseFolder(stateDir), operators, takes });
  return new FollowedReleases(exchange, chain, epochS, ports);
}

class FollowedReleases implements NeighbourReleases {
  readonly #exchange: ReleaseExchange;
  readonly #chain: RosterChain;
  readonly #epochS: number;
  readonly #ports: NeighbourReleasePorts;
  #roster: Roster | undefined;
  #failed = "";

  constructor(exchange: ReleaseExchange, chain: RosterChain, epochS: number, ports: NeighbourReleasePorts) {
    this.#exchange = exchange;
    this.#chain = chain;
    this.#epochS = epochS;
    this.#ports = ports;
  }

  take(words: readonly StationMessage[], wallMs: WallMs): void {
    this.#follow();
    const isGood = this.#exchange.protocol.clock.standing.state === "good";
    const time = { epoch: epochOf(wallMs, this.#epochS), nowS: isGood ? Math.floor(wallMs / SECOND_MS) : undefined };
    try {
      const { outgoing, told } = exchangeReleases(this.#exchange, words, time);
      for (const text of told) {
        this.#ports.notice(text);
        this.#ports.log(text);
      }
      if (outgoing.length > 0) this.#ports.publish(outgoing);
      this.#failed = "";
    } catch (error) {
      // A disk that takes nothing: said once, and tried again with the next piece.
      const { message } = error as Error;
      if (message !== this.#failed) this.#ports.notice(`update: from neighbours: ${message}`);
      this.#failed = message;
    }
  }

  #follow(): void {
    const { roster } = this.#chain.inForce;
    if (roster === this.#roster) return;
    this.#roster = roster;
    const { protocol } = this.#exchange;
    const neighbours = neighboursOf(protocol.crypto, roster, protocol.station);
    this.#exchange.neighbours = new Set(neighbours.map(({ member: { station } }) => station));
  }
}
