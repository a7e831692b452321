/**
 * Signs of life for systemd, sd_notify(3): READY=1 and, where the unit has `WatchdogSec=`, WATCHDOG=1. Node opens no
 * datagram socket of the kind that systemd listens on, so `systemd-notify` is run: 24 ms of another process each time.
 */
import { execFile } from "node:child_process";

const NOTIFY_MS = 5_000;

export interface ServiceManager {
  /** Chargers can connect. Watchdog pings begin. */
  ready(): void;
  stop(): void;
}

/** Does nothing where systemd does not ask for it. */
export function serviceManager(
  env: Readonly<Record<string, string | undefined>>, pid: number, say: (text: string) => void,
): ServiceManager {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = env;
  const isMeant = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === pid;
  const everyMs = isMeant ? Number(WATCHDOG_USEC ?? 0) / 1000 / 3 : 0;
  let timer: NodeJS.Timeout | undefined;
  let told = false;
  const tell = (...words: string[]): void => {
    execFile("systemd-notify", words, { timeout: NOTIFY_MS }, (error) => {
      if (error === null || told) return;
      told = true;
      say(`systemd-notify: ${error.message.split("\n")[0]}; without it take Type=notify and WatchdogSec= out of the ` +
        "unit, or systemd ends this process");
    });
  };
  return {
    ready: () => {
      if (NOTIFY_SOCKET === undefined) return;
      tell("--ready");
      if (everyMs > 0) timer = setInterval(() => tell("WATCHDOG=1"), everyMs);
    },
    stop: () => clearInterval(timer),
  };
}
