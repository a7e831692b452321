/** Asks the agent that runs on a state directory for its status and other things, over its socket. */
import { request } from "node:http";
import type { Status } from "../status.ts";
import { socketPath } from "./http.ts";

export type Asked =
  | { readonly kind: "status"; readonly status: Status }
  /** Nothing listens there. */
  | { readonly kind: "none" }
  | { readonly kind: "problem"; readonly why: string };

/** A status is a few kilobytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

function whyNot(error: NodeJS.ErrnoException, path: string): Asked {
  const { code } = error;
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") return { kind: "none" };
  if (code === "EACCES") return { kind: "problem", why: `no permission for ${path}; ask as the agent's own user` };
  return { kind: "problem", why: `the agent on ${path} did not answer (${code ?? error.message})` };
}

function parseAnswer(code: number | undefined, text: string): Asked {
  if (code !== 200) return { kind: "problem", why: `the agent answered with HTTP ${code}` };
  try {
    const status = JSON.parse(text) as Status;
    if (status.schemaVersion === "1.0") return { kind: "status", status };
    return { kind: "problem", why: "the running agent is of another release; use its own kerbwatch" };
  } catch {
    return { kind: "problem", why: "the agent's answer is no JSON" };
  }
}

/** Never rejects. */
export function askStatus(stateDir: string, timeOutMs: number): Promise<Asked> {
  const path = socketPath(stateDir);
  return new Promise((resolve) => {
    // One timer over all of it: a peer that drips a byte now and then is late as well.
    const timer = setTimeout(() => {
      asked.destroy();
      resolve({ kind: "problem", why: `the agent on ${path} did not answer within ${timeOutMs / 1000} s` });
    }, timeOutMs);
    const done = (result: Asked): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const asked = request({ socketPath: path, path: "/status", headers: { Host: "localhost" } }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error("answer too long"));
        else parts.push(part);
      });
      response.on("error", (error) => done(whyNot(error, path)));
      response.on("end", () => done(parseAnswer(response.statusCode, Buffer.concat(parts).toString("utf8"))));
    });
    asked.on("error", (error) => done(whyNot(error, path)));
    asked.end();
  });
}

export type Answered =
  | { readonly kind: "answer"; readonly code: number; readonly body: Readonly<Record<string, unknown>> }
  | Exclude<Asked, { kind: "status" }>;

/** Has the agent do something that only its own user may ask for. Never rejects. */
export function askAgent(stateDir: string, path: string, body: object, timeOutMs: number): Promise<Answered> {
  const socket = socketPath(stateDir);
  return new Promise((resolve) => {
    const text = JSON.stringify(body);
    const asked = request({
      socketPath: socket, path, method: "POST", signal: AbortSignal.timeout(timeOutMs),
      headers: { "Host": "localhost", "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) },
    }, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        answer = (answer + part).slice(0, MAX_ANSWER_BYTES);
      });
      response.on("error", (error) => resolve(whyNot(error, socket) as Answered));
      response.on("end", () => resolve(answerOf(response.statusCode ?? 0, answer, socket)));
    });
    asked.on("error", (error) => resolve(whyNot(error, socket) as Answered));
    asked.end(text);
  });
}

function answerOf(code: number, text: string, path: string): Answered {
  try {
    const body = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (typeof body === "object" && body !== null) return { kind: "answer", code, body };
  } catch {
    // said below
  }
  return { kind: "problem", why: `the agent on ${path} answered with HTTP ${code} and no JSON` };
}
