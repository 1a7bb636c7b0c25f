"""What tests of the page's model files share."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from web.node_process import NodePage, Thrown

from hangtag.contract import ModelContract

_TURNS_THE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def plain(contract: ModelContract) -> dict[str, Any]:
    """Return a contract as its JSON says it."""
    whole: dict[str, Any] = json.loads(contract.to_json())
    return whole


def check_message(thrown: Thrown) -> None:
    """Fail unless an error is the page's own, and one short line."""
    assert thrown.kind == "ModelError", thrown
    assert not _TURNS_THE_LINE.search(str(thrown))
    assert len(str(thrown)) < 400


def refused(page: NodePage, call: str, data: bytes) -> str:
    """Return what the page says of bytes that it must refuse."""
    with pytest.raises(Thrown) as caught:
        page.call(call, data)
    check_message(caught.value)
    return str(caught.value)
