"""Lists that Microsoft's services answer with success and with an error beside their items: a part of the list, and no more."""

from __future__ import annotations

import json
from typing import Any

from providers.errors import BadAnswer


def ensure_whole(answer: Any, who: str) -> None:
    """Raises `BadAnswer` with the service's own words for an answer with an `error`. `who` is the start of the sentence."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if error:
        code, message = (str(error.get(key) or "") for key in ("code", "message")) if isinstance(error, dict) else ("", str(error))
        raise BadAnswer(
            f"{who} with a part of the list and an error: {': '.join(filter(None, (code, message)))[:300]}", detail=json.dumps(error)[:2000]
        )
