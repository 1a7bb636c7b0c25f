"""``hangtag compare``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("first", metavar="A.json", type=click.Path(path_type=Path))
@click.argument("second", metavar="B.json", type=click.Path(path_type=Path))
@click.option(
    "--even-if-disturbed", is_flag=True, help="Compare although other work on a machine disturbed its run."
)
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON; ratios are B's over A's.")
def compare(first: Path, second: Path, *, even_if_disturbed: bool, as_json: bool) -> None:
    """Compare two results of hangtag benchmark, row by row: two machines, two dates, two versions.

    A.json and B.json are their benchmark.json. What is not comparable is refused with exit code 1: quick,
    stopped and disturbed runs, other frames or blocks, other input sizes, accuracy on other photos.
    """
    import json

    from hangtag_benchmarks.comparing.compare import compare as compared
    from hangtag_benchmarks.comparing.compare_report import to_json, to_text
    from hangtag_benchmarks.reports.result_json import read_result

    one, other = read_result(first), read_result(second)
    found = compared(one, other, even_if_disturbed=even_if_disturbed)
    if as_json:
        # ASCII, so that nothing in a file can be a command to the terminal.
        click.echo(json.dumps(to_json(one, other, found), ensure_ascii=True, allow_nan=False))
    else:
        click.echo(to_text(one, other, found))
