/** The status of a running agent in plain words. Pure. */
import { certainty } from "./alert-text.ts";
import { SOON_MS } from "./own-certificates.ts";
import { meshLines, zoneLines } from "./mesh-text.ts";
import { counted, plainText } from "./plain-text.ts";
import type { LinkStatus, MeterStatus, Status } from "./status.ts";
import { ago, bytesText, countsText, duration } from "./status-words.ts";

const MAX_BELIEFS = 5;
const MAX_NOTICES = 5;

const LINK_WORDS: Record<LinkStatus["state"], string> = {
  "connected": "charger and CSMS connected",
  "waiting": "no charger connected",
  "csms-away": "CSMS out of reach",
  "relay-only": "frames pass, none is read",
};

function linkLines({ agent, link, time }: Status): string[] {
  const delay = link.delayUs;
  const version = link.ocppVersion === undefined || link.state === "waiting" ? "" : `, OCPP ${link.ocppVersion}`;
  const since = link.since === undefined ? "" : `, for ${ago(link.since, time).replace(/ ago$/, "")}`;
  return [
    `in line     ${LINK_WORDS[link.state]}${version}${since}`,
    `            CSMS ${plainText(link.csms, 200)}, connections: ${link.connections}, refused: ${link.refused}`,
    agent.relay === undefined
      ? `frames      ${link.framesFromStation} from the charger, ${link.framesFromCsms} from the CSMS; unparsed: `
        + (countsText(link.unparsed) || "none")
      : `passed      ${bytesText(agent.relay.bytesFromStation)} from the charger, `
        + `${bytesText(agent.relay.bytesFromCsms)} from the CSMS`,
    ...(link.oddities === undefined ? [] : [`            odd, and passed all the same: ${countsText(link.oddities)}`]),
    ...(link.schemas === undefined ? [] : ["            schemas: absent; no message is compared with OCPP's own"]),
    `delay       ${delay ? `${Math.round(delay.p50)} µs median, ${Math.round(delay.p99)} µs at the 99th percentile` :
      "nothing passed yet"}`,
    ...(link.lastError === undefined ? [] : [`            last trouble: ${plainText(link.lastError, 200)}`]),
  ];
}

function bypassLines({ link: { bypassed }, time }: Status): string[] {
  if (bypassed === undefined) return [];
  const { since, order, orderAt, host } = bypassed;
  return [
    `BYPASSED    since ${plainText(since, 30)} (${ago(since, time)}): nothing is seen of the charger any more`,
    `            it accepted ${plainText(order, 100)} to ${plainText(host, 100) || "an unnamed host"} `
      + `on ${plainText(orderAt, 30)}, left, and was not heard since`,
  ];
}

function certificateLines({ certificates = [], time }: Status): string[] {
  return certificates.map(({ use, ends }) => {
    const leftMs = Date.parse(ends) - Date.parse(time);
    const word = leftMs <= 0 ? "ENDED on" : leftMs < SOON_MS ? "ENDS SOON, on" : "ends on";
    return `${use.padEnd(12)}own certificate ${word} ${plainText(ends, 30)}`;
  });
}

function framesLines({ frames }: Status): string[] {
  if (frames === undefined) return [];
  const { from, state, framesFromStation, framesFromCsms, unparsed } = frames;
  return [`beside it   ${state === "away" ? "AWAY: " : ""}${plainText(from, 200)}, unproven; ${framesFromStation} from `
    + `the charger, ${framesFromCsms} from the CSMS; unparsed: ${countsText(unparsed) || "none"}`];
}

function meterLine(meter: MeterStatus, time: string): string {
  const values = [
    ...(meter.powerW === undefined ? [] : [`${Math.round(meter.powerW)} W`]),
    ...(meter.energyImportWh === undefined ? [] : [`${(meter.energyImportWh / 1000).toFixed(2)} kWh`]),
  ].join(", ");
  const last = meter.lastAt === undefined ? "no reading yet" : `${values}, ${ago(meter.lastAt, time)}`;
  const state = meter.state === "lost" ? `LOST (${plainText(meter.why ?? "no reason given", 100)}); last ` : "";
  return `meter       EVSE ${meter.evse}, ${meter.model} at ${plainText(meter.address, 100)}: ${state}${last}`;
}

function clockLine({ clock }: Status): string {
  const ahead = clock.aheadOfCsmsMs;
  const apart = ahead === undefined ? "the CSMS has not told the time yet" :
    `${duration(Math.abs(ahead) / 1000)} ${ahead < 0 ? "behind" : "ahead of"} the CSMS`;
  const words = { good: "good", unset: "NEVER SET", off: "OFF", unchecked: "unchecked" }[clock.state];
  const { zone } = clock;
  const aheadOfZone = zone?.aheadMs ?? 0;
  const silent = zone?.state !== "off" ? "" : `; ${duration(Math.abs(aheadOfZone) / 1000)} ` +
    `${aheadOfZone < 0 ? "behind" : "ahead of"} the neighbours' median: PUBLISHES NOTHING until it is set`;
  return `clock       ${words}; ${apart}${silent}`;
}

function logLines({ log, time }: Status): string[] {
  const root = log.root === undefined ? "no checkpoint yet" :
    `checkpoint ${ago(log.checkpointAt, time)}, root ${plainText(log.root, 60)}`;
  const state = log.state === "good" ? "" : `READ ONLY (${plainText(log.why ?? "no reason given", 200)}); `;
  return [`log         ${state}${counted(log.entries, "entry", "entries")}, ${root}`];
}

function faultLines(faults: Status["faults"], time: string): string[] {
  return (faults ?? []).slice(0, MAX_NOTICES).map(({ fault, evse, since, says }) =>
    `FAULT       ${evse > 0 ? `EVSE ${evse}: ` : ""}${plainText(says, 200)} (${fault}), ${ago(since, time)}`);
}

function declaredLines({ declared = [] }: Status): string[] {
  return declared.map(({ changes, stations, from, to, by, reason, holds, word }) => {
    const where = stations.length === 0 ? "" : ` at ${stations.map((one) => plainText(one, 48)).join(", ")}`;
    const when = `${plainText(from, 30)} to ${plainText(to, 30)}`;
    return `declared    ${plainText(changes.join(", "), 80)}${where}, ${when}, by ${plainText(by, 48)}: `
      + `${plainText(reason, 200)}; holds ${counted(holds, "incident", "incidents")} `
      + `(${plainText(word, 64).slice(0, 12)})`;
  });
}

function beliefLines({ beliefs, faults, incidents, time }: Status): string[] {
  const open = incidents.map((incident) => `  ${incident.severity}  ${incident.threat}, `
    + `${certainty(incident.confidence)}, since ${plainText(incident.onset, 30)}\n`
    + `      ${plainText(incident.summary, 300)}\n`
    + `      kerbwatch explain ${plainText(incident.incidentId, 80).slice(0, 12)}`);
  const top = [...beliefs].sort((a, b) => b.opinion - a.opinion).slice(0, MAX_BELIEFS)
    .map(({ key, opinion, says }) => `  ${opinion.toFixed(2)}  ${key}: ${plainText(says, 200)}`);
  return [
    ...faultLines(faults, time),
    open.length === 0 ? "incidents   none open" : `incidents   ${open.length} open`, ...open,
    top.length === 0 ? "beliefs     nothing suspected" : "beliefs     (1 is a verdict)", ...top,
  ];
}

function watchLines(status: Status): string[] {
  const { learned, meters, time } = status;
  return [
    ...certificateLines(status),
    ...framesLines(status),
    ...meters.map((meter) => meterLine(meter, time)),
    ...(meters.length === 0 ? ["meter       none configured: what is delivered is only known from the charger"] : []),
    clockLine(status),
    ...logLines(status),
    `learned     ${learned.days.toFixed(1)} days of normal`,
    ...declaredLines(status),
    ...beliefLines(status),
    ...meshLines(status),
  ];
}

function relayLines({ relay }: Status["agent"], time: string): string[] {
  if (relay === undefined) return [];
  const next = relay.tryAt === undefined ? "the agent starts when the configuration is mended" :
    `the agent is tried again in ${duration((Date.parse(relay.tryAt) - Date.parse(time)) / 1000)}`;
  return [
    `relay       PLAIN RELAY for ${ago(relay.since, time).replace(/ ago$/, "")}: nothing is watched, nothing is logged`,
    `            ${plainText(relay.why, 300)}; ${next}`,
  ];
}

/** Some ten lines for a person; `--json` is what programs read. */
export function statusText(status: Status): string {
  const { agent, outlets, notices, time } = status;
  const dropped = outlets.filter((outlet) => outlet.dropped > 0);
  const lines = [
    `${plainText(agent.station, 48)} in zone ${plainText(agent.zone, 48)}, kerbwatch ${plainText(agent.version, 40)}, `
      + `mode ${agent.mode}, up ${duration(agent.uptimeS)}, ${bytesText(agent.residentBytes)} of memory, `
      + `pid ${agent.pid}`,
    ...bypassLines(status),
    ...relayLines(agent, time),
    ...zoneLines(status),
    ...linkLines(status),
    ...(agent.mode === "relay" ? [] : watchLines(status)),
    ...dropped.map(({ name, dropped: n, lastError }) =>
      `outlet      ${plainText(name, 40)}: ${counted(n, "alert", "alerts")} dropped `
      + `(${plainText(lastError ?? "no reason given", 200)})`),
    ...notices.slice(-MAX_NOTICES).map((notice) => `notice      ${plainText(notice, 300)}`),
  ];
  return `${lines.join("\n")}\n`;
}
