"""A log driver: it reads the segments that a container's monitor writes, passes them on, and acknowledges them."""

import asyncio
import json
import os
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from cleat_py.plugin import CleatError, log  # noqa: E402
from cleat_py.provider import Provider  # noqa: E402

LOOK_S = 0.5
POLICY = {"segmentBytes": 1_048_576, "spoolBytes": 20_971_520, "mode": "non-blocking"}


class LogDriver(Provider):
    addresses = {"provider.log-driver.log-driver-py": "provider"}

    def __init__(self, manifest_file):
        super().__init__(manifest_file)
        self._cursors = os.path.join(self.state_dir, "cursors")
        self._output = os.path.join(self.state_dir, "output.log")
        os.makedirs(self._cursors, exist_ok=True)

    # The object of a log driver is a container: its id. A cursor is a file, so that a driver that was killed goes on where it was.

    def _path(self, container):
        return os.path.join(self._cursors, urllib.parse.quote(container, safe=""))

    def _containers(self):
        return [urllib.parse.unquote(name) for name in os.listdir(self._cursors) if not name.endswith(".new")]

    def _put(self, container, segment, offset):
        path = self._path(container)
        with open(path + ".new", "w", encoding="utf8") as file:
            json.dump({"segment": segment, "offset": offset}, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(path + ".new", path)

    def _drop(self, container):
        try:
            os.remove(self._path(container))
        except FileNotFoundError:
            pass

    async def reserve(self, request):
        container = request["reference"]["object"]
        if json.loads(request["options"] or "{}"):
            raise CleatError("invalid_argument", "OPTION_UNKNOWN", "the log driver log-driver-py has no options")
        if container not in self._containers():
            self._put(container, 1, 0)
        return {"contribution": {"log": POLICY}}

    async def release(self, request):
        self._drop(request["reference"]["object"])
        return {}

    async def reconcile(self, held, owed):
        known = {item["reference"]["object"] for item in held} - {item["reference"]["object"] for item in owed}
        there = self._containers()
        for container in there:
            if container not in known:
                self._drop(container)
        return {"lacks": [item["reference"] for item in held if item["reference"]["object"] not in there]}

    # The output itself.

    async def work(self):
        while True:
            for container in self._containers():
                try:
                    await self._forward(container)
                except (CleatError, OSError) as error:
                    log("debug", "it is tried again", container=container, error=error)
            await asyncio.sleep(LOOK_S)

    async def _forward(self, container):
        """Whole lines since the cursor; a segment that is complete and passed on is acknowledged, and the kernel removes it."""
        with open(self._path(container), encoding="utf8") as file:
            cursor = json.load(file)
        segment, offset = cursor["segment"], cursor["offset"]
        answer = await self.call("logdata", "segments", {"container": container})
        for found in answer["segments"]:
            if found["number"] < segment:
                continue
            if found["number"] > segment:
                segment, offset = found["number"], 0
            with open(found["path"], "rb") as file:
                file.seek(offset)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1] if found["open"] else text
            if whole:
                with open(self._output, "ab") as output:
                    output.write(whole)
            offset += len(whole)
            self._put(container, segment, offset)
            if not found["open"]:
                await self.call("logdata", "acknowledge", {"container": container, "number": segment})


async def main():
    await LogDriver(os.path.join(HERE, "manifest.json")).run()


asyncio.run(main())
