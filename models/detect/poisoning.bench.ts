/** `npm run bench poisoning`: how far slow teaching gets in eight weeks without an alert: poisoning.testing.ts. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gains } from "./poisoning.testing.ts";

const { values } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
const rows = gains();
console.log(`${"learned".padEnd(32)}${"taught by".padEnd(20)}${"before".padStart(9)}${"after".padStart(9)}  `);
for (const { quantity, teaching, before, after, unit } of rows) {
  const figures = [before, after].map((figure) => figure.toFixed(1).padStart(9)).join("");
  console.log(`${quantity.padEnd(32)}${teaching.padEnd(20)}${figures}  ${unit}`);
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows));
