"""A durable consumer: every event of a container as a line of JSON, once and in order, whoever was restarted meanwhile."""

import asyncio
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from cleat_py.plugin import Plugin, log  # noqa: E402


def position_in(path):
    """The sequence of the last line that is whole. A line that was cut off by a crash is taken away."""
    if not os.path.exists(path):
        return 0
    with open(path, "rb+") as file:
        text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        file.truncate(len(whole))
    lines = whole.splitlines()
    return json.loads(lines[-1])["sequence"] if lines else 0


class Observer(Plugin):
    async def work(self):
        path = os.path.join(self.state_dir, "events.jsonl")
        # The position is kept with what it is the position of: nothing is lost, and nothing is written twice.
        after = position_in(path)
        with open(path, "a", encoding="utf8") as file:
            async for item in self.consume("container.*", after):
                if item[0] == "gap":
                    log("warn", "events are gone before they were read", missed=item[1])
                    continue
                _, entry, acknowledge = item
                file.write(json.dumps(entry, separators=(",", ":")) + "\n")
                file.flush()
                acknowledge()


async def main():
    await Observer(os.path.join(HERE, "manifest.json")).run()


asyncio.run(main())
