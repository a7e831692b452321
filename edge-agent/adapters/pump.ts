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
  /** Who passes the bytes on, where it is not done as they come. */
  readonly lanes?: Readonly<Record<Direction, Lane>>;
}

export interface Outlet {
  write(bytes: Uint8Array): void;
  /** The receiver has not taken what was written before: a lane adds nothing of its own then. */
  readonly isFull: boolean;
}

/** Passes the bytes of one direction on in its own pieces. Must not throw. */
export interface Lane {
  /** Whether it may write a piece in several parts. */
  readonly cuts: boolean;
  /** Where to; called once, before anything else. */
  open(outlet: Outlet): void;
  push(chunk: Buffer): void;
  /** What it wrote of this piece has left: time for whatever need not hold it up. */
  passed(chunk: Buffer): void;
  /** The outlet is no longer full. */
  drained(): void;
  /** No more will come: what is still held goes now. */
  end(): void;
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
    const { seen, lanes } = options;
    const join = (direction: Direction, from: Socket, to: Socket): void => passOn(
      from, to, first[direction], (chunk, delayUs) => seen(direction, chunk, delayUs), ending, lanes?.[direction]);
    join("cp-to-csms", charger, csms);
    join("csms-to-cp", csms, charger);
    closed();
  });
}

/** One direction: every byte, the end, and the drop. `ending` is called at the first sign of the last two. */
export function passOn(
  from: Socket, to: Socket, first: Buffer, seen: (chunk: Buffer, delayUs: number) => void, ending: () => void,
  lane?: Lane,
): void {
  const write = (bytes: Uint8Array): void => {
    if (!to.destroyed && !to.writableEnded && !to.write(bytes)) from.pause();
  };
  lane?.open({ write, get isFull() { return to.writableNeedDrain; } });
  const pass = (chunk: Buffer): void => {
    const begun = performance.now();
    if (lane === undefined) write(chunk);
    else if (!lane.cuts) lane.push(chunk);
    else inOneGo(to, () => lane.push(chunk));
    const delayUs = (performance.now() - begun) * 1000;
    lane?.passed(chunk);
    seen(chunk, delayUs);
  };
  const drop = (): void => {
    ending();
    to.destroySoon();
  };
  to.on("drain", () => {
    lane?.drained();
    if (!to.writableNeedDrain) from.resume();
  });
  from.on("end", () => {
    ending();
    lane?.end();
    to.end();
  });
  from.on("close", drop);
  if (from.closed) return drop();
  if (first.length > 0) pass(first);
  from.on("data", pass);
  if (!to.writableNeedDrain) from.resume();
}

/** A piece that leaves in parts goes out with one system call all the same. */
function inOneGo(to: Socket, write: () => void): void {
  to.cork();
  write();
  to.uncork();
}
