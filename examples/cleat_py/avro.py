"""Avro (https://avro.apache.org/docs/1.11.1/specification/): values to bytes and back, by a schema given as JSON."""

import json
import os
import struct

RELEASED = os.environ.get("CLEAT_SCHEMAS") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schemas", "released")
PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}


class Names(dict):
    """Named types, so that a schema may refer to one by its name."""

    def add(self, schema, namespace=""):
        """Enters a schema with all that it defines, and returns it with full names throughout."""
        if isinstance(schema, str):
            return schema if schema in PRIMITIVES or "." in schema or not namespace else f"{namespace}.{schema}"
        if isinstance(schema, list):
            return [self.add(branch, namespace) for branch in schema]
        kind = schema["type"]
        if kind in ("record", "error", "enum", "fixed"):
            own = schema["name"].rpartition(".")[0] or schema.get("namespace", namespace)
            name = schema["name"] if "." in schema["name"] or not own else f"{own}.{schema['name']}"
            full = {**schema, "name": name}
            self[name] = full
            if kind in ("record", "error"):
                full["fields"] = [{**field, "type": self.add(field["type"], own)} for field in schema["fields"]]
            return full
        if kind == "array":
            return {**schema, "items": self.add(schema["items"], namespace)}
        if kind == "map":
            return {**schema, "values": self.add(schema["values"], namespace)}
        return self.add(kind, namespace)


def _long(value):
    number = (value << 1) ^ (value >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(names, schema, value):
    """A record may leave out what has a default."""
    if isinstance(schema, list):
        for index, branch in enumerate(schema):
            if (value is None) == (branch == "null"):
                return _long(index) + encode(names, branch, value)
        raise ValueError(f"{value!r} fits no branch of the union")
    if isinstance(schema, str) and schema in names:
        schema = names[schema]
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "null":
        return b""
    if kind == "boolean":
        return b"\x01" if value else b"\x00"
    if kind in ("int", "long"):
        return _long(value)
    if kind == "double":
        return struct.pack("<d", value)
    if kind == "float":
        return struct.pack("<f", value)
    if kind in ("bytes", "string"):
        data = value.encode() if isinstance(value, str) else value
        return _long(len(data)) + data
    if kind == "enum":
        return _long(schema["symbols"].index(value))
    if kind == "array":
        items = b"".join(encode(names, schema["items"], item) for item in value)
        return (_long(len(value)) + items if value else b"") + b"\x00"
    if kind == "map":
        items = b"".join(encode(names, "string", key) + encode(names, schema["values"], item) for key, item in value.items())
        return (_long(len(value)) + items if value else b"") + b"\x00"
    if kind in ("record", "error"):
        return b"".join(encode(names, field["type"], value[field["name"]] if field["name"] in value else field["default"]) for field in schema["fields"])
    raise ValueError(f"the type {kind} is not known")


class Reader:
    """Decodes one value; what does not fit is a ValueError."""

    def __init__(self, names, data):
        self._names = names
        self._data = data
        self._at = 0

    def whole(self, schema):
        value = self.read(schema)
        if self._at != len(self._data):
            raise ValueError("there is more than the value")
        return value

    def _take(self, count):
        if count < 0 or self._at + count > len(self._data):
            raise ValueError("the value is cut off")
        self._at += count
        return self._data[self._at - count : self._at]

    def _long(self):
        number = shift = 0
        while True:
            byte = self._take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (number >> 1) ^ -(number & 1)
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")

    def read(self, schema):
        if isinstance(schema, list):
            index = self._long()
            if not 0 <= index < len(schema):
                raise ValueError("the union has no such branch")
            return self.read(schema[index])
        if isinstance(schema, str) and schema in self._names:
            schema = self._names[schema]
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "null":
            return None
        if kind == "boolean":
            return self._take(1) != b"\x00"
        if kind in ("int", "long"):
            return self._long()
        if kind == "double":
            return struct.unpack("<d", self._take(8))[0]
        if kind == "float":
            return struct.unpack("<f", self._take(4))[0]
        if kind == "bytes":
            return self._take(self._long())
        if kind == "string":
            return self._take(self._long()).decode()
        if kind == "enum":
            return schema["symbols"][self._long()]
        if kind == "fixed":
            return self._take(schema["size"])
        if kind == "array":
            return list(self._blocks(lambda: self.read(schema["items"])))
        if kind == "map":
            return dict(self._blocks(lambda: (self.read("string"), self.read(schema["values"]))))
        if kind in ("record", "error"):
            return {field["name"]: self.read(field["type"]) for field in schema["fields"]}
        raise ValueError(f"the type {kind} is not known")

    def _blocks(self, item):
        while (count := self._long()) != 0:
            if count < 0:
                count = -count
                self._long()
            for _ in range(count):
                yield item()


class Schemas:
    """The published contracts: a file each, and an index from the fingerprint in a header to contract, version and record."""

    def __init__(self, directory=RELEASED):
        self._directory = directory
        with open(os.path.join(directory, "index.json"), encoding="utf8") as file:
            self._index = json.load(file)
        self._fingerprints = {(contract, version, name): key for key, (contract, version, name) in self._index.items()}
        self._documents = {}
        self._learnt = {}

    def _document(self, contract, version):
        key = (contract, version)
        if key not in self._documents:
            with open(os.path.join(self._directory, contract, f"{version}.json"), encoding="utf8") as file:
                document = json.load(file)
            names = Names()
            for schema in document["types"]:
                names.add(schema, document["namespace"])
            self._documents[key] = (document, names)
        return self._documents[key]

    def operation(self, contract, operation, version="1.0"):
        """Names of the records of request and response."""
        document, _ = self._document(contract, version)
        message = document["messages"].get(operation)
        if message is None:
            raise LookupError(f"{contract} has no operation {operation}")
        full = lambda name: name if "." in name else f"{document['namespace']}.{name}"
        return full(message["request"][0]["type"]), full(message["response"])

    def encode(self, contract, name, value, version="1.0"):
        """Fingerprint and bytes of a record."""
        names = self._document(contract, version)[1]
        return self._fingerprints[(contract, version, name)], encode(names, names[name], value)

    def decode(self, contract, name, data, version="1.0"):
        names = self._document(contract, version)[1]
        return Reader(names, data).whole(names[name])

    def knows(self, fingerprint):
        return fingerprint in self._index or fingerprint in self._learnt

    def learn(self, fingerprint, schema):
        """A schema that is newer than these files, as sys.schema gives it."""
        names = Names()
        self._learnt[fingerprint] = (names, names.add(json.loads(schema)))

    def decode_by(self, fingerprint, data):
        """A record by its fingerprint, as its writer wrote it."""
        if fingerprint in self._learnt:
            names, schema = self._learnt[fingerprint]
            return Reader(names, data).whole(schema)
        if fingerprint not in self._index:
            raise LookupError(f"no schema has the fingerprint {fingerprint}")
        contract, version, name = self._index[fingerprint]
        return self.decode(contract, name, data, version)
