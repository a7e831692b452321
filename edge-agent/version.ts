/** Which release this is. */

/** Semantic version, the same as in package.json (a test holds them together). */
export const VERSION = "0.1.0";

/**
 * No board that runs this release lived before this day: a clock that says otherwise was never set. Written by hand at
 * each release and not at each build, because a build must give the same bytes every time.
 */
export const RELEASED = "2026-06-01T00:00:00.000Z";
