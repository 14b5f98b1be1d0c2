"""The Directory API of one customer: a sign-in for each OAuth scope, lists read to their last page.

A token asked for with several scopes is refused as a whole when the domain has not delegated one of them; asked for one by one, only
what that scope covers is denied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from providers.concurrency import OncePerKey
from providers.errors import Denied, ProviderError
from providers.google import failure as google_failure
from providers.google import key as google_key
from providers.google import signin as google_signin
from providers.google.answers import check_answer, listed
from providers.google.causes import NotFound
from providers.google.operator import GoogleOperator
from providers.google_workspace.catalogue import GROUPS, USERS, Listing
from providers.google_workspace.config import GoogleWorkspaceConfig
from providers.http.client import Explain, Http
from providers.http.response import HttpResponse, own_words
from providers.pages import Page, by_token, items, restarted

SERVICE = "admin.googleapis.com"
NAME = "Google Workspace"


class Client:
    """Safe to use from several threads."""

    def __init__(self, config: GoogleWorkspaceConfig, operator: GoogleOperator) -> None:
        """Reads the key; nothing is sent yet. Raises `ConfigError`."""
        self._config, path = config, config.credentials_path
        key = google_key.read_operator(path, "credentials_path", (google_key.SERVICE_ACCOUNT,)) if path else config.credentials
        at = "credentials_path" if path else "credentials"
        self._signin = google_signin.sign_in(operator, [USERS.scope], key=key, at=at, subject=config.admin_email)
        self._clients = OncePerKey[str, Http]()
        self.credential = self._signin.credential
        self.credential.confirm_by(lambda: self._http(USERS.scope).confirm(self._administrator_url))

    def close(self) -> None:
        """Closes all open connections."""
        for http in self._clients.computed():
            http.close()

    def administrator(self) -> dict[str, Any]:
        """The administrator that we act as: `id`, `primaryEmail`, `customerId`, `isAdmin`, `isDelegatedAdmin`."""
        what = f"look up {self._config.admin_email}"
        return self._http(USERS.scope).get(self._administrator_url, what=what, permission=USERS.scope).object()

    @property
    def _administrator_url(self) -> str:
        fields = "id,primaryEmail,customerId,isAdmin,isDelegatedAdmin"
        return f"/admin/directory/v1/users/{quote(self._config.admin_email, safe='@')}?fields={fields}"

    def has_group(self, group: str) -> bool:
        """True for the id of a group that is there."""
        try:
            self._http(GROUPS.scope).get(
                f"/admin/directory/v1/groups/{quote(group)}?fields=id", what="look up a group", permission=GROUPS.scope
            )
        except NotFound:
            return False
        return True

    def list(self, listing: Listing, scope: str, **names: str) -> Iterator[Any]:
        """Every item once, to the last page. Raises a `ProviderError`."""
        return items(restarted(lambda: self._pages(listing, scope, names), key=listing.restart_key))

    def _pages(self, listing: Listing, scope: str, names: Mapping[str, str]) -> Iterator[Page]:
        def ask(token: Any, size: int) -> Page:
            url = listing.url(size=size, token=token or "", **names)
            answer = self._http(scope).get(url, what=listing.what, permission=scope).object()
            check_answer(answer, listing.items, listing.what)
            return Page(listed(answer, listing.items, listing.what), answer.get("nextPageToken"), answer)

        return by_token(ask, what=listing.what, size=listing.largest)

    def _http(self, scope: str) -> Http:
        return self._clients.get(scope, lambda: self._signin.scoped([scope]).http(SERVICE, NAME, explain=self._explain(scope)))

    def _explain(self, scope: str) -> Explain:
        """The Directory API does not say what a 403 lacks: the scope was granted with the token, so it is the administrator's rights."""

        def read(answer: HttpResponse, what: str) -> ProviderError | None:
            found = google_failure.of_answer(NAME, answer, what)
            if found or answer.status != 403 or answer.body.lstrip().startswith(b"<"):
                return found
            who = f"{self._config.admin_email} has no admin role that may read it through {scope}"
            return Denied(f"{NAME} refuses to {what} (403): {who}{own_words(answer)}", permission=scope, detail=answer.text())

        return read
