"""What a plugin of Cleat does by docs/plugin-authors: two connections, hello, ready, beats; calls that are sent again; answers that are remembered."""

import asyncio
import json
import os
import secrets
import signal
import sys
import time

from .avro import Schemas
from .nats import Connection

SILENCE_S = 5.0
WORKING_S = 2.0
REMEMBER_S = 600.0
RETRY_S = 0.2
# Right after a connect the others may be connecting, too.
SETTLE_S = 2.0


class CleatError(Exception):
    """An error as it travels: class and code decide, the message is for people."""

    def __init__(self, error_class, code, message, retryable=False):
        super().__init__(message)
        self.error_class = error_class
        self.code = code
        self.retryable = retryable


def log(level, message, **fields):
    print(json.dumps({"level": level, "message": message, **fields}, default=str), file=sys.stderr, flush=True)


class Plugin:
    """Subclasses give `addresses` (address -> contract) and `answer`, and do their work in `work`."""

    addresses = {}

    def __init__(self, manifest_file):
        with open(manifest_file, encoding="utf8") as file:
            self.manifest = json.load(file)
        run_file = os.environ.get("CLEAT_RUN_FILE")
        if not run_file:
            sys.exit(f"{self.manifest['name']} is a plugin of Cleat: it is started by the kernel, which sets CLEAT_RUN_FILE")
        with open(run_file, encoding="utf8") as file:
            run = json.load(file)
        entry = run["plugins"][0]
        self._url_file = run["urlFile"]
        self._credentials_file = entry["credentials"]
        self.state_dir = entry["stateDir"]
        self.schemas = Schemas()
        self.instance = secrets.token_hex(8)
        self.welcome = {}
        self._stopping = asyncio.Event()
        self._exporting = None
        self._importing = None
        self._account = ""
        self._connected_at = 0.0
        self._pending = {}
        self._running = {}
        self._answered = {}
        self._is_up = asyncio.Event()
        self._beat_now = asyncio.Event()

    # What a plugin is about.

    def expect_reconcile(self):
        """The kernel is about to be told that this plugin is ready."""

    async def answer(self, address, contract, operation, request, deadline):
        raise CleatError("unimplemented", "OPERATION_UNKNOWN", f"{contract}.{operation} is not answered here")

    async def work(self):
        """Runs while the bus is up; starts again with each connection."""
        await asyncio.Event().wait()

    # Its life.

    async def run(self):
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stopping.set)
        stopped = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            connected = asyncio.create_task(self._connected())
            await asyncio.wait({stopped, connected}, return_when=asyncio.FIRST_COMPLETED)
            if not connected.done():
                await asyncio.wait(self._running.values(), timeout=10) if self._running else None
                connected.cancel()
            try:
                await connected
            except asyncio.CancelledError:
                pass
            except (OSError, asyncio.TimeoutError, CleatError, asyncio.IncompleteReadError) as error:
                log("warn", "the bus or the kernel is away", error=error)
                await asyncio.wait({stopped}, timeout=RETRY_S)

    async def _connected(self):
        """From a connect to the end of either connection."""
        with open(self._url_file, encoding="utf8") as file:
            url = file.read().strip()
        with open(self._credentials_file, encoding="utf8") as file:
            credentials = json.load(file)
        name = f"{self.manifest['name']}/{self.instance}"
        self._exporting = Connection(url, credentials["exporting"]["jwt"], name)
        self._importing = Connection(url, credentials["importing"]["jwt"], name)
        self._account = credentials["importing"]["accountKey"]
        tasks = []
        try:
            await self._exporting.open()
            await self._importing.open()
            self._connected_at = time.monotonic()
            self._inbox = f"_INBOX.{secrets.token_hex(12)}"
            self._importing.subscribe(f"{self._inbox}.call.*", self._on_reply)
            # A kernel that was restarted says so: it is told hello at once, instead of at the next beat.
            self._importing.subscribe("live.cleat.v1.ev.*.node.*.>", lambda _: self._beat_now.set())
            for address, contract in self.addresses.items():
                self._exporting.subscribe(f"rpc.*.{address}.*", lambda message, a=address, c=contract: self._on_request(a, c, message), queue="q")
            for call in self._pending.values():
                call["send_at"] = 0
            for coroutine in (self._exporting.run(), self._importing.run(), self._resend(), self._live(), self._work_when_up()):
                tasks.append(asyncio.create_task(coroutine))
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._is_up.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._exporting.close()
            self._importing.close()

    async def _work_when_up(self):
        await self._is_up.wait()
        await self.work()

    async def _live(self):
        """Hello and ready, then beats; a kernel that does not know this instance gets another hello."""
        while True:
            await self._say_hello()
            self._is_up.set()
            known = True
            while known:
                try:
                    await asyncio.wait_for(self._beat_now.wait(), self.welcome["heartbeatMs"] / 1000)
                except asyncio.TimeoutError:
                    pass  # nothing has happened, and a beat is due
                self._beat_now.clear()
                try:
                    known = (await self.call("sys", "beat", {"instance": self.instance}, timeout=4))["known"]
                except CleatError:
                    pass  # the kernel is away; the next beat tells

    async def _say_hello(self):
        hello = {"hello": 1, "instance": self.instance, "pid": os.getpid(), "sdk": "cleat_py 1", "store": ""}
        hello.update({key: self.manifest[key] for key in ("name", "version", "contracts")})
        while True:
            try:
                self.welcome = json.loads(await self._request("hello", "hello", json.dumps(hello).encode(), {}, 10))
                self.expect_reconcile()
                await self.call("sys", "ready", {"instance": self.instance}, timeout=180)
                log("info", "the plugin is ready")
                return
            except CleatError as error:
                log("warn", "the kernel does not take this plugin yet", code=error.code, reason=error)
                await asyncio.sleep(1)

    # Calls that this plugin makes.

    async def call(self, contract, operation, request, timeout=30):
        """Sent again while nothing is heard, under the same id, until the deadline."""
        asks, answers = self.schemas.operation(contract, operation)
        fingerprint, body = self.schemas.encode(contract, asks, request)
        answer = await self._request(contract, operation, body, {"Cleat-Contract": f"{contract}@1.0", "Cleat-Schema": fingerprint}, timeout)
        return self.schemas.decode(contract, answers, answer)

    async def _request(self, address, operation, body, headers, timeout):
        token = secrets.token_hex(8)
        future = asyncio.get_running_loop().create_future()
        deadline = time.monotonic() + timeout
        self._pending[token] = {
            "subject": f"rpc.{self._account}.{address}.{operation}",
            "body": body,
            "headers": {**headers, "Cleat-Op": secrets.token_hex(16)},
            "deadline": deadline,
            "attempt": 0,
            "send_at": 0,
            "future": future,
        }
        self._send_due()
        try:
            return await asyncio.wait_for(future, timeout)
        except asyncio.TimeoutError:
            raise CleatError("deadline_exceeded", "BUS_CALL_TIMEOUT", f"{address}.{operation} was not answered in time") from None
        finally:
            self._pending.pop(token, None)

    def _send_due(self):
        now = time.monotonic()
        for token, call in self._pending.items():
            if call["send_at"] > now:
                continue
            call["attempt"] += 1
            call["send_at"] = now + (RETRY_S if now < self._connected_at + SETTLE_S else SILENCE_S)
            headers = {**call["headers"], "Cleat-Attempt": call["attempt"], "Cleat-Deadline": f"{call['deadline'] * 1000:.3f}"}
            self._importing.publish(call["subject"], call["body"], f"{self._inbox}.call.{token}", headers)

    async def _resend(self):
        while True:
            await asyncio.sleep(RETRY_S)
            self._send_due()

    def _on_reply(self, message):
        call = self._pending.get(message.subject.rpartition(".")[2])
        if call is None or call["future"].done():
            return
        status = message.headers.get("Cleat-Status")
        if message.status == 503:
            call["send_at"] = time.monotonic() + RETRY_S
        elif status == "ok":
            call["future"].set_result(message.body)
        elif status == "error":
            error = self.schemas.decode("common", "cleat.common.v1.ErrorInfo", message.body)
            call["future"].set_exception(CleatError(error["class"], error["code"], error["message"], error["retryable"]))
        elif status in ("working", "progress"):
            call["send_at"] = time.monotonic() + SILENCE_S

    # Calls that it answers.

    def _on_request(self, address, contract, message):
        caller, operation = message.subject.split(".")[1], message.subject.rpartition(".")[2]
        key = (caller, address, message.headers.get("Cleat-Op", ""))
        if message.headers.get("Cleat-Status") == "cancel":
            return
        for known in [known for known, (_, _, at) in self._answered.items() if at < time.monotonic() - REMEMBER_S]:
            del self._answered[known]
        if key in self._answered:
            status, body, _ = self._answered[key]
            self._reply(message.reply, status, body, self._schema_of(contract, operation))
        elif key in self._running:
            self._running[key].reply = message.reply
        elif float(message.headers.get("Cleat-Deadline", "inf")) > time.monotonic() * 1000:
            task = asyncio.create_task(self._handle(address, contract, operation, message, key))
            task.reply = message.reply
            self._running[key] = task

    async def _handle(self, address, contract, operation, message, key):
        beat = asyncio.create_task(self._say_working(key))
        try:
            asks, answers = self._operation(contract, operation)
            request = self._decoded(contract, asks, message)
            deadline = float(message.headers.get("Cleat-Deadline", "inf")) / 1000
            answer = await self.answer(address, contract, operation, request, deadline)
            status, body = "ok", self.schemas.encode(contract, answers, answer)[1]
        except Exception as error:  # whatever it is, the caller hears of it
            status, body = "error", self._error(error)
        finally:
            beat.cancel()
        self._answered[key] = (status, body, time.monotonic())
        reply = self._running.pop(key).reply
        self._reply(reply, status, body, self._schema_of(contract, operation))

    async def _say_working(self, key):
        while True:
            await asyncio.sleep(WORKING_S)
            self._reply(self._running[key].reply, "working", b"", "")

    def _operation(self, contract, operation):
        try:
            return self.schemas.operation(contract, operation)
        except LookupError as error:
            raise CleatError("unimplemented", "OPERATION_UNKNOWN", str(error)) from None

    def _decoded(self, contract, name, message):
        fingerprint = message.headers.get("Cleat-Schema", "")
        try:
            return self.schemas.decode_by(fingerprint, message.body) if fingerprint else self.schemas.decode(contract, name, message.body)
        except LookupError as error:
            raise CleatError("unavailable", "SCHEMA_UNKNOWN", str(error), retryable=True) from None
        except ValueError as error:
            raise CleatError("invalid_argument", "SCHEMA_MISMATCH", f"these bytes are not a {name}: {error}") from None

    def _schema_of(self, contract, operation):
        try:
            return self.schemas.encode(contract, self.schemas.operation(contract, operation)[1], {})[0]
        except (LookupError, KeyError):
            return ""

    def _error(self, error):
        if not isinstance(error, CleatError):
            log("error", "a call failed", error=repr(error))
            error = CleatError("internal", "INTERNAL", str(error))
        info = {"class": error.error_class, "code": error.code, "message": str(error), "plugin": self.manifest["name"], "retryable": error.retryable}
        return self.schemas.encode("common", "cleat.common.v1.ErrorInfo", info)[1]

    def _reply(self, reply, status, body, schema):
        if not reply:
            return
        headers = {"Cleat-Status": status, **({"Cleat-Schema": schema} if schema and status == "ok" else {})}
        try:
            self._exporting.publish(reply, body, headers=headers)
        except ConnectionError:
            pass  # its caller asks again

    # Events.

    async def consume(self, event_type, after):
        """Yields ("event", entry, acknowledge) and ("gap", missed): every event after the position, in order, each once."""
        queue = asyncio.Queue()
        inbox = f"{self._inbox}.events"
        self._importing.subscribe(inbox, queue.put_nowait)
        pull = f"cleatjs.CONSUMER.MSG.NEXT.EVENTS.{self._account}"
        while True:
            opened = await self._open_consumer(event_type, after)
            if opened["missed"] > 0:
                yield ("gap", opened["missed"])
            after = max(after, opened["after"])
            self._importing.publish(pull, json.dumps({"batch": 64, "expires": 15_000_000_000}).encode(), inbox)
            left = 64
            while left > 0:
                try:
                    message = await asyncio.wait_for(queue.get(), 18)
                except asyncio.TimeoutError:
                    break  # the pull was lost, or its consumer was
                if message.status == 100:
                    continue
                if message.status != 0:
                    break  # 404, 408: nothing more; 409: the consumer is gone. The kernel knows where it stands.
                left -= 1
                entry = await self._entry(message)
                acknowledge = lambda reply=message.reply: self._importing.publish(reply)
                if entry["sequence"] <= after:
                    acknowledge()
                    continue
                after = entry["sequence"]
                yield ("event", entry, acknowledge)

    async def _open_consumer(self, event_type, after):
        while True:
            try:
                return await self.call("event", "open", {"after": after, "type": event_type}, timeout=15)
            except CleatError as error:
                if error.error_class not in ("unavailable", "deadline_exceeded"):
                    raise
                await asyncio.sleep(0.5)

    async def _entry(self, message):
        """A CloudEvent in binary mode: attributes in headers, the data in Avro."""
        headers = message.headers
        fingerprint = headers["ce-dataschema"].removeprefix("cleat:")
        if not self.schemas.knows(fingerprint):
            learnt = await self.call("sys", "schema", {"fingerprint": fingerprint})
            self.schemas.learn(fingerprint, learnt["schema"])
        return {
            "sequence": int(headers["ce-sequence"]),
            "type": headers["ce-type"].removeprefix("dev.cleat.").rpartition(".")[0],
            "subject": headers["ce-subject"],
            "time": headers["ce-time"],
            "data": self.schemas.decode_by(fingerprint, message.body),
        }
