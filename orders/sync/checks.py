"""Checking orders: claim what is due, ask in threads, write what was learned. Most answers are the old ones."""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from accounts import ovh
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent
from gateway import Gateway, OrderNotFound, OvhError
from orders import learning
from orders.answers import Answer, Question, ask, ask_more
from orders.evidence import Witness
from orders.models import Due, Order, Status
from orders.policy import Facts
from orders.sync import claims, expiry, reach
from orders.sync.claims import KINDS, Account
from orders.sync.seen import Seen, look_up
from orders.sync.turn import Turn

log = logging.getLogger(__name__)

POLL_BATCH = 2000
# How long a process remembers that OVHcloud takes batches of statuses, or does not.
REMEMBERED_S = 3600.0
LARGEST_BATCH = 50
# A task begins no other turn after so long; a turn and its last calls take 40 s more, and the task's limit is 60.
TASK_SECONDS = 15
# Status, object, steps, payment, bill: what an order takes whose status is another. A token comes about every second.
CALLS_OF_A_CHANGE = 5
# With so few orders it is found out whether batches are taken.
TRIAL_BATCH = 5
# Facts beside the status are read again so often, whatever the status says: of an unpaid order, whose date decides; of
# an order whose account is looked at; of all others.
UNPAID_LOOK, SEEN_LOOK, WHOLE_LOOK = timedelta(minutes=10), timedelta(hours=1), timedelta(hours=24)
STEPS_READ_AGAIN = timedelta(seconds=50)
# A bill or a refund follows its order's last change within so long.
PAPERS_FOLLOW = timedelta(hours=1)

_batches: dict[str, tuple[bool, float]] = {}


def poll_orders(limit: int = POLL_BATCH, kinds: Sequence[int] = KINDS) -> int:
    """
    Claim what is due, ask, and write what was learned. Returns how many orders were claimed; 0 while OVHcloud keeps
    silent and somebody else is finding out whether it answers again.
    """
    witness = Witness()
    try:
        with Turn(witness=witness) as turn:
            batching = takes_batches(turn.address)
            accounts = claims.claim(1 if turn.is_probe else limit, kinds, LARGEST_BATCH if batching else 1)
            check(turn, accounts, witness)
            return sum(len(account.orders) for account in accounts)
    except BreakerOpen:
        return 0


def poll_all() -> int:
    """Turn after turn while they are full, for as long as a task may last. Returns how many orders were claimed."""
    claimed, began = 0, time.monotonic()
    while True:
        turn = poll_orders()
        claimed += turn
        if turn < POLL_BATCH // 2 or time.monotonic() - began > TASK_SECONDS:
            return claimed


def poll_awaited(limit: int = 200) -> int:
    """Ask about what somebody waits for: watched orders, and those of Check now."""
    return poll_orders(limit, (Due.Kind.PEOPLE,))


def expire_orders(limit: int = POLL_BATCH) -> int:
    """
    Ask once more about what is about to expire or has, and mark what OVHcloud says is still unpaid.

    Returns how many were asked about or marked.
    """
    return poll_orders(limit, (Due.Kind.SOON,)) + expiry.mark_all_expired()


def check_orders(order_pks: Sequence[int]) -> None:
    """Ask OVHcloud about these orders, due or not, and keep what it says. The calls count as people's."""
    by_account: dict[int, list[int]] = defaultdict(list)
    for pk, nichandle in Order.objects.filter(pk__in=order_pks).values_list("pk", "nichandle"):
        by_account[nichandle].append(pk)
    links = ovh.usable_keys(list(by_account))
    reach.no_key(set(by_account) - set(links))
    no_key = [pk for nichandle, pks in by_account.items() if nichandle not in links for pk in pks]
    claims.move(dict.fromkeys(no_key, timezone.now() + claims.NO_KEY))
    witness = Witness()
    try:
        with Turn(people=True, witness=witness) as turn:
            accounts = [
                Account(links[nichandle], 0, pks) for nichandle, pks in by_account.items() if nichandle in links
            ]
            check(turn, accounts, witness)
    except BreakerOpen:
        return


def check(turn: Turn, accounts: Sequence[Account], witness: Witness) -> None:
    seen = look_up([pk for account in accounts for pk in account.orders])
    began = timezone.now()
    questions = {
        account.link.pk: [question_about(seen[pk], began) for pk in account.orders if pk in seen]
        for account in accounts
    }
    _afford(turn, accounts, questions)
    jobs = [job for account in accounts for job in _jobs(turn, account, questions[account.link.pk], seen)]
    # The longest first: the turn ends with its last call.
    jobs.sort(key=_calls, reverse=True)
    answers = [answer for found in turn.run(jobs) for answer in found or ()]
    _note_reach(seen, answers, began)
    _keep(seen, answers, witness)
    asked = {answer.order_id for answer in answers}
    # What our own fault or the end of the turn left unasked.
    claims.move({pk: began + timedelta(seconds=5) for pk, row in seen.items() if row.order_id not in asked})
    turn.settle(checked=sum(answer.error is None for answer in answers))


# --- Asking -----------------------------------------------------------------------------------------------------------
Job = partial[list[Answer]]


def takes_batches(address: str) -> bool | None:
    """Whether OVHcloud there takes batches of statuses; None: to be found out."""
    known, until = _batches.get(address, (None, 0.0))
    return known if time.monotonic() < until else None


def _afford(turn: Turn, accounts: Sequence[Account], questions: dict[int, list[Question]]) -> None:
    """
    Reserve what the dear routes take, for all accounts in one statement. Where a key has not so much, only the status
    is asked for, or nothing: a call that finds no token would throw away those before it, again and again.
    """
    a_call = LARGEST_BATCH if takes_batches(turn.address) else 1
    short = {}
    for account in accounts:
        asked = questions[account.link.pk]
        calls = -(-len(asked) // a_call) + sum(question.calls - 1 for question in asked)
        if calls > account.tokens:
            short[account.link.pk] = calls - account.tokens
    granted = turn.reserve(short)
    for account in accounts:
        link = account.link.pk
        account.tokens += granted.get(link, 0)
        missing = short.get(link, 0) - granted.get(link, 0)
        if missing > 0:
            questions[link] = _cut(questions[link], missing)


def _cut(questions: Sequence[Question], missing: int) -> list[Question]:
    """
    Spare so many calls, at the end of the row first. What must be answered whole is left out for this turn when the
    others have nothing more to spare; one question stays, and asks for its tokens on the way.
    """
    cut = []
    for question in reversed(questions):
        if missing > 0 and question.calls > 1 and not question.must_be_whole:
            missing -= question.calls - 1
            question = question.status_only()
        cut.append(question)
    kept: list[Question] = []
    for place, question in enumerate(cut, 1):
        is_all_there_is = place == len(cut) and not kept
        if missing > 0 and question.must_be_whole and not is_all_there_is:
            missing -= question.calls
        else:
            kept.append(question)
    return kept[::-1]


def _jobs(turn: Turn, account: Account, questions: list[Question], seen: dict[int, Seen]) -> list[Job]:
    """One job for each order, or for each batch of them where OVHcloud takes batches."""
    now = timezone.now()
    try:
        gateway = turn.gateway(account.link, account.tokens)
    except ovh.NoKey:
        reach.no_key([account.link.nichandle_id])
        claims.move(dict.fromkeys(account.orders, now + claims.NO_KEY))
        for pk in account.orders:
            seen.pop(pk, None)
        return []
    batching = takes_batches(turn.address)
    if batching is False or len(questions) < 2:
        return [partial(_ask_one, gateway, question) for question in questions]
    if batching is None:
        # One account finds it out; the others of this turn ask one by one.
        _batches[turn.address] = (False, time.monotonic() + REMEMBERED_S)
        trial, questions = questions[:TRIAL_BATCH], questions[TRIAL_BATCH:]
        singles = [partial(_ask_one, gateway, question) for question in questions]
        return [partial(_ask_batch, turn.address, gateway, trial), *singles]
    chunks = [questions[start : start + LARGEST_BATCH] for start in range(0, len(questions), LARGEST_BATCH)]
    return [partial(_ask_batch, turn.address, gateway, chunk) for chunk in chunks]


def _calls(job: Job) -> int:
    question = job.args[-1]
    return question.calls if isinstance(question, Question) else sum(each.calls for each in question)


def _ask_one(gateway: Gateway, question: Question) -> list[Answer]:
    return [ask(gateway, question)]


def _ask_batch(address: str, gateway: Gateway, questions: Sequence[Question]) -> list[Answer]:
    """All statuses in one call; what that leaves open is asked alone."""
    asked_at = timezone.now()
    statuses: dict[int, str] | None = None
    try:
        statuses = gateway.order_statuses([question.order_id for question in questions])
        _batches[address] = (statuses is not None, time.monotonic() + REMEMBERED_S)
    except OvhError as error:
        return [Answer(question.order_id, error=error, asked_at=asked_at) for question in questions]
    return [_rest(gateway, question, (statuses or {}).get(question.order_id), asked_at) for question in questions]


def _rest(gateway: Gateway, question: Question, status: str | None, asked_at: datetime) -> Answer:
    if status is None:
        return ask(gateway, question)
    try:
        return ask_more(gateway, question, status, asked_at)
    except OrderNotFound:
        return Answer(question.order_id, gone=True, asked_at=asked_at)
    except OvhError as error:
        return Answer(question.order_id, status, error=error, asked_at=asked_at)


def question_about(row: Seen, now: datetime) -> Question:
    """The dear routes only where they can tell something new."""
    facts = row.facts
    checked_at = row.status_checked_at
    asked = row.check_asked_at is not None and (checked_at is None or row.check_asked_at > checked_at)
    watched = facts.watched_until is not None and facts.watched_until > now
    moving = facts.status not in (Status.DELIVERED, Status.CANCELLED)
    # Its time is over: whether it was paid or prolonged in the meantime decides what it is called.
    lapsed = _is_over(facts, now)
    unpaid = facts.status == Status.NOT_PAID
    often = UNPAID_LOOK if unpaid else SEEN_LOOK if facts.is_looked_at(now) else WHOLE_LOOK
    whole = asked or lapsed or row.object_read_at is None or row.object_read_at < now - often
    papers = whole or row.status_since > now - PAPERS_FOLLOW
    steps_are_old = row.follow_up_read_at is None or row.follow_up_read_at < now - STEPS_READ_AGAIN
    return Question(
        row.order_id,
        known=facts.status,
        order=whole or facts.status == Status.UNKNOWN,
        follow_up=asked or watched or (not lapsed and steps_are_old and (moving or row.follow_up_read_at is None)),
        payment=row.payment_date is None and (lapsed or (papers and facts.was_paid)),
        associated=papers and not moving and facts.associated_type not in ("Bill", "Refund"),
        must_be_whole=asked or lapsed,
    )


def _is_over(facts: Facts, now: datetime) -> bool:
    return (
        facts.status == Status.NOT_PAID
        and facts.expired_at is None
        and facts.lapses_at is not None
        and facts.lapses_at <= now
    )


# --- Keeping ----------------------------------------------------------------------------------------------------------
def _note_reach(seen: dict[int, Seen], answers: Iterable[Answer], began: datetime) -> None:
    accounts = {row.order_id: row.nichandle for row in seen.values()}
    outcomes: dict[int, list[OvhError | None]] = defaultdict(list)
    for answer in answers:
        outcomes[accounts[answer.order_id]].append(answer.error)
    reach.note(outcomes, began)


def _keep(seen: dict[int, Seen], answers: Sequence[Answer], witness: Witness) -> None:
    """The old answers in one statement, the others one by one; one order's trouble never stops its batch."""
    now = timezone.now()
    by_number = {row.order_id: row for row in seen.values()}
    put_back: dict[int, datetime] = {}
    same: list[learning.Unchanged] = []
    others: list[tuple[Seen, Answer]] = []
    for answer in answers:
        row = by_number[answer.order_id]
        if isinstance(answer.error, BudgetSpent | BreakerOpen):
            # It changed, and the rest could not be asked: not before there are tokens for all of it.
            more = CALLS_OF_A_CHANGE if answer.status else 0
            put_back[row.pk] = _when_held_back(answer.error, now, more)
        elif unchanged := row.unchanged(answer, now):
            same.append(unchanged)
        else:
            others.append((row, answer))
    claims.move(put_back)
    written = learning.keep_unchanged(same)
    by_pk = {answer.order_id: answer for answer in answers}
    others += [(seen[each.pk], by_pk[seen[each.pk].order_id]) for each in same if each.pk not in written]
    witness.keep({row.order_id: row.pk for row, _answer in others})
    for row, answer in others:
        try:
            learning.learn(row.pk, answer, answer.asked_at or now, witness)
        except Exception:
            log.exception("the answer about an order could not be kept; its claim ends by itself")
    if any(each.is_lapsed for each in same):
        expiry.mark_expired([each.pk for each in same if each.is_lapsed])


def _when_held_back(error: BudgetSpent | BreakerOpen, now: datetime, more: int) -> datetime:
    # S311: jitter, not a secret. What piled up must not come back all at once.
    if isinstance(error, BreakerOpen):
        return max(error.retry_at, now) + timedelta(seconds=random.uniform(0, 5))  # noqa: S311
    return now + timedelta(seconds=(max(error.retry_after, 1) + more) * random.uniform(1, 1.5))  # noqa: S311
