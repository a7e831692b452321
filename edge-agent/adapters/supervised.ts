/** The agent's side of a supervisor: signs of life, chargers' connections, and the request to stop. */
import type { Socket } from "node:net";
import type { Incoming } from "./incoming.ts";

/** Holds a `Parentage` as JSON; set for the child alone. */
export const SUPERVISOR_VARIABLE = "KERBWATCH_SUPERVISOR";
/** How often the child says that it turns. */
export const BEAT_MS = 2_000;

export interface Parentage {
  readonly pid: number;
  /** Where the supervisor listens. */
  readonly host: string;
  readonly port: number;
  /** What the log should know of the time before this start. */
  readonly past: readonly string[];
}

/** From the child; each as the text of a message. */
export type FromChild = "up" | "beat" | "taken";
/** To the child; `charger` comes with the connection. */
export type ToChild = "charger" | "stop";

export interface Supervised {
  readonly past: readonly string[];
  readonly incoming: Incoming;
  /** Chargers may come. */
  up(): void;
  /** Resolves when the supervisor asks for it, or is gone. */
  readonly stopAsked: Promise<void>;
}

/** Undefined when nobody supervises this process. */
export function supervised(env: Record<string, string | undefined>): Supervised | undefined {
  const text = env[SUPERVISOR_VARIABLE];
  delete env[SUPERVISOR_VARIABLE];
  if (text === undefined || process.send === undefined) return undefined;
  const { pid, host, port, past } = JSON.parse(text) as Parentage;
  if (pid !== process.ppid) return undefined;
  const say = (message: FromChild): void => void process.send?.(message, undefined, {}, () => undefined);
  let take: (socket: Socket) => void = (socket) => void socket.destroy();
  setInterval(() => say("beat"), BEAT_MS);
  const stopAsked = new Promise<void>((resolve) => {
    process.on("disconnect", resolve).on("message", (message: ToChild, socket?: Socket) => {
      if (message === "stop") resolve();
      if (message !== "charger") return;
      say("taken");
      if (socket === undefined) return; // it left before it was handed over
      // As the listening socket would have made it (createListener of splice.ts).
      socket.allowHalfOpen = true;
      take(socket);
    });
  });
  const onSocket = (taker: (socket: Socket) => void): void => {
    take = taker;
  };
  return { past, incoming: { kind: "accepted", host, port, onSocket }, up: () => say("up"), stopAsked };
}
