/**
 * The status in Prometheus's text format (exposition format 0.0.4), names and units by its conventions. Only what can
 * move: nothing that is the same for ever. Pure.
 */
import { SEVERITIES } from "../../models/terms.ts";
import type { Alert } from "../../models/terms.ts";
import { plainText } from "../plain-text.ts";
import type { Status } from "../status.ts";

type Labels = Readonly<Record<string, string>>;
type Kind = "counter" | "gauge" | "summary";
type Sample = readonly [value: number | undefined, labels?: Labels];
interface Metric {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Label values: backslash and quote are escaped, line feeds gone; more of a vendor's string is nobody's label. */
const MOST_LABEL = 128;
const JOULES_IN_WH = 3_600;
const S_IN_US = 1e-6;

const metric = (name: string, kind: Kind, help: string, ...samples: readonly Sample[]): Metric =>
  ({ name, kind, help, samples });
const counts = (all: Readonly<Record<string, number | undefined>>, label: string): Sample[] =>
  Object.entries(all).map(([name, count]) => [count, { [label]: name }]);
const both = (station: number, csms: number): Sample[] =>
  [[station, { direction: "cp_to_csms" }], [csms, { direction: "csms_to_cp" }]];
const seconds = (time: string): number => Date.parse(time) / 1_000;

function linkMetrics({ link }: Status): Metric[] {
  const { delayUs } = link;
  return [
    metric("kerbwatch_link_up", "gauge", "Whether charger and CSMS are connected through the agent.",
      [Number(link.state === "connected")]),
    metric("kerbwatch_link_bypassed", "gauge", "Whether the charger was led around the agent.",
      [Number(link.bypassed !== undefined)]),
    metric("kerbwatch_connections_total", "counter", "Connections of the charger.", [link.connections]),
    metric("kerbwatch_connections_refused_total", "counter", "Connections that were refused.", [link.refused]),
    metric("kerbwatch_frames_total", "counter", "OCPP frames that passed.",
      ...both(link.framesFromStation, link.framesFromCsms)),
    metric("kerbwatch_frames_unparsed_total", "counter", "Frames that passed unread, by reason.",
      ...counts(link.unparsed, "reason")),
    metric("kerbwatch_frames_odd_total", "counter", "Frames that broke a rule and passed all the same.",
      ...counts(link.oddities ?? {}, "rule")),
    ...(delayUs === undefined ? [] : [metric("kerbwatch_frame_delay_seconds", "summary",
      "Time that the agent adds to a frame's way.", [delayUs.p50 * S_IN_US, { quantile: "0.5" }],
      [delayUs.p99 * S_IN_US, { quantile: "0.99" }])]),
  ];
}

function meterMetrics({ meters }: Status): Metric[] {
  const of = (value: (meter: Status["meters"][number]) => number | undefined): Sample[] =>
    meters.map((meter) => [value(meter), { evse: String(meter.evse), meter: meter.address }]);
  return [
    metric("kerbwatch_meter_up", "gauge", "Whether the agent's meter is read.",
      ...of(({ state }) => Number(state === "reading"))),
    metric("kerbwatch_meter_power_watts", "gauge", "Power by the agent's meter.", ...of(({ powerW }) => powerW)),
    metric("kerbwatch_meter_imported_joules_total", "counter", "Energy by the agent's meter.",
      ...of(({ energyImportWh: wh }) => wh && wh * JOULES_IN_WH)),
  ];
}

function alertMetrics({ outlets, beliefs, faults = [] }: Status, open: readonly Alert[]): Metric[] {
  const by = (value: (outlet: Status["outlets"][number]) => number): Sample[] =>
    outlets.map((outlet) => [value(outlet), { outlet: outlet.name }]);
  return [
    metric("kerbwatch_incidents_open", "gauge", "Open incidents of all scopes, by severity.",
      ...SEVERITIES.map((severity): Sample =>
        [open.filter((one) => one.severity === severity).length, { severity }])),
    metric("kerbwatch_faults_open", "gauge", "Plain faults that last.", [faults.length]),
    metric("kerbwatch_opinion_ratio", "gauge", "Opinion on a threat or joint feature; 1 is a verdict.",
      ...beliefs.map(({ key, opinion }): Sample => [opinion, { key }])),
    metric("kerbwatch_alerts_sent_total", "counter", "Alerts that an outlet has taken.", ...by(({ sent }) => sent)),
    metric("kerbwatch_alerts_dropped_total", "counter", "Alerts that were lost on the way to an outlet.",
      ...by(({ dropped }) => dropped)),
    metric("kerbwatch_alerts_waiting", "gauge", "Alerts that wait for an outlet.", ...by(({ waiting = 0 }) => waiting)),
  ];
}

function agentMetrics({ agent, clock, log, learned }: Status): Metric[] {
  return [
    metric("kerbwatch_clock_ahead_seconds", "gauge", "This machine's clock less the CSMS's.",
      [clock.aheadOfCsmsMs === undefined ? undefined : clock.aheadOfCsmsMs / 1_000]),
    metric("kerbwatch_log_entries_total", "counter", "Entries of the log.", [log.entries]),
    metric("kerbwatch_log_writable", "gauge", "Whether the log takes entries and may be signed.",
      [Number(log.state === "good")]),
    metric("kerbwatch_log_checkpoint_timestamp_seconds", "gauge", "When the last checkpoint was signed.",
      [log.checkpointAt === undefined ? undefined : seconds(log.checkpointAt)]),
    metric("kerbwatch_learned_seconds", "gauge", "How much of normal is learned.", [Math.round(learned.days * 86_400)]),
    metric("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", [agent.residentBytes]),
    metric("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", [agent.cpuS]),
    metric("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.",
      [seconds(agent.startedAt)]),
  ];
}

function meshMetrics({ mesh }: Status): Metric[] {
  if (mesh === undefined) return [];
  const { links, members, traffic: { sent, received, refused } } = mesh;
  const count = (holds: readonly boolean[]): number => holds.filter(Boolean).length;
  return [
    metric("kerbwatch_mesh_links", "gauge", "Connections to neighbours that are up or down.",
      [count(links.map(({ up }) => up)), { state: "up" }], [count(links.map(({ up }) => !up)), { state: "down" }]),
    metric("kerbwatch_mesh_members_suspected", "gauge", "Members of the zone that were not heard for a while.",
      [count(members.map(({ suspected }) => suspected))]),
    metric("kerbwatch_mesh_members_guilty", "gauge", "Members of the zone that were proven to contradict themselves.",
      [count(members.map(({ guilty }) => guilty))]),
    metric("kerbwatch_mesh_messages_total", "counter", "Messages of the mesh.",
      [sent.messages, { direction: "sent" }], [received.messages, { direction: "received" }]),
    metric("kerbwatch_mesh_bytes_total", "counter", "Bytes of topics and payloads of the mesh.",
      [sent.bytes, { direction: "sent" }], [received.bytes, { direction: "received" }]),
    metric("kerbwatch_mesh_refused_total", "counter", "Messages that changed nothing, by reason.",
      ...counts(refused, "reason")),
  ];
}

function labelText(labels: Labels | undefined): string {
  if (labels === undefined) return "";
  const all = Object.entries(labels).map(([name, value]) =>
    `${name}="${plainText(value, MOST_LABEL).replace(/[\\"]/g, "\\$&")}"`);
  return `{${all.join(",")}}`;
}

/** @param open incidents of all scopes */
export function metricsText(status: Status, open: readonly Alert[]): string {
  const all = [
    ...linkMetrics(status), ...meterMetrics(status), ...alertMetrics(status, open), ...agentMetrics(status),
    ...meshMetrics(status),
  ];
  const lines = all.flatMap(({ name, kind, help, samples }) => {
    const told = samples.filter(([value]) => value !== undefined && Number.isFinite(value));
    return told.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`,
      ...told.map(([value, labels]) => `${name}${labelText(labels)} ${value}`)];
  });
  return `${lines.join("\n")}\n`;
}
