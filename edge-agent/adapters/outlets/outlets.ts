/** The outlets that the configuration names: files and terminal at once, all else by a courier of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config, Environment } from "../../config.ts";
import type { AnyOutlet } from "../../config-outlets.ts";
import { SEVERITIES } from "../../../models/terms.ts";
import type { Alert } from "../../../models/terms.ts";
import type { Crypto } from "../../../models/crypto.ts";
import { epochOf, type Now } from "../../../models/units.ts";
import { createTurns, due, isTurn, type Turns } from "../../alert/turns.ts";
import type { AgentState } from "../../pipeline.ts";
import { UsageError } from "../../usage-error.ts";
import { systemAuthorities } from "../dial.ts";
import { readBroker, readPem, readPassword } from "../tls-files.ts";
import { type Carrier, Courier, type CourierPorts } from "./courier.ts";
import { createEverestAlerts, createMqttAlerts } from "./mqtt.ts";
import { createOcppAlerts } from "./ocpp.ts";
import { createSyslog } from "./syslog.ts";
import { createWebhook, keyOf } from "./webhook.ts";

/** Shorter ones are guessed. */
const LEAST_KEY_BYTES = 16;

const authorities = (key: string, ca: string | undefined): string | Buffer | undefined =>
  (ca === undefined ? systemAuthorities() : readPem(key, ca));

function webhookKey(config: NonNullable<Config["alerts"]["webhook"]>, env: Environment): Buffer {
  const key = keyOf(readPassword("alerts.webhook.secret", config.secret, env));
  if (key.length >= LEAST_KEY_BYTES) return key;
  throw new UsageError(`alerts.webhook.secret: found ${key.length} bytes; allowed: ${LEAST_KEY_BYTES} at least`);
}

/**
 * Every carrier of the configuration, by its name. Throws UsageError that names the key of a file that cannot be read.
 */
export function createCarriers(
  { alerts }: Config, env: Environment, ports: CourierPorts,
): { readonly name: string; readonly of: AnyOutlet; readonly carrier: Carrier }[] {
  const { mqtt, webhook, syslog, ocpp, everest } = alerts;
  const made: { name: string; of: AnyOutlet; carrier: Carrier }[] = [];
  if (mqtt !== undefined) {
    const broker = readBroker("alerts.mqtt", mqtt.broker, env);
    made.push({ name: "mqtt", of: mqtt, carrier: createMqttAlerts(broker, mqtt.topic, ports) });
  }
  if (webhook !== undefined) {
    const ca = webhook.url.secure ? authorities("alerts.webhook.ca", webhook.ca) : undefined;
    const carrier = createWebhook(webhook, webhookKey(webhook, env), ca, ports.clock);
    made.push({ name: "webhook", of: webhook, carrier });
  }
  if (syslog !== undefined) {
    const ca = syslog.transport === "tls" ? authorities("alerts.syslog.ca", syslog.ca) : undefined;
    made.push({ name: "syslog", of: syslog, carrier: createSyslog(syslog, ca) });
  }
  if (ocpp !== undefined) {
    const ca = ocpp.url.secure ? authorities("alerts.ocpp.ca", ocpp.ca) : undefined;
    const password = ocpp.password && readPassword("alerts.ocpp.password", ocpp.password, env);
    const secrets = { ...(password !== undefined && { password }), ...(ca !== undefined && { ca }) };
    made.push({ name: "ocpp", of: ocpp, carrier: createOcppAlerts(ocpp, secrets) });
  }
  if (everest !== undefined) {
    const broker = readBroker("alerts.everest", everest.broker, env);
    made.push({ name: "everest", of: everest, carrier: createEverestAlerts(broker, everest.module, ports) });
  }
  return made;
}

/** All outlets beyond this machine. */
export class FarOutlets {
  readonly #outlets: readonly { readonly courier: Courier; readonly of: AnyOutlet }[];

  readonly #turns: Turns;

  readonly #hasDigest: boolean;

  constructor(
    outlets: readonly { readonly courier: Courier; readonly of: AnyOutlet }[], crypto: Crypto, hasDigest: boolean,
  ) {
    this.#outlets = outlets;
    this.#hasDigest = hasDigest;
    this.#turns = createTurns(crypto);
  }

  /** Whoever has an incident in hand is told when it is over, and not with each thing that is added. Never throws. */
  send(alert: Alert, state: AgentState, now: Now): void {
    if (alert.state === "updated" && state.alert.handled.has(alert.incidentId)) return;
    // Declared changes ring no bell; where there is no digest they are seen in the log alone.
    if (alert.declared !== undefined && !this.#hasDigest) return;
    const [members, epoch] = [membersOf(state), epochOf(now.wallMs, state.gossip.epochS)];
    const isOurs = alert.scope === "station" || members === undefined
      || isTurn(this.#turns, alert, members, state.alert.station, epoch);
    this.#bring(alert, ({ all }) => isOurs || all);
  }

  /** At each epoch: what a member that fell silent was to tell is told now. */
  tick(state: AgentState, now: Now): void {
    if (this.#turns.held.length === 0) return;
    const [members, epoch] = [membersOf(state) ?? [], epochOf(now.wallMs, state.gossip.epochS)];
    for (const alert of due(this.#turns, members, state.alert.station, epoch)) this.#bring(alert, ({ all }) => !all);
  }

  #bring(alert: Alert, isFor: (of: AnyOutlet) => boolean): void {
    // The same at whoever sends it, where there is a certificate to count by.
    const id = `${alert.incidentId}.${alert.state}.${alert.certificate?.epoch ?? alert.time}`;
    for (const { courier, of } of this.#outlets) if (isWanted(alert, of) && isFor(of)) courier.send(alert, id);
  }

  stats(): { readonly name: string; readonly stats: ReturnType<Courier["stats"]> }[] {
    return this.#outlets.map(({ courier }) => ({ name: courier.name, stats: courier.stats() }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#outlets.map(({ courier }) => courier.close()));
  }
}

/** Throws UsageError that names the key of a file that cannot be read. */
export function createFarOutlets(
  config: Config, env: Environment, ports: CourierPorts, crypto: Crypto,
): FarOutlets {
  const carriers = createCarriers(config, env, ports);
  const folder = join(config.stateDir, "outlets");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return new FarOutlets(carriers.map(({ name, of, carrier }) => ({
    of, courier: new Courier({
      name, carrier, file: join(folder, `${name}.jsonl`), digestMs: config.alerts.digestS * 1_000,
    }, ports),
  })), crypto, config.alerts.digestS > 0);
}

const membersOf = ({ zone }: AgentState) => zone?.protocol.view.members;

/** Whether an alert is severe enough for an outlet. */
const isWanted = (alert: Alert, { least }: AnyOutlet): boolean =>
  SEVERITIES.indexOf(alert.severity) >= SEVERITIES.indexOf(least);
