/**
 * Joins two sockets: what comes out of one goes into the other, at the pace of the slower, until both are gone. It
 * holds at most what Node reads ahead (two pieces of 64 KB a direction), however slow a side is.
 */
import type { Socket } from "node:net";
import type { Direction } from "../../models/terms.ts";

export interface PumpOptions {
  /** How long the rest may take to drain once one side has ended. */
  readonly lingerMs: number;
  /** A side that takes nothing for so long, with data waiting for it, is dropped. */
  readonly stallMs: number;
  /** A copy of what was written, after it was written; must not throw, must not change the bytes. */
  readonly seen: (direction: Direction, chunk: Buffer, delayUs: number) => void;
}

/** Resolves when both are closed. `first`: what was already read of each direction. */
export function pump(
  charger: Socket, csms: Socket, first: Record<Direction, Buffer>, options: PumpOptions,
): Promise<void> {
  return new Promise((resolve) => {
    let linger: NodeJS.Timeout | undefined;
    const ending = (): void => {
      linger ??= setTimeout(() => {
        charger.destroy();
        csms.destroy();
      }, options.lingerMs);
    };
    const closed = (): void => {
      if (!charger.closed || !csms.closed) return;
      clearTimeout(linger);
      resolve();
    };
    for (const socket of [charger, csms]) {
      socket.setTimeout(options.stallMs, () => socket.writableNeedDrain && socket.destroy());
      socket.on("close", closed);
    }
    const { seen } = options;
    passOn(charger, csms, first["cp-to-csms"], (chunk, delayUs) => seen("cp-to-csms", chunk, delayUs), ending);
    passOn(csms, charger, first["csms-to-cp"], (chunk, delayUs) => seen("csms-to-cp", chunk, delayUs), ending);
    closed();
  });
}

/** One direction: every byte, the end, and the drop. `ending` is called at the first sign of the last two. */
export function passOn(
  from: Socket, to: Socket, first: Buffer, seen: (chunk: Buffer, delayUs: number) => void, ending: () => void,
): void {
  const pass = (chunk: Buffer): void => {
    const begun = performance.now();
    if (!to.write(chunk)) from.pause();
    seen(chunk, (performance.now() - begun) * 1000);
  };
  const drop = (): void => {
    ending();
    to.destroySoon();
  };
  to.on("drain", () => from.resume());
  from.on("end", () => {
    ending();
    to.end();
  });
  from.on("close", drop);
  if (from.closed) return drop();
  if (first.length > 0) pass(first);
  from.on("data", pass);
  if (!to.writableNeedDrain) from.resume();
}
