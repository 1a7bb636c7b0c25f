"""Tables as aligned text and as Markdown, from the same cells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of cells; the first ``text_columns`` are aligned left, the others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1

    def text(self) -> str:
        """Return aligned columns, two spaces apart."""
        cells = (self.header, *self.rows)
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.header))]
        return "\n".join(self._line(row, widths) for row in cells)

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(
            cell.ljust(width) if column < self.text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()

    def without(self, names: Collection[str]) -> Table:
        """Return the table without the columns under these headers."""
        kept = [column for column, name in enumerate(self.header) if name not in names]
        return Table(
            tuple(self.header[column] for column in kept),
            tuple(tuple(row[column] for column in kept) for row in self.rows),
            sum(column < self.text_columns for column in kept),
        )

    def markdown(self) -> str:
        """Return a Markdown table."""
        rule = [":--" if column < self.text_columns else "--:" for column in range(len(self.header))]
        return "\n".join(
            "| " + " | ".join(row) + " |"
            for row in ([escape(cell) for cell in self.header], rule, *map(self._escaped, self.rows))
        )

    @staticmethod
    def _escaped(row: Sequence[str]) -> list[str]:
        return [escape(cell) for cell in row]


def escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    for special in "\\|`*_<>[]":
        text = text.replace(special, "\\" + special)
    return text


def printable(text: str) -> str:
    """Return text that does nothing to a terminal, whatever a file is called; its lines stay."""
    return "\n".join(
        "".join(one if one.isprintable() else ascii(one)[1:-1] for one in line) for line in text.split("\n")
    )
