/** `remote-command-abuse`: what a CSMS may order, ordered by somebody who should not. */
import { MINUTE_MS, SECOND_MS, rfc3339, type WallMs } from "../../models/units.ts";
import type { SimVersion } from "../sim/capture.ts";
import { ACCEPTED, heartbeat, heartbeatReply } from "../sim/dialect.ts";
import { dialectOf } from "../sim/dialects.ts";
import {
  evseIds, exchange, isIdle, isUp, moment, truthOf, type Attack, type Attacks,
} from "./attack.ts";
import { charging, joint, opportunities } from "./joint.ts";
import { stopped, stopsTogether } from "./manipulated-load.ts";
import { graded, gradedCount, percent } from "./strength.ts";
import { allOf, cutShort, ordered, restarted, withLines, type Order, type Running } from "./wire.ts";

function unlock(version: SimVersion, id: number): Order {
  const payload = version === "1.6" ? { connectorId: id } : { evseId: id, connectorId: 1 };
  return { message: { action: "UnlockConnector", payload }, reply: { status: "Unlocked" } };
}

function availability(version: SimVersion, to: "Inoperative" | "Operative"): Order {
  const payload = version === "1.6" ? { connectorId: 0, type: to } : { operationalStatus: to };
  return { message: { action: "ChangeAvailability", payload }, reply: ACCEPTED };
}

/** At once, whoever charges (1.6: 5.14; 2.0.1: B12). */
function hardReset(version: SimVersion): Order {
  const type = version === "1.6" ? "Hard" : "Immediate";
  return { message: { action: "Reset", payload: { type } }, reply: ACCEPTED };
}

const stormy = gradedCount(8, 40, 200);

/** Orders without end that move little: caches, locks, triggers. */
const commandStorm: Attack = (before, chance, strength, window) => {
  const count = stormy(strength);
  const { ocppVersion } = before;
  const from = moment(before, chance, count * 3 * SECOND_MS + MINUTE_MS, window);
  const trigger = dialectOf(ocppVersion).trigger("Heartbeat", 1);
  const orders = Array.from({ length: count }, () => chance.pick([
    { message: { action: "ClearCache", payload: {} }, reply: ACCEPTED },
    { message: trigger, reply: ACCEPTED },
    { ...unlock(ocppVersion, chance.pick(evseIds(before))),
      reply: { status: ocppVersion === "1.6" ? "UnlockFailed" : "UnknownConnector" } },
  ]));
  const lines = ordered(before, chance, from, orders, { low: 0.5, high: 3 });
  const beats = lines.filter(({ line }) => line.includes('"action":"TriggerMessage"')).flatMap(({ at }) =>
    exchange(before, chance, (at + 150) as WallMs, "station", heartbeat, heartbeatReply(rfc3339(at))));
  const truth = truthOf("remote-command-abuse", "command-storm", before, { from, to: lines.at(-1)?.at ?? from });
  return { capture: withLines(before, [...lines, ...beats]), truth: [truth] };
};

const victimsStopped = gradedCount(1, 3, 8);
const victimsUnlocked = gradedCount(1, 2, 5);

/** Transactions that still had five minutes to go, each once. */
function ended(name: string, count: (strength: number) => number, by: typeof stopped): Attack {
  return (before, chance, strength, window) => {
    const seen = new Set<string | number>();
    const places = opportunities(before, chance, count(strength), 5 * MINUTE_MS, window, (during) => {
      const target = charging(before, during).find(({ id }) => !seen.has(id));
      if (target !== undefined) seen.add(target.id);
      return target;
    });
    const capture = places.reduce((after, { at, with: target }) => by(after, chance, target, at), before);
    return { capture, truth: places.map(({ at }) => truthOf("remote-command-abuse", name, before,
      { from: at, to: (at + 10 * SECOND_MS) as WallMs })) };
  };
}

const unlocked: typeof stopped = (capture, chance, target, at) => {
  const { message, reply } = unlock(capture.ocppVersion, target.evseId);
  const order = exchange(capture, chance, at, "csms", message, reply);
  return withLines(cutShort(capture, chance, target, (at + SECOND_MS) as WallMs, "EVDisconnected"), order);
};

const resets = gradedCount(2, 5, 15);
const RESET_EVERY_MS = 4 * MINUTE_MS;

const resetLoop: Attack = (before, chance, strength, window) => {
  const count = resets(strength);
  const from = moment(before, chance, count * RESET_EVERY_MS, window);
  let after = before;
  let left: readonly Running[] = allOf(before);
  for (let i = 0; i < count; i++) {
    const at = (from + i * RESET_EVERY_MS) as WallMs;
    const restart = { at: (at + SECOND_MS) as WallMs, reason: "RemoteReset" as const };
    const { message, reply } = hardReset(before.ocppVersion);
    after = withLines(restarted(after, chance, restart, left),
      exchange(before, chance, at, "csms", message, reply));
    left = left.filter((one) => one.from > restart.at || one.to < restart.at);
  }
  const to = (from + count * RESET_EVERY_MS) as WallMs;
  return { capture: after, truth: [truthOf("remote-command-abuse", "reset-loop", before, { from, to })] };
};

const outMin = graded(15, 40, 90);

/** While nobody is there, so that nobody is driven away who would have to be taken out of the capture. */
const outOfService: Attack = (before, chance, strength, window) => {
  const lengthMs = Math.round(outMin(strength)) * MINUTE_MS;
  const ids = evseIds(before);
  const [place] = opportunities(before, chance, 1, lengthMs, window, (during) =>
    (isUp(before, during) && ids.every((id) => isIdle(before, id, during)) ? true : undefined));
  const from = place?.at as WallMs;
  const to = (from + lengthMs) as WallMs;
  const { status } = dialectOf(before.ocppVersion);
  const lines = ([["Inoperative", "Unavailable", from], ["Operative", "Available", to]] as const)
    .flatMap(([order, state, at]) => {
      const { message, reply } = availability(before.ocppVersion, order);
      return [...exchange(before, chance, at, "csms", message, reply), ...ids.flatMap((id, i) => {
        const when = (at + 200 + 150 * i) as WallMs;
        return exchange(before, chance, when, "station", status(id, state, rfc3339(when)), {});
      })];
    });
  const truth = truthOf("remote-command-abuse", "out-of-service", before, { from, to: lines.at(-1)?.at ?? to });
  return { capture: withLines(before, lines), truth: [truth] };
};

const massShare = graded(0.3, 0.6, 1);

export const COMMANDS: Attacks = {
  "command-storm": {
    threat: "remote-command-abuse", scope: "station", make: commandStorm,
    does: "caches cleared, messages triggered, locks tried, one every 0.5 to 3 s",
    amount: (strength) => `${stormy(strength)} orders`,
  },
  "stop-paying-sessions": {
    threat: "remote-command-abuse", scope: "station", make: ended("stop-paying-sessions", victimsStopped, stopped),
    does: "remote stops of those who charge",
    amount: (strength) => `${victimsStopped(strength)} transactions, where so many run`,
  },
  "forced-unlock": {
    threat: "remote-command-abuse", scope: "station", make: ended("forced-unlock", victimsUnlocked, unlocked),
    does: "the cable of a vehicle that charges is unlocked from afar",
    amount: (strength) => `${victimsUnlocked(strength)} transactions, where so many run`,
  },
  "reset-loop": {
    threat: "remote-command-abuse", scope: "station", make: resetLoop,
    does: "a hard reset every four minutes",
    amount: (strength) => `${resets(strength)} resets`,
  },
  "out-of-service": {
    threat: "remote-command-abuse", scope: "station", make: outOfService,
    does: "the station is taken out of service",
    amount: (strength) => `for ${Math.round(outMin(strength))} min`,
  },
  "mass-reset": {
    threat: "remote-command-abuse", scope: "zone",
    does: "a hard reset at many stations within a minute",
    amount: (strength) => `${percent(massShare(strength))} of the stations`,
    make: joint((strength) => ({
      threat: "remote-command-abuse", name: "mass-reset", share: massShare(strength), spreadMs: MINUTE_MS,
      lengthMs: 2 * MINUTE_MS,
      act: (capture, chance, at) => {
        const { message, reply } = hardReset(capture.ocppVersion);
        const restart = { at: (at + SECOND_MS) as WallMs, reason: "RemoteReset" as const };
        return { capture: withLines(restarted(capture, chance, restart),
          exchange(capture, chance, at, "csms", message, reply)) };
      },
    })),
  },
  "mass-stop": {
    threat: "remote-command-abuse", scope: "zone",
    make: stopsTogether("remote-command-abuse", "mass-stop", massShare, 180),
    does: "remote stops within three minutes at a busy moment",
    amount: (strength) => `${percent(massShare(strength))} of those who charge, at least two`,
  },
};
