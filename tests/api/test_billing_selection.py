"""The billing run finds whom the rules would bill: nobody else, and nobody is overlooked."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from tests.api.live import BATCH, Caller, Live, open_book
from tests.api.test_billing import run_all
from tests.ledger import asks
from tests.ledger.world import Ask, World, envelope
from tests.log.posting import chance_of

from ledger import decider
from ledger.agreements.billing import CustomerBill
from ledger.errors import Refusal
from ledger.message import Message, read_message
from ledger.posting_rules import DEFAULT_RULES
from ledger.state import Customer
from ledger_api.billing import NOT_DUE, SOURCE

CURRENCIES = ("EUR", "JPY")
CUSTOMERS = 24
MONTHS = (date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1), date(2025, 6, 1))
DAY = timedelta(days=1)
Found = dict[tuple[str, str], int | str | None]
"""Of each customer and currency that is due what the invoice comes to, None without one; or the refusal."""


class Twins:
    """A book that is served and the same one in memory: each message goes to both, and both say the same."""

    def __init__(self, book: Caller, **opened: object) -> None:
        self.book = book
        self.world = World(**opened)
        self.world.checking = False
        self.world.now = datetime.now(UTC)
        self._bodies: list[bytes] = []
        self.taken: list[bool] = []
        self._keys = itertools.count(1)

    def tell(self, ask: Ask, customer: str, at: datetime) -> None:
        """Post a message, which may be refused."""
        subject = None if ask[0] in decider.OF_BOOK else customer
        raw = envelope(ask, key=f"s{next(self._keys)}", at=at, customer=subject)
        self._bodies.append(raw)
        self.taken.append(self._take(read_message(raw, decider.DECODERS, "tester")))

    def _take(self, message: Message) -> bool:
        try:
            self.world.take(message)
        except Refusal:
            return False
        return True

    def send(self) -> None:
        """Send what was told to the book that is served."""
        answer = self.book.post(b"[" + b",".join(self._bodies) + b"]", BATCH)
        assert answer.status_code == 200, answer.text
        taken = [each["status"] == "recorded" for each in answer.json()]
        assert taken == self.taken
        self._bodies, self.taken = [], []

    def would(self, through: date) -> Found:
        """Ask the rules about everybody, in every currency."""
        found: Found = {}
        for customer, currency in itertools.product(sorted(self.world.customers), CURRENCIES):
            message = _bill(through, customer, currency)
            try:
                drafts = decider.decide(
                    self.world.book, self.world.customers[customer], message, self.world.now
                )
            except Refusal as refusal:
                if refusal.code not in NOT_DUE:
                    found[customer, currency] = refusal.code
                continue
            issued = [draft.data.columns().amount for draft in drafts if draft.type == "invoice.issued"]
            found[customer, currency] = issued[0] if issued else None
        return found

    def finds(self, through: date, *, dry_run: bool) -> Found:
        """Run; what it really bills happens to the book in memory too."""
        results = run_all(self.book, through=str(through), dry_run=dry_run, limit=7)
        if not dry_run:
            for each in results:
                took = self._take(_bill(through, each["customer"], each["currency"]))
                assert took is (each["status"] == "billed")
        return {
            (each["customer"], each["currency"]): each["code"] or each["total"]
            for each in results
            if each["status"] != "not_due"
        }


def _bill(through: date, customer: str, currency: str) -> Message:
    ends = datetime.combine(through + DAY, datetime.min.time(), ZoneInfo("Europe/Berlin"))
    at = ends.astimezone(UTC) - timedelta(microseconds=1)
    data = CustomerBill(through=through, currency=currency)
    return Message(
        "customer.bill", f"{through}/{customer}/{currency}", SOURCE, customer, at, data, None, "tester", None
    )


class _Customer(NamedTuple):
    """Somebody to whom things happen by chance."""

    name: str
    state: Customer
    today: date
    chance: random.Random

    def some(self, names: list[str]) -> str:
        return self.chance.choice(names or ["none"])

    def agree(self) -> Ask:
        """Mostly of today, or dated back and ahead; mostly one service, or none and two."""
        services = [
            asks.service(
                name,
                self.chance.choice([0, 900, 3100]),
                interval=self.chance.choice(["month", "month", "quarter"]),
                billed=self.chance.choice(["arrears", "advance"]),
                **({"to": str(self.today + 60 * DAY)} if self.chance.random() < 0.2 else {}),
            )
            for name in self.chance.choice([[], ["dsl"], ["dsl"], ["dsl", "voip"]])
        ]
        begins = self.today + self.chance.choice([-40, -10, 0, 0, 20]) * DAY
        return asks.agree(str(begins), *services)

    def charge(self) -> Ask:
        name = f"c{self.chance.getrandbits(40)}"
        return asks.charge(
            name, self.chance.choice([0, 0, 500]), currency=self.chance.choice(["EUR", "EUR", "JPY"])
        )

    def reverse(self) -> Ask:
        return asks.reverse(self.some(sorted(self.state.unbilled)))

    def complain(self) -> Ask:
        return asks.complain_of_charge(
            f"d{self.chance.getrandbits(40)}", self.some(sorted(self.state.unbilled))
        )

    def resolve(self) -> Ask:
        return asks.resolve(
            self.some(sorted(self.state.disputes)), self.chance.choice(["upheld", "upheld", "rejected"])
        )

    def void(self) -> Ask:
        return asks.void(self.some([each.number for each in self.state.invoices() if not each.void]))

    def issue(self) -> Ask:
        return asks.issue(currency=self.chance.choice(CURRENCIES))

    def bill(self) -> Ask:
        return asks.bill(str(self.today - self.chance.randrange(40) * DAY))

    def change(self) -> Ask:
        terms: list[dict[str, object]] = [
            {"billing_day": self.chance.choice([1, 15])},
            {"currency": self.chance.choice(CURRENCIES)},
        ]
        return "customer.changed", self.chance.choice(terms)

    def close(self) -> Ask:
        return asks.close()


_STEPS: tuple[tuple[int, Callable[[_Customer], Ask]], ...] = (
    (6, _Customer.agree),
    (5, _Customer.charge),
    (2, _Customer.reverse),
    (5, _Customer.complain),
    (4, _Customer.resolve),
    (4, _Customer.void),
    (2, _Customer.issue),
    (2, _Customer.bill),
    (1, _Customer.change),
    (1, _Customer.close),
)


def _live_on(twins: Twins, month: date, chance: random.Random) -> None:
    """Let a month pass for everybody, on the same days for all."""
    weights = [weight for weight, _ in _STEPS]
    for day in sorted(chance.sample(range(28), 6)):
        at = datetime(month.year, month.month, 1 + day, 12, tzinfo=UTC)
        for name, state in sorted(twins.world.customers.items()):
            if state is None or chance.random() < 0.4:
                continue
            ((_, step),) = chance.choices(_STEPS, weights)
            twins.tell(step(_Customer(name, state, at.date(), chance)), name, at)
    twins.send()


@pytest.mark.parametrize("seed", range(4))
def test_a_run_finds_exactly_whom_the_rules_would_bill(book: Caller, seed: int) -> None:
    """Over random lives: agreements, charges, complaints, void invoices, other terms, bills in between."""
    chance = chance_of(seed)
    twins = Twins(book)
    for number in range(CUSTOMERS):
        twins.tell(
            ("customer.opened", {"currency": "EUR"}), f"c{number:02}", datetime(2025, 1, 1, tzinfo=UTC)
        )
    twins.send()
    found = 0
    for month in MONTHS:
        _live_on(twins, month, chance)
        ends = (month + 31 * DAY).replace(day=1) - DAY
        for through in (month + 14 * DAY, ends):
            assert twins.finds(through, dry_run=True) == twins.would(through)
        through = chance.choice([month + 14 * DAY, ends])
        wanted = twins.would(through)
        assert twins.finds(through, dry_run=False) == wanted
        assert twins.finds(through, dry_run=True) == twins.would(through)
        found += len(wanted)
    assert found > CUSTOMERS


def _on(month: int, day: int) -> datetime:
    return datetime(2025, month, day, 12, tzinfo=UTC)


_RARE: dict[str, tuple[list[tuple[datetime, Ask]], date, int | None]] = {
    "a charge of nothing": ([(_on(1, 10), asks.charge("free", 0))], date(2025, 1, 31), 0),
    "a charge of nothing that was dated behind what was billed": (
        [
            (_on(1, 10), asks.charge("paid", 5)),
            (_on(2, 10), asks.charge("free", 0)),
            (_on(2, 20), asks.bill("2025-01-31")),
        ],
        date(2025, 2, 28),
        0,
    ),
    "a charge of nothing that a void invoice gave back": (
        [
            (_on(1, 10), asks.charge("free", 0)),
            (_on(2, 1), asks.bill("2025-01-31")),
            (_on(2, 2), asks.void("INV-1")),
        ],
        date(2025, 2, 28),
        0,
    ),
    "days of an ended service, freed of a dispute when nothing else is due": (
        [
            (_on(1, 1), asks.agree("2025-01-01", asks.service("dsl", 3100))),
            (_on(2, 1), asks.bill("2025-01-31")),
            (_on(2, 2), asks.void("INV-1")),
            (_on(2, 3), asks.complain_of_charge("d", "agreed-2025-01-31-1")),
            (_on(2, 4), asks.agree("2025-01-01")),
            (_on(2, 5), asks.charge("paid", 5)),
            (_on(3, 1), asks.bill("2025-02-28")),
            (_on(3, 5), asks.resolve("d", "upheld")),
        ],
        date(2025, 3, 31),
        None,
    ),
}
"""What happens, through when it is billed then, and what the invoice comes to (None: there is none)."""


@pytest.mark.parametrize("rare", _RARE)
def test_rarely_due_and_found(book: Caller, rare: str) -> None:
    story, through, total = _RARE[rare]
    twins = Twins(book)
    twins.tell(("customer.opened", {"currency": "EUR"}), "ann", _on(1, 1))
    for at, ask in story:
        twins.tell(ask, "ann", at)
        assert twins.taken[-1], ask
    twins.send()
    assert twins.finds(through, dry_run=True) == {("ann", "EUR"): total} == twins.would(through)
    assert twins.finds(through, dry_run=False) == {("ann", "EUR"): total}
    assert twins.finds(through, dry_run=False) == {} == twins.would(through)


def test_found_whatever_the_posting_rules_say(live: Live, client: httpx.Client) -> None:
    """What waits for an invoice may stand on another account than the one that balances show."""
    rules = [msgspec.to_builtins(rule) for rule in DEFAULT_RULES]
    rules = [{**rule, "account": "wip"} if rule["account"] == "unbilled" else rule for rule in rules]
    accounts = [
        {"account": name, "name": name, "kind": "asset"} for name in {rule["account"] for rule in rules}
    ]
    opened: dict[str, object] = {"accounts": accounts, "rules": rules}
    twins = Twins(open_book(live, client, **opened), **opened)
    twins.tell(("customer.opened", {"currency": "EUR"}), "ann", _on(1, 1))
    twins.tell(asks.charge("paid", 500), "ann", _on(1, 2))
    twins.send()
    through = date(2025, 1, 31)
    assert twins.finds(through, dry_run=True) == {("ann", "EUR"): 500} == twins.would(through)
