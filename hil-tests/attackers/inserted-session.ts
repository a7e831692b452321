/** A whole charging session put into an honest capture: frames, registers and meter. */
import { HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { Capture, TimedLine } from "../sim/capture.ts";
import { ACCEPTED, type ConnectorState, type Sample, type Transaction } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import type { Dice } from "../sim/dice.ts";
import { exchange, merged, type Span } from "./attack.ts";
import { constantPower, registerAt, withExtraEnergy, withShiftedRegisters } from "./registers.ts";

export interface InsertedSession extends Span {
  readonly evseId: number;
  readonly token: string;
  readonly powerW: number;
  /** Started over the air, or with a card at the reader. */
  readonly remote: boolean;
  /** Whether current flows; otherwise all of it is a tale of the station's. Default true. */
  readonly flows?: boolean;
}

/** The EVSE must be idle and the link up during the session. */
export function withSession(capture: Capture, chance: Dice, session: InsertedSession): Capture {
  const { evseId, from, to, powerW } = session;
  const dialect = dialectOf(capture.ocppVersion);
  const baseWh = registerAt(capture, evseId, from);
  const flowing = { from: (from + 4 * SECOND_MS) as WallMs, to };
  const drawnWh = (at: WallMs): number => constantPower(flowing, powerW)(at, 0);
  const lines: TimedLine[] = [];
  const say = (at: WallMs, message: ReturnType<typeof dialect.authorize>, reply: object): void => {
    lines.push(...exchange(capture, chance, at, "station", message, reply));
  };
  const status = (at: WallMs, state: ConnectorState): void => say(at, dialect.status(evseId, state, rfc3339(at)), {});
  const sample = (at: WallMs, context: Sample["context"]): Sample => ({
    stamp: rfc3339(at), context, registerWh: Math.floor(baseWh + drawnWh(at)), powerW: at < to ? powerW : 0,
    currentA: Math.round((10 * powerW) / 230) / 10, voltageV: 230, inKwh: false,
  });
  const tx: Transaction = { evseId, token: session.token, uuid: chance.uuid(), numericId: 5_000_000 + chance.int(1e6),
    seqNo: 0 };
  const asked = (from - 2 * SECOND_MS) as WallMs;
  if (session.remote) {
    lines.push(...exchange(capture, chance, asked, "csms", dialect.remoteStart(tx.token, evseId, 77), ACCEPTED));
  } else say(asked, dialect.authorize(tx.token), dialect.authorizeReply("Accepted"));
  say(from, dialect.started(tx, sample(from, "Transaction.Begin"), false), dialect.startedReply(tx, "Accepted"));
  status((from + 4 * SECOND_MS) as WallMs, "Charging");
  for (let at = from + MINUTE_MS; at < to - SECOND_MS; at += MINUTE_MS) {
    say(at as WallMs, dialect.reading(tx, sample(at as WallMs, "Sample.Periodic"), false), {});
  }
  say(to, dialect.ended(tx, sample(to, "Transaction.End"), "Local", false), dialect.endedReply(tx));
  status((to + 20 * SECOND_MS) as WallMs, "Available");
  const ocpp = withShiftedRegisters(capture, evseId, (at) => (at < from ? 0 : drawnWh(at)));
  const meter = session.flows === false ? capture.meter
    : withExtraEnergy(capture.meter, evseId, constantPower(flowing, powerW));
  return { ...capture, ocpp: merged(ocpp, lines.sort((a, b) => a.at - b.at)), meter };
}

/** Long enough to look like charging. */
export const SESSION_MS = HOUR_MS / 2;
