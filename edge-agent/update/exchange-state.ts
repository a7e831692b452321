/** What a board knows of releases by gossip (exchange.ts), and what others said of their health. */
import { fromHex, sameBytes } from "../../gossip/bytes.ts";
import type { AskedPart, NamedRelease } from "../../gossip/message-content.ts";
import type { Outgoing, ProtocolState } from "../../gossip/protocol-state.ts";
import type { Refused } from "../../gossip/refused.ts";
import { isGuilty } from "../../gossip/zone-view.ts";
import type { StationId } from "../../models/units.ts";
import type { NamedOperators } from "../operators.ts";
import type { Candidate, Shared, Shelf } from "./shelf.ts";

/** What is run and what was taken back is said when it changes, and every so many epochs. */
export const ANNOUNCED_EVERY = 16;
const MOST_NAMED = 5;

/** One file on its way: the manifest of a release, or its program. */
export interface Fetching {
  readonly from: StationId;
  /** What neighbours name the file by. */
  readonly file: Uint8Array;
  /** Of the manifest, which is small; a program's go to the disk. Undefined: it is the program. */
  readonly parts: Uint8Array[] | undefined;
  /** The piece that comes next, and how many there are. */
  next: number;
  of: number | undefined;
  /** Pieces that were here already, from whomever. */
  readonly resumed: number;
  /** When the last one came, and when it was asked for. */
  since: number;
  askedAt: number;
}

export interface ReleaseExchange {
  readonly protocol: ProtocolState;
  readonly shelf: Shelf;
  readonly operators: NamedOperators;
  /** Whether releases are taken from neighbours; they are passed on in any case. */
  readonly takes: boolean;
  /** Who can be asked, by the roster in force. */
  neighbours: ReadonlySet<string>;
  readonly offers: Map<StationId, NamedRelease>;
  /** What members of the own zone took back. */
  readonly ill: Map<StationId, readonly Uint8Array[]>;
  /** How often a station's offer came to nothing. */
  readonly failures: Map<StationId, number>;
  /**
   * Releases that are not for this board, by hash, and offers that came to nothing, by hash and whose they are: a
   * liar's silence is its own. Since when.
   */
  readonly refused: Refused;
  /** What others asked for since the epoch began. */
  readonly asks: Map<StationId, AskedPart>;
  /** Pieces that each asker was sent of late. */
  readonly served: Map<StationId, number>;
  shared: Shared | undefined;
  candidate: Candidate | undefined;
  /** What an earlier run had begun was looked for. */
  lookedBack: boolean;
  fetching: Fetching | undefined;
  /** A source of the candidate failed: others' offers are looked at before it is tried again. */
  looksElsewhere: boolean;
  /** Of the first epoch that was seen. */
  begun: number | undefined;
  epoch: number;
  /** What was announced last. */
  announced: string;
  /** What was said last of the candidate. */
  said: string;
}

/** Undefined seconds: the clock is not good. */
export interface ReleaseTime {
  readonly epoch: number;
  readonly nowS: number | undefined;
}

export interface ReleaseOutput {
  readonly outgoing: Outgoing[];
  /** Steps, for the log and the operator of this machine. */
  readonly told: string[];
}

export function createReleaseExchange(
  options: Pick<ReleaseExchange, "protocol" | "shelf" | "operators" | "takes">,
): ReleaseExchange {
  return {
    ...options, neighbours: new Set(), offers: new Map(), ill: new Map(), failures: new Map(), refused: new Map(),
    asks: new Map(), served: new Map(), shared: undefined, candidate: undefined, fetching: undefined,
    lookedBack: false, looksElsewhere: false, begun: undefined, epoch: -1, announced: "", said: "",
  };
}

/** Members of the own zone that took a release back. Those who are proved liars do not count. */
function takenBackBy({ ill, protocol: { directory, view } }: ReleaseExchange, hash: string): StationId[] {
  const wanted = fromHex(hash);
  return [...ill].filter(([station, hashes]) => {
    const index = directory.indexOf(station);
    return index >= 0 && !isGuilty(view, index) && hashes.some((one) => sameBytes(one, wanted));
  }).map(([station]) => station).sort();
}

/** More of the zone took it back than may lie; so no f members can keep an update from a board. */
export function halted(exchange: ReleaseExchange, hash: string): string | undefined {
  const { f } = exchange.protocol.directory.zone;
  const by = takenBackBy(exchange, hash);
  if (by.length <= f) return undefined;
  const more = by.length > MOST_NAMED ? ` and ${by.length - MOST_NAMED} more` : "";
  return `${by.slice(0, MOST_NAMED).join(", ")}${more} of this zone took it back for ill health`;
}
