/** Reads the configuration file of an agent. */
import { readFileSync, statSync } from "node:fs";
import { MAX_CONFIG_CHARS, parseConfig } from "../config.ts";
import type { Config, Environment } from "../config.ts";
import { readOperators } from "../operators.ts";
import { UsageError } from "../usage-error.ts";
import { nodeCrypto } from "./crypto.ts";

/** A UTF-8 character takes at most four bytes: a larger file is over the limit whatever is in it. */
const MAX_BYTES = MAX_CONFIG_CHARS * 4;

function readText(path: string): string {
  const stat = statSync(path);
  if (!stat.isFile()) throw new UsageError(`${path}: found no regular file; allowed: a YAML or JSON file`);
  if (stat.size > MAX_BYTES) {
    throw new UsageError(`${path}: found ${stat.size} bytes; allowed: at most ${MAX_BYTES}`);
  }
  return readFileSync(path, "utf8").replace(/^\ufeff/, "");
}

/** A mistyped operator's key is noticed at start: its digits belong together. */
function checkOperators({ operators }: Config, path: string): void {
  if (operators === undefined) return;
  const read = readOperators(nodeCrypto(), operators.threshold, operators.keys);
  if (!read.ok) throw new UsageError(`${path}: operators.${read.problem}`);
}

/**
 * The checked configuration of the file at `path`. Secrets named `env:NAME` are looked up in `env`.
 * @throws UsageError of one line: file, key, what was found, what is allowed.
 */
export function loadConfig(path: string, env: Environment): Config {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(code === "ENOENT" ? `${path}: no such file; allowed: a YAML or JSON file`
      : `${path}: cannot be read (${code})`);
  }
  const config = parseConfig(text, path, env);
  checkOperators(config, path);
  return config;
}
