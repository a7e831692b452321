/** Puts the pure core of one agent together: the state that `step` works on, for the agent, replay and simulator. */
import { createZoneProtocol } from "../gossip/agreement-protocol.ts";
import { directoryOf } from "../gossip/directory.ts";
import { createGossip } from "../gossip/gossip.ts";
import { neighboursOf } from "../gossip/membership.ts";
import type { ProtocolState } from "../gossip/protocol-state.ts";
import type { Reader } from "../gossip/reading.ts";
import { createRegion, type RegionLaw, type Seats } from "../gossip/region.ts";
import { type Roster, zoneMembers, zoneOf } from "../gossip/roster.ts";
import type { RosterChain } from "../gossip/roster-chain.ts";
import { createRosterExchange } from "../gossip/roster-exchange.ts";
import { createAgree } from "../models/agree/agree.ts";
import { decideRegion, levelsOf } from "../models/agree/region-decision.ts";
import { decide, searchRaises } from "../models/agree/zone-decision.ts";
import type { Crypto, Signer } from "../models/crypto.ts";
import { jointCauses } from "../models/detect/joint-causes.ts";
import type { Site } from "../models/detect/detector.ts";
import { createDetect, declareJointCauses, recallDetect } from "../models/detect/detect.ts";
import { createOpine } from "../models/opine/opine.ts";
import type { Now, StationId, WallMs, ZoneId } from "../models/units.ts";
import { createAlert } from "./alert/alert.ts";
import { createDeclared } from "./alert/declared.ts";
import { createDuties } from "./duties.ts";
import { bringUpTo, type Logged } from "./logged.ts";
import type { Memory } from "./memory.ts";
import { recallBypass } from "./observe/bypass.ts";
import { createClockWatch } from "./observe/clock-watch.ts";
import { createFaultWatch } from "./observe/faults.ts";
import { createObserve } from "./observe/observe.ts";
import type { SchemaOf } from "./observe/schema.ts";
import type { AgentState } from "./pipeline.ts";
import { createJournal } from "./record/journal.ts";
import type { RecordState } from "./record/record.ts";
import { createWitnessing, type Witnessing } from "./record/witnessing.ts";
import { createTokenNotes } from "./token-notes.ts";
import type { Believed } from "./words.ts";

export interface CoreOptions {
  readonly station: StationId;
  readonly region: string;
  readonly zone: ZoneId;
  readonly epochS: number;
  readonly site: Site;
  readonly crypto: Crypto;
  /** 32 random bytes, of this agent alone or the same at all of its zone: the key of idToken pseudonyms. */
  readonly tokenSecret: Uint8Array;
  /** The zone shares it: neighbours compare notes. */
  readonly sharesTokens?: boolean;
  readonly statementSigner: Signer;
  readonly log: RecordState;
  /** A clock before this was never set; 0 in a replay. */
  readonly earliest: WallMs;
  /** What the log tells; absent in a replay, which has none. */
  readonly logged?: Logged;
  readonly memory?: Memory;
  /** OCPP's own schemas; absent where nobody asks for verdicts by them. */
  readonly schemaOf?: SchemaOf;
  /** The zone that this agent is a member of; absent for a lone agent. */
  readonly membership?: { readonly roster: Roster; readonly zone: ZoneId; readonly metered?: boolean };
  /** Whose words count for a lone agent; a member believes its roster. Absent: nobody's. */
  readonly people?: Believed["roster"] | undefined;
  /** Where agents share one process: what they read once for all of them. */
  readonly reader?: Reader;
  /** Which roster is in force: rosters then travel between neighbours. */
  readonly chain?: RosterChain;
  /** The witness key. Without it, or without the log's own, nobody witnesses anything: a replay. */
  readonly witnessSigner?: Signer;
}

export interface Core {
  readonly state: AgentState;
  /** Detectors that could not take over what was remembered and begin anew. */
  readonly fresh: readonly string[];
}

export function createCore(options: CoreOptions, now: Now): Core {
  const { station, region, zone, epochS, site, crypto, memory, earliest, schemaOf } = options;
  const recalled = memory === undefined ? undefined : recallDetect(site, memory.detect);
  const protocol = options.membership === undefined ? undefined : protocolOf(options, options.membership);
  const state: AgentState = {
    observe: createObserve({
      station, crypto, tokenSecret: options.tokenSecret, ...(schemaOf !== undefined && { schemaOf }),
    }),
    clockWatch: createClockWatch(earliest),
    detect: recalled?.state ?? createDetect(site),
    opine: memory?.opine ?? createOpine(),
    gossip: createGossip({
      crypto, signer: options.statementSigner, network: region, zone, station, epochS, earliest,
      ...(protocol !== undefined && { protocol, rosterVersion: protocol.directory.version, statedEveryMs: 0 }),
      ...(options.logged?.lastStatement !== undefined && { last: options.logged.lastStatement }),
    }),
    agree: createAgree(station, zone),
    journal: createJournal(options.log),
    alert: createAlert({ crypto, region, zone, station }),
    declared: createDeclared(),
    believed: { roster: options.membership?.roster ?? options.people },
    zone: protocol === undefined ? undefined : {
      protocol, epochS, open: new Map(), closed: new Map(), contradictions: new Map(),
      region: { epochS, zones: protocol.region?.directories.length ?? 1, open: new Map() },
      ...placesOf(options.membership!.roster, options.membership!.zone),
    },
    witnessing: protocol && witnessingOf(options, protocol),
    tokenNotes: protocol !== undefined && options.sharesTokens === true ? createTokenNotes(protocol) : undefined,
    rosters: protocol === undefined || options.chain === undefined ? undefined
      : createRosterExchange(options.chain, protocol),
    duties: createDuties(now, memory?.since),
    bypass: recallBypass(memory?.bypass, now),
    faults: createFaultWatch(),
  };
  const { roster, zone: own } = options.membership ?? {};
  declareJointCauses(state.detect, roster === undefined || own === undefined ? [] : jointCauses(roster.events, own));
  if (memory !== undefined) recallRest(state, memory);
  if (options.logged !== undefined) bringUpTo(state, options.logged, memory?.savedAt, now);
  return { state, fresh: recalled?.fresh ?? [] };
}

/** Who stands where in a zone, and what it carries. */
export function placesOf(roster: Roster, zone: ZoneId): Pick<NonNullable<AgentState["zone"]>, "places" | "ratingW"> {
  return { places: zoneMembers(roster, zone), ratingW: zoneOf(roster, zone)?.ratingW ?? 0 };
}

const REGION_LAW: RegionLaw = { levels: levelsOf, decide: decideRegion };

/** What a member has to do with the other zones of its roster. */
export function regionSeats(crypto: Crypto, roster: Roster, station: StationId): Seats {
  const isBridge = roster.zones.length > 1 &&
    neighboursOf(crypto, roster, station).some(({ link }) => link === "bridge");
  return { directories: roster.zones.map(({ id }) => directoryOf(roster, id)), isBridge };
}

/** A zone's member states every epoch, a metered one at least every third: who is silent counts as lowest. */
function protocolOf(
  options: CoreOptions, { roster, zone, metered = false }: NonNullable<CoreOptions["membership"]>,
): ProtocolState {
  const { station, crypto, statementSigner: signer, logged, reader } = options;
  return createZoneProtocol({
    directory: directoryOf(roster, zone), station, signer, crypto, law: { decide, search: searchRaises },
    metered, ...(reader !== undefined && { reader }),
    region: createRegion(REGION_LAW, regionSeats(crypto, roster, station)),
    ...(logged?.lastStatement !== undefined && { signedThrough: logged.lastStatement.body.epoch }),
  });
}

function witnessingOf(
  { membership, witnessSigner, log, logged, crypto, station, memory }: CoreOptions, protocol: ProtocolState,
): Witnessing | undefined {
  if (membership === undefined || witnessSigner === undefined || log.signer === undefined) return undefined;
  return createWitnessing({
    protocol, log, logKey: log.signer.publicKey, signer: witnessSigner,
    neighbours: neighboursOf(crypto, membership.roster, station),
    ...(logged !== undefined && { witnessed: logged.witnessed }),
    ...(memory?.witnesses !== undefined && { remembered: memory.witnesses }),
  });
}

function recallRest(state: AgentState, memory: Memory): void {
  state.agree.raised = memory.raised;
  state.alert.open = memory.incidents;
  for (const [id, transaction] of memory.transactions) state.observe.transactions.known.set(id, transaction);
  for (const evse of memory.evses) state.observe.transactions.evses.add(evse);
  state.observe.frames.lastNo = memory.lastFrameNo ?? 0;
  state.observe.csmsCertificates.push(...(memory.csmsCertificates ?? []));
}
