"""What the process list shows of a command line."""

from __future__ import annotations

import pytest

from hangtag.cli.secrets import masked


@pytest.mark.parametrize("option", [["--webhook", "{}"], ["--webhook={}"]])
@pytest.mark.parametrize(
    "url", ["https://hooks.example/T0/SECRET", "https://u:SECRET@hooks.example/T0?SECRET"]
)
def test_the_path_of_a_webhook_is_its_password(option: list[str], url: str) -> None:
    given = ["hangtag", "camera", *(part.format(url) for part in option), "--source", "http://camera/live"]
    arguments, hidden = masked(given)
    line = " ".join(arguments)
    assert "SECRET" not in line
    assert "https://hooks.example#hidden-0" in line
    assert line.endswith("--source http://camera/live"), "what holds no secret stays as it is"
    assert list(hidden.values()) == [url]
    assert masked(arguments) == (arguments, {}), "started again, it does not start again"
