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
ALSO_GUARDED = ("accounts.Link", "accounts.Notice", "mfa.Authenticator")
NICHANDLES, USERS, NAMES, SECRETS = "accounts_nichandle", "accounts_user", "names of accounts", "secrets"
LINKS, SESSIONS = "accounts_link", "accounts_session"
# Whose name and address may be read: one's own, and both ends of a link that one may see. That opens nothing else.
TOLD_ACCOUNTS, TOLD_PEOPLE = "accounts that are told", "people who are told"
# Columns that say it without a key to another table; whoever names a secret holds it.
BY_VALUE = {
    "accounts_auditevent": {"subject": NAMES},
    NICHANDLES: {"id": TOLD_ACCOUNTS, "nichandle": NAMES},
    USERS: {"id": TOLD_PEOPLE, "nichandle_id": NICHANDLES},
    SESSIONS: {"user_id": USERS, "session_key": SECRETS},
    "carts_cart": {"visitor": SECRETS},
}
# What is of nobody where this column is NULL, in a block about these tables: names that a visitor looked for, and the
# budget of the whole installation, which no link was joined to.
OF_NOBODY: tuple[tuple[str, set[str]], ...] = (("nichandle_id", {"carts_domaincheck"}), ("link_id", {LINKS}))


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
        self.rows[TOLD_ACCOUNTS] = self.rows[NICHANDLES] | ({user.nichandle_id} if user else set())
        self.rows[TOLD_PEOPLE] = set(self.rows[USERS])

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
        if getattr(view, "finds_by_secret", False):
            return
        # Pages of orders are about one account, the account's page about one's own and what one holds.
        about_one = bool(CUSTOMERS_ONLY & set(request.resolver_match.namespaces))
        if request.nichandle is None:
            if about_one and not request.user.is_authenticated:
                # A visitor's cart is found by the secret in the session, and nothing else is anybody's.
                _scope.set(Scope(()))
            return
        own = {request.nichandle} if about_one else {request.nichandle, request.user.nichandle}
        _scope.set(Scope(own, request.user, and_held=not about_one))


def _look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    scope = _scope.get()
    if scope is not None:
        if not isinstance(sql, str):
            raise Unscoped("A statement that is no text cannot be looked at.")
        for block in _blocks(sql):
            if not all(_is_held(block, scope, given) for given in (params if many else [params])):
                tables = ", ".join(block.tables.values())
                raise Unscoped(
                    f"Rows of {tables} are not held to the customer who asks: … {sql[max(sql.find(' FROM '), 0) :]}"
                )
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
        if model._meta.db_table in guarded().keys() - {NICHANDLES, USERS, SESSIONS}:
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
    if table == LINKS:
        scope.admit(TOLD_ACCOUNTS, instance.__dict__.get("nichandle_id"))
        scope.admit(TOLD_PEOPLE, instance.__dict__.get("user_id"))
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


_WORD = re.compile(r"""'(?:[^']|'')*'|%%|%s|"[^"]+"|\w+|[()=,.;]|[^\s\w]+?""")
_PLACEHOLDER = re.compile(r"%\d+")
_ALIAS = re.compile(r"[A-Z]+\d+|[a-z]")
# The alias of a table that nothing ties to the others: what holds them does not hold it.
_BY_COMMA = ","
_SETS = set("UNION INTERSECT EXCEPT ;".split())
_ENDS_WHERE = set("GROUP ORDER LIMIT OFFSET FOR RETURNING HAVING WINDOW".split())
_READ = _SETS | _ENDS_WHERE | set("SELECT INTO OF WHERE AND OR IN ANY IS NULL CASE END AS".split())


@lru_cache(maxsize=1024)
def _blocks(sql: str) -> tuple[Block, ...]:
    """Those that name a guarded table. Kept by the text, so that a page's statements are read once a process."""
    if not any(table in sql for table in guarded()):
        return ()
    number, words = 0, []
    for word in _WORD.findall(sql):
        if word == "%s":
            word, number = f"%{number}", number + 1
        elif word.upper() in _READ:
            word = word.upper()  # somebody's own statement may be in small letters; names that Django writes are quoted
        words.append(word.strip('"'))
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
    """Note each block of these words, and those within it. What names a table and says no WHERE is held by nothing."""
    for part in _split(words, _SETS):
        tables, where = _tables(part), []
        if "WHERE" in part:
            begin = part.index("WHERE") + 1
            end = next((at for at in range(begin, len(part)) if str(part[at]) in _ENDS_WHERE), len(part))
            where = part[begin:end]
        found.append(Block(tables, around, _read_condition(where)))
        for word in part:
            if isinstance(word, list):
                _read_block(word, around | tables, found)


def _tables(words: list[Any]) -> dict[str, str]:
    """
    The guarded tables that a block reads or changes, by their aliases: wherever the name of one stands, but before a
    column, or where rows go INTO it.
    """
    found = {}
    for before, word, *after in zip(["", *words], words, [*words[1:], ""], [*words[2:], "", ""], strict=False):
        if not isinstance(word, str) or word not in guarded() or after[0] == "." or before in ("INTO", "OF"):
            continue
        alias = after[1] if after[0] == "AS" else after[0]
        own_alias = alias if isinstance(alias, str) and _ALIAS.fullmatch(alias) else word
        found[_BY_COMMA if before == "," else own_alias] = word
    return found


def _read_condition(words: list[Any]) -> Any:
    """
    What a WHERE says, as far as it may hold a block: ("or", …), ("and", …), or a Column and what it equals: numbers of
    placeholders, another Column, the name of the table that a query within is about, or None for NULL. None else.
    """
    while len(words) == 1 and isinstance(words[0], list):
        words = words[0]
    if "CASE" in words:
        # What is said within may decide nothing. The innermost goes first.
        end = words.index("END")
        begin = end - 1 - words[:end][::-1].index("CASE")
        return _read_condition([*words[:begin], "…", *words[end + 1 :]])
    for word in ("OR", "AND"):
        if word in words:
            return (word.lower(), *map(_read_condition, _split(words, {word})))
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


def _split(words: list[Any], at: set[str]) -> list[list[Any]]:
    parts: list[list[Any]] = [[]]
    for word in words:
        if isinstance(word, str) and word in at:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _is_held(block: Block, scope: Scope, params: Any) -> bool:
    """Whether each way to meet its WHERE leads to rows of this customer."""
    return _BY_COMMA not in block.tables and _holds(block.where, block, scope, params)


def _holds(condition: Any, block: Block, scope: Scope, params: Any) -> bool:
    if condition is None:
        return False
    first, *rest = condition
    if first in ("or", "and"):
        parts = (_holds(part, block, scope, params) for part in rest)
        return all(parts) if first == "or" else any(parts)
    if rest[0] is None:
        return (first.name, set(block.tables.values())) in OF_NOBODY
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
