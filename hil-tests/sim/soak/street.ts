/** The members of a simulated zone: their keys, and the rosters that the operator signs. */
import { directoryOf, type Directory } from "../../../gossip/directory.ts";
import type { KnownRoster } from "../../../gossip/roster-chain.ts";
import { encodeRosterFile, rosterHash, signRoster, verifyRosterFile } from "../../../gossip/roster-file.ts";
import { byText, encodeRoster, type Member, type Roster } from "../../../gossip/roster.ts";
import type { Signer } from "../../../models/crypto.ts";
import type { Epoch, StationId, ZoneId } from "../../../models/units.ts";
import { EPOCH_S } from "./scenario.ts";
import type { Keys } from "./sim-crypto.ts";

export const NETWORK = "soak";
const FIRST_ZONE = 7;

export interface MemberKeys {
  readonly station: StationId;
  readonly zone: ZoneId;
  readonly statement: Signer;
  readonly log: Signer;
  readonly witness: Signer;
}

export interface Street {
  readonly keys: Keys;
  /** By the agent's number, spare ones included. */
  readonly members: readonly MemberKeys[];
  readonly zones: readonly ZoneId[];
  readonly operator: Signer;
}

export function streetOf(keys: Keys, agents: number, zoneCount: number): Street {
  const zones = Array.from({ length: zoneCount }, (_, i) => `feeder-${FIRST_ZONE + i}` as ZoneId);
  const members = Array.from({ length: agents }, (_, index): MemberKeys => {
    const station = `CP-${String(index).padStart(3, "0")}` as StationId;
    const signer = (purpose: string): Signer => keys.signerOf(`${station} ${purpose}`);
    const zone = zones[index % zoneCount]!;
    return { station, zone, statement: signer("statement"), log: signer("log"), witness: signer("witness") };
  });
  return { keys, members, zones, operator: keys.signerOf("operator") };
}

export interface SignedRoster extends KnownRoster {
  readonly directories: readonly Directory[];
}

export interface RosterPlan {
  readonly agents: readonly number[];
  readonly f: number;
  readonly fromEpoch: number;
  /** The one that it follows. */
  readonly before?: SignedRoster;
  /** What two rosters of one version may differ in. */
  readonly ratingW?: number;
}

/** The roster of these agents. @throws Error when it is one that they would not believe, with what is wrong */
export function rosterOf(
  { keys, members, zones, operator }: Street, { agents, f, fromEpoch, before, ratingW = 0 }: RosterPlan,
): SignedRoster {
  const roster: Roster = {
    network: NETWORK, version: (before?.roster.version ?? 0) + 1, previous: before?.hash ?? new Uint8Array(0),
    fromEpoch: fromEpoch as Epoch, epochS: EPOCH_S, threshold: 1, operators: [operator.publicKey],
    // As text: feeder-10 stands before feeder-7.
    zones: [...zones].sort(byText).map((id) => ({ id, ratingW, f })),
    members: agents.map((index): Member => {
      const { station, zone, statement, log, witness } = members[index]!;
      return {
        station, zone, address: "", latE6: 56_000_000 + 500 * index, lonE6: 0, ratedW: 22_000,
        keys: {
          statement: statement.publicKey, log: log.publicKey, witness: witness.publicKey,
          tls: keys.signerOf(`${station} tls`).publicKey,
        },
      };
    }).sort((a, b) => byText(a.station, b.station)),
    revoked: [], events: [],
  };
  const bytes = encodeRoster(roster);
  const file = encodeRosterFile({ bytes, signatures: [signRoster(bytes, operator)] });
  const verified = verifyRosterFile(keys.crypto, file, { threshold: 1, keys: [operator.publicKey] });
  if (!verified.ok) throw new Error(`a roster that no agent believes: ${verified.problem}`);
  const directories = zones.map((id) => directoryOf(roster, id));
  return { roster, hash: rosterHash(keys.crypto, bytes), file, directories };
}
