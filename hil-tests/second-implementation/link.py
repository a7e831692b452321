"""Connections to neighbours' brokers: SPEC.md, section 7, "On the wire"."""
import datetime
import queue
import ssl
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

import messages

RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def certificate(station, private):
    """Self-signed; it says nothing but the key, which the roster lists."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, station)])
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(2020, 1, 1))
            .not_valid_after(datetime.datetime(9999, 12, 31)).sign(private, None))


class Links:
    def __init__(self, folder, station, private, roster, inbox, say):
        self.folder, self.station, self.private, self.roster = Path(folder), station, private, roster
        self.inbox, self.say, self.clients, self.up = inbox, say, {}, set()

    def start(self, neighbours):
        context = self.context()
        for member in self.roster.members:
            if member.station in neighbours and member.address:
                self.dial(member, context)

    def context(self):
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        pem = serialization.Encoding.PEM
        cert.write_bytes(certificate(self.station, self.private).public_bytes(pem))
        key.touch(mode=0o600)
        key.write_bytes(self.private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the key is compared with the roster's instead
        context.load_cert_chain(cert, key)
        return context

    def dial(self, member, context):
        client = mqtt.Client(client_id=self.station, clean_session=True, protocol=mqtt.MQTTv311)
        client.tls_set_context(context)
        client.reconnect_delay_set(1, 2)

        def on_connect(_client, _data, _flags, code):
            shown = x509.load_der_x509_certificate(client.socket().getpeercert(binary_form=True)).public_key()
            if code != 0 or shown.public_bytes(*RAW) != member.tls:
                self.say(event="stranger", station=member.station, code=code)
                client.disconnect()
                return
            client.subscribe([(f"kw1/{self.roster.network}/{member.zone}/{kind}/+", 0) for kind in messages.MOST])
            self.up.add(member.station)
            self.say(event="connected", station=member.station)

        def on_message(_client, _data, message):
            if member.station in self.up:
                try:
                    self.inbox.put_nowait(("message", member.station, message.topic, bytes(message.payload)))
                except queue.Full:
                    pass

        client.on_connect, client.on_message = on_connect, on_message
        client.on_disconnect = lambda *_: self.up.discard(member.station)
        self.clients[member.station] = client
        host, _, port = member.address.rpartition(":")
        client.connect_async(host.strip("[]"), int(port), keepalive=60)
        client.loop_start()

    def publish(self, topic, payload, but=()):
        for station, client in self.clients.items():
            if station not in but and station in self.up:
                client.publish(topic, payload, qos=0)

    def stop(self):
        for client in self.clients.values():
            client.disconnect()
            client.loop_stop()
