/** Times, sizes and counts as a person says them. Pure. */

/** A length of time as a person says it: `42 s`, `7 min`, `3 h 20 min`, `12 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Bytes as a person says them, in units of 1024. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** How long ago `then` was, seen from `now`; both RFC 3339. */
export function ago(then: string | undefined, now: string): string {
  const seconds = (Date.parse(now) - Date.parse(then ?? "")) / 1000;
  return Number.isFinite(seconds) ? `${duration(seconds)} ago` : "never";
}

/** `2 too-large, 1 not-json`; empty where nothing was counted. */
export function countsText(counts: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(counts).map(([why, count]) => `${count} ${why}`).join(", ");
}
