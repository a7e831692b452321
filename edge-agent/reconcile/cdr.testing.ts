/** A charge detail record as operators write them (fields of OCPI 2.2.1, 10.3.1, in its order). */
export const cdrWith = (of: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  country_code: "BE", party_id: "BEC", id: "CDR-1", start_date_time: "2026-03-01T09:00:00Z",
  end_date_time: "2026-03-01T10:00:00Z",
  cdr_token: { country_code: "BE", party_id: "BEC", uid: "TOKEN-0001", type: "RFID", contract_id: "CONTRACT-0001" },
  auth_method: "WHITELIST",
  cdr_location: {
    id: "LOC1", name: "Gent Zuid", address: "F.Rooseveltlaan 3A", city: "Gent", postal_code: "9000", country: "BEL",
    coordinates: { latitude: "3.729944", longitude: "51.047599" }, evse_uid: "3256", evse_id: "BE*BEC*E041503003",
    connector_id: "1", connector_standard: "IEC_62196_T2", connector_format: "SOCKET",
    connector_power_type: "AC_3_PHASE",
  },
  currency: "EUR", tariffs: [], charging_periods: [{
    start_date_time: "2026-03-01T09:00:00Z", dimensions: [{ type: "ENERGY", volume: 7 }],
  }],
  total_cost: { excl_vat: 4.00, incl_vat: 4.84 }, total_energy: 7, total_time: 1,
  last_updated: "2026-03-01T10:01:13Z", ...of,
});
