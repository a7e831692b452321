/**
 * What the bench does to a board, step by step. The steps that a dry run prints are the ones that are taken otherwise:
 * there is one list of them.
 */
import type { Check } from "../../bench/acts/act.ts";
import type { REAL_ACTS } from "../act-names.ts";
import type { BoardFile } from "./board-file.ts";
import type { Ran } from "./board-link.ts";

export const STATION = "CP-001";
export const TOKEN = "04A1000001";
export const SESSION_S = 8;
const SESSION_W = 50_000;

export type Step =
  | { readonly on: "board" | "here"; readonly command: string; judge(ran: Ran): Check }
  /** Asked again until it is as it should be, or the board's time is over. */
  | { readonly on: "board"; readonly until: string; readonly saw: string }
  | { readonly on: "charger"; readonly does: "connects" | "charges" | "comes back" };

export interface BoardAct {
  readonly id: (typeof REAL_ACTS)[number];
  readonly name: string;
  readonly told: string;
  readonly steps: readonly Step[];
}

const did = (saw: string) => ({ code, out }: Ran): Check =>
  ({ saw: code === 0 ? saw : `not ${saw}: exit code ${code}: ${out.trim().slice(-200)}`, ok: code === 0 });

/** The agent's configuration for the bench. */
export function benchConfig({ outside, charger, agent, meter }: BoardFile, csmsPort: number): string {
  return JSON.stringify({
    station: STATION, csms: `ws://${outside}:${csmsPort}`, listen: `ws://0.0.0.0:${charger.boardPort}`,
    stateDir: agent.state,
    meters: [{ evse: meter.evse, address: `${outside}:${meter.port}`, model: "sdm630", everyS: 2 }],
  });
}

/** One word for the shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const agentAnswers = ({ agent: { command, state } }: BoardFile): Step =>
  ({ on: "board", until: `${command} status --json --state ${state} >/dev/null`, saw: "the agent answers" });

function wholeLog({ agent }: BoardFile): Step {
  const judge = ({ code, out }: Ran): Check => {
    const size = /"size":(\d+)/.exec(out)?.[1];
    return { saw: code === 0 ? `a log of ${size} entries` : `a log that is not whole: ${out.trim().slice(-200)}`,
      ok: code === 0 && size !== undefined };
  };
  return { on: "board", command: `${agent.command} ledger verify --json --state ${agent.state}`, judge };
}

/** A board's own configuration is kept beside the bench's. */
const kept = (file: BoardFile): string => `${file.agent.config}.before-bench`;

/** Puts a configuration in the place of the board's own, which is kept. */
export const putCommand = (file: BoardFile, config: string): string =>
  `{ [ -e ${kept(file)} ] || cp -p ${file.agent.config} ${kept(file)}; } && `
  + `printf %s ${quoted(config)} > ${file.agent.config}`;

export function actsOf(file: BoardFile, csmsPort: number): readonly BoardAct[] {
  const { agent, power } = file;
  const put = putCommand(file, benchConfig(file, csmsPort));
  const cycle: readonly Step[] = power === undefined ? [] : [
    { on: "here", command: power.off, judge: did("power off") },
    { on: "here", command: power.on, judge: did("power on") },
    { on: "board", until: "true", saw: "the board answers" }, agentAnswers(file), wholeLog(file),
    { on: "charger", does: "comes back" },
  ];
  return [
    { id: "reach", name: "the board answers", told: "a version of the program", steps: [
      { on: "board", until: "true", saw: "it answers" },
      { on: "board", command: `${agent.command} --version`, judge: ({ code, out }) =>
        ({ saw: code === 0 ? `version ${out.trim()}` : `no program: ${out.trim().slice(-200)}`, ok: code === 0 }) },
    ] },
    { id: "session", name: "a session from outside", told: "frames pass, one bill", steps: [
      { on: "board", command: put, judge: did("configuration put") },
      { on: "board", command: agent.restart, judge: did("agent started") },
      agentAnswers(file), { on: "charger", does: "connects" }, { on: "charger", does: "charges" },
    ] },
    { id: "kill", name: "the agent is killed", told: "another one, the charger comes back", steps: [
      { on: "board", command: agent.kill, judge: did("killed") },
      agentAnswers(file), { on: "charger", does: "comes back" }, wholeLog(file),
    ] },
    ...(cycle.length === 0 ? [] : [
      { id: "power" as const, name: "the power is cut",
        told: "the board comes up, its log whole, the charger comes back", steps: cycle },
    ]),
    { id: "restore", name: "the board's own configuration again", told: "as it was found", steps: [
      { on: "board", command: `mv ${kept(file)} ${agent.config}`, judge: did("put back") },
      { on: "board", command: agent.restart, judge: did("agent started") },
    ] },
  ];
}

/** One line of a dry run. */
export function stepText({ charger, meter, upWithinS }: BoardFile, step: Step): string {
  if (step.on !== "charger") {
    return "until" in step ? `on the board, until it succeeds, at most ${upWithinS} s: ${step.until}`
      : `${step.on === "here" ? "on this machine" : "on the board"}: ${step.command}`;
  }
  const at = `ws://${charger.host}:${charger.port}/${STATION}`;
  const says = {
    "connects": `connects to ${at} and boots`,
    "charges": `charges ${SESSION_S} s at ${SESSION_W / 1000} kW, the simulated meter (port ${meter.port}) with it`,
    "comes back": `is connected to ${at} again, and a card is authorised`,
  }[step.does];
  return `a simulated charger ${says}`;
}

export const SESSION = { token: TOKEN, seconds: SESSION_S, powerW: SESSION_W };
