/** Guard mode of a whole agent: the order does not reach the station, the CSMS is answered, and the log keeps it. */
import { join } from "node:path";
import { assert, test } from "../build/testing.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { startAgent } from "./agent.ts";
import {
  alertsAreLogged, BOOT, connectThrough, entriesOf, freshFolder, Heard, HOSTILE_ORDER, passes, startCsms, within,
  writeConfig,
} from "./agent.testing.ts";

test("an order that a rule holds back is answered, alerted, said once and logged; the rest passes", async () => {
  const csms = await startCsms();
  const folder = freshFolder();
  const [told, notices] = [new Heard<string>(), new Heard<string>()];
  const file = writeConfig(folder, {
    csms: `ws://127.0.0.1:${csms.port}`, mode: "guard",
    guard: { hold: [{ action: "UpdateFirmware", unlessHosts: ["fw.example.com"] }] },
  });
  const agent = await startAgent(loadConfig(file, {}), {
    notice: (text) => notices.add(text), out: (text) => told.add(text), colour: false, env: {},
  });
  try {
    const ends = await connectThrough(agent.listening.port, csms);
    await ends.station.call("BootNotification", BOOT);
    for (const id of ["order-1", "order-2"]) {
      ends.csms.send(Buffer.from(JSON.stringify([2, id, "UpdateFirmware", HOSTILE_ORDER])));
      const answer = await within(ends.csms.got.next(({ bytes }) => bytes.includes(id)), () => notices.all.join("\n"));
      assert.match(answer.bytes.toString(), `[4,"${id}","SecurityError"`);
    }
    await passes(ends);
    assert.not(ends.station.got.all.some(({ bytes }) => bytes.includes("UpdateFirmware")), "it did not get there");
    await within(told.next(() => true), () => notices.all.join("\n"));
    const says = "guard: UpdateFirmware from the CSMS was held back (198.51.100.7)";
    assert.is(notices.all.filter((text) => text.endsWith(says)).length, 1);
    assert.is(agent.status().agent.mode, "guard");
    const logged = entriesOf(join(folder, "state")).flatMap((entry) => (entry.kind === "notice" ? [entry.text] : []));
    assert.ok(logged.includes(says));
    assert.is(alertsAreLogged(join(folder, "state"))[0]?.threat, "firmware-tampering");
  } finally {
    await agent.stop();
    await csms.close();
  }
});
