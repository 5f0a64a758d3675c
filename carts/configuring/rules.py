"""
What a registry asks of whoever wants a name, read from the tree that OVHcloud tells, as hints at the fields.

Sources: schema domain.configuration.rules.Rule, and OVHcloud's guide "Managing Eligibility Rules". A rule is about a
label, or about fields within one; it holds constraints, and rules that are all to hold (`and`) or one of them (`or`).
Rule and constraint count under `conditions`, a rule again, and in some `contexts`.

Whether something holds is True, False, or None: not known here. The dry run decides; nothing is forbidden by this.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Rule = Mapping[str, Any]
# By label: what was filled in, or the fields of a contact; a label or a field that is not there is not known.
Facts = Mapping[str, Any]
Verdict = bool | None

# Contexts of the schema that go with a label of the item.
_CONTEXTS = {
    "ACCEPT_CONDITIONS": "accept_conditions",
    "CLAIMS_NOTICE": "claims",
    "PROTECTED_CODE": "protected_code",
    "REASON": "reason",
}
_ABOUT_NOTHING = ("required", "notempty", "empty")
# More than any tree holds; what comes after is not told.
MOST_ASKS = 1_000


@dataclass(frozen=True, slots=True)
class Ask:
    """
    One constraint. label: of the form. field: within it ("address.city"), or "" for the label itself.

    conditions: rules that must all hold for it to count. is_choice: another branch of an `or` may do instead.
    """

    label: str
    field: str
    operator: str
    values: tuple[str, ...]
    example: str
    description: str
    conditions: tuple[Rule, ...]
    is_choice: bool


@dataclass(frozen=True, slots=True)
class Registry:
    """A tree, read in its contexts."""

    contexts: frozenset[str]
    asks: Sequence[Ask]

    @classmethod
    def of(cls, tree: Rule | None, action: str, pricing_mode: str, labels: Iterable[str]) -> "Registry":
        contexts = {action, "order", *(_CONTEXTS[label] for label in labels if label in _CONTEXTS)}
        if "premium" in pricing_mode:
            contexts.add("premium")
        asks = []
        for ask in _walk(tree or {}, frozenset(contexts), "", (), is_choice=False):
            asks.append(ask)
            if len(asks) == MOST_ASKS:
                break
        return cls(frozenset(contexts), asks)

    def about(self, label: str) -> list[Ask]:
        return [ask for ask in self.asks if ask.label == label]

    def counts(self, ask: Ask, facts: Facts) -> Verdict:
        """Whether it is asked for, things being so."""
        known = _all(holds(rule, facts, self.contexts) for rule in ask.conditions)
        return None if known and ask.is_choice else known

    def against(self, label: str, facts: Facts) -> list[str]:
        """Fields of this label whose values are surely against the rules, each once."""
        fields = (
            ask.field
            for ask in self.about(label)
            if self.counts(ask, facts) is True and _is_met(ask, _value(facts, label, ask.field)) is False
        )
        return list(dict.fromkeys(fields))


def _walk(
    rule: Rule, contexts: frozenset[str], label: str, conditions: tuple[Rule, ...], *, is_choice: bool
) -> Iterator[Ask]:
    """label: of what the rule's own label is a field."""
    if not _is_in(rule, contexts):
        return
    own, conditions = _text(rule.get("label")), conditions + _rules([rule.get("conditions")])
    for constraint in _rules(rule.get("constraints")):
        if (own or label) and _is_in(constraint, contexts):
            yield Ask(
                label=label or own,
                field=own if label else "",
                operator=_text(constraint.get("operator")),
                values=_values(constraint),
                example=_text(rule.get("placeholder")),
                description=_text(rule.get("description")),
                conditions=conditions + _rules([constraint.get("conditions")]),
                is_choice=is_choice,
            )
    for one in _rules(rule.get("and")):
        yield from _walk(one, contexts, label, conditions, is_choice=is_choice)
    either = _rules(rule.get("or"))
    for one in either:
        yield from _walk(one, contexts, label, conditions, is_choice=is_choice or len(either) > 1)
    for one in _rules([rule.get("fields")]):
        yield from _walk(one, contexts, label or own, conditions, is_choice=is_choice)


def holds(rule: Rule, facts: Facts, contexts: frozenset[str], label: str = "") -> Verdict:
    """Whether a rule is kept, things being so; one that does not count is. label: as `_walk` has it."""
    if not _is_in(rule, contexts):
        return True
    own = _text(rule.get("label"))
    verdicts = [
        _unless(_conditions(one, facts, contexts), _met(one, _value(facts, label or own, own if label else "")))
        for one in _rules(rule.get("constraints"))
        if _is_in(one, contexts)
    ]
    verdicts += [holds(one, facts, contexts, label) for one in _rules(rule.get("and"))]
    either = [holds(one, facts, contexts, label) for one in _rules(rule.get("or"))]
    if either:
        verdicts.append(_any(either))
    verdicts += [holds(one, facts, contexts, label or own) for one in _rules([rule.get("fields")])]
    return _unless(_conditions(rule, facts, contexts), _all(verdicts))


def _conditions(of: Rule, facts: Facts, contexts: frozenset[str]) -> Verdict:
    return _all(holds(rule, facts, contexts) for rule in _rules([of.get("conditions")]))


def _unless(counts: Verdict, kept: Verdict) -> Verdict:
    """What counts must be kept; what does not is."""
    if counts is False or kept is True:
        return True
    return kept if counts else None


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return False if False in found else None if None in found else True


def _any(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return True if True in found else None if None in found else False


# --- A value and a constraint -----------------------------------------------------------------------------------------
def _is_met(ask: Ask, value: str | None) -> Verdict:
    """Of what is filled in: whether something must be there at all, its own constraint says."""
    if value == "" and ask.operator not in _ABOUT_NOTHING:
        return True
    return _judged(ask.operator, ask.values, value)


def _met(constraint: Rule, value: str | None) -> Verdict:
    return _judged(_text(constraint.get("operator")), _values(constraint), value)


def _judged(operator: str, values: tuple[str, ...], value: str | None) -> Verdict:
    """None for what is not known, and for what we do not judge: no pattern of somebody else's is run here."""
    if value is None:
        return None
    match operator:
        case "required" | "notempty":
            return bool(value)
        case "empty":
            return not value
        case "eq" | "contains":
            return _folded(value) in {_folded(one) for one in values}
        case "ne" | "notcontains":
            return _folded(value) not in {_folded(one) for one in values}
        case "shouldbetrue":
            return value in ("true", "1")
        case "minlength" | "maxlength" | "between" | "gt" | "gte" | "lt" | "lte":
            return _measured(operator, [_number(one) for one in values], value)
        case _:
            return None


def _measured(operator: str, bounds: Sequence[Decimal | None], value: str) -> Verdict:
    measured = Decimal(len(value)) if operator in ("minlength", "maxlength", "between") else _number(value)
    known = [bound for bound in bounds if bound is not None]
    if measured is None or len(known) != (2 if operator == "between" else 1):
        return None
    match operator:
        case "minlength" | "gte":
            return measured >= known[0]
        case "maxlength" | "lte":
            return measured <= known[0]
        case "gt":
            return measured > known[0]
        case "lt":
            return measured < known[0]
        case _:
            return min(known) <= measured <= max(known)


def _value(facts: Facts, label: str, field: str) -> str | None:
    """None: not known. A contact that is chosen is something, whatever it is."""
    if label not in facts:
        return None
    held = facts[label]
    if not field:
        return "…" if isinstance(held, Mapping) else _text(held)
    for part in field.split("."):
        if not isinstance(held, Mapping) or part not in held:
            return None
        held = held[part]
    return None if isinstance(held, Mapping | list) else _text(held)


# --- What the tree holds, whatever it holds ---------------------------------------------------------------------------
def _is_in(rule: Rule, contexts: frozenset[str]) -> bool:
    named = rule.get("contexts")
    return not isinstance(named, list) or not named or not contexts.isdisjoint(map(_text, named))


def _rules(value: Any) -> tuple[Rule, ...]:
    return tuple(one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def _values(constraint: Rule) -> tuple[str, ...]:
    several = constraint.get("values")
    found = [_text(one) for one in several] if isinstance(several, list) else []
    return tuple(dict.fromkeys(one for one in (_text(constraint.get("value")), *found) if one))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float | Decimal) else ""


def _folded(text: str) -> str:
    return text.strip().casefold()


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
