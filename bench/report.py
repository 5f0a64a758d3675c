"""Tables of figures: as Markdown for people, as JSON with every round for programs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.machine import Figures


@dataclass(frozen=True)
class Column:
    """show: from a row's figures to text; a figure that a row does not have is a dash."""

    title: str
    show: Callable[[Figures], str]


@dataclass(frozen=True)
class Goal:
    """met None: not measured in this run."""

    text: str
    got: str
    met: bool | None


@dataclass
class Table:
    title: str
    rows: dict[str, Figures]
    columns: list[Column]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        goals = [{"goal": goal.text, "got": goal.got, "met": goal.met} for goal in self.goals]
        return {"title": self.title, "rows": self.rows, "goals": goals, "notes": self.notes}


def number(name: str, digits: int = 0) -> Callable[[Figures], str]:
    def show(figures: Figures) -> str:
        value = figures.get(name)
        return "–" if value is None else f"{value:,.{digits}f}"

    return show


def percent(name: str) -> Callable[[Figures], str]:
    def show(figures: Figures) -> str:
        value = figures.get(name)
        return "–" if value is None else f"{value:.0%}"

    return show


def times(name: str, base: Figures, digits: int = 1) -> Callable[[Figures], str]:
    """How many times `base` a row's figure is."""

    def show(figures: Figures) -> str:
        value = figures.get(name)
        return "–" if value is None or not base.get(name) else f"×{value / base[name]:,.{digits}f}"

    return show


def in_markdown(table: Table) -> str:
    lines = [f"### {table.title}", ""]
    lines.append("| | " + " | ".join(column.title for column in table.columns) + " |")
    lines.append("|---|" + "---:|" * len(table.columns))
    for name, figures in table.rows.items():
        lines.append(f"| {name} | " + " | ".join(column.show(figures) for column in table.columns) + " |")
    if table.goals:
        lines += ["", "| goal | here | met |", "|---|---|---|"]
        words = {True: "yes", False: "no", None: "not measured"}
        lines += [f"| {goal.text} | {goal.got} | {words[goal.met]} |" for goal in table.goals]
    lines += ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join(lines) + "\n"
