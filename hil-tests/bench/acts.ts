/** The acts of the demonstration: what is done, what is foretold, and what was observed. */
import type { Alert, Threat } from "../../models/terms.ts";
import type { SimVersion } from "../sim/capture.ts";
import type { Rig } from "./rig.ts";
import { STATION } from "./rig.ts";

export const GOOD_TOKEN = "DEADBEEF0001";

export interface Outcome {
  readonly observed: string;
  readonly asTold: boolean;
  /** What the agent said, for the curious. */
  readonly words?: string;
}

export interface Act {
  readonly name: string;
  readonly told: string;
  play(rig: Rig, version: SimVersion): Promise<Outcome>;
}

const QUIET_S = 15;
const THEFT_S = 45;
const GUESSES = 24;
/** Long enough for the agent to hear of a frame that the bench has seen answered. */
const HEARD_MS = 1_500;
const BACK_WITHIN_S = 10;

/** Plays something and tells which alerts were raised during it, after everything on the wire was heard. */
async function raisedDuring(rig: Rig, play: () => Promise<unknown>): Promise<Alert[]> {
  const before = rig.alerts().length;
  await play();
  await rig.station.heartbeat();
  await new Promise((resolve) => setTimeout(resolve, HEARD_MS));
  return rig.alerts().slice(before).filter(({ state }) => state === "raised");
}

function expectOnly(threat: Threat, raised: readonly Alert[]): Outcome {
  const [alert] = raised;
  const words = alert?.summary;
  return {
    observed: raised.length === 0 ? "nothing" : raised.map((one) => `${one.threat} (${one.severity})`).join(", "),
    asTold: raised.length === 1 && alert?.threat === threat && alert.stations.includes(STATION),
    ...(words !== undefined && { words }),
  };
}

const quiet: Act = {
  name: "a quiet session",
  told: "nothing",
  async play(rig) {
    const raised = await raisedDuring(rig, async () => {
      const { authorization } = await rig.charge({ token: GOOD_TOKEN, seconds: QUIET_S });
      if (authorization !== "Accepted") throw new Error(`the session was not authorised: ${authorization}`);
    });
    const { transactions } = rig.csms;
    const billed = transactions.length === 1;
    return {
      observed: raised.map(({ threat }) => threat).join(", ") || (billed ? "nothing" : "no transaction"),
      asTold: raised.length === 0 && billed,
    };
  },
};

const theft: Act = {
  name: "a session whose meter runs 30 % ahead of what is billed",
  told: "energy-theft",
  async play(rig) {
    return expectOnly("energy-theft", await raisedDuring(rig, () =>
      rig.charge({ token: GOOD_TOKEN, seconds: THEFT_S, meterAhead: 0.3 })));
  },
};

const guesses: Act = {
  name: `${GUESSES} guessed idTokens`,
  told: "authorization-abuse",
  async play(rig) {
    return expectOnly("authorization-abuse", await raisedDuring(rig, async () => {
      for (let guess = 0; guess < GUESSES; guess++) {
        await rig.station.authorize(`0BAD${String(guess).padStart(6, "0")}`);
      }
    }));
  },
};

const firmware: Act = {
  name: "an order to install unsigned firmware from a stranger",
  told: "firmware-tampering",
  async play(rig, version) {
    const location = "http://198.51.100.66/charger.bin";
    const when = new Date().toISOString();
    const order = version === "1.6"
      ? { location, retrieveDate: when }
      : { requestId: 1, firmware: { location, retrieveDateTime: when } };
    return expectOnly("firmware-tampering", await raisedDuring(rig, async () => {
      const ordered = await rig.csms.command(STATION, "UpdateFirmware", order);
      if (!ordered.ok) throw new Error(`the order did not reach the station: ${ordered.why}`);
    }));
  },
};

const killed: Act = {
  name: "the agent killed with SIGKILL in mid-session",
  told: `station back within ${BACK_WITHIN_S} s, one transaction, log whole, nothing raised again`,
  async play(rig, version) {
    const incidents = new Set(rig.alerts().map(({ incidentId }) => incidentId)).size;
    const transactions = rig.csms.transactions.length;
    let awayMs = Infinity;
    const raised = await raisedDuring(rig, async () => {
      const session = rig.charge({ token: GOOD_TOKEN, seconds: 15 });
      await rig.csms.nextCall(STATION, version === "1.6" ? "MeterValues" : "TransactionEvent");
      const since = performance.now();
      const down = rig.station.whenDisconnected();
      await rig.agent.kill();
      await down;
      await rig.station.whenConnected();
      awayMs = performance.now() - since;
      await session;
    });
    const verified = await rig.command("ledger", "verify");
    const known = await rig.command("explain", "--json");
    const inLog = known.code === 0 ? (known.out.match(/"incidentId"/g) ?? []).length : 0;
    const last = rig.csms.transactions.at(-1);
    const whole = rig.csms.transactions.length === transactions + 1 && last?.ended === true;
    const awayS = awayMs / 1000;
    return {
      observed: `back after ${awayS.toFixed(1)} s, transaction ${whole ? "whole" : "broken"}, ` +
        `log ${verified.code === 0 ? "whole" : "NOT whole"}, ${inLog} of ${incidents} incidents in it, ` +
        `${raised.length} raised again`,
      asTold: awayS <= BACK_WITHIN_S && whole && verified.code === 0 && inLog === incidents && raised.length === 0,
      words: (verified.out || verified.err).split("\n")[0] ?? "",
    };
  },
};

export const ACTS: readonly Act[] = [quiet, theft, guesses, firmware, killed];
