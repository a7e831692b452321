/**
 * Tries the way to the CSMS, one step after the other, for `doctor`: name, TCP, TLS, one plain HTTP request. No OCPP
 * handshake is made: the CSMS must not take this for the station.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Socket } from "node:net";
import type { Config } from "../config.ts";
import { addressText } from "../config.ts";
import { plainText } from "../plain-text.ts";
import { createDialler } from "./dial.ts";
import { endpointOf } from "./endpoint.ts";
import type { CsmsTlsFiles } from "./tls-files.ts";

export type Probe =
  | { readonly ok: true; readonly says: string;
      /** `Date` of the HTTP answer, Unix milliseconds, where there was one. */
      readonly dateMs?: number }
  | { readonly ok: false; readonly says: string; readonly mend: string };

const MAX_HEAD_BYTES = 8 * 1024;

/** What OpenSSL and Node say, what it means, and what to do. First match counts. */
const REASONS: readonly (readonly [RegExp, string, string])[] = [
  [/key, ([0-9a-f]{64}), is not in/, "shows a certificate whose key csmsTls.pinSha256 does not list: $1",
    "ask the operator of the CSMS whether that is its key; if so, add it to csmsTls.pinSha256"],
  [/ECONNREFUSED/, "refuses the connection: nothing listens on that port", "check csms: host and port"],
  [/no connection within|ETIMEDOUT/, "does not answer", "check the network, a firewall on the way, host and port"],
  [/EHOSTUNREACH|ENETUNREACH/, "cannot be reached from this network", "check the cable, the modem and the routes"],
  [/wrong version number|packet length too long|http request/i, "speaks no TLS on that port",
    "use ws://, or its TLS port"],
  [/certificate has expired/i, "shows a certificate that has ended",
    "check this machine's clock, then tell the operator"],
  [/not yet valid/i, "shows a certificate that has not begun yet", "check this machine's clock"],
  [/altnames|IP address mismatch/i, "shows a certificate for another name", "use the name in the certificate as host"],
  [/self.signed|unable to (verify|get)|issuer/i, "shows a certificate of an authority that is not known here",
    "give the operator's authority as csmsTls.ca"],
  [/certificate required|handshake failure|bad certificate|unknown ca/i,
    "wants a client certificate (security profile 3), or another one", "give csmsTls.cert and csmsTls.key"],
  [/protocol version|unsupported protocol/i, "speaks no TLS 1.2 or newer", "tell the operator"],
  [/ECONNRESET|socket hang up|disconnected before/, "drops the connection", "check that the port is the CSMS's own"],
];

/** A connection's failure in plain words, with what to do about it. */
export function explainFailure(why: string): { readonly says: string; readonly mend: string } {
  const [pattern, template, mend] = REASONS.find(([one]) => one.test(why)) ?? [];
  const says = pattern && template?.replace("$1", pattern.exec(why)?.[1] ?? "");
  const unknown = { says: `cannot be used: ${plainText(why, 200)}`, mend: "check csms and the network" };
  return says === undefined || mend === undefined ? unknown : { says, mend };
}

const wait = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  });
});

/** Undefined when the name is known (or an address), else why not. The system's resolver has no time limit itself. */
async function whyNoName(host: string, timeOutMs: number): Promise<string | undefined> {
  if (isIP(host) !== 0) return undefined;
  const over = new AbortController();
  try {
    const late = wait(timeOutMs, over.signal).then(() => "the name server does not answer");
    const found = lookup(host).then(() => undefined, (error: NodeJS.ErrnoException) => error.code ?? error.message);
    return await Promise.race([found, late]);
  } finally {
    over.abort();
  }
}

/** The head of the answer to one HTTP request, or an Error why there is none. */
function askHead(socket: Socket, host: string, path: string, timeOutMs: number): Promise<string | Error> {
  return new Promise((resolve) => {
    let head = "";
    const done = (result: string | Error): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeOutMs, () => done(head));
    socket.on("error", done);
    socket.on("close", () => done(head));
    socket.on("end", () => done(head));
    socket.on("data", (part: Buffer) => {
      head += part.toString("latin1");
      if (head.includes("\r\n\r\n") || head.length > MAX_HEAD_BYTES) done(head.slice(0, MAX_HEAD_BYTES));
    });
    socket.write(`HEAD ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: kerbwatch-doctor\r\nConnection: close\r\n\r\n`);
  });
}

function dateOf(head: string): number | undefined {
  const at = Date.parse(/^date:(.{1,60})$/im.exec(head)?.[1]?.trim() ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/** Never rejects, and takes at most three times `timeOutMs`. */
export async function probeCsms({ csms }: Config, tls: CsmsTlsFiles, timeOutMs: number): Promise<Probe> {
  const where = addressText(csms);
  const noName = await whyNoName(csms.host, timeOutMs);
  if (noName !== undefined) {
    const says = `the name ${csms.host} is not found (${noName})`;
    return { ok: false, says, mend: "check csms, and the name service of this network" };
  }
  const failure = (why: string): Probe => {
    const { says, mend } = explainFailure(why);
    return { ok: false, says: `${where} ${says}`, mend };
  };
  try {
    const endpoint = endpointOf(csms);
    const dialled = await createDialler(endpoint, tls, timeOutMs).dial(new AbortController().signal);
    if (!dialled.ok) return failure(dialled.why);
    const head = await askHead(dialled.socket, endpoint.authority, endpoint.path || "/", timeOutMs);
    // With TLS 1.3 a missing client certificate shows only here: the handshake was over for our side before.
    if (head instanceof Error && csms.secure) return failure(head.message);
    const dateMs = typeof head === "string" ? dateOf(head) : undefined;
    const how = csms.secure ? "name, TCP and TLS work" : "name and TCP work, without TLS";
    return { ok: true, says: `${where}: ${how}`, ...(dateMs !== undefined && { dateMs }) };
  } catch (error) {
    return failure((error as Error).message);
  }
}
