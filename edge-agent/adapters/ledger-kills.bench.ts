/**
 * `npm run bench ledger-kills [-- --quick]`: an appending process is killed two hundred times, each time amid whatever
 * it does, the thinning of old segments included. After each, every acknowledged entry is there, none that was not
 * written, and the tree is the one that these entries have.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { repoRoot } from "../../build/paths.ts";
import { seeded, type Seeded } from "../../build/seeded.ts";
import { appendLeaf, EMPTY_FRONTIER, leafHash, rootOf } from "../record/merkle.ts";
import { nodeCrypto } from "./crypto.ts";
import { entryOf } from "./ledger-killed.testing.ts";
import { logFolder, readLog } from "./ledger-read.ts";

const KILLS = 200;
const QUICK_KILLS = 10;
const MOST_LINES = 120;
const MOST_WAIT_MS = 40;
const crypto = nodeCrypto();

/** The last index that it acknowledged. */
function killOnce(stateDir: string, random: Seeded): Promise<number> {
  const script = join(repoRoot, "edge-agent/adapters/ledger-killed.testing.ts");
  const args = [join(repoRoot, "build/run.mjs"), script, "append", stateDir];
  const child = spawn(process.execPath, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "inherit"] });
  const [lines, waitMs] = [1 + random.int(MOST_LINES), random.int(MOST_WAIT_MS)];
  let [last, seen] = [-1, 0];
  createInterface({ input: child.stdout }).on("line", (line) => {
    last = Number(line);
    seen += 1;
    if (seen === lines) setTimeout(() => child.kill("SIGKILL"), waitMs);
  });
  return new Promise((resolve, reject) => {
    child.on("close", (_code, signal) =>
      (signal === "SIGKILL" ? resolve(last) : reject(new Error("it ended by itself"))));
  });
}

class Expected {
  #tree = EMPTY_FRONTIER;
  #root = "";

  /** Hexadecimal, of the first `size` entries; sizes rise. */
  rootAt(size: number): string {
    while (this.#tree.size < size) {
      this.#tree = appendLeaf(crypto, this.#tree, leafHash(crypto, entryOf(this.#tree.size)));
      this.#root = "";
    }
    return this.#root ||= Buffer.from(rootOf(crypto, this.#tree)).toString("hex");
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: {
    json: { type: "string" }, quick: { type: "boolean" }, seed: { type: "string" } } });
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const random = seeded(seed);
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-kills-"));
  const expected = new Expected();
  const kills = values.quick === true ? QUICK_KILLS : KILLS;
  let [torn, size, unasked] = [0, 0, 0];
  try {
    for (let n = 0; n < kills; n++) {
      const acknowledged = await killOnce(join(folder, "state"), random);
      const found = readLog(join(folder, "state"), crypto);
      size = found.frontier.size;
      const root = Buffer.from(rootOf(crypto, found.frontier)).toString("hex");
      if (found.damage !== undefined) throw new Error(`seed ${seed}, kill ${n}: ${found.damage}`);
      if (size <= acknowledged) throw new Error(`seed ${seed}, kill ${n}: ${acknowledged + 1 - size} entries are lost`);
      if (root !== expected.rootAt(size)) throw new Error(`seed ${seed}, kill ${n}: entries that nobody wrote`);
      if (found.tornBytes > 0) torn += 1;
      unasked += size - acknowledged - 1;
    }
    const names = readdirSync(logFolder(join(folder, "state")));
    const thinned = names.filter((name) => name.endsWith(".thin")).length;
    console.log(`seed ${seed}: ${kills} kills, ${size} entries in ${names.length} files, ${thinned} of them thinned; `
      + `none lost, none that was not written; ${torn} torn tails; ${unasked} were durable and not yet acknowledged`);
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify({ seed, kills, size, thinned, torn, unasked })}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
