/** What the bench's charging station answers to its CSMS: it obeys, and installs nothing. */
import type { SimVersion } from "../sim/capture.ts";

type Payload = Readonly<Record<string, unknown>>;
type Answer = (payload: Payload) => object;

const accepted: Answer = () => ({ status: "Accepted" });

interface Variable {
  readonly component: unknown;
  readonly variable: unknown;
  readonly attributeValue?: string;
}

const COMMON: Readonly<Record<string, Answer>> = {
  Reset: accepted,
  TriggerMessage: accepted,
  SetChargingProfile: accepted,
  ClearChargingProfile: accepted,
  ChangeAvailability: accepted,
  ClearCache: accepted,
  InstallCertificate: accepted,
  DeleteCertificate: accepted,
  CertificateSigned: accepted,
  SendLocalList: accepted,
  UnlockConnector: () => ({ status: "Unlocked" }),
  GetLog: () => ({ status: "Accepted", filename: "log.tar.gz" }),
};

const OCPP16: Readonly<Record<string, Answer>> = {
  ...COMMON,
  ChangeConfiguration: accepted,
  GetConfiguration: ({ key }) => {
    const keys = Array.isArray(key) ? key as string[] : ["HeartbeatInterval"];
    return { configurationKey: keys.map((name) => ({ key: name, readonly: false, value: "300" })) };
  },
  UpdateFirmware: () => ({}),
  SignedUpdateFirmware: accepted,
  ExtendedTriggerMessage: accepted,
  GetDiagnostics: () => ({ fileName: "diagnostics.tar.gz" }),
  RemoteStartTransaction: accepted,
  RemoteStopTransaction: accepted,
};

const OCPP201: Readonly<Record<string, Answer>> = {
  ...COMMON,
  SetVariables: ({ setVariableData }) => ({
    setVariableResult: (setVariableData as Variable[]).map(({ component, variable }) =>
      ({ attributeStatus: "Accepted", component, variable })),
  }),
  GetVariables: ({ getVariableData }) => ({
    getVariableResult: (getVariableData as Variable[]).map(({ component, variable }) =>
      ({ attributeStatus: "Accepted", attributeValue: "300", component, variable })),
  }),
  UpdateFirmware: accepted,
  SetNetworkProfile: accepted,
  SetMonitoringBase: accepted,
  GetBaseReport: accepted,
  RequestStartTransaction: accepted,
  RequestStopTransaction: accepted,
};

/** Undefined: the station does not know the action. */
export function answerOf(version: SimVersion, action: string): Answer | undefined {
  const answers = version === "1.6" ? OCPP16 : OCPP201;
  return Object.hasOwn(answers, action) ? answers[action] : undefined;
}
