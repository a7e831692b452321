/** What a CSMS bills: the transactions that stations tell it of, each once, however often a message is repeated. */
export interface CsmsTransaction {
  readonly station: string;
  /** 1.6: the number that the CSMS gave, as text. 2.0.1: the station's own id. */
  readonly id: string;
  readonly evseId: number;
  readonly token: string;
  readonly startWh: number;
  lastWh: number;
  readings: number;
  ended: boolean;
}

type Payload = Readonly<Record<string, unknown>>;
type TokenStatus = (token: unknown) => string;

interface MeterEntry {
  readonly sampledValue: readonly { readonly value: string | number; readonly measurand?: string }[];
}

function registerWh(payload: Payload): number | undefined {
  const entries = (payload["meterValue"] ?? []) as readonly MeterEntry[];
  const sampled = entries.flatMap((entry) => entry.sampledValue)
    .find(({ measurand }) => measurand === undefined || measurand === "Energy.Active.Import.Register");
  return sampled === undefined ? undefined : Number(sampled.value);
}

export class Books {
  readonly transactions: CsmsTransaction[] = [];
  private readonly byKey = new Map<string, CsmsTransaction>();
  /** A repeated StartTransaction is known by what it says, since a retry may carry a new message id. */
  private readonly starts = new Map<string, CsmsTransaction>();

  /** Enters one message and gives the CSMS's answer. */
  enter(station: string, action: string, payload: Payload, statusOf: TokenStatus): object {
    if (action === "StartTransaction") return this.start(station, payload, statusOf);
    if (action === "TransactionEvent") return this.event(station, payload, statusOf);
    const transaction = this.byKey.get(`${station} ${String(payload["transactionId"])}`);
    const wh = action === "StopTransaction" ? Number(payload["meterStop"]) : registerWh(payload);
    this.note(transaction, wh, action === "MeterValues");
    if (action === "MeterValues") return {};
    if (transaction !== undefined) transaction.ended = true;
    return { idTagInfo: { status: "Accepted" } };
  }

  private start(station: string, payload: Payload, statusOf: TokenStatus): object {
    const { connectorId, idTag, meterStart, timestamp } = payload;
    const said = `${station} ${String(connectorId)} ${String(idTag)} ${String(timestamp)}`;
    let transaction = this.starts.get(said);
    if (transaction === undefined) {
      const id = String(1_000 + this.transactions.length);
      transaction = this.open({ station, id, evseId: Number(connectorId), token: String(idTag),
        startWh: Number(meterStart) });
      this.starts.set(said, transaction);
    }
    return { transactionId: Number(transaction.id), idTagInfo: { status: statusOf(idTag) } };
  }

  private event(station: string, payload: Payload, statusOf: TokenStatus): object {
    const { transactionId } = payload["transactionInfo"] as { transactionId: string };
    const token = (payload["idToken"] as { idToken?: string } | undefined)?.idToken;
    const wh = registerWh(payload) ?? 0;
    const evseId = (payload["evse"] as { id: number } | undefined)?.id ?? 0;
    const transaction = this.byKey.get(`${station} ${transactionId}`)
      ?? this.open({ station, id: transactionId, evseId, token: token ?? "", startWh: wh });
    this.note(transaction, wh, payload["eventType"] === "Updated");
    if (payload["eventType"] === "Ended") transaction.ended = true;
    return token === undefined ? {} : { idTokenInfo: { status: statusOf(token) } };
  }

  private open(start: Omit<CsmsTransaction, "lastWh" | "readings" | "ended">): CsmsTransaction {
    const transaction = { ...start, lastWh: start.startWh, readings: 0, ended: false };
    this.transactions.push(transaction);
    this.byKey.set(`${start.station} ${start.id}`, transaction);
    return transaction;
  }

  private note(transaction: CsmsTransaction | undefined, wh: number | undefined, isReading: boolean): void {
    if (transaction === undefined || wh === undefined || transaction.ended) return;
    transaction.lastWh = wh;
    if (isReading) transaction.readings += 1;
  }
}
