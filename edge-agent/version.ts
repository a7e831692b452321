/** Which release this is. */

/** Put in by the bundler, from package.json. */
declare const __VERSION__: string | undefined;

/** Semantic version. */
export const VERSION: string = typeof __VERSION__ === "string" ? __VERSION__ : "0.0.0";

/**
 * No board that runs this release lived before this day: a clock that says otherwise was never set. Written by hand at
 * each release and not at each build, because a build must give the same bytes every time.
 */
export const RELEASED = "2026-06-01T00:00:00.000Z";
