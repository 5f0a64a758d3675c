"""
A customer's request reads and changes rows of that customer and of nobody else, whatever a view forgot.

Every statement is looked at before it leaves, whichever manager made it. Each SELECT, UPDATE or DELETE in it that names
a table of customers' rows must be held to them by its own WHERE: to the account, to the person, to a row that this
request got in the same way, or to the row of the query around it. Else it raises Unscoped. Staff and tasks serve every
account, so they pass, but for what they do for one alone: see `only`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from django.apps import apps
from django.db import connection, models
from django.db.models.signals import post_init, post_save
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.middleware import CUSTOMERS_ONLY

View = TypeVar("View", bound=Callable[..., Any])

# Rows of a customer: whatever of these apps leads to an account or a person, and these.
GUARDED = ("orders", "carts")
ALSO_GUARDED = ("accounts.Link", "accounts.Notice")
NICHANDLES, USERS, NAMES, SECRETS = "accounts_nichandle", "accounts_user", "names of accounts", "secrets"
LINKS = "accounts_link"
# Columns that say it without a key to another table; whoever names a secret holds it.
BY_VALUE = {"accounts_auditevent": {"subject": NAMES}, "carts_cart": {"visitor": SECRETS}}


class Unscoped(RuntimeError):
    """A statement of a customer's request that is not held to that customer. The request ends with it."""


class Scope:
    """Which rows are this customer's, by table: accounts and person to begin with, then whatever was read by them."""

    def __init__(self, nichandles: Iterable[Any], user: Any = None, *, and_held: bool = False) -> None:
        """and_held: a link of this person's, once read, opens its account, too."""
        own, self.and_held = list(nichandles), and_held
        self.rows: dict[str, set[Any]] = {
            NICHANDLES: {nichandle.pk for nichandle in own},
            NAMES: {nichandle.nichandle for nichandle in own},
            USERS: {user.pk} if user else set(),
        }

    def has(self, table: str, values: Iterable[Any]) -> bool:
        return table == SECRETS or set(values) <= self.rows.get(table, set())

    def admit(self, table: str, pk: Any) -> None:
        self.rows.setdefault(table, set()).add(pk)


_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)


@contextmanager
def only(*nichandles: Any, user: Any = None) -> Iterator[None]:
    """Until it ends, statements of this thread must be held to these accounts, or to this person."""
    token = _scope.set(Scope(nichandles, user))
    try:
        with connection.execute_wrapper(_look):
            yield
    finally:
        _scope.reset(token)


def finds_by_secret(view: View) -> View:
    """Decorator: this view finds rows by what only its visitor holds, or signs somebody in. A test pins which do."""
    view.finds_by_secret = True  # type: ignore[attr-defined]
    return view


class OwnRowsOnly:
    """The last of the middleware to decide who is asking: from here on a customer's request is held to its rows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _scope.set(None)
        try:
            with connection.execute_wrapper(_look):
                return self.get_response(request)
        finally:
            _scope.reset(token)

    def process_view(self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if request.nichandle is None or getattr(view, "finds_by_secret", False):
            return
        # Pages of orders are about one account, the account's page about one's own and what one holds.
        about_one = bool(CUSTOMERS_ONLY & set(request.resolver_match.namespaces))
        own = {request.nichandle} if about_one else {request.nichandle, request.user.nichandle}
        _scope.set(Scope(own, request.user, and_held=not about_one))


def _look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    scope = _scope.get()
    if scope is not None and isinstance(sql, str):
        for block in _blocks(sql):
            if not all(_is_held(block, scope, given) for given in (params if many else [params])):
                tables = ", ".join(block.tables.values())
                raise Unscoped(f"Rows of {tables} are not held to the customer who asks: … {sql[sql.find('FROM') :]}")
    return execute(sql, params, many, context)


# --- Which tables, and what leads from them to their owner ------------------------------------------------------------
@cache
def guarded() -> dict[str, dict[str, str]]:
    """By table: its columns that say whose a row is, each with the table that the column points to."""
    found: dict[str, dict[str, str]] = {}
    chosen = [model for app in GUARDED for model in apps.get_app_config(app).get_models()]
    chosen += map(apps.get_model, ALSO_GUARDED)
    tables = {model._meta.db_table for model in chosen} | {NICHANDLES, USERS}
    for model in chosen:
        keys: list[Any] = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
        pointed = {field.column: field.related_model._meta.db_table for field in keys}
        columns = {column: table for column, table in pointed.items() if table in tables}
        if columns:
            found[model._meta.db_table] = {model._meta.pk.column: model._meta.db_table} | columns
    return found | {table: found.get(table, {}) | columns for table, columns in BY_VALUE.items()}


def watch() -> None:
    """Rows that were read or made by a scoped statement may be the beginning of the next one."""
    for model in apps.get_models():
        if model._meta.db_table in guarded():
            post_init.connect(_row_was_read, sender=model, dispatch_uid="accounts.scope")
            post_save.connect(_row_was_read, sender=model, dispatch_uid="accounts.scope")


def _row_was_read(sender: type[models.Model], instance: models.Model, **kwargs: Any) -> None:
    scope = _scope.get()
    if scope is None or instance.pk is None:
        return
    table = sender._meta.db_table
    told = [
        scope.has(target, [instance.__dict__[column]])
        for column, target in guarded()[table].items()
        if target in (NICHANDLES, USERS) and instance.__dict__.get(column) is not None
    ]
    if told and not any(told):
        raise Unscoped(f"A row of {table} that belongs to somebody else came into a customer's request.")
    scope.admit(table, instance.pk)
    if scope.and_held and table == LINKS and scope.has(USERS, [instance.__dict__.get("user_id")]):
        scope.admit(NICHANDLES, instance.__dict__.get("nichandle_id"))


# --- What a statement is held to --------------------------------------------------------------------------------------
class Column(NamedTuple):
    alias: str
    name: str


class Block(NamedTuple):
    """One SELECT, UPDATE or DELETE, at whatever depth: guarded tables by alias, those around it, and its WHERE."""

    tables: dict[str, str]
    around: dict[str, str]
    where: Any


_WORD = re.compile(r"""'(?:[^']|'')*'|%%|%s|"[^"]+"|\w+|[()=,.]|[^\s\w]+?""")
_PLACEHOLDER = re.compile(r"%\d+")
_ALIAS = re.compile(r"[A-Z]+\d+")
_ENDS_WHERE = set("GROUP ORDER LIMIT OFFSET FOR RETURNING HAVING UNION INTERSECT EXCEPT WINDOW".split())


@lru_cache(maxsize=1024)
def _blocks(sql: str) -> tuple[Block, ...]:
    """Those that name a guarded table. Kept by the text, so that a page's statements are read once a process."""
    if not any(table in sql for table in guarded()):
        return ()
    number, words = 0, []
    for word in _WORD.findall(sql):
        if word == "%s":
            word, number = f"%{number}", number + 1
        words.append(word.strip('"') if word.startswith('"') else word)
    found: list[Block] = []
    _read_block(_nested(iter(words)), {}, found)
    return tuple(block for block in found if block.tables)


def _nested(words: Iterator[str]) -> list[Any]:
    """Parentheses as lists in lists."""
    inside: list[Any] = []
    for word in words:
        if word == ")":
            break
        inside.append(_nested(words) if word == "(" else word)
    return inside


def _read_block(words: list[Any], around: dict[str, str], found: list[Block]) -> None:
    """Note this block when it is one, and those within it."""
    verb = next((word for word in words if word in ("SELECT", "UPDATE", "DELETE", "INSERT")), "INSERT")
    if verb != "INSERT":
        tables, where = _tables(words), []
        if "WHERE" in words:
            begin = words.index("WHERE") + 1
            end = next((at for at in range(begin, len(words)) if str(words[at]) in _ENDS_WHERE), len(words))
            where = words[begin:end]
        found.append(Block(tables, around, _read_condition(where)))
        around = around | tables
    for word in words:
        if isinstance(word, list):
            _read_block(word, around, found)


def _tables(words: list[Any]) -> dict[str, str]:
    """The guarded tables that a block reads or changes, by their aliases."""
    named = [*words, "", ""]
    found = {}
    for place, word in enumerate(words):
        table, alias = named[place + 1 : place + 3]
        if word in ("FROM", "JOIN", "UPDATE") and isinstance(table, str) and table in guarded():
            found[alias if isinstance(alias, str) and _ALIAS.fullmatch(alias) else table] = table
    return found


def _read_condition(words: list[Any]) -> Any:
    """
    What a WHERE says, as far as it may hold a block: ("or", …), ("and", …), or a Column and what it equals: numbers of
    placeholders, another Column, the name of the table that a query within is about, or None for NULL. None else.
    """
    while len(words) == 1 and isinstance(words[0], list):
        words = words[0]
    for word in ("OR", "AND"):
        if word in words:
            return (word.lower(), *map(_read_condition, _split(words, word)))
    match words:
        case [str(alias), ".", str(name), "IS", "NULL"]:
            return (Column(alias, name), None)
        case [str(alias), ".", str(name), "=" | "IN", *rest]:
            rest = rest[1:] if rest[:1] == ["ANY"] else rest
            values = rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest
            if values[:1] == ["SELECT"]:
                return (Column(alias, name), next(iter(_tables(values).values()), ""))
            match values:
                case [str(other), ".", str(what)]:
                    return (Column(alias, name), Column(other, what))
            numbers = [word for word in values if word != ","]
            if numbers and all(isinstance(one, str) and _PLACEHOLDER.fullmatch(one) for one in numbers):
                return (Column(alias, name), [int(one[1:]) for one in numbers])
    return None


def _split(words: list[Any], at: str) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for word in words:
        if word == at:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _is_held(block: Block, scope: Scope, params: Any) -> bool:
    """Whether each way to meet its WHERE leads to rows of this customer."""
    return _holds(block.where, block, scope, params)


def _holds(condition: Any, block: Block, scope: Scope, params: Any) -> bool:
    if condition is None:
        return False
    first, *rest = condition
    if first in ("or", "and"):
        parts = (_holds(part, block, scope, params) for part in rest)
        return all(parts) if first == "or" else any(parts)
    if rest[0] is None:
        # The budget of the whole installation, which no link was joined to.
        return first.name == "link_id" and set(block.tables.values()) == {LINKS}
    target = guarded().get(block.tables.get(first.alias, ""), {}).get(first.name)
    if target is None:
        return False
    match rest[0]:
        case Column(alias, name):
            # A row of a query around this one, which is looked at by itself.
            return name in guarded().get(block.around.get(alias, ""), {})
        case str(table):
            return bool(table)
        case numbers:
            given = [params[number] for number in numbers]
            return scope.has(target, [one for each in given for one in (each if isinstance(each, list) else [each])])
