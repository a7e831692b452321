/** That each relay of the bench passes calls and answers: a figure of one that does not would mean nothing. */
import { once } from "node:events";
import { assert, test } from "../../build/testing.ts";
import { Authority } from "../../edge-agent/adapters/authority.testing.ts";
import { quantile } from "./figures.ts";
import { NODE_RELAYS, startHere } from "./relays.ts";
import type { Tls, Way } from "./relays.ts";
import { callOf, openEnds, pipelined, roundTrips } from "./traffic.ts";

const authority = new Authority("bench");
const TLS: Tls = { ...authority.issue("IP:127.0.0.1"), ca: authority.cert };

for (const relay of NODE_RELAYS) {
  for (const tls of [undefined, TLS]) {
    test(`${relay}, ${tls === undefined ? "plain" : "TLS"}: one by one and pipelined`, async () => {
      const transport = tls === undefined ? "plain" : "tls";
      const ends = await openEnds(transport, 300, tls);
      const way: Way = { csmsPort: ends.port, transport, ...(tls !== undefined && { tls }) };
      const { port, close } = await startHere(relay, way);
      const charger = await ends.dial(port);
      const texts: string[] = [];
      charger.on("message", (data) => texts.push(String(data)));
      const times = await roundTrips(charger, callOf("ID", 300), 5);
      assert.ok(quantile(times, 0) > 0);
      await pipelined(charger, callOf("ID", 300), 40, 7);
      assert.is(texts.length, 45);
      assert.is(new Set(texts.map((text) => /^\[3,"[^"]+",/.exec(text)?.[0])).size, 45, "each call has its own answer");
      const closed = once(charger, "close");
      charger.terminate();
      await closed;
      close();
      ends.close();
    });
  }
}
