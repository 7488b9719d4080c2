"""Builds record batches, right ones and every kind of wrong one, and reads those that a fetch returned."""

import gzip
import struct
import time

import cramjam
import crc32c
import lz4.frame
import zstandard

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(raw):
    return varint(-1) if raw is None else varint(len(raw)) + raw


def record(delta, key, value, headers=(), timestamp_delta=0):
    body = b"\0" + varint(timestamp_delta) + varint(delta) + sized(key) + sized(value) + varint(len(headers))
    for name, content in headers:
        body += sized(name.encode()) + sized(content)
    return varint(len(body)) + body


def compress(codec, raw):
    if codec == GZIP:
        return gzip.compress(raw)
    if codec == SNAPPY:
        block = bytes(cramjam.snappy.compress_raw(raw))
        return b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, len(block)) + block
    if codec == LZ4:
        return lz4.frame.compress(raw)
    if codec == ZSTD:
        return zstandard.compress(raw)
    return raw


def batch(values, codec=NONE, **fields):
    """One batch of `values`, each bytes, or (key, value), or (key, value, headers).

    Fields override what would be right: magic, crc, count, last_delta, base_offset, producer_id, producer_epoch,
    sequence, attributes, timestamp, timestamps (one for each record), body (the bytes after the header).
    """
    timestamps = fields.get("timestamps") or [fields.get("timestamp", int(time.time() * 1000))] * len(values)
    base = timestamps[0] if timestamps else 0
    parts = []
    for index, value in enumerate(values):
        row = value if isinstance(value, tuple) else (None, value)
        parts.append(record(index, row[0], row[1], *row[2:], timestamp_delta=timestamps[index] - base))
    body = fields.get("body", compress(codec, b"".join(parts)))
    checked = struct.pack(
        ">hiqqqhii",
        fields.get("attributes", codec),
        fields.get("last_delta", len(values) - 1),
        base,
        fields.get("max_timestamp", max(timestamps, default=-1)),
        fields.get("producer_id", -1),
        fields.get("producer_epoch", -1),
        fields.get("sequence", -1),
        fields.get("count", len(values)),
    ) + body
    crc = fields.get("crc", crc32c.crc32c(checked))
    rest = struct.pack(">ibI", fields.get("leader_epoch", -1), fields.get("magic", 2), crc) + checked
    return struct.pack(">qi", fields.get("base_offset", 0), fields.get("length", len(rest))) + rest


def headers(raw):
    """The headers of the whole batches in a fetched record set."""
    found, at = [], 0
    while at + 61 <= len(raw):
        base, length = struct.unpack_from(">qi", raw, at)
        if at + 12 + length > len(raw):
            break
        epoch, magic, _, attributes, last, _, _, pid, pepoch, seq, count = struct.unpack_from(">ibIhiqqqhii", raw, at + 12)
        found.append(
            {
                "base_offset": base,
                "leader_epoch": epoch,
                "magic": magic,
                "attributes": attributes,
                "last_offset": base + last,
                "has_producer": pid >= 0,
                "producer_epoch": pepoch,
                "sequence": seq,
                "count": count,
                "crc_valid": crc32c.crc32c(raw[at + 21 : at + 12 + length]) == struct.unpack_from(">I", raw, at + 17)[0],
            }
        )
        at += 12 + length
    return found
