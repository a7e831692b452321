/** Fetches a release's files from where they lie: a folder, or a web server. Nothing fetched is believed here. */
import { get as getPlain, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { dirname, join } from "node:path";
import { ok, problem, type Result } from "../../models/result.ts";
import { errorCode } from "./durable-file.ts";
import { readSmallFile } from "./roster-file.ts";

/** All of one file; a board's link may be slow, and a server must not hold the command for ever. */
const FETCH_MS = 120_000;

/** `source` is the manifest's path or URL; gives one of its neighbours by name, or itself. Never rejects. */
export async function fetchPart(source: string, name: string | undefined, most: number): Promise<Result<Uint8Array>> {
  if (!/^https?:\/\//.test(source)) {
    return readSmallFile(name === undefined ? source : join(dirname(source), name), most);
  }
  if (!URL.canParse(source)) return problem(`${source}: no URL`);
  return download(name === undefined ? new URL(source) : new URL(encodeURIComponent(name), source), most);
}

function download(url: URL, most: number): Promise<Result<Uint8Array>> {
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve(problem(`${url.href}: ${why}`));
    const get = url.protocol === "https:" ? getSecure : getPlain;
    const asked = get(url, (response) => collect(response, most, fail, (bytes) => resolve(ok(bytes))));
    const timer = setTimeout(() => asked.destroy(new Error(`nothing whole within ${FETCH_MS / 1000} s`)), FETCH_MS);
    asked.on("error", (error) => fail(errorCode(error) || error.message)).on("close", () => clearTimeout(timer));
  });
}

function collect(
  response: IncomingMessage, most: number, fail: (why: string) => void, done: (bytes: Uint8Array) => void,
): void {
  const parts: Buffer[] = [];
  let length = 0;
  const refuse = (why: string): void => {
    fail(why);
    response.destroy();
  };
  if (response.statusCode !== 200) return refuse(`answered with HTTP ${response.statusCode}; allowed: 200`);
  response.on("data", (part: Buffer) => {
    length += part.length;
    if (length > most) refuse(`longer than ${most} bytes`);
    else parts.push(part);
  });
  response.on("error", (error) => fail(error.message)).on("aborted", () => fail("was cut off"));
  response.on("end", () => done(new Uint8Array(Buffer.concat(parts))));
}
