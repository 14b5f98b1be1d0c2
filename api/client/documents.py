"""Values as YAML, by PyYAML where it is installed."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from api.client.errors import ClientError

LIKE_A_NUMBER = re.compile(r"[-+.\d]")
"""First character of texts that are quoted: readers of YAML 1.1 and 1.2 take different ones for numbers and dates (`1e3`, `0o14`)."""


def yaml(value: Any) -> str:
    """A value as YAML, its fields in their own order. Raises `ClientError` where PyYAML is not installed."""
    return _dump()(value)


@functools.cache
def _dump() -> Callable[[Any], str]:
    """Imports PyYAML, which only this form of the output needs."""
    try:
        import yaml as pyyaml  # noqa: PLC0415
    except ImportError:
        raise ClientError(
            "-o yaml needs PyYAML: pip install 'elder-worker[yaml]'; -o json prints what a reader of YAML takes too"
        ) from None

    class Dumper(pyyaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
        """Writes every value whole, without anchors, and quotes texts that look like numbers."""

        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if LIKE_A_NUMBER.match(value) else None)

    Dumper.add_representer(str, text)
    return functools.partial(pyyaml.dump, Dumper=Dumper, sort_keys=False, width=1000)
