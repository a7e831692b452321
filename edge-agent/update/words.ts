/** What neighbours say of releases, out of all news: carried out beside the pipeline, which no update is to hold up. */
import type { News, StationMessage } from "../../gossip/protocol-state.ts";
import type { Effect } from "../ports.ts";

const OF_RELEASES: ReadonlySet<StationMessage["kind"]> = new Set<StationMessage["kind"]>(["release", "fetch", "piece"]);

export function releaseWords(news: readonly News[]): Effect[] {
  const words: Effect[] = [];
  for (const one of news) {
    if (one.kind === "message" && OF_RELEASES.has(one.message.kind)) words.push({ kind: "release", word: one.message });
  }
  return words;
}
