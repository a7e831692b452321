import { assert, test } from "../../../build/testing.ts";
import { EVERYTHING } from "../../attackers/liar-words.ts";
import { noFalseAccusation } from "./checkers/accusation.ts";
import { bounded } from "./checkers/bounds.ts";
import { noContradiction } from "./checkers/certificates.ts";
import { CHECKERS } from "./checkers/checkers.ts";
import { frozenByForks } from "./checkers/forks.ts";
import { liveness } from "./checkers/liveness.ts";
import { consistentLogs } from "./checkers/logs.ts";
import { ownWord } from "./checkers/own-word.ts";
import { regionsWord } from "./checkers/regions.ts";
import { validity } from "./checkers/validity.ts";
import { leaseEnd } from "../../../gossip/incidents.ts";
import { addEvidence } from "./evidence.ts";
import { runOne } from "./run-one.ts";
import type { Alert } from "../../../models/terms.ts";
import type { Scenario } from "./scenario.ts";
import type { SimAgent } from "./sim-agent.ts";
import { type CreateChecker, World } from "./world.ts";

const CALM: Scenario = {
  agents: 4, spare: 0, zones: 1, liarsTolerated: 1, epochs: 40, witnesses: false, signatures: "simulated",
  topology: "mesh", passedOnTo: 64, faults: [], liars: [], broken: [], healedAt: 15,
  attacks: [{ key: "energy-theft", from: 20, to: 26, agents: [0, 1, 2, 3], perEpoch: 6_000 }], guessing: [],
};

/** What a checker of its own says of a run with a planted fault; nothing when all is well. */
function says(
  checker: CreateChecker, bend?: (agent: SimAgent) => void, scenario: Scenario = CALM, seed = 1,
): string | undefined {
  const outcome = runOne({ scenario, seed, checkers: [checker], ...(bend !== undefined && { bend }) });
  return outcome.failed?.text;
}

/** A disk on which nothing arrives, and that never says so. */
function losesAll({ index, disk }: SimAgent): void {
  if (index !== 2) return;
  disk.log.push = () => 0;
  disk.checkpoints.push = () => 0;
}

const CRASH: Scenario = {
  ...CALM, faults: [{ kind: "crash", agent: 2, at: 10, effects: 0, downEpochs: 1 }],
};

test("nothing is wrong with a calm zone, in which the attack is certified", () => {
  const outcome = runOne({ scenario: CALM, seed: 1 });
  assert.is(outcome.failed?.text, undefined);
  assert.is(outcome.certified, 1);
});

test("real frames lead to a certificate: unknown cards tried at all stations at once", () => {
  const guessing = [{ from: 20, to: 28, agents: [0, 1, 2, 3], anEpoch: 4 }];
  const outcome = runOne({ scenario: { ...CALM, attacks: [], guessing }, seed: 1 });
  assert.is(outcome.failed?.text, undefined);
  assert.ok(outcome.certified >= 1);
});

test("no contradictory certificates: fails when all propose at once, and all vote for everything", () => {
  const bend = ({ protocol }: SimAgent): void => {
    protocol!.voted.has = () => false;
    protocol!.waits.get = () => ({ key: "energy-theft", since: 0, turn: 0, onset: 0 });
  };
  const said = says(noContradiction, bend) ?? "";
  assert.match(said, /^no contradictory certificates: energy-theft at epoch \d+ of feeder-7 under/);
});

test("validity: fails when a quorum finds that everything raises", () => {
  const bend = ({ protocol }: SimAgent): void => {
    (protocol as { law: typeof EVERYTHING }).law = EVERYTHING;
  };
  assert.match(says(validity, bend) ?? "", /^validity: .*: 0 honest supporters of \d/);
});

test("validity: fails when more than f collude, and a quorum of liars certifies what nobody saw", () => {
  const liars = [0, 1, 2].map((agent) => ({ agent, behaviour: "collude" as const, from: 0 }));
  assert.match(says(validity, undefined, { ...CALM, attacks: [], liars }) ?? "", /^validity: .*: 0 honest supporters/);
});

test("validity: fails when an honest agent states more than its station saw", () => {
  const bend = ({ core }: SimAgent): void => addEvidence(core!.state.opine, "stops", 50_000);
  assert.match(says(validity, bend) ?? "", /agent \d is honest and claims \d{5} millinats more of stops/);
});

test("no honest agent named: fails when a disk loses what its agent said", () => {
  assert.match(says(noFalseAccusation, losesAll, CRASH) ?? "", /^no honest agent named: agent 2 .CP-002. is honest,/);
});

test("an honest agent's word: fails when a disk loses what its agent said", () => {
  assert.match(says(ownWord, losesAll, CRASH) ?? "", /agent 2 is honest and signed two things for statement 0/);
});

test("logs consistent: fails when a disk loses what its agent said", () => {
  assert.match(says(consistentLogs, losesAll) ?? "", /agent 2 is honest: it (signed|published)/);
});

test("logs consistent: fails when an agent's disk was put back to an older copy", () => {
  const bend = ({ index, disk, life }: SimAgent): void => {
    if (index === 2 && life === 2) disk.log.splice(1, 1);
  };
  assert.match(says(consistentLogs, bend, CRASH) ?? "", /agent 2 is honest: it signed/);
});

test("memory and traffic bounded: fails when something is kept of each statement", () => {
  const bend = ({ protocol }: SimAgent): void => {
    const { heard } = protocol!.clock;
    const set = heard.set.bind(heard);
    let n = 0;
    heard.set = (station, value) => set(`${station}-${n++}` as typeof station, value);
  };
  assert.match(says(bounded, bend) ?? "", /^memory and traffic bounded: agent \d: clocks: \d+, of at most 4/);
});

test("memory and traffic bounded: fails when an agent publishes without end", () => {
  const world = new World({ scenario: CALM, seed: 1, checkers: [] });
  const checker = bounded(world);
  const [agent] = world.agents;
  const message = { kind: "vote" as const, station: agent!.station, bytes: new Uint8Array(9) };
  for (let i = 0; i < 5_000; i++) checker.said!(agent!, message);
  assert.throws(() => checker.epoch!(1), /it published 5000 messages in an epoch/);
});

test("liveness after healing: fails when nothing healed", () => {
  const faults = [{ kind: "partition", from: 10, to: 100, shape: "split", side: [0, 1] }] as const;
  const said = says(liveness, undefined, { ...CALM, faults }) ?? "";
  assert.match(said, /^liveness after healing: agent 0 heard of agent 2/);
});

test("liveness after healing: fails when one tells an incident under a name of its own", () => {
  const bend = ({ index, core }: SimAgent): void => {
    if (index !== 2) return;
    const open = core!.state.zone!.open;
    const { set } = open;
    open.set = (threat, alert) => set.call(open, threat, { ...alert, incidentId: "0123456789" });
  };
  const said = says(liveness, bend) ?? "";
  assert.match(said, /^liveness after healing: energy-theft@\d+ is [0-9a-f]{8} at agent 0, 01234567 at agent 2/);
});

/** Seed 129: a run ends while some are in the epoch with which a lease ended, and others in the one before. */
test("a lease that ends with the run is no disagreement; one that an agent never let end is", () => {
  const long: Scenario = { ...CALM, epochs: 90, healedAt: 30 };
  // The clocks of this seed are apart: at each boundary some begin an epoch before the others.
  const seed = 2;
  const world = new World({ scenario: long, seed, checkers: [] });
  world.run();
  const { incidents, epoch } = world.agents[0]!.protocol!;
  assert.is(new Set(world.agents.map(({ protocol }) => protocol!.epoch)).size, 2);
  const ends = long.epochs - (epoch - leaseEnd([...incidents.values()][0]!));
  const runs = [-1, 0, 1, 2].map((later) => ({ ...long, epochs: ends + later }));
  for (const scenario of runs) assert.is(says(liveness, undefined, scenario, seed), undefined, `${scenario.epochs}`);
  const bend = ({ index, protocol }: SimAgent): void => {
    if (index === 2) protocol!.incidents[Symbol.iterator] = () => new Map()[Symbol.iterator]();
  };
  assert.match(says(liveness, bend, runs[3], seed) ?? "", /holds \[\], agent 2 \[energy-theft@\d+\]/);
});

test("two keys of one threat that rise at once are one incident", () => {
  const [attack] = CALM.attacks;
  const other = { ...attack!, key: "delivered-less-billed", from: 21, to: 27 } as const;
  const both: Scenario = { ...CALM, attacks: [attack!, other] };
  const outcome = runOne({ scenario: both, seed: 1 });
  assert.equal([outcome.failed?.text, outcome.certified], [undefined, 1]);
});

const FORK: Scenario = {
  ...CALM, epochs: 90, healedAt: 45, faults: [{ kind: "fork", at: 10, side: [1, 2], epochs: 30 }],
  attacks: [{ ...CALM.attacks[0]!, from: 20, to: 26 }, { ...CALM.attacks[0]!, key: "export", from: 75, to: 81 }],
};

test("rosters that fork: nothing is signed until later ones, which half of them only hear of, are in force", () => {
  const { healedAt: _, ...frozen } = { ...FORK, epochs: 39 };
  const outcomes = [runOne({ scenario: frozen, seed: 1 }), runOne({ scenario: FORK, seed: 1 })];
  assert.equal(outcomes.map(({ failed, certified }) => [failed?.text, certified]), [[undefined, 0], [undefined, 2]]);
});

test("nothing signed while rosters fork: fails when agents go on", () => {
  const bend = ({ protocol }: SimAgent): void => {
    Object.defineProperty(protocol, "frozen", { get: () => false, set: () => undefined });
  };
  assert.match(says(frozenByForks, bend, FORK) ?? "", /agent \d knows of two rosters of one version and makes a /);
});

const FOUR: Scenario = { ...CALM, agents: 16, zones: 4, attacks: [{ ...CALM.attacks[0]!, agents: [0, 4, 8, 12] }] };

test("zones of one roster certify for themselves: what one of four saw is its own", () => {
  const outcome = runOne({ scenario: FOUR, seed: 1 });
  assert.equal([outcome.failed?.text, outcome.certified], [undefined, 1]);
});

/** Seed 163: feeder-10 stood behind feeder-9, and with four zones nobody had ever believed a later roster. */
test("a later roster of four zones is in force at all agents", () => {
  const faults = [{ kind: "roster", at: 8, leave: [], join: [16], spreadEpochs: 0 }] as const;
  const world = new World({ scenario: { ...FOUR, spare: 1, faults, epochs: 20 }, seed: 1, checkers: [] });
  world.run();
  assert.equal(new Set(world.agents.map(({ roster }) => roster.version)), new Set([2]));
});

test("the region's word: fails when an agent tells of the region what no other zone saw", () => {
  const bend = ({ index, alerts }: SimAgent): void => {
    if (index === 5) alerts.push({ scope: "region", state: "raised", threat: "energy-theft" } as Alert);
  };
  assert.match(says(regionsWord, bend, FOUR) ?? "", /agent 5 raises energy-theft in the region: 1 of 4 zones have/);
});

test("nothing throws: fails when a core does", () => {
  const bend = ({ protocol }: SimAgent): void => {
    (protocol as { law: typeof EVERYTHING }).law = { ...EVERYTHING, search: () => { throw new Error("planted"); } };
  };
  assert.match(says(liveness, bend) ?? "", /^nothing throws: planted/);
});

/** A zone of eight with f = 1 bears two; both the clock of one and its statements are late. */
const METERED: Scenario = {
  ...CALM, agents: 8, epochs: 100, healedAt: 50, witnesses: true,
  faults: [{ kind: "metered", agents: [2, 5] }, { kind: "skew", agent: 2, from: 20, to: 45, seconds: 90 }],
  attacks: [{ ...CALM.attacks[0]!, from: 66, to: 74, agents: [0, 1, 2, 3, 4, 5, 6, 7] }],
};

test("members on metered links, one with a clock that was off, hear of the attack that they helped to certify", () => {
  for (const topology of ["mesh", "site"] as const) {
    const world = new World({ scenario: { ...METERED, topology }, seed: 1, checkers: CHECKERS });
    world.run();
    for (const index of [2, 5]) {
      const { protocol } = world.agents[index]!;
      assert.is(protocol!.incidents.size, 1);
      assert.is(protocol!.view.members.filter(({ statements }) => statements.length > 30).length, 1, "no others' word");
    }
  }
});

/** Seed 623: it heard of the incident when its first lease was over, and nobody named the certificate before. */
test("who is metered and missed an incident's beginning is told of it, and has it under the others' name", () => {
  const scenario: Scenario = {
    ...METERED, faults: [METERED.faults[0]!, { kind: "skew", agent: 2, from: 15, to: 55, seconds: -90 }],
    attacks: [{ ...METERED.attacks[0]!, from: 18, to: 60 }],
  };
  const world = new World({ scenario, seed: 1, checkers: CHECKERS });
  world.run();
  const [first, second] = [0, 2].map((index) => {
    const { epoch, incidents } = world.agents[index]!.protocol!;
    return [...incidents.values()].map((one) => epoch - one.first.epoch);
  });
  assert.ok(first![0]! > 70, "certified while its clock was off, and renewed until it is good");
  assert.equal(second, first);
});

/** Seed 7090: the rosters of another zone, which a liar told again, were taken for clocks of the own one. */
test("a metered member knows the clocks of its own zone, whatever is told again to it", () => {
  const liars = [{ agent: 1, behaviour: "replay", from: 0 }] as const;
  const scenario: Scenario = {
    ...METERED, agents: 14, zones: 2, liars, faults: [{ kind: "metered", agents: [12, 13] }], attacks: [], epochs: 60,
  };
  assert.is(says(bounded, undefined, scenario, 7_090), undefined);
});

test("liveness after healing: fails when who is on a metered link never hears of a certificate", () => {
  const bend = ({ index, protocol }: SimAgent): void => {
    if (index === 2) protocol!.incidents.set = () => protocol!.incidents;
  };
  assert.match(says(liveness, bend, METERED) ?? "", /agent 2 holds no certificate of energy-theft/);
});

test("liveness after healing: fails when nobody is told that one on a metered link does not vote", () => {
  const bend = ({ protocol }: SimAgent): void => {
    protocol!.meteredSince.set = () => protocol!.meteredSince;
  };
  assert.match(says(liveness, bend, METERED) ?? "", /agent 0 does not know that agent 2 does not vote/);
});

test("liveness after healing: fails when one on a metered link states nothing more", () => {
  const bend = ({ index, protocol }: SimAgent): void => {
    if (index === 2) Object.defineProperty(protocol, "maySign", { get: () => false, set: () => undefined });
  };
  const said = says(liveness, bend, METERED) ?? "";
  assert.match(said, /agent 0 (heard of agent 2 \d+ epochs ago|does not know that agent 2)/);
});

test("memory and traffic bounded: fails when one on a metered link tells what it should not", () => {
  const bend = ({ index, protocol }: SimAgent): void => {
    if (index === 2) (protocol as { metered: boolean }).metered = false;
  };
  assert.match(says(bounded, bend, METERED) ?? "", /agent 2: it is metered, and told a /);
});

test("each of the checkers above is one of those that a soak uses", () => {
  assert.equal(new Set(CHECKERS),
    new Set([noContradiction, validity, noFalseAccusation, ownWord, consistentLogs, bounded, frozenByForks,
      regionsWord, liveness]));
});

/** Seed 1000037: killed between the append and the publication, and nobody asked for what had become durable. */
test("a statement that was made durable and never said is no gap in an honest agent's word", () => {
  for (const topology of ["mesh", "site"] as const) {
    for (const effects of [0, 1, 2]) {
      const crash = { kind: "crash", agent: 2, at: 20.29, effects, downEpochs: 6.05 } as const;
      const loss = { kind: "loss", from: 20, to: 40, share: 0.97 } as const;
      const scenario: Scenario = { ...CALM, topology, faults: [crash, loss] };
      assert.is(says(ownWord, undefined, scenario), undefined, `${topology} ${effects}`);
    }
  }
});

test("an honest agent's word: fails when a statement names another one before than it made", () => {
  const bend = ({ index, core }: SimAgent): void => {
    if (index === 2) core!.state.gossip.previous = new Uint8Array(32).fill(1);
  };
  const text = says(ownWord, bend, CRASH);
  assert.match(text ?? "", /statement \d+ does not name the one before/);
});
