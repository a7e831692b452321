import { assert, test } from "../testing.ts";
import { archiveError } from "./debian-archive.ts";

const UPDATE = `apt-get -q: E: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Unable to connect
E: Failed to fetch http://deb.debian.org/debian/dists/bookworm-updates/InRelease  Unable to connect
E: Failed to fetch http://deb.debian.org/debian-security/dists/bookworm-security/InRelease  Unable to connect
E: Some index files failed to download. They have been ignored, or old ones used instead.`;
/** As its last lines are, when nothing of it went to the other stream. */
const CUT_SHORT = `apt-get -q: Ign:3 http://deb.debian.org/debian-security bookworm-security InRelease
Err:1 http://deb.debian.org/debian bookworm InRelease
  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
Reading package lists...`;
const THEN = "apt-get -q: E: Unable to locate package libc6";

test("an archive that is not reached is named before what came of it, once, with what to do", () => {
  const [first, ...rest] = archiveError(UPDATE, THEN).message.split("\n");
  assert.is(first, "http://deb.debian.org/debian, http://deb.debian.org/debian-security: not reached, tried three "
    + "times; check this machine's network and proxy, and its sources, with apt-get update");
  assert.is(rest.join("\n"), `${UPDATE}\n${THEN}`);
  assert.match(archiveError(CUT_SHORT, THEN).message, /^http:\/\/deb\.debian\.org\/debian: not reached/);
});

test("an update that failed for another reason, and what failed though every list was had", () => {
  assert.match(archiveError("apt-get -q: E: something else", THEN).message, /^an archive of \/etc\/apt: not reached/);
  assert.is(archiveError(undefined, THEN).message, THEN);
});
