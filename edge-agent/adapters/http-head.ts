/**
 * The head of an HTTP/1.1 message (RFC 9112, clauses 2 to 5) as the bytes that came: read by looking, changed only
 * where it must be, since header order, case and spelling pass through the agent as they are.
 */
import type { Socket } from "node:net";

export interface Head {
  /** First line, without its line end. */
  readonly startLine: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

export type HeadResult =
  /** `head`: the bytes up to and including the empty line; `rest`: what came after them. */
  | { readonly ok: true; readonly head: Buffer; readonly rest: Buffer }
  | { readonly ok: false; readonly problem: "too-large" | "timeout" | "closed" };

const HEAD_END = "\r\n\r\n";

/** Reads up to the end of a head and leaves the socket paused. Never rejects. */
export function readHead(
  socket: Socket, maxBytes: number, timeoutMs: number, first: Buffer = Buffer.alloc(0),
): Promise<HeadResult> {
  return new Promise((resolve) => {
    let held = first;
    const done = (result: HeadResult): void => {
      clearTimeout(timer);
      socket.off("data", take).off("end", closed).off("close", closed).pause();
      resolve(result);
    };
    const closed = (): void => done({ ok: false, problem: "closed" });
    const look = (from: number): void => {
      const at = held.indexOf(HEAD_END, from, "latin1");
      const end = at + HEAD_END.length;
      if (at >= 0 && end <= maxBytes) done({ ok: true, head: held.subarray(0, end), rest: held.subarray(end) });
      else if (at >= 0 || held.length >= maxBytes) done({ ok: false, problem: "too-large" });
    };
    const take = (chunk: Buffer): void => {
      const from = Math.max(0, held.length - HEAD_END.length);
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      look(from);
    };
    const timer = setTimeout(() => done({ ok: false, problem: "timeout" }), timeoutMs);
    if (socket.destroyed) return closed();
    socket.on("data", take).on("end", closed).on("close", closed);
    socket.resume();
    if (held.length > 0) look(0);
  });
}

/** Lines that are no fields are left out: the other end judges them. */
export function parseHead(head: Buffer): Head {
  const lines = head.toString("latin1").split("\r\n");
  const fields = lines.slice(1).flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [{ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() }];
  });
  return { startLine: lines[0] ?? "", fields };
}

/** All values of a field, joined as RFC 9110, 5.3 allows; empty when there is none. `name` in lower case. */
export function fieldValue(head: Head, name: string): string {
  return head.fields.filter((field) => field.name === name).map((field) => field.value).join(", ");
}

/** The status code of an answer; undefined when its first line is no status line. */
export function statusOf(head: Head): number | undefined {
  const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(head.startLine);
  return match === null ? undefined : Number(match[1]);
}

/** True for a request to upgrade to a WebSocket: RFC 6455, 4.1. */
export function asksForWebSocket(head: Head): boolean {
  return /^GET /.test(head.startLine) && /(^|[\s,])websocket($|[\s,])/i.test(fieldValue(head, "upgrade"));
}

/** Whether a body is announced: RFC 9112, 6.3. */
export function hasBody({ fields }: Head): boolean {
  return fields.some(({ name, value }) =>
    name === "transfer-encoding" || (name === "content-length" && Number(value) !== 0));
}

/**
 * The request as the CSMS gets it: `prefix` before the path, `authority` in Host, and not a byte else changed.
 * Undefined when the first line is no request line. A target in absolute form (RFC 9112, 3.2.2) loses its authority.
 */
export function rewriteRequest(head: Buffer, authority: string, prefix: string): Buffer | undefined {
  const lines = head.toString("latin1").split("\r\n");
  const match = /^([A-Z]+) (?:[a-z]+:\/\/[^/?# ]*)?((?:[/?][^ ]*)?) (HTTP\/1\.[01])$/i.exec(lines[0] ?? "");
  if (match === null) return undefined;
  const [, method, target, version] = match as unknown as [string, string, string, string];
  lines[0] = `${method} ${prefix}${target.startsWith("/") ? "" : "/"}${target} ${version}`;
  for (let i = 1; i < lines.length; i++) {
    lines[i] = (lines[i] as string).replace(/^(host[ \t]*:[ \t]*).*$/i, (_, name: string) => `${name}${authority}`);
  }
  return Buffer.from(lines.join("\r\n"), "latin1");
}
