/**
 * After healing: every honest member states again, an attack on all is certified in time, and all honest members hold
 * the same certificate for it and the same incidents, and told them under the same names. So do those on metered links,
 * to whom certificates come in answer to their digests at worst; and all others know that these do not vote.
 */
import { type Incident, incidentOf, leaseEnd } from "../../../../gossip/incidents.ts";
import { EVIDENCE_KEYS, threatOf } from "../../../../models/terms.ts";
import type { SimAgent } from "../sim-agent.ts";
import { type Checker, CheckFailure, type World } from "../world.ts";

const NAME = "liveness after healing";
/** A statement of the epoch before is on its way at worst. */
const BEHIND_EPOCHS = 3;
/** Who is on a metered link states in each third epoch when nothing happens. */
const BEHIND_METERED_EPOCHS = 3 + BEHIND_EPOCHS;

export function liveness(world: World): Checker {
  return {
    name: NAME,
    end() {
      const { healedAt, attacks, epochs } = world.scenario;
      if (healedAt === undefined) return;
      const members = world.honestMembers();
      for (const agent of members) checkSpeaks(agent, members);
      const late = attacks.filter(({ from, to }) => from >= healedAt && to <= epochs);
      for (const zone of world.street.zones) {
        const own = members.filter((agent) => agent.zone === zone);
        for (const { key } of late.filter(({ agents }) => own.every(({ index }) => agents.includes(index)))) {
          checkCertified(own, EVIDENCE_KEYS.indexOf(key));
        }
        checkAgreement(world, own);
        checkNames(own);
      }
    },
  };
}

function fail(text: string): never {
  throw new CheckFailure(NAME, text);
}

function checkSpeaks(agent: SimAgent, members: readonly SimAgent[]): void {
  const { protocol, index } = agent;
  if (protocol === undefined) return fail(`agent ${index} is not up`);
  if (protocol.clock.standing.state !== "good") fail(`agent ${index}: its clock is ${protocol.clock.standing.state}`);
  // It takes no statements.
  if (agent.isMetered) return;
  for (const other of members.filter(({ zone }) => zone === agent.zone)) {
    if (other.isMetered && !protocol.meteredSince.has(other.station)) {
      fail(`agent ${index} does not know that agent ${other.index} does not vote`);
    }
    const behind = other.isMetered ? BEHIND_METERED_EPOCHS : BEHIND_EPOCHS;
    const heard = protocol.view.members[protocol.directory.indexOf(other.station)]?.heard ?? -1;
    if (heard < protocol.epoch - behind) {
      fail(`agent ${index} heard of agent ${other.index} ${protocol.epoch - heard} epochs ago`);
    }
  }
}

function checkCertified(members: readonly SimAgent[], keyIndex: number): void {
  for (const { index, protocol } of members) {
    const incident = protocol && incidentOf(protocol.incidents, keyIndex);
    if (incident !== undefined && !incident.lapsed) continue;
    fail(`agent ${index} holds no certificate of ${EVIDENCE_KEYS[keyIndex]}`);
  }
}

/**
 * Those that began under the roster in force: of older ones, who joined later does not know the beginning. Where a
 * lease ends with the epoch that some are in and others are not yet, both are right.
 */
function checkAgreement(world: World, members: readonly SimAgent[]): void {
  const { version } = world.rosters.at(-1)!.roster;
  const older = new Set(members.flatMap(({ protocol }) => [...protocol?.incidents.values() ?? []]
    .filter(({ first }) => first.rosterVersion !== version).map(({ first }) => threatOf(first.key))));
  const epochs = members.map(({ protocol }) => protocol!.epoch);
  const [lowest, highest] = [Math.min(...epochs), Math.max(...epochs)];
  const isEnding = (one: Incident): boolean => leaseEnd(one) > lowest && leaseEnd(one) <= highest;
  const held = members.map(({ index, protocol }) => ({
    index, text: [...protocol?.incidents.values() ?? []]
      .filter((one) => !one.lapsed && !isEnding(one) && !older.has(threatOf(one.first.key)))
      .map(({ first }) => `${threatOf(first.key)}@${first.epoch}`).sort().join(" "),
  }));
  const other = held.find(({ text }) => text !== held[0]!.text);
  if (other === undefined) return;
  fail(`agent ${held[0]!.index} holds [${held[0]!.text}], agent ${other.index} [${other.text}]`);
}

/**
 * What is told of a threat, whichever of its keys were certified and in whatever order, has one name everywhere: that
 * of the incident that is held. Who still fetches statements tells nothing yet.
 */
function checkNames(members: readonly SimAgent[]): void {
  const first = new Map<string, { readonly index: number; readonly id: string }>();
  for (const { index, core, protocol } of members) {
    for (const [threat, { incidentId: id }] of core?.state.zone?.open ?? []) {
      const epoch = protocol!.incidents.get(EVIDENCE_KEYS.indexOf(threat))?.first.epoch;
      const slot = `${threat}@${epoch}`;
      const other = first.get(slot) ?? { index, id };
      first.set(slot, other);
      if (other.id === id) continue;
      fail(`${slot} is ${other.id.slice(0, 8)} at agent ${other.index}, ${id.slice(0, 8)} at agent ${index}`);
    }
  }
}
