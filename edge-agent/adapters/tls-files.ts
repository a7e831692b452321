/** The certificates and keys that the configuration names, read: PEM text for the two sides of the agent. */
import { readFileSync } from "node:fs";
import type { Config, Environment, SecretRef } from "../config.ts";
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
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${key}: cannot read ${path} (${(error as NodeJS.ErrnoException).code}); allowed: a PEM file`);
  }
}

function readSecret(key: string, ref: SecretRef, env: Environment): string {
  return ref.from === "file" ? readPem(key, ref.path) : env[ref.variable] ?? "";
}

/** For the listening side; undefined when the charger connects without TLS. Throws UsageError that names the key. */
export function readListenTls({ tls }: Config, env: Environment): ListenTls | undefined {
  return tls && {
    cert: readPem("tls.cert", tls.cert), key: readSecret("tls.key", tls.key, env),
    ...(tls.ca !== undefined && { ca: readPem("tls.ca", tls.ca) }),
  };
}

/** For the CSMS side; empty when nothing is configured. Throws UsageError that names the key. */
export function readCsmsTls({ csmsTls }: Config, env: Environment): CsmsTlsFiles {
  if (csmsTls === undefined) return {};
  const { ca, cert, key } = csmsTls;
  return {
    ...(ca !== undefined && { ca: readPem("csmsTls.ca", ca) }),
    ...(cert !== undefined && { cert: readPem("csmsTls.cert", cert) }),
    ...(key !== undefined && { key: readSecret("csmsTls.key", key, env) }),
  };
}
