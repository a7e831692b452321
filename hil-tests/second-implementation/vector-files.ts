/** The files of gossip/vectors that are made by this program and held to the second implementation. */
import { hex } from "../../gossip/bytes.ts";
import { agreementVectors, neighbourVectors, successionVectors } from "./made-agreement.ts";
import { regionVectors } from "./made-region.ts";
import { releaseVectors } from "./made-releases.ts";
import { wordVectors } from "./made-words.ts";
import { author, cborVectors, messageVectors, STATION } from "./made-messages.ts";

/** Content by the file's name. */
export function vectorFiles(): Readonly<Record<string, string>> {
  const messages = {
    about: `SPEC.md, sections 1, 3 and 4. Messages on topics, all of ${STATION}, and what a reader makes of each.`,
    key: hex(author.publicKey), messages: messageVectors(),
  };
  const all = {
    "cbor.json": cborVectors(), "messages.json": messages, "successions.json": successionVectors(),
    "neighbours.json": neighbourVectors(), "agreement.json": agreementVectors(), "region.json": regionVectors(),
    "releases.json": releaseVectors(),
    "words.json": wordVectors(),
  };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, `${JSON.stringify(value, null, 1)}\n`]));
}
