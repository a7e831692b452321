/** Connects to the CSMS over TCP or TLS, within a time limit, and says in plain words what went wrong. */
import { createHash } from "node:crypto";
import type { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { connect as connectTcp, isIP } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Endpoint } from "./endpoint.ts";
import { type Latest, MIN_TLS } from "./tls-reload.ts";

export interface CsmsTls {
  /** PEM of the authorities that may sign the CSMS's certificate; absent: the system's. */
  readonly ca?: string;
  /** PEM of the agent's own certificate and key, for security profile 3. */
  readonly cert?: string;
  readonly key?: string;
  /** Name to verify, where it is not the host of `csms`. */
  readonly servername?: string;
  /** SHA-256 of the keys that it may have, lower-case hex; an authority must have signed it all the same. */
  readonly pinSha256?: readonly string[];
}

export type Dialled =
  | { readonly ok: true; readonly socket: Socket; readonly tlsPeerSha256?: string }
  /** `refusedPeer`: there was an answer, and its certificate, key or TLS version was not accepted. */
  | { readonly ok: false; readonly why: string; readonly refusedPeer: boolean };

/** Where Debian, Fedora, Alpine and OpenWrt keep the system's authorities; absent: those that Node brings. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
];

export interface Dialler {
  /** Never rejects. The socket has no listener for `error` left: the caller adds one in the same tick. */
  dial(signal: AbortSignal): Promise<Dialled>;
}

/** Throws when the PEM texts of `tls` cannot be read; the message is one line that names `csmsTls`. */
export function createDialler(csms: Endpoint, latest: Latest<CsmsTls>, timeoutMs: number): Dialler {
  const inForce = contexts(csms, latest);
  return {
    dial: (signal) => new Promise((resolve) => {
      const { tls, secureContext } = inForce();
      const socket = secureContext === undefined
        ? connectTcp({ host: csms.host, port: csms.port, ...HALF_OPEN })
        : connectSecurely(csms, tls, secureContext);
      const done = (result: Dialled): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abandon);
        if (!result.ok) socket.destroy();
        resolve(result);
      };
      const fail = (why: string, refusedPeer: boolean): void => done({ ok: false, why, refusedPeer });
      const abandon = (): void => fail("the charger left meanwhile", false);
      const timer = setTimeout(() => fail(`no connection within ${timeoutMs / 1000} s`, false), timeoutMs);
      signal.addEventListener("abort", abandon);
      // Stays for good: a late error of a socket that was given up must not end the process.
      socket.on("error", (error) => fail(...describe(error)));
      socket.once(secureContext === undefined ? "connect" : "secureConnect", () => done(connected(socket, tls)));
    }),
  };
}

/** What holds for the next connection; made anew only when it changed. */
function contexts({ secure }: Endpoint, latest: Latest<CsmsTls>) {
  const ask = typeof latest === "function" ? latest : () => latest;
  const make = (tls: CsmsTls) => ({ tls, secureContext: secure ? createContext(tls) : undefined });
  let made = make(ask());
  return () => {
    const tls = ask();
    if (tls !== made.tls) made = make(tls);
    return made;
  };
}

/** Taken by `tls.connect` too, though its type does not say so. */
const HALF_OPEN: { readonly allowHalfOpen?: boolean } = { allowHalfOpen: true };

function createContext(tls: CsmsTls): SecureContext {
  const ca = tls.ca ?? systemAuthorities();
  try {
    return createSecureContext({
      minVersion: MIN_TLS, ...(ca === undefined ? {} : { ca }),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }), ...(tls.key === undefined ? {} : { key: tls.key }),
    });
  } catch (error) {
    throw new Error(`csmsTls: found ca, cert or key that OpenSSL refuses (${oneLine(error)}); allowed: PEM, matching`);
  }
}

/** PEM of the authorities that this system trusts; undefined: those that Node brings. */
export function systemAuthorities(): Buffer | undefined {
  const file = SYSTEM_AUTHORITIES.find((path) => existsSync(path));
  return file === undefined ? undefined : readFileSync(file);
}

function connectSecurely(csms: Endpoint, tls: CsmsTls, secureContext: SecureContext): TLSSocket {
  const name = tls.servername ?? csms.host;
  return connectTls({
    host: csms.host, port: csms.port, secureContext, rejectUnauthorized: true,
    ...(isIP(name) === 0 ? { servername: name } : {}), ...HALF_OPEN,
  });
}

function connected(socket: Socket, { pinSha256 }: CsmsTls): Dialled {
  const certificate = "getPeerX509Certificate" in socket ? (socket as TLSSocket).getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { ok: true, socket };
  const key = keySha256(certificate);
  if (pinSha256 !== undefined && !pinSha256.includes(key)) {
    const why = `the SHA-256 of its key, ${key}, is not in csmsTls.pinSha256`;
    return { ok: false, why, refusedPeer: true };
  }
  return { ok: true, socket, tlsPeerSha256: certificate.fingerprint256.replaceAll(":", "").toLowerCase() };
}

/** Of the SubjectPublicKeyInfo (RFC 7469, 2.4), lower-case hex: a certificate that is renewed with its key keeps it. */
function keySha256({ publicKey }: X509Certificate): string {
  return createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("hex");
}

/** OpenSSL's and Node's codes for a certificate that did not verify, or a peer that speaks no TLS that we accept. */
const REFUSED_PEER = /CERT|SIGNATURE|ISSUER|ERR_TLS|ERR_SSL|EPROTO|CRL|HOSTNAME/;

function describe(error: Error & { code?: string; errors?: Error[] }): [string, boolean] {
  const first = error.errors?.[0] ?? error;
  const code = error.code ?? "";
  return [oneLine(first), REFUSED_PEER.test(code)];
}

function oneLine(error: unknown): string {
  return String((error as Error).message).split("\n")[0]?.trim() ?? "";
}
