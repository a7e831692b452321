/** Is this device a member of its street, and can it hear the others? */
import { parseHostPort } from "../../../gossip/host-port.ts";
import { directoryOf } from "../../../gossip/directory.ts";
import { neighboursOf } from "../../../gossip/membership.ts";
import { borne } from "../../../gossip/metered.ts";
import type { Member } from "../../../gossip/roster.ts";
import { nodeCrypto } from "../../adapters/crypto.ts";
import { explainFailure } from "../../adapters/csms-probe.ts";
import { readKeys } from "../../adapters/keys.ts";
import { loadMembership } from "../../adapters/membership.ts";
import type { Membership } from "../../adapters/membership.ts";
import type { Trust } from "../../adapters/mesh-dial.ts";
import { probeBroker, WRONG_KEY } from "../../adapters/mesh-probe.ts";
import { readSiteBrokers } from "../../adapters/tls-files.ts";
import { tlsIdentity } from "../../adapters/tls-identity.ts";
import { hostPortText } from "../../config.ts";
import type { Config, Environment, HostPort } from "../../config.ts";
import { counted, plainText } from "../../plain-text.ts";
import type { Status } from "../../status.ts";
import { failed, passed, warned } from "./check.ts";
import type { Check } from "./check.ts";
import { checkPort, isLoopback } from "./ports.ts";

type MeshConfig = NonNullable<Config["mesh"]>;
const ENROL = "have the operator enrol this station anew, with keygen --member and --advertise";

function member(config: Config): Membership | Check {
  try {
    const keys = readKeys(config.stateDir);
    if (keys === undefined) {
      return failed("roster", "this device has not all of its keys yet", `make them with keygen, and ${ENROL}`);
    }
    return loadMembership(config, nodeCrypto(), keys)!;
  } catch (error) {
    return failed("roster", plainText((error as Error).message, 300), "mend what it names; `kerbwatch roster verify` "
      + "and `roster show` say what is in a roster");
  }
}

/** Where neighbours look for this station's broker, as the roster tells them. */
function checkAdvertised({ listen, advertise }: MeshConfig, { address }: Member): Check {
  const wants = advertise && hostPortText(advertise);
  const fail = (says: string, mend: string): Check => failed("advertise", says, mend);
  if (address === "") {
    return listen === undefined ? passed("advertise", "no broker of its own, and the roster has none for it")
      : warned("advertise", "neighbours do not know where this station's broker is: the roster has no address", ENROL);
  }
  if (listen === undefined) {
    return fail(`the roster sends neighbours to ${address}, where no broker is: mesh.listen is absent`,
      `set mesh.listen, or ${ENROL}`);
  }
  if (wants !== undefined && wants !== address) {
    return fail(`mesh.advertise is ${wants}, and the roster sends neighbours to ${address}`,
      `make mesh.advertise the roster's, or ${ENROL}`);
  }
  if (isLoopback(listen.host) && !isLoopback(parseHostPort(address)?.host ?? "")) {
    return fail(`neighbours look for this station's broker at ${address}, and it listens on ${listen.host} alone`,
      "give mesh.listen the address of an interface, or 0.0.0.0");
  }
  return passed("advertise", `neighbours look for this station's broker at ${address}`);
}

/** What a metered link costs: the zone, which bears few members without a vote, and by the byte (gossip/SCALE.md). */
function checkMetered({ metered, brokers }: MeshConfig, { roster, member: { zone } }: Membership): Check[] {
  if (!metered) return [];
  const most = borne(directoryOf(roster, zone));
  const says = `this member does not vote; the zone bears ${most} such`;
  const dear = brokers.length > 0 ? [] : [warned("metered", "it tells f + 2 neighbours each itself, three times what "
    + "a site's broker would take", "list a site's broker in mesh.brokers: 130 MB in 30 days then, measured at rest")];
  return [...dear, most > 0 ? passed("metered", says)
    : warned("metered", says, "without it nothing is certified once f others are silent: set mesh.metered to false, or "
      + "have the operator make the zone larger or its f smaller")];
}

interface Wanted {
  readonly name: string;
  readonly address: HostPort;
  readonly trust: Trust;
}

interface Reached {
  readonly wanted: Wanted;
  /** Why it is not, as the system says it. */
  readonly why: string | undefined;
}

/** What the running agent is connected to is left alone. */
async function reach(
  all: readonly Wanted[], { member: { station }, keys }: Membership, running: Status | undefined, timeOutMs: number,
): Promise<Reached[]> {
  const identity = tlsIdentity(station, keys.tlsSeed);
  const up = new Set(running?.mesh?.links.flatMap((link) => (link.up ? [`${link.to} ${link.address}`] : [])));
  return Promise.all(all.map(async (wanted) => {
    const { name, address, trust } = wanted;
    if (up.has(`${name} ${hostPortText(address)}`)) return { wanted, why: undefined };
    return { wanted, why: await probeBroker(address, identity, trust, timeOutMs) };
  }));
}

function reachedChecks(what: string, reached: readonly Reached[], means: string): Check[] {
  const bad = reached.filter(({ why }) => why !== undefined);
  const checks = bad.map(({ wanted: { name, address }, why = "" }) => {
    const where = name.includes("/") ? name : `${name} at ${hostPortText(address)}`;
    return why === WRONG_KEY
      ? failed(what, `${where} shows a key that is not the one in the roster`,
        "somebody else listens there, or its device was changed: have the operator look, and sign a new roster")
      : warned(what, `${where} ${explainFailure(why).says}`, "see to that agent, its address and the way to it");
  });
  const good = reached.length - bad.length;
  if (reached.length > 0 && good === 0) {
    return [...checks, failed(what, `none of ${reached.length} can be reached`, "check this station's own network")];
  }
  return [...checks, passed(what, `${good} of ${reached.length} ${means}`)];
}

async function checkLinks(
  config: Config, env: Environment, own: Membership, running: Status | undefined, timeOutMs: number,
): Promise<Check[]> {
  const neighbours = neighboursOf(nodeCrypto(), own.roster, own.member.station).map((one) => one.member);
  const dialled = neighbours.flatMap(({ station, address, keys: { tls } }): Wanted[] => {
    const to = parseHostPort(address);
    return to === undefined ? [] : [{ name: station, address: to, trust: { key: tls } }];
  });
  const sites = readSiteBrokers(config, env).map(({ host, port, ca }): Wanted => ({
    name: `${ca === undefined ? "mqtt" : "mqtts"}://${hostPortText({ host, port })}`, address: { host, port },
    trust: ca === undefined ? {} : { ca },
  }));
  const [near, far] = await Promise.all([dialled, sites].map((all) => reach(all, own, running, timeOutMs)));
  const calling = neighbours.length - dialled.length;
  const checks = [
    ...reachedChecks("neighbours", near!, "brokers answer with the key in the roster"
      + (calling > 0 ? `; ${counted(calling, "neighbour has none, and dials this station itself",
        "neighbours have none, and dial this station themselves")}` : "")),
    ...(sites.length > 0 ? reachedChecks("sites", far!, "brokers of sites answer") : []),
  ];
  if (calling > 0 && own.member.address === "" && sites.length === 0) {
    checks.push(warned("neighbours", `${calling} of them and this station have no broker, and never meet`, ENROL));
  }
  return checks;
}

/** `running`: the status of the agent that runs on this state directory, if one does. */
export async function checkNeighbours(
  config: Config, env: Environment, running: Status | undefined, timeOutMs: number,
): Promise<Check[]> {
  const { mesh } = config;
  if (mesh === undefined) return [passed("neighbours", "none: works alone")];
  const own = member(config);
  const held = parseHostPort(running?.mesh?.broker?.listen ?? "")?.port;
  const port = mesh.listen === undefined ? [] : [await checkPort("broker", mesh.listen, held)];
  if ("state" in own) return [own, ...port];
  const { network, version, zones, members } = own.roster;
  const { zone } = own.member;
  const says = `${network}, version ${version}: ${counted(members.length, "member", "members")} in `
    + `${counted(zones.length, "zone", "zones")}; this station in ${zone}, with its keys`;
  try {
    return [passed("roster", says), ...port, checkAdvertised(mesh, own.member), ...checkMetered(mesh, own),
      ...await checkLinks(config, env, own, running, timeOutMs)];
  } catch (error) {
    return [passed("roster", says), ...port, failed("sites", (error as Error).message, "see mesh")];
  }
}
