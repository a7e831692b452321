/** For tests of what is replaced in its place: whatever a power cut may leave of one write. */
const SECTOR = 512;

/**
 * Every crash state of the write that made `after` out of `before`: prefixes, garbage tails, lost sectors.
 * @param step from one prefix to the next, bytes
 */
export function* crashStates(
  random: { bytes(length: number): Uint8Array }, before: Uint8Array, after: Uint8Array, at: number, length: number,
  step = 1,
): Generator<Uint8Array> {
  const mixed = (from: number, part: Uint8Array): Uint8Array => {
    const state = Uint8Array.from(before);
    state.set(part, from);
    return state;
  };
  for (let done = 0; done <= length; done += done < length ? Math.min(step, length - done) : 1) {
    yield mixed(at, after.subarray(at, at + done));
    const garbage = mixed(at, after.subarray(at, at + done));
    garbage.set(random.bytes(length - done), at + done);
    yield garbage;
  }
  const sectors = Math.ceil(length / SECTOR);
  for (let lost = 1; lost < 2 ** sectors; lost++) {
    const state = Uint8Array.from(after);
    for (let s = 0; s < sectors; s++) {
      const [from, until] = [at + s * SECTOR, at + (s + 1) * SECTOR];
      if (Math.floor(lost / 2 ** s) % 2 === 1) state.set(before.subarray(from, until), from);
    }
    yield state;
  }
}
