/** The certificates, keys and passwords that the configuration names, read: for the agent's two sides and for sites. */
import { readFileSync } from "node:fs";
import { fromHex } from "../../gossip/bytes.ts";
import type { BrokerConfig, Config, Environment, SecretRef } from "../config.ts";
import type { SiteBroker } from "./mesh.ts";
import { UsageError } from "../usage-error.ts";

/** PEM texts. */
export interface ListenTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** PEM texts; what is absent is left to the system (ca) or not shown (cert and key). */
export interface CsmsTlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** See CsmsTls. */
  readonly pinSha256?: readonly string[];
}

export function readPem(key: string, path: string, allowed = "a PEM file"): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${key}: cannot read ${path} (${(error as NodeJS.ErrnoException).code}); allowed: ${allowed}`);
  }
}

function readSecret(key: string, ref: SecretRef, env: Environment, allowed?: string): string {
  return ref.from === "file" ? readPem(key, ref.path, allowed) : env[ref.variable] ?? "";
}

/** One line, whose end is not part of the password. Throws UsageError that names the key. */
export function readPassword(key: string, ref: SecretRef, env: Environment): string {
  const allowed = "a file with the password alone";
  const text = readSecret(key, ref, env, allowed).replace(/\r?\n$/, "");
  if (/^[^\r\n]+$/.test(text)) return text;
  throw new UsageError(`${key}: found ${text === "" ? "nothing" : "several lines"}; allowed: ${allowed}`);
}

const TOKEN_SECRET = "a file as `keygen --token-secret` makes it: 64 hexadecimal digits";

/** The zone's secret for pseudonyms of idTokens, 32 bytes, if it has one. Throws UsageError that names the key. */
export function readTokenSecret({ mesh }: Config, env: Environment): Uint8Array | undefined {
  if (mesh?.tokenSecret === undefined) return undefined;
  const text = readSecret("mesh.tokenSecret", mesh.tokenSecret, env, TOKEN_SECRET).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return fromHex(text);
  throw new UsageError(`mesh.tokenSecret: found something else; allowed: ${TOKEN_SECRET}`);
}

/** For the listening side; undefined when the charger connects without TLS. Throws UsageError that names the key. */
export function readListenTls({ tls }: Config, env: Environment): ListenTls | undefined {
  return tls && {
    cert: readPem("tls.cert", tls.cert), key: readSecret("tls.key", tls.key, env),
    ...(tls.ca !== undefined && { ca: readPem("tls.ca", tls.ca) }),
  };
}

/** For the page; undefined where it is for this machine alone. Throws UsageError that names the key. */
export function readHttpTls({ httpTls }: Config, env: Environment): ListenTls | undefined {
  return httpTls && { cert: readPem("httpTls.cert", httpTls.cert), key: readSecret("httpTls.key", httpTls.key, env) };
}

/** For the CSMS side; empty when nothing is configured. Throws UsageError that names the key. */
export function readCsmsTls({ csmsTls }: Config, env: Environment): CsmsTlsFiles {
  if (csmsTls === undefined) return {};
  const { ca, cert, key, pinSha256 } = csmsTls;
  return {
    ...(pinSha256 !== undefined && { pinSha256 }),
    ...(ca !== undefined && { ca: readPem("csmsTls.ca", ca) }),
    ...(cert !== undefined && { cert: readPem("csmsTls.cert", cert) }),
    ...(key !== undefined && { key: readSecret("csmsTls.key", key, env) }),
  };
}

/** Brokers of sites; the configuration has checked that a plain one is wanted. Throws UsageError that names the key. */
export function readSiteBrokers({ mesh }: Config, env: Environment): SiteBroker[] {
  return (mesh?.brokers ?? []).map((broker, index) =>
    readBroker(`mesh.brokers[${index}]`, { ...broker, ca: mesh?.ca ?? "" }, env, "mesh.ca"));
}

/** The broker at this key of the configuration. Throws UsageError that names the key. */
export function readBroker(
  key: string, { secure, host, port, user, password, ca = "" }: BrokerConfig, env: Environment, caKey = `${key}.ca`,
): SiteBroker {
  return {
    host, port, ...(secure && { ca: readPem(caKey, ca) }),
    ...(user !== undefined && { login: {
      user, ...(password && { password: readPassword(`${key}.password`, password, env) }),
    } }),
  };
}
