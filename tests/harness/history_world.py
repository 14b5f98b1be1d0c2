"""A source that changes, and what each scope has seen of it: the model beside the store in property tests over histories."""

from __future__ import annotations

import dataclasses
import random

from providers.records import Link, Resource, Scope

OUTSIDE, LAGGING = "grant", "asset"
"""Types that readers see from outside their owner, and that the source shows late."""

SIZES = (0, 3, 12, 30, 60)
"""How many resources a place has at first: with fewer than 20, nothing that vanishes is ever held back."""


LATE = 0.05
"""Share of the resources that a source which lags does not show at a reading."""


@dataclasses.dataclass
class Item:
    """A resource of the source."""

    id: str
    place: Scope
    name: str
    attributes: dict[str, object]
    links: tuple[Link, ...]


class Source:
    """The truth: items by id, each in one place."""

    def __init__(self, random: random.Random, prefix: str, places: list[Scope]) -> None:
        self.random, self.prefix, self.places = random, prefix, places
        self.items: dict[str, Item] = {}
        self.gone: list[Item] = []
        self.late: random.Random | None = None
        """Chooses what the source does not show yet, of the type `LAGGING`; None shows all."""
        self.quarters = 0
        """How many times so much time has passed that an absence can be confirmed."""
        self._next = 0
        for place in places:
            self.add(place, random.choice(SIZES))

    def add(self, place: Scope, count: int) -> None:
        for _ in range(count):
            self._next += 1
            made = Item(f"{self.prefix}:{self._next}", place, f"name {self._next}", {}, ())
            made.attributes, made.links = self._attributes(), self._links()
            self.items[made.id] = made

    def _attributes(self) -> dict[str, object]:
        return {"n": self.random.randint(0, 3), "mail": f"m{self.random.randint(0, 3)}@x", "list": [self.random.randint(0, 3)]}

    def _links(self) -> tuple[Link, ...]:
        targets = {f"{self.prefix}:{self.random.randint(1, 20)}" for _ in range(self.random.randint(0, 3))}
        return tuple(Link("uses", target) for target in sorted(targets))

    # --- what happens to it

    def change(self) -> str:
        """One change, and its description."""
        happen = self.random.choice(
            (
                self.grow,
                self.shrink,
                self.shrink,
                self.collapse,
                self.come_back,
                self.rename,
                self.move,
                self.new_ids,
                self.edit,
                self.strip,
                self.unlink,
            )
        )
        return f"{happen.__name__} {happen()}"

    def _some(self, most: int = 5) -> list[Item]:
        return self.random.sample(sorted(self.items.values(), key=lambda item: item.id), min(len(self.items), self.random.randint(1, most)))

    def _place(self) -> tuple[Scope, list[Item]]:
        place = self.random.choice(self.places)
        return place, [item for item in self.items.values() if item.place == place]

    def grow(self) -> str:
        place, _ = self._place()
        self.add(place, count := self.random.choice((1, 5, 30)))
        return f"{place.region}/{place.resource_type} by {count}"

    def _remove(self, items: list[Item]) -> str:
        for item in items:
            self.gone.append(self.items.pop(item.id))
        return " ".join(item.id for item in items)

    def shrink(self) -> str:
        return self._remove(self._some())

    def collapse(self) -> str:
        place, items = self._place()
        self._remove(self.random.sample(items, len(items) - min(len(items), self.random.choice((0, 0, 2, 10)))))
        return f"{place.region}/{place.resource_type}"

    def come_back(self) -> str:
        back = self.random.sample(self.gone, self.random.randint(0, len(self.gone)))
        for item in back:
            self.gone.remove(item)
            self.items[item.id] = item
        return str(len(back))

    def rename(self) -> str:
        for item in (some := self._some()):
            item.name += "'"
        return str(len(some))

    def new_ids(self) -> str:
        """The same names under new ids, as after a restore from a backup."""
        some = self._some()
        self._remove(some)
        for item in some:
            self.add(item.place, 1)
        return str(len(some))

    def move(self) -> str:
        for item in (some := self._some(30)):
            item.place = self.random.choice([place for place in self.places if place.resource_type == item.place.resource_type])
        return str(len(some))

    def edit(self) -> str:
        for item in (some := self._some(30)):
            item.attributes, item.links = self._attributes(), self._links()
        return str(len(some))

    def strip(self) -> str:
        """Some or all of a place lose an attribute."""
        place, items = self._place()
        for item in items[: self.random.choice((3, 1000))]:
            item.attributes = {**item.attributes, "mail": self.random.choice(("", None))}
        return f"{place.region}/{place.resource_type}"

    def unlink(self) -> str:
        place, items = self._place()
        for item in items[: self.random.choice((3, 1000))]:
            item.links = ()
        return f"{place.region}/{place.resource_type}"


@dataclasses.dataclass
class Reader:
    """A job or a connector as the model knows it: what it plans, what its filter leaves, what it may not see."""

    owner: str
    source: Source
    plan: list[Scope]
    modulus: int = 1
    """Filter: items whose number is not a multiple of it are left out."""
    hidden: frozenset[str] = frozenset()
    """Parts that the source silently hides from this reader: ``mail``, ``links``, ``items``."""
    version: str = "1"

    def shown(self, place: Scope) -> list[Resource]:
        """Returns the resources that the source shows of a place, in an order of its own."""
        found = [self._resource(item) for item in self.source.items.values() if item.place == place and self._sees(item)]
        if self.source.random.random() < 0.3:
            self.source.random.shuffle(found)
        return found

    def _sees(self, item: Item) -> bool:
        number = int(item.id.rpartition(":")[2])
        if item.place.resource_type == LAGGING and self.source.late and self.source.late.random() < LATE:
            return False
        return number % self.modulus == 0 and not ("items" in self.hidden and number % 7 == 0)

    def _resource(self, item: Item) -> Resource:
        attributes = {key: value for key, value in item.attributes.items() if key not in self.hidden}
        links = () if "links" in self.hidden else item.links
        return Resource(item.id, "thing", item.place.resource_type, item.name, attributes, {"team": "a"}, links)


@dataclasses.dataclass
class View:
    """Ids that a scope has shown so far: those that are stored (`must`), and those that were sent (`may`)."""

    must: set[str] = dataclasses.field(default_factory=set)
    may: set[str] = dataclasses.field(default_factory=set)
    state: str = "current"
    stale: bool = False
    missed: dict[str, int] = dataclasses.field(default_factory=dict)
    """Ids that complete readings have lacked since the scope last showed them, and in which quarter the first did."""

    def complete(self, sent: set[str], quarter: int) -> None:
        """Takes in a complete reading."""
        self.missed = {one: self.missed.get(one, quarter) for one in (self.may | self.missed.keys()) - sent}
        self.must, self.may, self.stale = set(sent), set(sent), False

    @property
    def believed(self) -> bool:
        """True while the scope's word keeps an entity alive."""
        return self.state == "current" and not self.stale
