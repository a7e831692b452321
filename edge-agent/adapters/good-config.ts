/** The last configuration that an agent started with, kept for the day when a typing error leaves none. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { MAX_CONFIG_CHARS, parseConfig } from "../config.ts";
import type { Config, Environment } from "../config.ts";
import { replaceFile } from "./durable-file.ts";

interface Kept {
  /** Of the file that it was read from, absolute. */
  readonly file: string;
  readonly text: string;
}

const keptPath = (stateDir: string): string => join(stateDir, "config.good.json");

/** Keeps what is in the configuration's file now. Never throws: it is a precaution. */
export function keepGoodConfig({ file, stateDir }: Config, env: Environment): void {
  try {
    const kept: Kept = { file: resolve(file), text: readFileSync(file, "utf8") };
    parseConfig(kept.text, file, env); // it may have been changed meanwhile
    const before = read(stateDir);
    if (before?.file !== kept.file || before.text !== kept.text) replaceFile(keptPath(stateDir), JSON.stringify(kept));
  } catch {
    // A full disk, a file that was just spoilt: the one before stays.
  }
}

/** The last good one of this file, when it can be found and still read. */
export function goodConfig(file: string, stateDirs: readonly string[], env: Environment): Config | undefined {
  for (const stateDir of stateDirs) {
    const kept = read(stateDir);
    if (kept === undefined || kept.file !== resolve(file) || kept.text.length > MAX_CONFIG_CHARS) continue;
    try {
      return parseConfig(kept.text, file, env);
    } catch {
      // Of another release, say.
    }
  }
  return undefined;
}

/** Where the state may lie when the file that names it cannot be read: its own line, the unit's, the usual place. */
export function likelyStateDirs(file: string, env: Environment, usual: string): string[] {
  const named = /(?:^|[{,])\s*"?stateDir"?\s*:\s*["']?([^"',#}\n]+)/m.exec(readText(file) ?? "")?.[1]?.trim();
  return [...(named === undefined ? [] : [resolve(dirname(file), named)]),
    ...(env["STATE_DIRECTORY"] ?? "").split(":").filter((text) => text !== ""), usual];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function read(stateDir: string): Kept | undefined {
  try {
    const { file, text } = JSON.parse(readText(keptPath(stateDir)) ?? "") as Kept;
    return typeof file === "string" && typeof text === "string" ? { file, text } : undefined;
  } catch {
    return undefined;
  }
}
