"""Encrypts what is stored encrypted anew with the newest of CREDENTIAL_KEYS: keys, codes, secrets of factors."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import StrIndex, Substr

from accounts import crypto
from accounts.factors import BOUND_TO
from accounts.models import DroppedKey, Link, SignIn

# Every model with something encrypted: how a row's is bound, and in which field it lies. Other packages `register`.
KEPT_IN: list[tuple[Any, str, str]] = [
    (Link, "key_binding", "encrypted_key"),
    (SignIn, "key_binding", "encrypted_key"),
    (DroppedKey, "bound_to", "encrypted_key"),
]

# Where allauth keeps a factor's secret, in `data`.
FACTOR_SECRETS = ("secret", "seed")

BATCH = 200


def register(model: Any, binding: str, field: str) -> None:
    """Have this model's field encrypted anew, too; again does no harm."""
    if (model, binding, field) not in KEPT_IN:
        KEPT_IN.append((model, binding, field))


def count_by_key() -> Counter[str]:
    """How many stored keys are encrypted with which key, by its id."""
    counts: Counter[str] = Counter()
    for model, _binding, field in KEPT_IN:
        key = Substr(field, 1, StrIndex(field, Value(":")) - 1)
        stored = model.objects.exclude(**{field: ""}).annotate(key=key)
        counts.update(stored.values_list("key", flat=True))
    for factor in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).iterator():
        counts.update(crypto.key_id(factor.data[name]) for name in FACTOR_SECRETS if name in factor.data)
    return counts


def rotate() -> Iterator[tuple[int, int]]:
    """
    Go through all stored keys, a short transaction for each batch, so that nobody waits. Yields (done, unreadable) as
    it goes; what cannot be read is left as it is.
    """
    done = unreadable = 0
    for model, binding, field in KEPT_IN:
        last: Any = None
        while True:
            with transaction.atomic():
                rows = _old_rows(model, field, last)
                for row in rows:
                    try:
                        secret = crypto.decrypt(getattr(row, field), bound_to=getattr(row, binding))
                    except crypto.KeyUnreadable:
                        unreadable += 1
                        continue
                    setattr(row, field, crypto.encrypt(secret, bound_to=getattr(row, binding)))
                    row.save(update_fields=[field])
                    done += 1
            if not rows:
                break
            last = rows[-1].pk
            yield done, unreadable
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        renewed, lost = _rotate_factor(pk)
        done, unreadable = done + renewed, unreadable + lost
    yield done, unreadable


@transaction.atomic
def _rotate_factor(pk: int) -> tuple[int, int]:
    factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
    old = [name for name in FACTOR_SECRETS if factor and name in factor.data]
    old = [name for name in old if crypto.key_id(factor.data[name]) != crypto.newest_id()]
    try:
        for name in old:
            factor.data[name] = crypto.encrypt(crypto.decrypt(factor.data[name], bound_to=BOUND_TO), bound_to=BOUND_TO)
    except crypto.KeyUnreadable:
        return 0, len(old)
    if old:
        factor.save(update_fields=["data"])
    return len(old), 0


def _old_rows(model: Any, field: str, last: Any) -> list[Any]:
    old = model.objects.select_for_update().exclude(**{field: ""})
    old = old.exclude(**{f"{field}__startswith": f"{crypto.newest_id()}:"}).order_by("pk")
    return list((old.filter(pk__gt=last) if last is not None else old)[:BATCH])
