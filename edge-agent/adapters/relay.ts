/**
 * The plain relay: the forwarder alone, reading no frame, on connections that the supervisor hands to it; and its
 * status, while there is no agent that has one.
 */
import type { Socket } from "node:net";
import type { Config, Environment } from "../config.ts";
import { reportRelay } from "../relay-status.ts";
import { rfc3339, type WallMs } from "../../models/units.ts";
import { createStatusServer } from "./http.ts";
import { heldAddress } from "./incoming.ts";
import { createForwarder } from "./splice.ts";
import { followTls } from "./tls-reload.ts";

/** Why there is a relay, and until when; without `tryAt` until the configuration is mended. */
export interface RelayReason {
  readonly why: string;
  readonly since: WallMs;
  readonly tryAt?: WallMs;
}

export interface RelayOptions {
  readonly config: Config;
  readonly env: Environment;
  /** Where the supervisor listens. */
  readonly at: { readonly host: string; readonly port: number };
  readonly notice: (text: string) => void;
  readonly notices: readonly string[];
}

export interface Relay {
  /** Where chargers connect. */
  readonly address: string;
  take(socket: Socket): void;
  /** Connections that are joined to the CSMS. */
  connections(): number;
  /** Drops those on which nothing has passed for so long. */
  letGo(quietMs: number): void;
  /** Serves the status from now on; `closeStatus` makes room for the agent's own. */
  openStatus(reason: RelayReason): Promise<void>;
  closeStatus(): Promise<void>;
  stop(): Promise<void>;
}

/** Throws an Error of one line when the certificates of the configuration cannot be had. */
export function startRelay({ config, env, at, notice, notices }: RelayOptions): Relay {
  const startedAt = Date.now() as WallMs;
  let take: (socket: Socket) => void = () => undefined;
  const { tls, csmsTls } = followTls(config, env, { notice, monoMs: () => performance.now() });
  const forwarder = createForwarder({
    listen: config.listen, csms: config.csms, ...(tls !== undefined && { tls: tls.latest }),
    ...(csmsTls !== undefined && { csmsTls: csmsTls.latest }), plain: true,
    incoming: { kind: "accepted", ...at, onSocket: (taker) => {
      take = taker;
    } },
  }, () => undefined, notice);
  void forwarder.start();
  const { address } = heldAddress(config.listen, at);
  const { stateDir, http } = config;
  let status: ReturnType<typeof createStatusServer> | undefined;
  const report = ({ why, since, tryAt }: RelayReason) => reportRelay({
    config, wallMs: Date.now() as WallMs, startedAt, pid: process.pid, residentBytes: process.memoryUsage.rss(),
    listen: address, http: status?.address(), forward: forwarder.stats(), notices,
    relay: { why, since: rfc3339(since), ...(tryAt !== undefined && { tryAt: rfc3339(tryAt) }) },
  });
  const closeStatus = async (): Promise<void> => {
    const open = status;
    status = undefined;
    await open?.stop();
  };
  return {
    address, closeStatus, take: (socket) => take(socket), connections: () => forwarder.stats().connections.now,
    letGo: (quietMs) => forwarder.letGo(quietMs),
    openStatus: async (reason) => {
      await closeStatus();
      status = createStatusServer({ stateDir, status: () => report(reason), ...(http !== undefined && { http }) });
      await status.start().catch((error: Error) => notice(`status: ${error.message}; runs without it`));
    },
    stop: async () => {
      await Promise.all([forwarder.stop(), closeStatus()]);
    },
  };
}
