/** `incident` and `page` against the socket that an agent would serve. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, test } from "../../build/testing.ts";
import { createStatusServer, type StatusServerOptions } from "../adapters/http.ts";
import { STATUS } from "../status.testing.ts";
import { ran as run } from "./io.testing.ts";

async function withAgent(ask: StatusServerOptions["ask"], use: (state: string) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "kerbwatch-incident-"));
  const server = createStatusServer({ stateDir, status: () => STATUS, ask });
  await server.start();
  await use(stateDir).finally(() => server.stop());
}

test("an answer goes to the agent with name and reason; the second one learns who was first", async () => {
  const asked: unknown[] = [];
  await withAgent((path, body) => {
    asked.push([path, body]);
    return asked.length === 1 ? { code: 200, body: { incidentId: "3fa2c1b4" } }
      : { code: 409, body: { error: "alice acknowledged it first\u001b[31m" } };
  }, async (state) => {
    const args = ["incident", "acknowledge", "3FA2C1B4", "--reason", "on site", "--by", "bob", "--state", state];
    assert.equal(await run(args), { code: 0, out: "acknowledged: 3fa2c1b4; it is in the log\n", err: "" });
    assert.equal(await run(args), { code: 1, out: "", err: "kerbwatch: alice acknowledged it first [31m\n" });
    assert.equal(asked[0], ["/incidents/acknowledge", { incidentId: "3fa2c1b4", by: "bob", reason: "on site" }]);
  });
});

test("a code is printed with where to use it, and the role is checked", () => withAgent(
  (path, { role }) => (path === "/code" ? { code: 200, body: { code: "ABCD-EFGH", role } } : undefined),
  async (state) => {
    const { code, out } = await run(["page", "--role", "operator", "--state", state]);
    assert.is(code, 0);
    assert.match(out, /127\.0\.0\.1:8620[\s\S]*ABCD-EFGH, good once/);
    assert.equal(await run(["page", "--role", "root", "--state", state]), { code: 2, out: "",
      err: 'kerbwatch: --role: found "root"; allowed: auditor, installer, operator\n' });
  }));

for (const [name, args, message] of [
  ["no action", [], /not an action; allowed: acknowledge, close/],
  ["another action", ["delete", "abcdef"], /"delete": not an action/],
  ["no incident", ["close"], /not an incident id; allowed: 6 to 64/],
  ["an id that is none", ["close", "../etc"], /not an incident id/],
] as const) {
  test(`refused: ${name}`, async () => {
    const { code, err } = await run(["incident", ...args, "--reason", "x", "--state", tmpdir()]);
    assert.is(code, 2);
    assert.match(err, message);
  });
}

test("without a reason, and without an agent", async () => {
  assert.match((await run(["incident", "close", "abcdef"])).err, /--reason: missing/);
  const state = mkdtempSync(join(tmpdir(), "kerbwatch-incident-"));
  const { code, err } = await run(["incident", "close", "abcdef", "--reason", "x", "--state", state]);
  assert.is(code, 1);
  assert.match(err, "no agent is running");
});
