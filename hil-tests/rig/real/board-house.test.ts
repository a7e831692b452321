/** A house of the street whose board is a shell of this machine: what gets there, and what comes back. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../../build/testing.ts";
import type { StationId } from "../../../models/units.ts";
import type { BoardFile } from "./board-file.ts";
import { BoardHouse } from "./board-house.ts";
import { type BoardLink, linkTo } from "./board-link.ts";

interface Laid {
  readonly folder: string;
  readonly link: BoardLink;
  readonly house: BoardHouse;
  /** What the house's own folder holds here. */
  readonly made: { readonly state: string; readonly roster: string; readonly config: string };
}

/** Its agent is a script that is up once it was started, as process 11 and, when it was killed, as 12. */
async function withHouse(work: (laid: Laid) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kerbwatch-board-house-"));
  const at = (name: string): string => join(folder, name);
  for (const name of ["board", "board/own", "here", "here/state", "here/state/log"]) mkdirSync(at(name));
  writeFileSync(at("board/kerbwatch"), `#!/bin/sh\n[ "$1" = status ] && printf '{"agent":{"pid":%s}}\\n' "$(cat ${
    at("board/up")})"\n`);
  chmodSync(at("board/kerbwatch"), 0o755);
  writeFileSync(at("board/kerbwatch.yaml"), "as it was found");
  const made = { state: at("here/state"), roster: at("here/roster.kw"), config: at("here/kerbwatch.json") };
  writeFileSync(join(made.state, "keys"), "a key");
  writeFileSync(made.roster, Buffer.from([0, 255, 10]));
  writeFileSync(made.config, "{\"it's\": 1}");
  const file: BoardFile = {
    name: "shell", reach: { kind: "serial", command: "sh" }, upWithinS: 5, outside: "127.0.0.1", bind: "127.0.0.1",
    charger: { host: "127.0.0.1", port: 9000, boardPort: 9001 }, meter: { port: 1502, evse: 1 },
    agent: {
      config: at("board/kerbwatch.yaml"), state: at("board/own"), command: at("board/kerbwatch"),
      restart: `echo 11 > ${at("board/up")}`, kill: `echo 12 > ${at("board/up")}`,
    },
  };
  const link = linkTo(file.reach);
  const street = { station: "N-1" as StationId, port: 8884, boardPort: 8883, speed: "native" } as const;
  const house = new BoardHouse(file, link, street, 1);
  try {
    await work({ folder, link, house, made });
  } finally {
    await house.stop();
    link.close();
    rmSync(folder, { recursive: true });
  }
}

test("what was made here gets there, to the byte, and the board's own configuration is kept", async () => {
  await withHouse(async ({ folder, house, made }) => {
    await house.prepare(made);
    const there = (name: string): Buffer => readFileSync(join(folder, "board", name));
    assert.is(there("own/street/keys").toString(), "a key");
    assert.equal(there("own/street/street.kw"), Buffer.from([0, 255, 10]));
    assert.is(there("kerbwatch.yaml").toString(), "{\"it's\": 1}");
    assert.is(there("kerbwatch.yaml.before-bench").toString(), "as it was found");
    assert.equal([house.ports, house.listen], [{ charger: 9000, broker: 8884 },
      { charger: "ws://0.0.0.0:9001", broker: "mqtts://0.0.0.0:8883" }]);
  });
});

test("alerts come over by whole lines, the log as it is now", async () => {
  await withHouse(async ({ folder, link, house, made }) => {
    await house.prepare(made);
    await house.start();
    writeFileSync(join(folder, "board/own/street/alerts.jsonl"), "{\"a\":1}\n{\"\u00e9\":2}\n{\"half");
    for (let looks = 0; house.alerts().length < 2 && looks < 10_000; looks++) await link.run("true");
    assert.is(house.alerts().length, 2);
    assert.is(house.alerts()[0], "{\"a\":1}");
    mkdirSync(join(folder, "board/own/street/log"), { recursive: true });
    writeFileSync(join(folder, "board/own/street/log/0.seg"), Buffer.from([1, 0, 2]));
    writeFileSync(join(made.state, "log/old.seg"), "of before");
    await house.fetchLog(made.state);
    assert.equal(readFileSync(join(made.state, "log/0.seg")), Buffer.from([1, 0, 2]));
    assert.throws(() => readFileSync(join(made.state, "log/old.seg")), /ENOENT/);
  });
});

test("a process that was killed here is no death, one that is another by itself is", async () => {
  await withHouse(async ({ folder, house, made }) => {
    await house.prepare(made);
    await house.start();
    await house.kill();
    await house.fetchLog(made.state);
    assert.equal(house.deaths, []);
    writeFileSync(join(folder, "board/up"), "13");
    await house.fetchLog(made.state);
    assert.equal(house.deaths, ["process 12 on the board"]);
  });
});

test("a board that does not do as it is told is said, with what it answered", async () => {
  await withHouse(async ({ house, made }) => {
    rmSync(made.roster);
    await house.prepare(made).then(() => assert.unreachable(), (error: Error) => assert.match(error.message, /ENOENT/));
  });
  await withHouse(async ({ folder, house, made }) => {
    rmSync(join(folder, "board/own"), { recursive: true });
    writeFileSync(join(folder, "board/own"), "no folder");
    await house.prepare(made).then(() => assert.unreachable(), (error: Error) =>
      assert.match(error.message, /^on the board: exit code \d+ of rm -rf/));
  });
});
