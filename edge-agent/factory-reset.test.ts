/** A board leaves its street: its neighbours hold where its log ended, and nothing of its past is left on it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { lastTrusted } from "./evidence/last-trusted.ts";
import { connectThrough, entriesOf, freshFolder, passes } from "./agent.testing.ts";
import { crypto, type House, onStreet, rosterOf, until } from "./agent-street.testing.ts";
import { beginErasing, goOnErasing, isErasing } from "./adapters/factory-reset.ts";
import { takeLock } from "./adapters/lock-file.ts";
import { readKeys } from "./adapters/keys.ts";
import { ran } from "./cli/io.testing.ts";

const reset = (house: House, ...more: string[]): ReturnType<typeof ran> =>
  ran(["reset", "--factory", "--state", house.stateDir, "--receipt", join(house.folder, "receipt"), "--reason", "sold",
    "--by", "alice", ...more]);
const receiptOf = ({ folder }: House): string => readFileSync(join(folder, "receipt"), "utf8");
const noteIn = (receipt: string): string => receipt.slice(receipt.indexOf("\n\n") + 2);

test("logged and cosigned first, then erased; the receipt is what the operator revokes the keys with", () =>
  onStreet(async ([one, two], csms) => {
    const roster = rosterOf([one!.member, two!.member]);
    for (const house of [one!, two!]) {
      house.put(roster);
      await house.start(csms);
    }
    await until(() => one!.hears(two!) && two!.hears(one!));
    const done = await reset(one!);
    assert.is(done.code, 0, done.err);
    assert.match(done.out, "cosigned by 1 neighbours\n");
    assert.match(done.out, "way back  keygen makes new keys");
    const trusted = lastTrusted(crypto, roster, [one!.member], [noteIn(receiptOf(one!))]);
    if (!trusted.ok) throw new Error(trusted.problem);
    const { size } = trusted.value[0]!;
    const extra = Buffer.from(/^extra (.*)$/m.exec(receiptOf(one!))![1]!, "base64").toString("latin1");
    assert.match(extra, "factory reset by alice (sold): the keys of this device end with this entry");
    const witnessed = entriesOf(two!.stateDir).flatMap((entry) => (entry.kind === "witness" ? [entry.note] : []));
    assert.ok(witnessed.some((note) => Number(note.split("\n")[1]) >= size), "the neighbour holds it");
    const left = readdirSync(one!.stateDir).filter((name) => /^(keys|log|normal\..*|reset-.*|lock)$/.test(name));
    assert.equal(left, []);
    assert.ok(existsSync(join(one!.stateDir, "roster.kw")), "the roster is public");
    // The way back: new keys, alone until they are enrolled.
    await one!.start(csms);
    assert.match(await one!.says(/watches alone/), /key of CP-001 is not this device's; .*watches alone$/);
    await passes(await connectThrough(one!.agent.listening.port, csms));
    const keys = readKeys(one!.stateDir)!;
    assert.not.equal(keys.signers.log.publicKey, one!.member.keys.log);
  }));

test("not while a car charges, and not where no neighbour would learn of it, unless --now", () =>
  onStreet(async ([one, two], csms) => {
    one!.put(rosterOf([one!.member]));
    await one!.start(csms);
    const { station } = await connectThrough(one!.agent.listening.port, csms);
    await station.call("StartTransaction", {
      connectorId: 1, idTag: "T", meterStart: 0, timestamp: new Date().toISOString(),
    });
    await until(() => one!.agent.status().link.openTransactions !== 0);
    const charging = await reset(one!);
    assert.equal([charging.code, charging.out], [1, ""]);
    assert.match(charging.err, "a car may be charging; wait until it is gone, or --now");
    assert.not(existsSync(join(one!.folder, "receipt")));
    assert.not(entriesOf(one!.stateDir).some((entry) => entry.kind === "notice" && /factory reset/.test(entry.text)));
    await one!.stop();
    const stopped = await reset(one!);
    assert.match(stopped.err, "no agent is running, so no neighbour would learn of it; start it, or --now");
    assert.ok(readKeys(one!.stateDir));
    const now = await reset(one!, "--now");
    assert.is(now.code, 0, now.err);
    assert.match(now.out, "signed by this device alone");
    assert.is(readKeys(one!.stateDir), undefined);
    const never = await reset(two!, "--now");
    assert.match(never.err, "there is no log of this device's in");
    assert.ok(readKeys(two!.stateDir), "nothing was logged, so nothing is erased");
  }));

test("an erasure that was cut short is gone through with at the next start; none begins by itself", () => {
  const folder = freshFolder();
  mkdirSync(join(folder, "keys"));
  mkdirSync(join(folder, "log"));
  for (const name of ["keys/log.key", "log/00000000.seg", "normal.json", "normal.slots", "roster.kw", "other"]) {
    writeFileSync(join(folder, name), "secret");
  }
  goOnErasing(folder);
  assert.ok(existsSync(join(folder, "keys/log.key")));
  beginErasing(folder);
  const lock = takeLock(join(folder, "lock"));
  assert.throws(() => goOnErasing(folder), /holds the lock/);
  lock.release();
  assert.ok(isErasing(folder));
  goOnErasing(folder);
  assert.equal(readdirSync(folder).sort(), ["other", "roster.kw"]);
  goOnErasing(folder);
});

test("refused: another reset, and what is missing", async () => {
  for (const args of [["--receipt", "x", "--reason", "y"], ["--factory", "--reason", "y"],
    ["--factory", "--receipt", "x"]]) {
    const { code, err } = await ran(["reset", ...args]);
    assert.is(code, 2);
    assert.match(err, ": missing");
  }
});
