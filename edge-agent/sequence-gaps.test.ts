/** Events of a transaction that are missing (2.0.1, E01: seqNo counts up by one), through a whole agent. */
import { assert, test } from "../build/testing.ts";
import { THREATS } from "../models/terms.ts";
import { loadConfig } from "./adapters/config-file.ts";
import { startAgent } from "./agent.ts";
import { connectThrough, freshFolder, Heard, passes, startCsms, within, writeConfig } from "./agent.testing.ts";

/** The numbers of a transaction's events, and how many gaps are in them. A backlog fills what it can. */
const TRANSACTIONS: readonly { readonly seqNos: readonly number[]; readonly gaps: number }[] = [
  { seqNos: [0, 1, 2, 3], gaps: 0 },
  { seqNos: [0, 1, 4, 5, 9], gaps: 2 },
  { seqNos: [0, 3, 1, 2, 4], gaps: 1 },
  { seqNos: [7, 8, 1_000_000, 1_000_001], gaps: 1 },
  { seqNos: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20], gaps: 10 },
];

test("gaps of seqNo are counted in status, and are no threat", async () => {
  const csms = await startCsms();
  const folder = freshFolder();
  const [told, notices] = [new Heard<string>(), new Heard<string>()];
  const agent = await startAgent(loadConfig(writeConfig(folder, { csms: `ws://127.0.0.1:${csms.port}` }), {}), {
    notice: (text) => notices.add(text), out: (text) => told.add(text), colour: false, env: {},
  });
  try {
    const ends = await connectThrough(agent.listening.port, csms, { subprotocol: "ocpp2.0.1" });
    const timestamp = new Date().toISOString();
    for (const [n, { seqNos }] of TRANSACTIONS.entries()) {
      for (const [i, seqNo] of seqNos.entries()) {
        const eventType = i === 0 ? "Started" : i === seqNos.length - 1 ? "Ended" : "Updated";
        await within(ends.station.call("TransactionEvent", {
          eventType, timestamp, seqNo, triggerReason: "MeterValuePeriodic", evse: { id: 1 },
          transactionInfo: { transactionId: `T${n}` },
        }), () => notices.all.join("\n"));
      }
    }
    await within(passes(ends), () => notices.all.join("\n"));
    const { link, beliefs, incidents } = agent.status();
    assert.is(link.ocppVersion, "2.0.1");
    assert.is(link.oddities?.["sequence-gap"], TRANSACTIONS.reduce((sum, { gaps }) => sum + gaps, 0));
    // Starts and stops in a row are a joint feature, whatever their numbers.
    const threats = beliefs.filter(({ key }) => (THREATS as readonly string[]).includes(key));
    assert.equal([threats, incidents, told.all], [[], [], []]);
  } finally {
    await agent.stop();
    await csms.close();
  }
});
