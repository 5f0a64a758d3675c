"""The form of one item: what is asked for, what was filled in, and what is wrong with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from accounts.models import Nichandle
from carts.configuring import asked
from carts.configuring.contacts import shown
from carts.configuring.fields import field_for
from carts.configuring.labels import BOXES, Words, is_earnest, is_filled, missing, words_of
from carts.configuring.rules import Registry
from carts.models import CartItem, Configuration, Contact


@dataclass(frozen=True, slots=True)
class Row:
    """
    One field as the page draws it. kept: a secret that is stored and never shown again. people: contacts by their path.

    is_ruled: the registry has rules about it. asks: those, in sentences. suggestions: values it names. example: of one.
    own_misfit: what speaks against the account's own holder.
    """

    label: str
    kind: str
    words: Words
    bound: Any
    id: str
    errors: Sequence[str]
    kept: bool
    is_missing: bool
    people: Mapping[str, Any]
    is_ruled: bool = False
    asks: Sequence[str] = ()
    suggestions: Sequence[str] = ()
    example: str = ""
    own_misfit: str = ""

    @property
    def described_by(self) -> str:
        """Ids of what tells about it."""
        return f"{self.id}-help {f'{self.id}-rules ' if self.is_ruled else ''}{self.id}-state"

    @property
    def widget(self) -> SafeString:
        attrs: dict[str, Any] = {"id": self.id, "aria-describedby": self.described_by}
        if self.suggestions:
            attrs["list"] = f"{self.id}-values"
        if self.example and self.kind in ("text", "lines"):
            attrs["placeholder"] = self.example
        if self.errors:
            attrs["aria-invalid"] = "true"
        return SafeString(self.bound.as_widget(attrs=attrs))

    @property
    def options(self) -> list[tuple[str, str, str, bool, Any]]:
        """Of a choice: id, value, words, whether it is chosen, and which contact it is."""
        chosen = str(self.bound.value() or "")
        return [
            (f"{self.id}-{n}" if n else self.id, value, text, value == chosen, self.people.get(value))
            for n, (value, text) in enumerate(self.bound.field.choices)
        ]

    @property
    def is_ticked(self) -> bool:
        return bool(self.bound.value())


class ConfigureForm(forms.Form):
    """
    item: with its cart. configurations: the item's. contacts: the account's. account: whose it is. rules: what the
    registry asks, as RegistryRule has it.

    Valid fields are kept even if others are not: read `cleaned_data` whatever `is_valid` says.
    """

    def __init__(
        self,
        item: CartItem,
        configurations: Iterable[Configuration],
        contacts: Iterable[Contact],
        account: Nichandle,
        data: Any = None,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        self.item, self.contacts, self.account = item, list(contacts), account
        self.people = {one.path: shown(one) for one in self.contacts if one.path}
        self.rows_kept = {row.label: row for row in configurations}
        self.requirements = _all_requirements(item, self.rows_kept)
        super().__init__(data, prefix="at", initial=self._initial())
        for requirement in self.requirements:
            self.fields[requirement["label"]] = field_for(requirement, self.contacts, account.nichandle)
        labels = [requirement["label"] for requirement in self.requirements]
        self.registry = Registry.of(rules, item.action, item.pricing_mode, labels)

    def _initial(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for requirement in self.requirements:
            row = self.rows_kept.get(requirement["label"])
            if row is None or row.label in Configuration.SECRET_LABELS:
                continue
            if row.label == "DNS":
                found[row.label] = row.value.replace(";", "\n")
            elif row.label in (*BOXES, "KEEP_DNS"):
                found[row.label] = row.value in ("true", "1")
            else:
                found[row.label] = row.value
        return found

    def values(self) -> dict[str, str]:
        """What is worth keeping, by label. An empty field takes back what was there; an empty secret leaves it."""
        self.is_valid()
        return {
            label: value
            for label, value in self.cleaned_data.items()
            if value or label not in Configuration.SECRET_LABELS
        }

    @cached_property
    def _own(self) -> dict[str, Any]:
        return asked.own_facts(self.account)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """What was filled in, as the registry's rules see it; with it each contact is told what speaks against it."""
        people = {one.path: one.facts for one in self.contacts if one.path}
        facts = asked.facts_of(self.rows_kept, people, self._own, self.account.nichandle)
        for path, contact in people.items():
            self.people[path]["misfit"] = asked.misfits(self.registry, contact, facts)
        return facts

    def _rules_of(self, label: str) -> dict[str, Any]:
        """What a row tells of the registry's rules; nothing where it has none."""
        if not self.registry.about(label):
            return {}
        kind = self.fields[label].kind  # type: ignore[attr-defined]
        own_misfit = asked.misfits(self.registry, self._own, self._facts) if label == "OWNER_CONTACT" else ""
        return {
            "is_ruled": True,
            "asks": asked.hints(self.registry, label, self._facts),
            "suggestions": asked.suggestions(self.registry, label, self._facts) if kind == "text" else (),
            "example": asked.example(self.registry, label),
            "own_misfit": own_misfit,
        }

    @cached_property
    def rows(self) -> list[Row]:
        lacking = set(missing(self.item, self.rows_kept.values()))
        rows = [self._row(requirement["label"], lacking) for requirement in self.requirements]
        # What has to be filled in stands first, in OVHcloud's order.
        earnest = {one["label"] for one in self.requirements if is_earnest(self.item, one)}
        return sorted(rows, key=lambda row: row.label not in earnest)

    def _row(self, label: str, lacking: set[str]) -> Row:
        kept, bound = self.rows_kept.get(label), self[label]
        errors = [str(error) for error in bound.errors]
        if not errors and kept is not None and kept.problem:
            errors = [kept.problem]
        return Row(
            label=label,
            kind=self.fields[label].kind,  # type: ignore[attr-defined]
            words=words_of(label),
            bound=bound,
            id=f"at-{re.sub(r'[^A-Za-z0-9_]', '-', label)}",
            errors=errors,
            kept=kept is not None and bool(kept.encrypted_value),
            is_missing=label in lacking,
            people=self.people,
            **self._rules_of(label),
        )

    @property
    def wrong(self) -> list[Row]:
        return [row for row in self.rows if row.errors]


def _all_requirements(item: CartItem, rows: dict[str, Configuration]) -> list[dict[str, Any]]:
    """What OVHcloud announced, and what its dry run asked for besides: it announces too little now and then."""
    announced = [dict(one) for one in item.requirements or ()]
    known = {one["label"] for one in announced}
    unheard = [row for label, row in rows.items() if label not in known and (row.problem or is_filled(row))]
    return announced + [{"label": row.label, "type": "String", "required": bool(row.problem)} for row in unheard]
