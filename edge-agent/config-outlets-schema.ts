/** The outlets beyond this machine in the configuration's schema. */
import * as v from "valibot";
import { ID_RULE, isStationId } from "../models/units.ts";
import { SEVERITIES } from "../models/terms.ts";
import {
  address, brokerKeys, documented, flag, group, hostPort, MQTT_URL, oneOf, orGroup, parseHttpAddress, path,
  secret, textThat, topic, whole,
} from "./config-kit.ts";

const ALL = "whether its zone's and region's alerts are sent whoever else sends them; otherwise one member does, "
  + "and the next when it falls silent";
const of = {
  least: v.exactOptional(oneOf(SEVERITIES, SEVERITIES.join(", "), "what is less severe is not sent there"), "info"),
  all: v.exactOptional(flag(ALL), false),
};
const ca = (whose: string) =>
  v.exactOptional(path(`authorities for the certificate of ${whose}, PEM; absent: the system's`));
const plain = v.exactOptional(flag("whether alerts may go to another machine without TLS, where whoever is "
  + "in between reads, holds back and, but for a webhook's, forges them"), false);

const mqtt = group({
  ...brokerKeys("whether mqtt:// may go to another machine, where whoever is in between reads alerts and the password, "
    + "holds them back and forges them"),
  ca: v.exactOptional(path("authorities that the certificate of an mqtts:// broker must come from, PEM")),
  topic: v.exactOptional(topic("where alerts are published, QoS 1", "kerbwatch/REGION/ZONE/STATION/alert")),
  ...of,
}, "alerts to an MQTT broker");

const webhook = group({
  url: textThat((text) => parseHttpAddress(text) !== undefined,
    "https:// or http://, host, optional port, path and query; no user and no fragment", "where each alert is posted"),
  secret: secret("what signs each post (Standard Webhooks 1.0, webhook-signature; also X-Hub-Signature-256): "
    + "whsec_ and "
    + "base64, or text, 16 bytes at least"),
  ca: ca("the receiver"), plain, ...of,
}, "alerts posted to a web address, each signed");

const syslog = group({
  address: hostPort(1, "where it listens"),
  transport: v.exactOptional(oneOf(["tls", "tcp", "udp"], "tls, tcp or udp",
    "RFC 5425, RFC 6587 (octet counting) or RFC 5426; what is lost on the way is only noticed with the first "
    + "two"), "tls"),
  format: v.exactOptional(oneOf(["rfc5424", "cef"], "rfc5424 or cef",
    "alerts as structured data of RFC 5424, or as ArcSight's Common Event Format in its message"), "rfc5424"),
  facility: v.exactOptional(whole(0, 23, "", "of RFC 5424, table 1; 10: security and authorization"), 10),
  enterprise: v.exactOptional(whole(1, 4_294_967_295, "", "private enterprise number (IANA) under which the structured "
    + "data of RFC 5424 goes; the usual one is that for documentation, which every receiver takes (RFC 5612)"), 32_473),
  ca: ca("the receiver"), plain, ...of,
}, "alerts to a syslog receiver");

const ocpp = group({
  url: address((a) => a.port > 0, "ws:// or wss://, host, optional port and prefix",
    "the CSMS, where the agent connects under an identity of its own"),
  identity: textThat(isStationId, `${ID_RULE}, other than the station's`, "the agent's own, as the CSMS knows it"),
  version: v.exactOptional(oneOf(["1.6", "2.0.1", "2.1"], "1.6, 2.0.1 or 2.1, in quotes", "of OCPP"), "2.0.1"),
  password: v.exactOptional(secret("of HTTP's basic authentication (security profiles 1 and 2)")),
  ca: ca("the CSMS"), plain, ...of,
}, "alerts to a CSMS, as SecurityEventNotification");

const everest = orGroup(group({
  broker: textThat((text) => /^mqtts?:/.test(text), MQTT_URL, "EVerest's broker"),
  module: v.exactOptional(textThat((text) => /^[A-Za-z0-9_.-]{1,64}$/.test(text), "1 to 64 of A-Z a-z 0-9 _ . -",
    "the id of EVerest's generic_error_raiser_API module"), "kerbwatch"),
  ...of,
}, "EVerest"), "broker", MQTT_URL, "alerts as warnings of the charger's own software, which tells its CSMS "
  + "(NotifyEvent)");

export const OUTLETS = {
  mqtt: v.exactOptional(orGroup(mqtt, "url", MQTT_URL, "alerts to an MQTT broker")),
  webhook: v.exactOptional(webhook),
  syslog: v.exactOptional(syslog),
  ocpp: v.exactOptional(ocpp),
  everest: v.exactOptional(everest),
  prometheus: v.exactOptional(flag("whether http also serves /metrics, in Prometheus's text format"), true),
  digestS: v.exactOptional(documented(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(604_800)),
    "a whole number from 0 to 604800 (seconds)", "alerts of severity info and low leave this machine together, as "
    + "often "
    + "as this; 0: each by itself"), 86_400),
};
