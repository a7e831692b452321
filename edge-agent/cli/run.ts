/** `kerbwatch run`: the agent on a charger. */
import { CrashFile } from "../adapters/crash-file.ts";
import { wantsColour } from "../adapters/alert-terminal.ts";
import { loadConfig } from "../adapters/config-file.ts";
import { goOnErasing } from "../adapters/factory-reset.ts";
import { goodConfig, keepGoodConfig, likelyStateDirs } from "../adapters/good-config.ts";
import { type Incoming, inheritedSocket } from "../adapters/incoming.ts";
import { ListenError } from "../adapters/listen-error.ts";
import { becomesRelease, ownRelease, type OwnRelease } from "../adapters/release-start.ts";
import { stepsToLog, watchReleases } from "../adapters/release-watch.ts";
import { keepHeapSmall } from "../adapters/small-heap.ts";
import { supervised } from "../adapters/supervised.ts";
import { startSupervisor, WELL_MS } from "../adapters/supervisor.ts";
import { serviceManager } from "../adapters/systemd.ts";
import { addressText, type Config } from "../config.ts";
import { pastOf } from "../crash-record.ts";
import { VERSION } from "../version.ts";
import { type Command, type Io, parseOptions, UsageError } from "./command.ts";
import { USUAL_STATE_DIR } from "./state-dir.ts";

const HELP = `Usage: kerbwatch run --config FILE [--supervised]

Runs the agent: the charger connects to it, it dials the CSMS, passes every byte
untouched, and watches. Stop it with Ctrl-C or SIGTERM; what it learned and
recorded is kept in stateDir. Alerts go to the outlets of the configuration,
notices about the agent itself to standard error.

  --config FILE   kerbwatch.yaml (YAML or JSON); all its keys: kerbwatch doctor
                  --reference
  --supervised    for boards without systemd: a small process keeps the socket
                  for chargers, starts the agent, starts it again when it ends
                  and kills it when it does not answer

A listening socket of systemd (LISTEN_FDS) is used in place of listen. An agent
that ends unasked again and again becomes a plain relay: frames pass unread, and
it is tried again after ten minutes, then after twice as long each time.

Example
  kerbwatch doctor --config kerbwatch.yaml
  kerbwatch run --config kerbwatch.yaml

Exit codes: 0 stopped as asked, 1 could not start, 2 wrong configuration. With
--supervised, or a socket of systemd, a wrong configuration is no end where one
that was good is known: frames are relayed by that until the file is mended.
`;

const OPTIONS = {
  config: { type: "string", required: true, value: "FILE" }, supervised: { type: "boolean" },
} as const;

export const run: Command = {
  name: "run",
  summary: "the agent on a charger",
  help: HELP,
  async run(args, io) {
    const { options } = parseOptions(args, OPTIONS);
    const parent = supervised(process.env);
    if (parent !== undefined) {
      const stopAsked = Promise.race([signalled(), parent.stopAsked]);
      await runAgent(loadConfig(options.config, io.env), io, { ...parent, stopAsked });
      return 0;
    }
    const own = ownRelease(process.env);
    // Its program goes on from here, to the end of the process.
    if (own === undefined && startsRelease(options.config, io)) return new Promise(() => undefined);
    await runAlone(options.config, options.supervised, io, own);
    return 0;
  },
};

/** With a wrong configuration nobody knows whom to trust: this program then does what can be done. */
function startsRelease(file: string, io: Io): boolean {
  try {
    return becomesRelease(loadConfig(file, io.env), process.env, (text) => io.err(`kerbwatch: ${text}\n`));
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** How one run of the agent hangs together with what is around it. */
interface Around {
  readonly incoming?: Incoming;
  readonly past: readonly string[];
  /** Chargers can connect. */
  readonly up: () => void;
  readonly stopAsked: Promise<void>;
}

async function runAgent(config: Config, io: Io, { incoming, past, up, stopAsked }: Around): Promise<void> {
  keepHeapSmall();
  goOnErasing(config.stateDir);
  // Loaded here, since a supervisor does without it.
  const { startAgent } = await import("../agent.ts");
  let leave = (): void => undefined;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const agent = await startAgent(config, {
    ...(process.argv[1] !== undefined && { program: process.argv[1] }),
    notice: (text) => io.err(`${text}\n`), out: (text) => io.out(text), env: io.env, past, leave,
    colour: wantsColour(process.stdout.isTTY, io.env), ...(incoming !== undefined && { incoming }),
  });
  const { listen } = agent.status().agent;
  io.err(`kerbwatch ${VERSION} watches ${config.station}: chargers connect to ${listen}, the CSMS is ` +
    `${addressText(config.csms)}\n`);
  keepGoodConfig(config, io.env);
  up();
  await Promise.race([stopAsked, left]);
  await agent.stop();
}

/** Nobody supervises this process, but for a service manager perhaps. */
async function runAlone(file: string, isSupervisor: boolean, io: Io, own?: OwnRelease): Promise<void> {
  keepHeapSmall();
  const fd = inheritedSocket(process.env, process.pid);
  // Whoever keeps a socket open for chargers serves them: with a wrong configuration too, if there was a good one.
  const keepsSocket = isSupervisor || fd !== undefined;
  const { config, wrong } = load(file, io, keepsSocket);
  const say = (text: string): void => io.err(`${text}\n`);
  const crashes = new CrashFile(config.stateDir, say);
  crashes.begin();
  const service = serviceManager(io.env, process.pid, say);
  const { steps, logged } = stepsToLog(config.stateDir);
  let leave = (): void => undefined;
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const stopAsked = Promise.race([signalled(), left]);
  const isRestarted = io.env["NOTIFY_SOCKET"] !== undefined;
  const releases = watchReleases({ stateDir: config.stateDir, own, isRestarted, say, end: () => leave() });
  const up = (): void => {
    service.ready();
    logged();
  };
  const runHere = async (): Promise<void> => {
    const well = setTimeout(() => crashes.well(), WELL_MS);
    await runAgent(config, io, { past: [...steps, ...pastOf(crashes.record)], up, stopAsked,
      ...(fd !== undefined && { incoming: { kind: "socket", fd } }) }).finally(() => clearTimeout(well));
    crashes.stop();
  };
  const supervise = async (misconfigured: string | undefined): Promise<void> => {
    const supervisor = await startSupervisor({
      config, program: process.argv[1] ?? "", args: ["run", "--config", file], env: io.env, crashes, say,
      past: steps, told: logged,
      ...(misconfigured !== undefined && { misconfigured }), ...(fd !== undefined && { fd }),
    });
    service.ready();
    await stopAsked;
    await supervisor.stop();
  };
  try {
    if (isSupervisor || wrong !== undefined || crashes.relay !== undefined) return await supervise(wrong);
    await runHere().catch(async (error: unknown) => {
      if (!(error instanceof UsageError) || !keepsSocket) throw error;
      say(`kerbwatch: ${error.message}`);
      await supervise(error.message);
    });
  } catch (error) {
    // No crash: a relay could not do better.
    if (error instanceof ListenError || error instanceof UsageError) crashes.forget();
    throw error;
  } finally {
    releases.stop();
    service.stop();
  }
}

/** The configuration of the file; or the last good one of it, where that may stand in, and what is `wrong` with it. */
function load(file: string, io: Io, mayStandIn: boolean): { readonly config: Config; readonly wrong?: string } {
  try {
    return { config: loadConfig(file, io.env) };
  } catch (error) {
    if (!(error instanceof UsageError) || !mayStandIn) throw error;
    const config = goodConfig(file, likelyStateDirs(file, io.env, USUAL_STATE_DIR), io.env);
    if (config === undefined) throw error;
    io.err(`kerbwatch: ${error.message}\n`);
    return { config, wrong: error.message };
  }
}

/** Resolves at the first request to stop; a second one ends the process at once, as the system does by itself. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}
