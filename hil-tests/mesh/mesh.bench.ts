/**
 * `npm run bench mesh [-- --quick --json FILE]`: what the mesh costs, in one run: signatures by both engines, a
 * handshake, a hop and a chain of seven agents, the embedded broker beside Mosquitto; thirty agents as processes until
 * all hold a certificate (ten with --quick); a zone in two halves, healed; and what a metered member's link carries.
 */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { makeProgram, PROGRAMS } from "../../build/bundler.ts";
import { repoRoot } from "../../build/paths.ts";
import { chainCosts, type Cost, type Effort, fanOutCosts, handshakeCost, signatureCosts } from "./costs.ts";
import { healHalves } from "./halves.ts";
import { meteredCost, meteredText } from "./metered.ts";
import { reachCertificate } from "./thirty.ts";

const FULL: Effort = { signatures: 3_000, handshakes: 200, messages: 1_500 };
const QUICK: Effort = { signatures: 500, handshakes: 40, messages: 300 };

function lineOf({ what, medianUs, p95Us, over }: Cost): string {
  const us = (value: number): string =>
    (value < 10_000 ? `${value.toFixed(0)} us` : `${(value / 1_000).toFixed(1)} ms`);
  const ratio = over === undefined ? "" : `  ${over.ratio.toFixed(2)} of: ${over.what}`;
  return `${what.padEnd(44)}${us(medianUs).padStart(10)}${us(p95Us).padStart(10)}${ratio}`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const quick = values.quick === true;
  const effort = quick ? QUICK : FULL;
  console.log(`load before: ${loadavg().map((one) => one.toFixed(1)).join(" ")}`);
  console.log(`${"".padEnd(44)}${"median".padStart(10)}${"95 %".padStart(10)}  ratio`);
  const costs = [...signatureCosts(effort), await handshakeCost(effort), ...await chainCosts(effort),
    ...await fanOutCosts(effort)];
  for (const cost of costs) console.log(lineOf(cost));
  const healed = healHalves();
  console.log(`two halves of ${healed.members} (quorum ${healed.quorum}): ${healed.whileApart} certificates in `
    + `${healed.apartEpochs} epochs apart; ${healed.healedEpochs} epochs after healing all hold one, of `
    + `${healed.incidents} incident(s); unparted it takes ${healed.unpartedEpochs}`);
  const metered = [meteredCost(20, 3), ...(quick ? [] : [meteredCost(30, 3)])];
  for (const cost of metered) console.log(meteredText(cost));
  if (!await makeProgram(repoRoot, PROGRAMS[0]!, () => undefined)) throw new Error("npm run build says why");
  const reached = await (quick ? reachCertificate(10, 2) : reachCertificate(30, 4));
  const s = (value: number): string => `${value.toFixed(1)} s`;
  console.log(`${reached.agents} agents, epochs of ${reached.epochS} s, quorum ${reached.quorum}: the first holds a `
    + `certificate after ${s(reached.firstS)}, half after ${s(reached.halfS)}, all after ${s(reached.allS)}, of `
    + `${reached.incidents} incident(s); ${reached.residentMb.toFixed(0)} MB and `
    + `${(100 * reached.cpuShare).toFixed(1)} % of a core each meanwhile`);
  console.log(`load after: ${loadavg().map((one) => one.toFixed(1)).join(" ")}`);
  const all = { costs, healed, metered, reached };
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
  if (healed.whileApart > 0 || healed.incidents !== 1) process.exitCode = 1;
}

await main();
