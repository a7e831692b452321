/**
 * Certificates and keys that are renewed while the agent runs: their files are looked at before each connection, and
 * what they hold is taken as a whole or not at all. Connections that stand keep what they began with.
 */
import { createHash, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { createSecureContext, type Server } from "node:tls";
import type { Config, Environment, SecretRef } from "../config.ts";
import type { OwnCertificate } from "../own-certificates.ts";
import type { WallMs } from "../../models/units.ts";
import { type CsmsTlsFiles, type ListenTls, readCsmsTls, readListenTls } from "./tls-files.ts";

/** As it is, or asked for before each connection: another object than before is in force from then on. */
export type Latest<T> = T | (() => T);

export const MIN_TLS = "TLSv1.2";
/** Files are looked at this often at most, however often a charger dials. */
const LOOK_EVERY_MS = 1_000;

export interface ReloadPorts {
  readonly notice: (text: string) => void;
  readonly monoMs: () => number;
}

/** Throws when OpenSSL refuses them, or would take authorities that are none: then it would trust nobody. */
export function refuseUnfit({ cert, key, ca }: CsmsTlsFiles): void {
  if (ca !== undefined) new X509Certificate(ca);
  createSecureContext({ minVersion: MIN_TLS, ...(cert !== undefined && { cert }), ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }) });
}

/** What the files of one side hold, as last read whole. */
export class ReloadedTls<T extends CsmsTlsFiles> {
  readonly #name: OwnCertificate["use"];
  readonly #paths: readonly string[];
  readonly #read: () => T;
  readonly #ports: ReloadPorts;
  #current: T;
  #hash: string;
  #mark: string;
  #lookedMs: number;
  /** Why the files cannot be used; said once. */
  #trouble: string | undefined;

  /** Reads at once. @throws UsageError that names the key */
  constructor(name: OwnCertificate["use"], paths: readonly string[], read: () => T, ports: ReloadPorts) {
    this.#name = name;
    this.#paths = paths;
    this.#read = read;
    this.#ports = ports;
    this.#lookedMs = ports.monoMs();
    // Before the files are read: what is written meanwhile is seen at the next look.
    this.#mark = markOf(paths);
    this.#current = read();
    this.#hash = hashOf(this.#current);
  }

  /** In force for new connections. Never throws. */
  readonly latest = (): T => {
    const now = this.#ports.monoMs();
    if (now - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = now;
      this.#look();
    }
    return this.#current;
  };

  /** Of the agent's own certificate; undefined where there is none. */
  get own(): OwnCertificate | undefined {
    try {
      const { cert } = this.#current;
      if (cert === undefined) return undefined;
      return { use: this.#name, ends: Date.parse(new X509Certificate(cert).validTo) as WallMs };
    } catch {
      return undefined; // the forwarder has refused it
    }
  }

  #look(): void {
    const mark = markOf(this.#paths);
    if (mark === this.#mark) return;
    try {
      const next = this.#read();
      refuseUnfit(next);
      this.#mark = mark;
      this.#trouble = undefined;
      const hash = hashOf(next);
      if (hash === this.#hash) return;
      this.#hash = hash;
      this.#current = next;
      this.#ports.notice(`${this.#name}: its files changed and were read; new connections use what they hold now`);
    } catch (error) {
      // Looked at again until it fits: a certificate may be in its place before its key is.
      const trouble = (error as Error).message.split("\n")[0] ?? "";
      if (trouble === this.#trouble) return;
      this.#trouble = trouble;
      this.#ports.notice(`${this.#name}: its files changed and cannot be used (${trouble}): what they held before ` +
        "stays in force until key, certificate and authorities fit");
    }
  }
}

/** Changes whenever a file is replaced or written. */
function markOf(paths: readonly string[]): string {
  return paths.map((path) => {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? "gone" : [found.mtimeNs, found.ctimeNs, found.size, found.ino].join(" ");
  }).join();
}

function hashOf(files: CsmsTlsFiles): string {
  return createHash("sha256").update(JSON.stringify(files)).digest("hex");
}

const filesOf = (paths: readonly (string | undefined)[], key: SecretRef | undefined): string[] =>
  [...paths, key?.from === "file" ? key.path : undefined].filter((path) => path !== undefined);

export interface BothSides {
  /** Undefined: without TLS. */
  readonly tls: ReloadedTls<ListenTls> | undefined;
  readonly csmsTls: ReloadedTls<CsmsTlsFiles> | undefined;
}

/** Throws UsageError that names the key. */
export function followTls(config: Config, env: Environment, ports: ReloadPorts): BothSides {
  const { tls, csmsTls } = config;
  return {
    tls: tls && new ReloadedTls("tls", filesOf([tls.cert, tls.ca], tls.key), () => readListenTls(config, env)!, ports),
    csmsTls: csmsTls && new ReloadedTls("csmsTls", filesOf([csmsTls.cert, csmsTls.ca], csmsTls.key),
      () => readCsmsTls(config, env), ports),
  };
}

/** The agent's own certificates, after a look at their files. */
export function ownCertificates({ tls, csmsTls }: BothSides): OwnCertificate[] {
  return [tls, csmsTls].flatMap((side) => {
    side?.latest();
    return side?.own ?? [];
  });
}

/** Keeps a listening side up to date; its files have been found to fit when `latest` gives them. */
export function renewContext(server: Server, latest: () => ListenTls): void {
  let used = latest();
  // In front of the listener that begins the handshake.
  server.prependListener("connection", () => {
    const now = latest();
    if (now === used) return;
    used = now;
    const { cert, key, ca } = now;
    server.setSecureContext({ minVersion: MIN_TLS, cert, key, ...(ca !== undefined && { ca }) });
  });
}
