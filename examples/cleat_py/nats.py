"""The NATS client protocol (https://docs.nats.io/reference/reference-protocols/nats-protocol), as far as a plugin needs it."""

import asyncio
import json


class Message:
    """A message as it came. `status` is the server's own (404, 408, 409, 503), 0 on all others."""

    def __init__(self, subject, reply, headers, status, text, body):
        self.subject = subject
        self.reply = reply
        self.headers = headers
        self.status = status
        self.text = text
        self.body = body


def _read_headers(block):
    """NATS/1.0 [status [text]] CR LF, then name: value lines."""
    lines = block.decode().split("\r\n")
    first = lines[0].split(" ", 2)
    status = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return headers, status, first[2] if len(first) > 2 else ""


class Connection:
    """One connection of one account. It ends with an exception in `run`; whoever owns it dials again."""

    def __init__(self, url, jwt, name):
        self._host, _, port = url.removeprefix("nats://").rpartition(":")
        self._port = int(port)
        self._jwt = jwt
        self._name = name
        self._handlers = {}
        self._count = 0
        self._reader = None
        self._writer = None

    async def open(self):
        self._reader, self._writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port, limit=2_000_000), 3)
        await self._reader.readline()  # INFO: a token needs nothing of it
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "protocol": 1}
        options.update({"lang": "python-stdlib", "version": "1", "name": self._name, "jwt": self._jwt})
        self._writer.write(b"CONNECT %s\r\nPING\r\n" % json.dumps(options).encode())
        while True:
            line = await asyncio.wait_for(self._reader.readline(), 3)
            if line.startswith(b"PONG"):
                return
            if line == b"" or line.startswith(b"-ERR"):
                raise ConnectionError(line.decode().strip() or "the bus closed the connection")

    def subscribe(self, subject, handler, queue=None):
        """Calls handler(message) for each; returns the function that ends it."""
        self._count += 1
        number = self._count
        self._handlers[number] = handler
        parts = ["SUB", subject, *([queue] if queue else []), str(number)]
        self._writer.write((" ".join(parts) + "\r\n").encode())

        def end():
            if self._handlers.pop(number, None) is not None and not self._writer.is_closing():
                self._writer.write(b"UNSUB %d\r\n" % number)

        return end

    def publish(self, subject, body=b"", reply="", headers=None):
        if self._writer is None or self._writer.is_closing():
            raise ConnectionError("the bus is away")
        to = f"{subject} {reply}" if reply else subject
        if headers:
            block = ("NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n").encode()
            self._writer.write(f"HPUB {to} {len(block)} {len(block) + len(body)}\r\n".encode() + block + body + b"\r\n")
        else:
            self._writer.write(f"PUB {to} {len(body)}\r\n".encode() + body + b"\r\n")

    async def run(self):
        """Reads until the connection ends, which it tells by an exception."""
        while True:
            line = await self._reader.readline()
            if line == b"":
                raise ConnectionError("the bus closed the connection")
            word, _, rest = line.decode().strip().partition(" ")
            if word == "PING":
                self._writer.write(b"PONG\r\n")
            elif word in ("MSG", "HMSG"):
                await self._deliver(word, rest.split())
            elif word == "-ERR" and "Permissions Violation" not in rest:
                raise ConnectionError(rest)

    async def _deliver(self, word, parts):
        sizes = [int(parts.pop()) for _ in range(2 if word == "HMSG" else 1)]
        total, header_bytes = (sizes[0], sizes[1]) if word == "HMSG" else (sizes[0], 0)
        subject, number, *reply = parts
        data = (await self._reader.readexactly(total + 2))[:-2]
        headers, status, text = _read_headers(data[:header_bytes]) if header_bytes else ({}, 0, "")
        handler = self._handlers.get(int(number))
        if handler:
            handler(Message(subject, reply[0] if reply else "", headers, status, text, data[header_bytes:]))

    def close(self):
        if self._writer is not None:
            self._writer.close()
