/** Plays the acts of the board in QEMU; runs in the network that board.ts makes for it. */
import type { BoardImage } from "../../build/package/board.ts";
import { BUDGETS } from "../../targets/qemu-virt-arm64/board.ts";
import type { Outcome } from "../bench/acts/act.ts";
import type { BOARD_ACTS } from "./act-names.ts";
import { playCuts, playKill, playNoClock, playSession } from "./board-acts.ts";
import { Bench, STATION } from "./board-bench.ts";
import { noCard, playCard } from "./board-card.ts";
import { Figures } from "./board-figures.ts";
import { layStreets } from "./board-street.ts";
import { playUpdate } from "./board-update.ts";
import { Recorder, type Told } from "./recorder.ts";

/** What board.ts hands over, as JSON in the environment. */
export interface BoardOrders {
  readonly folder: string;
  readonly image: BoardImage;
  /** The same as a card; absent: what makes it is not on this machine. */
  readonly card?: string;
  /** How often the power is cut. */
  readonly cuts: number;
  /** How long quiet is measured. */
  readonly quietS: number;
  readonly keep: boolean;
  readonly acts?: readonly string[];
  /** Why there is no network of its own; absent: there is. */
  readonly instead?: string;
  readonly xml?: string;
  readonly json?: string;
}
export const BOARD_ORDERS_VARIABLE = "KERBWATCH_BOARD";

interface BoardAct extends Told {
  readonly id: (typeof BOARD_ACTS)[number];
  play(): Promise<Outcome>;
  /** What is missing for it on this machine, on one line. */
  readonly lacks?: string | undefined;
}

function actsOf(bench: Bench, figures: Figures, orders: BoardOrders): readonly BoardAct[] {
  const { cuts, folder, card = "", instead } = orders;
  return [
    { id: "session", name: "power on, a charging session from outside", told: "one bill, every frame passed",
      play: () => playSession(bench) },
    { id: "kill", name: "the agent is killed", told: "init starts it again, the charger comes back",
      play: () => playKill(bench) },
    { id: "cuts", name: `the power is cut ${cuts} times while the log is written and frames pass`,
      told: "the log is whole each time, nothing of it lost", play: () => playCuts(bench, cuts) },
    { id: "update", name: "a signed release from a URL, the power cut, a broken one, and back",
      told: "kept when healthy, taken back when broken", play: () => playUpdate(bench, folder) },
    { id: "clock", name: "a boot without a clock", told: "frames pass, the agent says so",
      play: () => playNoClock(bench) },
    { id: "card", name: "power on from a card, by firmware and boot loader", told: "one bill, the log kept",
      lacks: noCard(orders.card), play: () => playCard(bench, card) },
    { id: "alone", name: "what the agent costs by itself, read inside",
      told: `at most ${BUDGETS.residentTimesBareAlone} times bare Node, within the budgets`,
      play: () => figures.playAlone() },
    // Board and neighbours must have the same addresses for each other.
    { id: "neighbours", name: "what it costs with eight neighbours, read inside", told: "within the budgets",
      lacks: instead, play: () => figures.playTogether() },
  ];
}

async function playAll(orders: BoardOrders, recorder: Recorder, stop: AbortSignal): Promise<void> {
  const { folder, image, acts, quietS, instead } = orders;
  const { neighbours, ...laid } = await layStreets(folder, STATION, stop);
  const bench = await Bench.lay({ folder, boot: image, together: instead === undefined, streets: laid,
    brokerPort: laid.brokerPort });
  try {
    for (const act of actsOf(bench, new Figures(bench, neighbours, quietS), orders)) {
      if (acts !== undefined && !acts.includes(act.id)) continue;
      if (act.lacks !== undefined) recorder.skip(act, act.lacks);
      else await recorder.play(act, () => act.play());
    }
  } finally {
    await neighbours.stop();
    await bench.close();
  }
}

async function main(orders: BoardOrders): Promise<number> {
  const stop = new AbortController();
  const recorder = new Recorder("board");
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {
      stop.abort();
      resolve();
    });
  });
  await Promise.race([playAll(orders, recorder, stop.signal), stopped]);
  const code = recorder.end(orders);
  return stop.signal.aborted ? 1 : code;
}

const given = process.env[BOARD_ORDERS_VARIABLE];
delete process.env[BOARD_ORDERS_VARIABLE];
if (given !== undefined) {
  const code = await main(JSON.parse(given) as BoardOrders).catch((error: Error) => {
    console.error(`hil: ${error.message}`);
    return 1;
  });
  process.exit(code);
}
