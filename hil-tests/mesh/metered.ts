/** What a member on a metered link sends and hears at rest over a site's broker: real cores in virtual time. */
import { EPOCH_S, ZONE, ZoneCores } from "../../edge-agent/zone-cores.testing.ts";
import { topicText } from "../../gossip/message.ts";

/** MQTT: fixed header and two lengths; TLS 1.3: record header, type and tag. Constants, not read off a socket. */
const OVERHEAD = 5 + 22;
/** A ping and its answer, each in a record of its own, each 30 s. */
const PINGS_AN_EPOCH = 2 * (2 + 22) * EPOCH_S / 30;
const MONTH_EPOCHS = 30 * 86_400 / EPOCH_S;
const METERED = 4;
const SETTLED = 60;
/** Witnesses are told once in this: ten minutes, and thirty by the metered member. */
const EPOCHS = 180;

export interface MeteredCost {
  readonly n: number;
  readonly f: number;
  /** An epoch, with the topic and what MQTT and TLS add to a message; without TCP/IP, subscriptions, connecting. */
  readonly sentBytes: number;
  readonly heardBytes: number;
  readonly monthMb: number;
}

export function meteredCost(n: number, f: number): MeteredCost {
  const zone = new ZoneCores(n, f, { witnesses: true, rosters: true, metered: [METERED] });
  zone.pass(SETTLED);
  let [sent, heard] = [0, 0];
  zone.arrives = ({ index }, topic, bytes) => {
    if (index === METERED) heard += topic.length + bytes.length + OVERHEAD;
  };
  zone.watch = ({ index }, effects) => {
    if (index !== METERED) return;
    const messages = effects.flatMap((effect) => (effect.kind === "publish" ? effect.messages : []));
    for (const { kind, station, bytes, relayed } of messages) {
      if (relayed === true) continue;
      sent += topicText({ network: zone.roster.network, zone: ZONE, kind, station }).length + bytes.length + OVERHEAD;
    }
  };
  zone.pass(EPOCHS);
  const [sentBytes, heardBytes] = [sent, heard].map((bytes) => bytes / EPOCHS + PINGS_AN_EPOCH / 2) as [number, number];
  return { n, f, sentBytes, heardBytes, monthMb: (sentBytes + heardBytes) * MONTH_EPOCHS / 1e6 };
}

export const meteredText = ({ n, f, sentBytes, heardBytes, monthMb }: MeteredCost): string =>
  `a metered member of ${n} (f ${f}) at rest: ${sentBytes.toFixed(0)} B sent and ${heardBytes.toFixed(0)} B heard an `
  + `epoch of ${EPOCH_S} s, MQTT and TLS counted in by constants: ${monthMb.toFixed(0)} MB in 30 days`;
