import { assert, test } from "../../build/testing.ts";
import { type ChangeKind, hostOf, isSecurityProfile, kindOf, profileOf } from "./sensitive-settings.ts";

test("what a setting does, as a table", () => {
  const cases: [string, string | undefined, number | undefined, ChangeKind][] = [
    ["SecurityProfile", "1", 3, "downgrade"], ["SecurityProfile", "3", 3, "ordinary"],
    ["securityprofile", "0", 0, "downgrade"],
    ["SecurityProfile", "2", undefined, "ordinary"], ["SecurityProfile", undefined, 2, "downgrade"],
    ["SecurityCtrlr.SecurityProfile", "1", 2, "downgrade"], ["MySecurityProfileName", "0", 2, "ordinary"],
    ["AuthorizationKey", "x", undefined, "credential"], ["SecurityCtrlr.BasicAuthPassword", undefined, 2, "credential"],
    ["AllowOfflineTxForUnknownId", "TRUE", 1, "authorization-weakened"],
    ["AllowOfflineTxForUnknownId", "false", 1, "ordinary"],
    ["AuthCtrlr.Enabled", "false", 1, "authorization-weakened"], ["AuthCtrlr.Enabled", "true", 1, "ordinary"],
    ["AuthCtrlr.OfflineTxForUnknownIdEnabled", "true", 1, "authorization-weakened"],
    ["AuthCtrlr.AllowOfflineTxForUnknownId", "true", 1, "authorization-weakened"],
    ["TxCtrlr.StopTxOnInvalidId", "false", 1, "authorization-weakened"],
    ["LocalPreAuthorize", "true", 1, "authorization-eased"], ["LocalPreAuthorize", "false", 1, "ordinary"],
    ["AuthCtrlr.LocalPreAuthorize", "true", 1, "authorization-eased"],
    ["AuthorizeRemoteTxRequests", "false", 1, "authorization-eased"],
    ["AuthCtrlr.AuthorizeRemoteStart", "false", 1, "authorization-eased"],
    ["AuthCtrlr.AuthorizeRemoteStart", "true", 1, "ordinary"],
    ["TxCtrlr.TxBeforeAcceptedEnabled", "true", 1, "authorization-eased"],
    ["AuthCacheCtrlr.Enabled", "true", 1, "ordinary"], ["LocalAuthListCtrlr.Enabled", "false", 1, "ordinary"],
    ["a.b.LocalPreAuthorize", "true", 1, "ordinary"], ["XLocalPreAuthorize", "true", 1, "ordinary"],
    ["AuthCtrlr.MeterValueSampleInterval", "0", 1, "metering-blinded"],
    ["MeterValueSampleInterval", "0", 1, "metering-blinded"], ["MeterValueSampleInterval", "3600", 1, "ordinary"],
    ["MeterValueSampleInterval", "3601", 1, "metering-blinded"], ["MeterValuesSampledData", " ", 1, "metering-blinded"],
    ["MeterValuesSampledData", "Energy.Active.Import.Register", 1, "ordinary"],
    ["SampledDataCtrlr.Enabled", "0", 1, "metering-blinded"], ["SecurityLogEnabled", "off", 1, "monitoring-off"],
    ["SecurityEventLogging", "false", 1, "monitoring-off"], ["AuditLog", "0", 1, "monitoring-off"],
    ["SecurityLogEnabled", "true", 1, "ordinary"], ["DebugLogEnabled", "false", 1, "ordinary"],
    ["AdditionalRootCertificateCheck", "false", 2, "opened"],
    ["SecurityCtrlr.AdditionalRootCertificateCheck", "true", 2, "ordinary"],
    ["SSHEnabled", "true", 1, "opened"], ["Maintenance.telnet", "1", 1, "opened"], ["SSHEnabled", "0", 1, "ordinary"],
    ["SSHPort", "22", 1, "ordinary"], ["FlashEnabled", "1", 1, "ordinary"],
    ["HeartbeatInterval", "86400", 1, "ordinary"], ["OCPPCommCtrlr.HeartbeatInterval", "86401", 1, "monitoring-off"],
    ["CentralSystemURL", "", 1, "new-csms"], ["BackendURL", "wss://a", 1, "new-csms"],
    ["ConnectionTimeOut", "0", 1, "ordinary"], ["__proto__", "0", 1, "ordinary"], ["", "", undefined, "ordinary"],
  ];
  for (const [variable, value, profile, kind] of cases) {
    assert.is(kindOf(variable, value, profile), kind, `${variable}=${value} at ${profile}`);
  }
});

test("which values name a security profile", () => {
  const cases: [string | undefined, number | undefined][] = [
    ["0", 0], ["3", 3], [" 2 ", 2], ["4", undefined], ["-1", undefined], ["1.0", undefined], ["0x1", undefined],
    ["abc", undefined], ["", undefined], [undefined, undefined], ["NaN", undefined],
  ];
  for (const [value, profile] of cases) assert.is(profileOf(value), profile, String(value));
  assert.equal(["SecurityProfile", "securityprofile", "XSecurityProfile"].map(isSecurityProfile), [true, true, false]);
});

test("the host of a URL", () => {
  const cases: [string, string][] = [
    ["wss://CSMS.Example/ocpp", "csms.example"], ["ws://csms.example:8080", "csms.example"],
    ["wss://user:pw@csms.example/x", "csms.example"], ["wss://csms.example@evil.example/", "evil.example"],
    ["wss://evil.example/csms.example", "evil.example"], ["wss://evil.example\\@csms.example", "evil.example"],
    ["wss://csms.example./", "csms.example"], ["csms.example", ""], ["", ""], ["wss://", ""], ["//csms.example", ""],
    ["ws://[2001:db8::1]:80/", "[2001:db8::1]"], ["wss://csms.example#@evil.example", "csms.example"],
  ];
  for (const [url, host] of cases) assert.is(hostOf(url), host, url);
});
