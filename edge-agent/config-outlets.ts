/**
 * Outlets beyond this machine in the configuration: what is checked of two keys at once, and from text to what is
 * used.
 */
import type { Severity } from "../models/terms.ts";
import { hostPortText, parseHostPort } from "../gossip/host-port.ts";
import { brokerProblem, buildBroker, effectiveBroker, hiddenSecret, must, secretRef } from "./config-brokers.ts";
import type { BrokerConfig, Environment } from "./config-brokers.ts";
import { isLoopback, parseHttpAddress } from "./config-kit.ts";
import type { HttpAddress } from "./config-kit.ts";
import { parseAddress } from "./config-schema.ts";
import type { Address, HostPort, RawConfig, SecretRef } from "./config-schema.ts";

/** What all outlets have. */
export interface AnyOutlet {
  /** What is less severe is not sent. */
  readonly least: Severity;
  /** Whether alerts of a zone and region are sent whoever else in the zone does. */
  readonly all: boolean;
}

export interface MqttOutletConfig extends AnyOutlet {
  readonly broker: BrokerConfig;
  readonly topic: string;
}
export interface WebhookConfig extends AnyOutlet {
  readonly url: HttpAddress;
  readonly secret: SecretRef;
  readonly ca?: string;
}
export interface SyslogConfig extends AnyOutlet {
  readonly address: HostPort;
  readonly transport: "tls" | "tcp" | "udp";
  readonly format: "rfc5424" | "cef";
  readonly facility: number;
  readonly enterprise: number;
  readonly ca?: string;
}
export interface OcppOutletConfig extends AnyOutlet {
  readonly url: Address;
  readonly identity: string;
  readonly version: "1.6" | "2.0.1" | "2.1";
  readonly password?: SecretRef;
  readonly ca?: string;
}
export interface EverestOutletConfig extends AnyOutlet {
  readonly broker: BrokerConfig;
  readonly module: string;
}

export interface OutletsConfig {
  readonly mqtt?: MqttOutletConfig;
  readonly webhook?: WebhookConfig;
  readonly syslog?: SyslogConfig;
  readonly ocpp?: OcppOutletConfig;
  readonly everest?: EverestOutletConfig;
  readonly prometheus: boolean;
  readonly digestS: number;
}

type Raw = RawConfig["alerts"];
type At = (path: string) => string;

const OPEN = "may read alerts, hold them back and forge them";
const IN_THE_CLEAR = "read and forge what goes there";

/** @param encrypted what would keep it from them */
function plainProblem(
  at: string, where: { secure: boolean; host: string }, plain: boolean, encrypted: string,
): string | undefined {
  if (!where.secure && !plain && !isLoopback(where.host)) {
    return `${at}.plain: missing; allowed: true, if whoever is between here and ${where.host} may ${IN_THE_CLEAR} `
      + `(${encrypted} keeps it from them)`;
  }
  if (where.secure && plain) return `${at}.plain: found true beside ${encrypted}; allowed: without TLS`;
  return undefined;
}

function caProblem(at: string, secure: boolean, ca: string | undefined): string | undefined {
  return !secure && ca !== undefined ? `${at}.ca: found without TLS; allowed: with it` : undefined;
}

function mqttProblem({ mqtt }: Raw): string | undefined {
  if (mqtt === undefined) return undefined;
  const secure = mqtt.url.startsWith("mqtts:");
  if (secure && mqtt.ca === undefined) {
    return "alerts.mqtt.ca: missing; allowed: a path, since alerts.mqtt.url is an mqtts:// address";
  }
  return caProblem("alerts.mqtt", secure, mqtt.ca) ?? brokerProblem("alerts.mqtt", mqtt, OPEN);
}

function webhookProblem({ webhook }: Raw): string | undefined {
  if (webhook === undefined) return undefined;
  const url = must(parseHttpAddress(webhook.url), "web address");
  return plainProblem("alerts.webhook", url, webhook.plain, "https://")
    ?? caProblem("alerts.webhook", url.secure, webhook.ca);
}

function syslogProblem({ syslog }: Raw): string | undefined {
  if (syslog === undefined) return undefined;
  const { host } = must(parseHostPort(syslog.address), "address");
  const secure = syslog.transport === "tls";
  return plainProblem("alerts.syslog", { secure, host }, syslog.plain, "transport: tls")
    ?? caProblem("alerts.syslog", secure, syslog.ca);
}

function ocppProblem({ ocpp }: Raw, station: string): string | undefined {
  if (ocpp === undefined) return undefined;
  // The CSMS would cut the charger off to let the agent in.
  if (ocpp.identity === station) {
    return `alerts.ocpp.identity: found the station's own, ${station}; allowed: one that the CSMS gave to the agent`;
  }
  const url = must(parseAddress(ocpp.url), "CSMS address");
  return plainProblem("alerts.ocpp", url, ocpp.plain, "wss://") ?? caProblem("alerts.ocpp", url.secure, ocpp.ca);
}

/** Rules that look at two keys at once. */
export function outletsProblem({ alerts, station }: RawConfig): string | undefined {
  const everest = alerts.everest && brokerProblem("alerts.everest", { url: alerts.everest.broker, plain: false }, OPEN);
  return mqttProblem(alerts) ?? webhookProblem(alerts) ?? syslogProblem(alerts) ?? ocppProblem(alerts, station)
    ?? everest;
}

const path = (ca: string | undefined, at: At) => ({ ...(ca !== undefined && { ca: at(ca) }) });

/** Only after outletsProblem found none. `place`: for the usual topic. */
export function buildOutlets(
  raw: Raw, place: { region: string; zone: string; station: string }, env: Environment, at: At,
): OutletsConfig {
  const { mqtt, webhook, syslog, ocpp, everest, prometheus, digestS } = raw;
  const of = ({ least, all }: AnyOutlet): AnyOutlet => ({ least, all });
  return {
    prometheus, digestS,
    ...(mqtt && { mqtt: {
      ...of(mqtt), broker: buildBroker("alerts.mqtt", mqtt, env, at),
      topic: mqtt.topic ?? `kerbwatch/${place.region}/${place.zone}/${place.station}/alert`,
    } }),
    ...(webhook && { webhook: {
      ...of(webhook), url: must(parseHttpAddress(webhook.url), "web address"),
      secret: secretRef("alerts.webhook.secret", webhook.secret, env, at), ...path(webhook.ca, at),
    } }),
    ...(syslog && { syslog: {
      ...of(syslog), address: must(parseHostPort(syslog.address), "address"), transport: syslog.transport,
      format: syslog.format, facility: syslog.facility, enterprise: syslog.enterprise, ...path(syslog.ca, at),
    } }),
    ...(ocpp && { ocpp: {
      ...of(ocpp), url: must(parseAddress(ocpp.url), "CSMS address"), identity: ocpp.identity, version: ocpp.version,
      ...(ocpp.password !== undefined && { password: secretRef("alerts.ocpp.password", ocpp.password, env, at) }),
      ...path(ocpp.ca, at),
    } }),
    ...(everest && { everest: {
      ...of(everest), broker: buildBroker("alerts.everest", { url: everest.broker, plain: false }, env, at),
      module: everest.module,
    } }),
  };
}

/** Whether anybody beyond this machine is told. */
export const tellsFar = ({ mqtt, webhook, syslog, ocpp, everest }: OutletsConfig): boolean =>
  [mqtt, webhook, syslog, ocpp, everest].some((outlet) => outlet !== undefined);

/** As keys and values to print, without secrets. */
export function effectiveOutlets(config: OutletsConfig): Record<string, unknown> {
  const { mqtt, webhook, syslog, ocpp, everest, prometheus, digestS } = config;
  const url = ({ secure, host, port, path: rest }: Address | HttpAddress, scheme: string): string =>
    `${scheme}${secure ? "s" : ""}://${hostPortText({ host, port })}${rest.split("?")[0]}`;
  return {
    ...(mqtt && { mqtt: { ...mqtt, broker: effectiveBroker(mqtt.broker) } }),
    // The query of a web address is often what lets one in.
    ...(webhook && { webhook: { ...webhook, url: url(webhook.url, "http"), secret: hiddenSecret(webhook.secret) } }),
    ...(syslog && { syslog: { ...syslog, address: hostPortText(syslog.address) } }),
    ...(ocpp && { ocpp: { ...ocpp, url: url(ocpp.url, "ws"),
      ...(ocpp.password && { password: hiddenSecret(ocpp.password) }) } }),
    ...(everest && { everest: { ...everest, broker: effectiveBroker(everest.broker) } }),
    prometheus, digestS,
  };
}
