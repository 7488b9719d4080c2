"""A Kafka wire client driven by Kafka's own message schemas.

It sends exactly what it is told, valid or not, and shows exactly what came back: requests and responses are dicts
with the field names of the schemas. It is not a client in the usual sense: no retries, no metadata, no defaults
beyond the schemas'. The schemas are the JSON files that kafka-python ships.
"""

import functools
import importlib.resources
import json
import re
import socket
import struct
import uuid

FIXED = {"int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q", "uint16": ">H", "uint32": ">I", "float64": ">d"}


@functools.cache
def schema(name):
    text = (importlib.resources.files("kafka.protocol.schemas") / "resources" / (name + ".json")).read_text()
    text = re.sub(r"(?m)^\s*//.*$", "", text)
    data = json.loads(text)
    common = {s["name"]: s["fields"] for s in data.get("commonStructs", [])}
    _resolve(data["fields"], common)
    return data


def _resolve(fields, common):
    for field in fields:
        inner = field["type"].removeprefix("[]")
        if inner in common:
            field.setdefault("fields", common[inner])
        if "fields" in field:
            _resolve(field["fields"], common)


def within(versions, version):
    if not versions or versions == "none":
        return False
    low, _, high = versions.partition("-")
    if low.endswith("+"):
        return version >= int(low[:-1])
    return int(low) <= version <= int(high or low)


class Writer:
    def __init__(self, version, flexible):
        self.out, self.version, self.flexible = bytearray(), version, flexible

    def fixed(self, kind, value):
        self.out += struct.pack(FIXED[kind], value)

    def varint(self, value):
        while value > 0x7F:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def length(self, count, short=False):
        """A length before a string (short), bytes or an array; None is null."""
        if self.flexible:
            self.varint(0 if count is None else count + 1)
        else:
            self.fixed("int16" if short else "int32", -1 if count is None else count)

    def value(self, kind, field, value):
        if kind.startswith("[]"):
            self.length(None if value is None else len(value))
            for item in value or ():
                self.value(kind[2:], field, item)
        elif kind in FIXED:
            self.fixed(kind, value)
        elif kind == "bool":
            self.out.append(1 if value else 0)
        elif kind == "uuid":
            self.out += value.bytes
        elif kind in ("string", "bytes", "records"):
            raw = value.encode() if isinstance(value, str) else value
            self.length(None if raw is None else len(raw), short=kind == "string")
            self.out += raw or b""
        else:
            if kind == field["type"] and within(field.get("nullableVersions"), self.version):
                self.fixed("int8", -1 if value is None else 1)
            if value is not None:
                self.struct(field["fields"], value)

    def struct(self, fields, values):
        values = dict(values)
        tagged = []
        for field in fields:
            value = values.pop(field["name"], None) if field["name"] in values else default(field)
            if not within(field["versions"], self.version):
                continue
            if within(field.get("taggedVersions"), self.version):
                if value != default(field):
                    tagged.append((field["tag"], field, value))
                continue
            self.value(field["type"], field, value)
        if values:
            raise KeyError(f"no such fields: {sorted(values)}")
        if self.flexible:
            self.varint(len(tagged))
            for tag, field, value in sorted(tagged, key=lambda t: t[0]):
                inner = Writer(self.version, True)
                inner.value(field["type"], field, value)
                self.varint(tag)
                self.varint(len(inner.out))
                self.out += inner.out


def default(field):
    kind, given = field["type"], field.get("default")
    if given == "null":
        return None
    if kind.startswith("[]"):
        return []
    if kind in FIXED:
        return float(given or 0) if kind == "float64" else int(str(given or 0), 0)
    if kind == "bool":
        return str(given).lower() == "true"
    if kind == "uuid":
        return uuid.UUID(int=0)
    if kind == "string":
        return given or ""
    if kind in ("bytes", "records"):
        return b""
    return {}


class Reader:
    def __init__(self, raw, version, flexible):
        self.raw, self.at, self.version, self.flexible = raw, 0, version, flexible

    def take(self, count):
        if count < 0 or self.at + count > len(self.raw):
            raise EOFError(f"{count} bytes wanted at {self.at} of {len(self.raw)}")
        self.at += count
        return self.raw[self.at - count : self.at]

    def fixed(self, kind):
        return struct.unpack(FIXED[kind], self.take(struct.calcsize(FIXED[kind])))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, short=False):
        if self.flexible:
            return self.varint() - 1
        return self.fixed("int16" if short else "int32")

    def value(self, kind, field):
        if kind.startswith("[]"):
            count = self.length()
            return None if count < 0 else [self.value(kind[2:], field) for _ in range(count)]
        if kind in FIXED:
            return self.fixed(kind)
        if kind == "bool":
            return self.take(1) != b"\0"
        if kind == "uuid":
            return uuid.UUID(bytes=bytes(self.take(16)))
        if kind in ("string", "bytes", "records"):
            count = self.length(short=kind == "string")
            raw = None if count < 0 else bytes(self.take(count))
            return raw.decode() if kind == "string" and raw is not None else raw
        if kind == field["type"] and within(field.get("nullableVersions"), self.version) and self.fixed("int8") < 0:
            return None
        return self.struct(field["fields"])

    def struct(self, fields):
        values, tagged = {}, {}
        for field in fields:
            if not within(field["versions"], self.version):
                continue
            if within(field.get("taggedVersions"), self.version):
                tagged[field["tag"]] = field
                values[field["name"]] = default(field)
            else:
                values[field["name"]] = self.value(field["type"], field)
        for _ in range(self.varint() if self.flexible else 0):
            tag, size = self.varint(), self.varint()
            end = self.at + size
            if tag in tagged:
                values[tagged[tag]["name"]] = self.value(tagged[tag]["type"], tagged[tag])
            self.at = end
        return values


class Closed(Exception):
    """The broker closed the connection instead of answering."""


class Connection:
    def __init__(self, bootstrap, timeout=30):
        host, _, port = bootstrap.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.correlation = 0

    def close(self):
        self.socket.close()

    def send_raw(self, payload):
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)

    def receive_raw(self):
        size = struct.unpack(">i", self._exactly(4))[0]
        return self._exactly(size)

    def _exactly(self, count):
        parts = []
        while count:
            try:
                part = self.socket.recv(min(count, 1 << 20))
            except ConnectionError:
                raise Closed() from None
            if not part:
                raise Closed()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def send(self, api, version, body):
        """Sends a request (api is a schema's name without Request) and returns its correlation id."""
        self.correlation += 1
        request = schema(api + "Request")
        flexible = within(request["flexibleVersions"], version)
        header = struct.pack(">hhi", request["apiKey"], version, self.correlation)
        header += struct.pack(">h", 9) + b"behaviour" + (b"\0" if flexible else b"")
        writer = Writer(version, flexible)
        writer.struct(request["fields"], body)
        self.send_raw(header + bytes(writer.out))
        return self.correlation

    def receive(self, api, version):
        response = schema(api + "Response")
        flexible = within(response["flexibleVersions"], version)
        reader = Reader(self.receive_raw(), version, flexible)
        correlation = reader.fixed("int32")
        if correlation != self.correlation:
            raise ValueError(f"correlation id {correlation} instead of {self.correlation}")
        if flexible and api != "ApiVersions":
            reader.value("bool", None)  # no tagged fields in a response header
        values = reader.struct(response["fields"])
        if reader.at != len(reader.raw):
            raise ValueError(f"{len(reader.raw) - reader.at} bytes left over in {api} {version}")
        return values

    def call(self, api, version, body=None):
        self.send(api, version, body or {})
        return self.receive(api, version)
