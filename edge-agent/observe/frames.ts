/** The ring of recent frames, whole and unredacted. Only it and the calls that wait hold idTokens. */
import type { Direction } from "../../models/terms.ts";
import type { WallMs } from "../../models/units.ts";

export interface RecentFrame {
  readonly direction: Direction;
  readonly at: WallMs;
  readonly text: string;
}

export interface FrameLimits {
  readonly maxFrames: number;
  /** Characters of all frames together. */
  readonly maxChars: number;
}

/** Covers the minutes before an alert; a quarter of a megabyte is the memory that it may take. */
export const FRAME_LIMITS: FrameLimits = { maxFrames: 256, maxChars: 256 * 1024 };

export interface Frames {
  readonly limits: FrameLimits;
  readonly ring: Map<number, RecentFrame>;
  chars: number;
  lastNo: number;
}

export function createFrames(limits: FrameLimits = FRAME_LIMITS): Frames {
  return { limits, ring: new Map(), chars: 0, lastNo: 0 };
}

/** Keeps a frame and returns its number, from 1 on. One that would push out most others is numbered and not kept. */
export function keepFrame(frames: Frames, frame: RecentFrame): number {
  frames.lastNo += 1;
  if (frame.text.length > frames.limits.maxChars / 4) return frames.lastNo;
  frames.ring.set(frames.lastNo, frame);
  frames.chars += frame.text.length;
  for (const [no, oldest] of frames.ring) {
    if (frames.ring.size <= frames.limits.maxFrames && frames.chars <= frames.limits.maxChars) break;
    frames.ring.delete(no);
    frames.chars -= oldest.text.length;
  }
  return frames.lastNo;
}
