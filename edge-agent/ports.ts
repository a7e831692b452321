/** The edges of the agent: what adapters provide to it, and the events and effects that cross them. */
import type { Outgoing, StationMessage } from "../gossip/protocol-state.ts";
import type { Offered } from "../gossip/roster-chain.ts";
import type {
  Alert, Belief, Direction, Fault, MeterSide, Oddity, OcppVersion, Reading, Threat,
} from "../models/terms.ts";
import type { MonotonicMs, Now, StationId, WallMs } from "../models/units.ts";

export interface Clock {
  wallMs(): WallMs;
  monoMs(): MonotonicMs;
}

/** Injected wherever an adapter waits, so that tests move time by hand. */
export interface Timers {
  /** Runs `run` once, `ms` from now, unless the function that is returned is called before. */
  after(ms: number, run: () => void): () => void;
}

export interface Random {
  /** Cryptographically strong bytes on a board, seeded ones in the simulator. */
  bytes(length: number): Uint8Array;
}

/** One thing that happened outside; the only input of the pipeline. */
export type AgentEvent =
  /** One whole OCPP-J message, as text. `ocppVersion` is what the subprotocol said, where it said anything. */
  | { readonly kind: "frame"; readonly direction: Direction; readonly text: string;
      readonly ocppVersion?: OcppVersion }
  /** A message that passed by and was not parsed; counted, never silent. */
  | { readonly kind: "unparsed"; readonly direction: Direction; readonly oddity: Oddity; readonly detail: string }
  | { readonly kind: "link"; readonly state: "connect" | "disconnect"; readonly remoteAddress?: string;
      readonly tlsPeerSha256?: string; readonly closeCode?: number }
  | { readonly kind: "meter"; readonly reading: Reading; readonly side: MeterSide }
  | { readonly kind: "meter-lost"; readonly evseId: number; readonly why: string }
  /** A message of the mesh, and which neighbour handed it over. */
  | { readonly kind: "message"; readonly topic: string; readonly bytes: Uint8Array; readonly from: string }
  /** Time passing; the agent sends one at each epoch boundary. */
  | { readonly kind: "tick" };

/** One thing to be done outside; the only output of the pipeline. Carried out in order. */
export type Effect =
  /** Append entries to the log; durable before any later effect of the same step is carried out. */
  | { readonly kind: "append"; readonly entries: readonly Uint8Array[] }
  /** Replace the stored checkpoint by this signed note. */
  | { readonly kind: "checkpoint"; readonly note: string }
  /** Replace the stored checkpoint that witnesses cosigned. */
  | { readonly kind: "cosigned"; readonly note: string }
  /** Sign nothing more until the next start: the log is not what it should be. */
  | { readonly kind: "refuse"; readonly why: string }
  /** A roster's file came from a neighbour: what became of it. */
  | { readonly kind: "roster"; readonly offered: Offered; readonly from: StationId; readonly epoch: number }
  /** A neighbour said something of releases. */
  | { readonly kind: "release"; readonly word: StationMessage }
  /** Publish messages to the neighbours. */
  | { readonly kind: "publish"; readonly messages: readonly Outgoing[] }
  | { readonly kind: "alert"; readonly alert: Alert }
  /** Evidence that came half the way to a verdict: for `replay` and `status`, no alert. */
  | { readonly kind: "finding"; readonly threat: Threat; readonly belief: Belief; readonly at: WallMs }
  /** Save what was learned (`memory` of the state), so that a restart goes on from here. */
  | { readonly kind: "remember" }
  /** A plain fault, when it is noticed; no threat. */
  | { readonly kind: "fault"; readonly fault: Fault; readonly evseId: number; readonly at: WallMs;
      readonly says: string }
  /** One line for the operator of this very machine, once a kind. */
  | { readonly kind: "notice"; readonly text: string };

export interface FrameSource {
  start(onEvent: (event: AgentEvent) => void): Promise<void>;
  stop(): Promise<void>;
}

export interface MeterSource {
  start(onEvent: (event: AgentEvent) => void): void;
  stop(): Promise<void>;
}

/** Append-only storage of log entries. */
export interface LedgerStore {
  /** Durable when it returns. Throws when it cannot be: the agent then stops signing and says so. */
  append(entries: readonly Uint8Array[]): void;
  writeCheckpoint(note: string): void;
  /** Beside the own checkpoint, which nothing here can harm. */
  writeCosigned(note: string): void;
  close(): void;
}

export interface AlertSink {
  readonly name: string;
  /** Never throws; a sink that is down counts what it dropped. */
  send(alert: Alert): void;
  close(): Promise<void>;
}

/** A member whose broker is dialled. */
export interface MeshNeighbour {
  readonly station: StationId;
  /** Raw Ed25519 key that its broker must show, 32 bytes. */
  readonly tlsKey: Uint8Array;
  /** `host:port` of its broker; empty when it has none and can only dial. */
  readonly address: string;
}

/**
 * What one agent says to its neighbours, and hears from them. Nothing that comes is checked but who brought it: a
 * station whose certificate was seen, or the URL of a site's broker. The author and the content are another matter.
 */
export interface Transport {
  /** Rejects when the embedded broker cannot listen. A neighbour that is away is tried again. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Tells everybody who is connected but for those stations, and sites only what is this agent's own; at most once,
   * or not at all. Never throws.
   */
  publish(topic: string, bytes: Uint8Array, except?: ReadonlySet<string>): void;
  /** Whom to dial from now on; to be called whenever the roster changes: who is no member any more is cut off. */
  setNeighbours(neighbours: readonly MeshNeighbour[]): void;
}

export type { Now };
