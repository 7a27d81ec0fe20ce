"""Decodes Avro binary by a contract's released JSON, with nothing but Python's standard library.

Written from the Avro specification alone ("Binary Encoding"), so that it proves what our own library cannot prove of
itself: that the published schemas are enough to read the payloads.

    python3 avro_decoder.py RELEASED GOLDEN

RELEASED and GOLDEN are folders of <contract>/<version>.json. Prints one line a payload that is not read as it was meant,
and how many were read. Exit code 1 when a line was printed or nothing was read.
"""

import json
import struct
import sys
from pathlib import Path


class Reader:
    def __init__(self, data):
        self.data = data
        self.position = 0

    def take(self, count):
        if count < 0 or self.position + count > len(self.data):
            raise ValueError("the payload ends too early")
        piece = self.data[self.position : self.position + count]
        self.position += count
        return piece

    def long(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def blocks(self):
        """Items of an array or a map: blocks with a count each, and a size in bytes when the count is negative."""
        while (count := self.long()) != 0:
            if count < 0:
                count = -count
                self.long()
            for _ in range(count):
                yield self


class Protocol:
    def __init__(self, document):
        self.namespace = document["namespace"]
        self.types = {}
        for schema in document["types"]:
            namespace = schema.get("namespace", self.namespace)
            self.types[f"{namespace}.{schema['name']}"] = (schema, namespace)

    def decode(self, name, data):
        reader = Reader(data)
        value = self.read(name, self.namespace, reader)
        if reader.position != len(data):
            raise ValueError("bytes are left over")
        return value

    def read(self, schema, namespace, reader):
        if isinstance(schema, list):
            return self.read(schema[reader.long()], namespace, reader)
        if isinstance(schema, dict):
            return self.read_composed(schema, namespace, reader)
        return self.read_named(schema, namespace, reader)

    def read_composed(self, schema, namespace, reader):
        kind = schema["type"]
        if kind == "array":
            return [self.read(schema["items"], namespace, item) for item in reader.blocks()]
        if kind == "map":
            return {self.text(item): self.read(schema["values"], namespace, item) for item in reader.blocks()}
        value = self.read(kind, namespace, reader)
        return str(value) if schema.get("logicalType") == "timestamp-nanos" else value

    def read_named(self, name, namespace, reader):
        if name == "null":
            return None
        if name == "boolean":
            return reader.take(1) != b"\x00"
        if name in ("int", "long"):
            return reader.long()
        if name == "float":
            return struct.unpack("<f", reader.take(4))[0]
        if name == "double":
            return struct.unpack("<d", reader.take(8))[0]
        if name == "bytes":
            return reader.take(reader.long()).hex()
        if name == "string":
            return self.text(reader)
        schema, home = self.types[name if "." in name else f"{namespace}.{name}"]
        if schema["type"] == "enum":
            return schema["symbols"][reader.long()]
        return {field["name"]: self.read(field["type"], home, reader) for field in schema["fields"]}

    @staticmethod
    def text(reader):
        return reader.take(reader.long()).decode("utf-8")


def check(released, golden):
    read, faults = 0, []
    for path in sorted(golden.glob("*/*.json")):
        protocol = Protocol(json.loads((released / path.relative_to(golden)).read_text()))
        for name, record in json.loads(path.read_text()).items():
            for sample in record["samples"]:
                try:
                    value = protocol.decode(name, bytes.fromhex(sample["bytes"]))
                    if value != sample["value"]:
                        faults.append(f"{path}: {name} is {json.dumps(value)}, not {json.dumps(sample['value'])}")
                except (KeyError, IndexError, ValueError) as error:
                    faults.append(f"{path}: {name} cannot be read: {error!r}")
                read += 1
    return read, faults


if __name__ == "__main__":
    count, found = check(Path(sys.argv[1]), Path(sys.argv[2]))
    for fault in found:
        print(fault)
    print(f"{count} payloads")
    sys.exit(1 if found or count == 0 else 0)
