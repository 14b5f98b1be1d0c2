"""When earlier runs attempted each scope: what decides the order of a plan."""

from __future__ import annotations

from collections.abc import Iterable

from providers.records import Scope


class Attempts:
    """The scopes that earlier runs have attempted, the oldest attempt first. A scope that is not among them was never attempted."""

    def __init__(self, scopes: Iterable[Scope] = ()) -> None:
        self._ranks = {scope: rank for rank, scope in enumerate(scopes, 1)}
        self._accounts: dict[str, int] = {}
        for scope, rank in self._ranks.items():
            self._accounts.setdefault(scope.account, rank)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes, the oldest attempt first."""
        return tuple(self._ranks)

    def rank(self, scopes: Iterable[Scope]) -> int:
        """The place of a read in the order, by the oldest attempt among its scopes; 0 when one was never attempted."""
        return min((self._ranks.get(scope, 0) for scope in scopes), default=0)

    def accounts(self, names: Iterable[str]) -> list[str]:
        """Accounts in the order in which they are to be planned: those never attempted first, then by their oldest attempt."""
        return sorted(names, key=lambda name: self._accounts.get(name, 0))
