/** What people are told of members on metered links, which do not vote (gossip/metered.ts). */
import type { News } from "../gossip/protocol-state.ts";
import type { Effect } from "./ports.ts";

/** That more members do not vote than the zone bears: once, and once when it bears them again. */
export function meteredNotices(news: readonly News[]): Effect[] {
  const notices: Effect[] = [];
  for (const one of news) {
    if (one.kind !== "metered") continue;
    const { members, borne } = one;
    const text = members > borne
      ? `mesh: ${members} members do not vote (mesh.metered), and this zone bears ${borne}: with f others silent `
        + "nothing is certified; put some on other links, or have the operator make the zone larger or its f smaller"
      : `mesh: ${members} members do not vote (mesh.metered), and this zone bears them again`;
    notices.push({ kind: "notice", text });
  }
  return notices;
}
