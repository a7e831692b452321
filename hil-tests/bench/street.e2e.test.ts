/** Four agents with their own brokers, over mutual TLS: what no station says alone, all of them certify alike. */
import { assert, test } from "../../build/testing.ts";
import type { RunningAgent } from "../../edge-agent/agent.ts";
import { systemClock } from "./bench-clock.ts";
import { BenchCsms } from "./csms.ts";
import { alertsOf, fourHouses, startAgentOf } from "./four-houses.testing.ts";
import { BenchStation } from "./station.ts";
import { Waiters } from "./waiters.ts";

const GUESSES = 6;
/** Start, and statements of two epochs: growth is counted from what was stated before. */
const ENTRIES_BEFORE = 4;

test("refused idTokens, too few at each station: the zone says it, with one certificate at all four", async () => {
  const street = await fourHouses();
  const { houses } = street;
  const csms = await BenchCsms.listen({ tokens: [] });
  const heard = new Waiters<void>();
  const agents: RunningAgent[] = [];
  const stations: BenchStation[] = [];
  try {
    for (const house of houses) {
      agents.push(await startAgentOf(house, csms.url, {
        out: (text) => void (text.includes("on street") && heard.tell(house.station, undefined)),
      }));
    }
    for (const [index, { station }] of houses.entries()) {
      const url = `ws://127.0.0.1:${agents[index]!.listening.port}`;
      stations.push(new BenchStation({ id: station, ocppVersion: index % 2 ? "2.0.1" : "1.6", url }));
    }
    await Promise.all(stations.map((station) => station.connect()));
    await Promise.all(stations.map((station) => station.boot()));
    while (agents.some((agent) => agent.status().log.entries < ENTRIES_BEFORE)) await systemClock.wait(50);
    const raised = houses.map(({ station }) => heard.next(station));
    for (let guess = 0; guess < GUESSES; guess++) {
      await Promise.all(stations.map((station, index) => station.authorize(`BAD${index}${guess}`)));
    }
    await Promise.all(raised);
    const alerts = houses.map((house) => alertsOf(house));
    for (const own of alerts) {
      assert.ok(own.every(({ scope }) => scope === "zone"), "no station says it alone");
      assert.is(own[0]?.threat, "authorization-abuse");
      assert.is(own[0]?.certificate?.quorum, 3);
    }
    assert.is(new Set(alerts.map(([first]) => first?.incidentId)).size, 1, "one incident");
    for (const [index, { folder: stateDir }] of houses.entries()) await assertTold(stateDir, alerts[index]![0]!);
    const { checks } = await examined(houses[0]!);
    assert.equal(checks.filter(({ name }) => ["roster", "broker", "advertise", "neighbours"].includes(name))
      .map(({ name, state }) => `${state} ${name}`), ["ok roster", "ok broker", "ok advertise", "ok neighbours"]);
  } finally {
    await Promise.all(stations.map((station) => station.close()));
    await Promise.all(agents.map((agent) => agent.stop()));
    await csms.close();
    street.remove();
  }
});
