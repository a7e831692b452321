/** Brokers in the configuration: what is checked of two keys at once, and from the text to what is dialled. */
import { isLoopback, mqttText, parseMqttAddress, parseSecretRef } from "./config-schema.ts";
import type { MqttAddress, SecretRef } from "./config-schema.ts";
import { UsageError } from "./usage-error.ts";

/** The environment as far as the configuration asks for it: `env:NAME` secrets. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A broker of the site or operator, or of a meter. */
export interface BrokerConfig extends MqttAddress {
  readonly user?: string;
  readonly password?: SecretRef;
  /** Path of the authorities of an `mqtts://` broker; those of the mesh share theirs. */
  readonly ca?: string;
}

/** A broker as written. */
export interface RawBroker {
  readonly url: string;
  readonly plain: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly ca?: string;
}

/** Addresses were checked by the schema; this only takes them apart. */
export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the schema let a bad ${what} pass`);
  return value;
}

/** `at`: the key of the broker. `risk`: what whoever is between here and there may do without TLS. */
export function brokerProblem(
  at: string, { url, plain, user, password }: RawBroker, risk: string,
): string | undefined {
  const { secure, host } = must(parseMqttAddress(url), "broker");
  if (!secure && !plain && !isLoopback(host)) {
    return `${at}.plain: missing; allowed: true, if whoever is between here and ${url} ${risk} `
      + "(mqtts:// keeps it from them)";
  }
  if (secure && plain) return `${at}.plain: found true beside mqtts://; allowed: with mqtt://`;
  return password !== undefined && user === undefined ? `${at}.user: missing; allowed: whose the password is`
    : undefined;
}

/** Values of `env:NAME` must be there at start, not at the first connection. */
export function secretRef(key: string, text: string, env: Environment, at: (path: string) => string): SecretRef {
  const ref = parseSecretRef(text);
  if (ref === undefined) throw new UsageError(`${key}: not a secret reference`);
  if (ref.from === "file") return { from: "file", path: at(ref.path) };
  if ((env[ref.variable] ?? "") === "") {
    throw new UsageError(`${key}: found env:${ref.variable}, which is not set; allowed: a variable that is set`);
  }
  return ref;
}

export function buildBroker(
  key: string, { url, user, password, ca }: RawBroker, env: Environment, at: (path: string) => string,
): BrokerConfig {
  return {
    ...must(parseMqttAddress(url), "broker"), ...(user !== undefined && { user }),
    ...(password !== undefined && { password: secretRef(`${key}.password`, password, env, at) }),
    ...(ca !== undefined && { ca: at(ca) }),
  };
}

export const hiddenSecret = (ref: SecretRef): string =>
  `(hidden, from ${ref.from === "file" ? `file ${ref.path}` : `environment variable ${ref.variable}`})`;

/** As text again, without the secret. */
export function effectiveBroker({ user, password, ca, ...at }: BrokerConfig): Record<string, unknown> {
  return {
    url: mqttText(at), ...(!at.secure && !isLoopback(at.host) && { plain: true }), ...(user !== undefined && { user }),
    ...(password !== undefined && { password: hiddenSecret(password) }), ...(ca !== undefined && { ca }),
  };
}
