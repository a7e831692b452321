/**
 * Which settings protect the station, and which values of them take the protection away. Names are those of OCPP 1.6
 * (section 9, and the security white paper, section 6.1) and of OCPP 2.0.1 (part 2, appendix 3: Component.Variable);
 * makers vary the case, and keep names of 1.6 under components of 2.0.1.
 */
export type ChangeKind =
  | "downgrade" | "new-csms" | "authorization-weakened" | "authorization-eased" | "metering-blinded"
  | "monitoring-off" | "opened" | "credential" | "ordinary";

interface Setting {
  readonly name: RegExp;
  readonly kind: ChangeKind;
  /** Whether this value takes the protection away. */
  readonly harmful: (value: string) => boolean;
}

const isOn = (value: string) => /^(true|1|on|yes)$/i.test(value.trim());
const isOff = (value: string) => /^(false|0|off|no|)$/i.test(value.trim());
/** MeterValues less often than hourly, or never, hide what is delivered. */
const isBlindInterval = (value: string) => Number(value) === 0 || Number(value) > 3_600;
const isNeverInterval = (value: string) => Number(value) > 86_400;
const always = () => true;
/** Any of these names, alone or under a component. */
const anywhere = (names: string) => new RegExp(`^(\\w+\\.)?(${names})$`, "i");

const SETTINGS: readonly Setting[] = [
  { name: anywhere("AuthorizationKey|BasicAuthPassword"), kind: "credential", harmful: always },
  { name: anywhere("AllowOfflineTxForUnknownId|OfflineTxForUnknownIdEnabled|FreeVend|FreeModeActive|AuthDisabled|" +
    "DisableRemoteAuthorization"), kind: "authorization-weakened", harmful: isOn },
  { name: anywhere("StopTransactionOnInvalidId|StopTxOnInvalidId"), kind: "authorization-weakened", harmful: isOff },
  { name: /^AuthCtrlr\.Enabled$/i, kind: "authorization-weakened", harmful: isOff },
  // A start that waits for no answer of the CSMS, or for no registration there.
  { name: anywhere("LocalPreAuthorize|TxBeforeAcceptedEnabled"), kind: "authorization-eased", harmful: isOn },
  // A remote start whose idToken nobody is asked about.
  { name: anywhere("AuthorizeRemoteTxRequests|AuthorizeRemoteStart"), kind: "authorization-eased", harmful: isOff },
  { name: anywhere("MeterValueSampleInterval|TxUpdatedInterval"), kind: "metering-blinded", harmful: isBlindInterval },
  { name: anywhere("MeterValuesSampledData|StopTxnSampledData|TxUpdatedMeasurands|TxEndedMeasurands"),
    kind: "metering-blinded", harmful: (value) => value.trim() === "" },
  { name: /^SampledDataCtrlr\.Enabled$/i, kind: "metering-blinded", harmful: isOff },
  { name: anywhere("(Security|Audit)\\w*(Log|Event|Notif)\\w*|LoggingEnabled"), kind: "monitoring-off",
    harmful: isOff },
  { name: /^MonitoringCtrlr\.Enabled$/i, kind: "monitoring-off", harmful: isOff },
  { name: anywhere("(SSH|Telnet|ADB|RemoteShell|DebugPort)\\w*"), kind: "opened", harmful: isOn },
  // What keeps a root certificate of one's own from being installed beside the operator's (2.0.1 part 2, A.3).
  { name: anywhere("AdditionalRootCertificateCheck"), kind: "opened", harmful: isOff },
  { name: /^(HeartbeatInterval|OCPPCommCtrlr\.HeartbeatInterval)$/i, kind: "monitoring-off", harmful: isNeverInterval },
  { name: /^(CentralSystemURL|CentralSystemAddress|CSMSUrl|BackendURL|OcppServerUrl|OcppCsmsUrl)$/i, kind: "new-csms",
    harmful: always },
];

/** Names under which makers and both versions keep the security profile. */
const SECURITY_PROFILE = /^(SecurityProfile|SecurityCtrlr\.SecurityProfile)$/i;
/** The highest profile there is (OCPP 1.6 security white paper, 3; 2.0.1 part 2, A.1.3). */
const HIGHEST_PROFILE = 3;

export function isSecurityProfile(variable: string): boolean {
  return SECURITY_PROFILE.test(variable);
}

/** The profile that a value names; undefined where it names none. */
export function profileOf(value: string | undefined): number | undefined {
  const profile = /^\s*([0-3])\s*$/.exec(value ?? "")?.[1];
  return profile === undefined ? undefined : Number(profile);
}

/** Host of a URL, lower case and without its port; empty where the text is none. Credentials are not kept. */
export function hostOf(url: string): string {
  const authority = /^\s*[a-z][a-z0-9+.-]*:\/\/([^/?#\\\s]*)/i.exec(url)?.[1] ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1).replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
}

/**
 * What setting `variable` to `value` does.
 * @param securityProfile the profile in force, where it is known
 */
export function kindOf(variable: string, value: string | undefined, securityProfile: number | undefined): ChangeKind {
  const given = value ?? "";
  if (SECURITY_PROFILE.test(variable)) {
    const profile = Number(given);
    const lower = profile < Math.min(HIGHEST_PROFILE, securityProfile ?? 1);
    return lower || profile === 0 ? "downgrade" : "ordinary";
  }
  const setting = SETTINGS.find((known) => known.name.test(variable));
  return setting !== undefined && setting.harmful(given) ? setting.kind : "ordinary";
}
