import { assert, test } from "../build/testing.ts";
import { DAY_MS, type MonotonicMs, type Now, type WallMs } from "../models/units.ts";
import { endingSoon, type OwnCertificate } from "./own-certificates.ts";

const T0 = Date.parse("2026-03-01T00:00:00Z");
const at = (days: number): Now => ({ wallMs: (T0 + days * DAY_MS) as WallMs, monoMs: (days * DAY_MS) as MonotonicMs });
const tls = (days: number): OwnCertificate => ({ use: "tls", ends: (T0 + days * DAY_MS) as WallMs });

const LEFT: [number, RegExp | undefined][] = [
  [365, undefined], [30, undefined], [29.9, /ends on 2026-03-30T21:36:00.000Z, in 29 days: renew/], [1.5, /in 1 day:/],
  [0.5, /in less than a day:/], [0, /ended on 2026-03-01T/], [-400, /^tls: the certificate in tls\.cert ended on 2025/],
];
for (const [days, says] of LEFT) {
  test(`a certificate that has ${days} days left`, () => {
    const said = endingSoon([tls(days)], new Map(), at(0));
    assert.is(said.length, says === undefined ? 0 : 1);
    if (says !== undefined) assert.match(said[0]!, says);
  });
}

test("told once a day, each certificate by itself", () => {
  const said = new Map<string, number>();
  const mine: OwnCertificate = { use: "csmsTls", ends: tls(31).ends };
  const count = (days: number) => endingSoon([tls(20), mine], said, at(days)).length;
  assert.equal([count(0), count(0.5), count(0.99), count(1), count(1.01), count(1.5), count(2)], [1, 0, 0, 1, 1, 0, 1]);
});

test("a clock that was never set, or an end that cannot be read, tells nothing", () => {
  const unset: Now = { wallMs: 0 as WallMs, monoMs: 0 as MonotonicMs };
  assert.equal(endingSoon([tls(1)], new Map(), unset), []);
  assert.equal(endingSoon([{ use: "tls", ends: NaN as WallMs }], new Map(), at(0)), []);
});
