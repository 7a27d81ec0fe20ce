"""The rules of provider@1 (schemas/contracts/provider.avdl) for a provider or driver whose calls are quick."""

import asyncio
import time

from .plugin import CleatError, Plugin

NUMBERED = ("reserve", "release", "attach", "detach", "update")


class Claim:
    """What is known of an object, container and claim: the highest number, and what an attach or reserve must be above."""

    def __init__(self, boot):
        self.boot = boot
        self.highest = 0
        self.attach_above = 0
        self.reserve_above = 0
        self.last = None
        self.lock = asyncio.Lock()


class Provider(Plugin):
    """Subclasses give `handlers`: coroutines by operation, and `reconcile(held, owed)`, which answers failures and lacks."""

    def __init__(self, manifest_file):
        super().__init__(manifest_file)
        self._claims = {}
        self._pages = []
        self._is_reconciled = False

    async def answer(self, address, contract, operation, request, deadline):
        if operation == "reconcile":
            return await self._reconcile(request)
        if operation not in NUMBERED or getattr(self, operation, None) is None:
            raise CleatError("unimplemented", "OPERATION_UNKNOWN", f"{operation} is not answered here")
        if not self._is_reconciled:
            raise CleatError("unavailable", "RECONCILE_FIRST", "the driver has to be told first what it holds", retryable=True)
        reference = request["reference"]
        if not reference["object"] or reference["number"] < 1:
            raise CleatError("invalid_argument", "REFERENCE_INVALID", "a reference needs an object and a number from 1 on")
        claim = self._claim(reference)
        self._check(claim, operation, reference["number"])
        claim.highest = reference["number"]
        async with claim.lock:
            return await self._perform(claim, operation, request, deadline)

    async def _perform(self, claim, operation, request, deadline):
        number = request["reference"]["number"]
        if claim.last is not None and claim.last[:2] == (operation, number):
            return claim.last[2]
        self._check(claim, operation, number)
        if time.monotonic() > deadline:
            raise CleatError("deadline_exceeded", "CALL_LATE", f"the {operation} came too late to be begun")
        if operation in ("detach", "release"):
            claim.attach_above = number
        if operation == "release":
            claim.reserve_above = number
        answer = await getattr(self, operation)(request)
        claim.last = (operation, number, answer)
        return answer

    def _check(self, claim, operation, number):
        above = {"attach": claim.attach_above, "reserve": claim.reserve_above}.get(operation, 0)
        is_repeated = claim.last is not None and claim.last[:2] == (operation, number)
        if number < claim.highest or (number <= above and not is_repeated):
            raise CleatError("conflict", "FENCED", f"{operation} {number} is out of date: {max(claim.highest, above)} was seen already")

    def _claim(self, reference):
        key = (reference["object"], reference["container"], reference["claim"])
        claim = self._claims.get(key)
        if claim is None or claim.boot != reference["bootId"]:
            claim = self._claims[key] = Claim(reference["bootId"])
        return claim

    async def _reconcile(self, request):
        if request["page"] == 0:
            self._pages = []
        if request["page"] != len(self._pages):
            raise CleatError("conflict", "RECONCILE_PAGE", "another page was expected", retryable=True)
        self._pages.append(request)
        if not request["last"]:
            return {}
        pages, self._pages = self._pages, []
        held = [item for page in pages for item in page["held"]]
        owed = [item for page in pages for item in page["owed"]]
        self._is_reconciled = False
        for claim in list(self._claims.values()):
            async with claim.lock:
                pass  # what is under way ends first
        answer = await self.reconcile(held, owed)
        for item in held:
            claim = self._claim(item["reference"])
            claim.highest, claim.last = max(claim.highest, item["reference"]["number"]), None
        for item in owed:
            claim, number = self._claim(item["reference"]), item["reference"]["number"]
            claim.highest, claim.attach_above, claim.last = max(claim.highest, number), number, None
            if item["operation"] == "release":
                claim.reserve_above = number
        self._is_reconciled = True
        return answer
