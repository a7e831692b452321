/** Are the certificates and keys there, readable, in date, matching, and kept from others? */
import { X509Certificate } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { KEY_PURPOSES, keyPath, readKey } from "../../adapters/keys.ts";
import { readCsmsTls, readListenTls } from "../../adapters/tls-files.ts";
import type { CsmsTlsFiles } from "../../adapters/tls-files.ts";
import { refuseUnfit } from "../../adapters/tls-reload.ts";
import type { Config, Environment, SecretRef } from "../../config.ts";
import { SOON_MS } from "../../own-certificates.ts";
import { plainText } from "../../plain-text.ts";
import { failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";

/** A private key that others on this machine can read is theirs too. */
function checkMode(name: string, path: string): Check | undefined {
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0;
  if ((mode & 0o077) === 0) return undefined;
  return warned(name, `${path} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${path}`);
}

function checkDates(name: string, pem: string, nowMs: number): Check | undefined {
  const { validFrom, validTo } = new X509Certificate(pem);
  const leftMs = Date.parse(validTo) - nowMs;
  if (leftMs <= 0) return failed(name, `the certificate ended on ${validTo}`, "renew it");
  if (Date.parse(validFrom) > nowMs) {
    return failed(name, `the certificate begins only on ${validFrom}`, "look at the clock, then at the certificate");
  }
  return leftMs < SOON_MS ? warned(name, `the certificate ends on ${validTo}`, "renew it soon") : undefined;
}

function checkPair(
  name: string, read: () => CsmsTlsFiles | undefined, key: SecretRef | undefined, nowMs: number,
): Check {
  try {
    const files = read() ?? {};
    refuseUnfit(files);
    return (files.cert === undefined ? undefined : checkDates(name, files.cert, nowMs))
      ?? (key?.from === "file" ? checkMode(name, key.path) : undefined)
      ?? passed(name, files.cert === undefined ? "authorities can be read" :
        `certificate and key match, and in date until ${new X509Certificate(files.cert).validTo}`);
  } catch (error) {
    const why = plainText((error as Error).message, 200);
    return failed(name, why, "give PEM files that the agent's user can read, key and certificate of one pair");
  }
}

/** The agent's own keys, one for each purpose. */
function checkOwn(stateDir: string): Check {
  try {
    const there = KEY_PURPOSES.filter((purpose) => readKey(stateDir, purpose) !== undefined);
    const exposed = there.map((purpose) => checkMode("keys", keyPath(stateDir, purpose)));
    const wrong = exposed.find((check) => check !== undefined);
    if (wrong !== undefined) return wrong;
    return passed("keys", there.length === 0 ? "none yet; the agent makes its own at its first start" :
      `there and kept from others: ${there.join(", ")}`);
  } catch (error) {
    return failed("keys", plainText((error as Error).message, 300), "run doctor as the agent's user, or mend the file");
  }
}

/** One check for each side that has TLS, and one for the agent's own keys. */
export function checkKeys(config: Config, env: Environment, nowMs: number): Check[] {
  const checks: Check[] = [];
  if (config.tls) checks.push(checkPair("tls", () => readListenTls(config, env), config.tls.key, nowMs));
  if (config.csmsTls) checks.push(checkPair("csmsTls", () => readCsmsTls(config, env), config.csmsTls.key, nowMs));
  return [...checks, checkOwn(config.stateDir)];
}
