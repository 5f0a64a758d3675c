"""
Take each guard away and see that a test misses it: `python -m tests.security.mutate`, some minutes, in a copy.

A mutation whose text no longer stands in the code fails, too: then it guards nothing and must be rewritten.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INPUT, MATRIX, SECRETS = "security/test_input.py", "security/test_matrix.py", "security/test_secrets.py"
LINKS, SESSIONS, SIGN_IN = "accounts/test_links.py", "accounts/test_sessions.py", "accounts/test_sign_in.py"
FACTORS, ROTATION, OPERATOR = "accounts/test_factors.py", "accounts/test_rotation.py", "accounts/test_operator.py"
SCOPE = "security/test_scope.py"
ORDERING, CONFIGURING, PAYING = "carts/test_ordering.py", "carts/test_configuring.py", "orders/payment/test_page.py"
LIMITS, TRAVELS, PEOPLE = "security/test_limits.py", "accounts/test_trouble.py", "support/test_people.py"
# What is taken away: file, text, what stands there instead, and the tests that must miss it.
MUTATIONS = [
    (
        "orders/queries/order.py",
        'return nichandle.orders.defer("search_text")',
        'return Order.objects.defer("search_text")',
        MATRIX,
    ),
    ("orders/queries/listing.py", "= nichandle.orders.all()", "= Order.objects.all()", MATRIX),
    ("panel/settings.py", '    "accounts.middleware.SignInRequired",\n', "", MATRIX),
    ("panel/settings.py", '    "django.middleware.csrf.CsrfViewMiddleware",\n', "", MATRIX),
    ("panel/settings.py", '    "csp.middleware.CSPMiddleware",\n', "", MATRIX),
    ("panel/settings.py", "CSRF_COOKIE_HTTPONLY = True", "CSRF_COOKIE_HTTPONLY = False", MATRIX),
    ("panel/middleware.py", 'response.headers["Cache-Control"] = "no-store"', "pass", MATRIX),
    ("accounts/middleware.py", "            _note_refusal(request)\n\n", "            pass\n\n", MATRIX),
    (
        "accounts/middleware.py",
        "if namespaces & (STAFF_ONLY if user.nichandle else CUSTOMERS_ONLY):",
        "if False:",
        MATRIX,
    ),
    ("accounts/middleware.py", "if request.link_is_lost and not", "if False and not", MATRIX),
    ("accounts/backends.py", "filter(pk=user_id, is_active=True)", "filter(pk=user_id)", MATRIX),
    ("support/views/desk.py", "if not request.user.may_support:", "if False:", MATRIX),
    ("panel/views.py", "@login_not_required\n@require_POST\n", "@login_not_required\n", MATRIX),
    ("accounts/sessions.py", "_KEY.fullmatch(key)", "len(key) > 8", INPUT),
    ("orders/forms.py", "not value.isprintable()", "False", INPUT),
    ("panel/wsgi.py", '.partition(";")[0]', "", INPUT),
    ("panel/settings.py", "DATA_UPLOAD_MAX_NUMBER_FILES = 0", "DATA_UPLOAD_MAX_NUMBER_FILES = 9", INPUT),
    ("panel/settings.py", '"sign_in_return": "30/m/ip"', '"sign_in_return": "90/m/ip"', INPUT),
    ("accounts/adapter.py", 'return "support" in resolve(path).namespaces', "return True", INPUT),
    ("accounts/audit.py", "if settings.TRUSTED_PROXIES:", "if True:", INPUT),
    ("orders/views/orders.py", 'if not given or given["order"] != order.order_id:', "if not given:", INPUT),
    ("panel/logs.py", "                _without_one_time_parts,\n", "", SECRETS),
    ("accounts/crypto.py", "if owner != bound_to:", "if False:", "accounts/test_sign_in.py"),
    ("panel/cache.py", "json.loads(data)", "__import__('pickle').loads(data)", "security/test_serializers.py"),
    (
        "panel/settings.py",
        'CELERY_ACCEPT_CONTENT = ["json"]',
        'CELERY_ACCEPT_CONTENT = ["json", "pickle"]',
        "security/test_serializers.py",
    ),
    ("panel/celery.py", "sys.exit(str(error))", "raise", "security/test_settings.py"),
    (
        "accounts/actions.py",
        "SignIn.objects.select_for_update().filter(pk=sign_in_pk,",
        "SignIn.objects.filter(pk=sign_in_pk,",
        "security/test_races.py",
    ),
    # What holds each statement of a customer's request to that customer.
    ("panel/settings.py", '    "accounts.scope.OwnRowsOnly",\n', "", SCOPE),
    ("accounts/scope.py", 'return all(parts) if first == "or" else any(parts)', "return any(parts)", SCOPE),
    ("accounts/scope.py", "if told and not any(told):", "if False:", SCOPE),
    ("accounts/scope.py", "return table == SECRETS or set(values) <=", "return True or set(values) <=", SCOPE),
    # Ordering and paying: who is there, whose key may, whose cart.
    (
        "carts/views/summary.py",
        "@asks_who_is_there\n@asks_for_rights\ndef _order",
        "@asks_for_rights\ndef _order",
        ORDERING,
    ),
    (
        "carts/views/summary.py",
        "@asks_who_is_there\n@asks_for_rights\ndef _order",
        "@asks_who_is_there\ndef _order",
        ORDERING,
    ),
    ("accounts/ordering.py", "link.is_usable and may_order(link)", "link.is_usable", ORDERING),
    ("orders/views/payments.py", "if not may_order_here(request):", "if False:", PAYING),
    ("orders/views/payments.py", "if not is_fresh(request):", "if False:", PAYING),
    ("carts/views/ordering.py", "request.nichandle.checkouts.", "request.nichandle.checkouts.model.objects.", ORDERING),
    (
        "carts/views/contacts.py",
        "get_object_or_404(request.nichandle.contacts,",
        "get_object_or_404(Contact,",
        CONFIGURING,
    ),
    (
        "carts/views/configure.py",
        "CartItem.objects.filter(cart__nichandle=request.nichandle, ",
        "CartItem.objects.filter(",
        CONFIGURING,
    ),
    ("panel/settings.py", '"domains": "40/m/ip,20/m/user"', '"domains": "400/m/ip,200/m/user"', LIMITS),
    # What a statement may say without being held.
    ("accounts/scope.py", "_BY_COMMA not in block.tables and ", "", SCOPE),
    ("accounts/scope.py", 'if "CASE" in words:', "if False:", SCOPE),
    ("accounts/scope.py", "if not isinstance(sql, str):", "if False:", SCOPE),
    ("accounts/scope.py", "if about_one and not request.user.is_authenticated:", "if False:", SCOPE),
    ("accounts/scope.py", "for part in _split(words, _SETS):", "for part in [words]:", SCOPE),
    # Accounts: who is asked again, whose form it is, whose session, whose key.
    (
        "accounts/middleware.py",
        "if named is None and acts and request.method",
        "if False and acts and request.method",
        LINKS,
    ),
    (
        "accounts/middleware.py",
        "if user.is_staff and not user.has_factor:",
        "if False:",
        FACTORS,
    ),
    ("accounts/middleware.py", "wanted = named if named is not None else", "wanted =", LINKS),
    (
        "accounts/actions.py",
        "if sign_in.user_id is not None and sign_in.user_id != request.user.pk:",
        "if False:",
        LINKS,
    ),
    ("accounts/actions.py", "filter(pk=sign_in_pk, purpose=purpose, user=user)", "filter(pk=sign_in_pk)", TRAVELS),
    ("accounts/actions.py", 'if request.session.get("sign_in") != str(sign_in.pk):', "if False:", SIGN_IN),
    ("accounts/actions.py", "if not sign_in.is_open or sign_in.returned_at is not None:", "if False:", SIGN_IN),
    ("accounts/actions.py", "    if not same:\n        raise AnotherAccount", "    return", LINKS),
    (
        "accounts/actions.py",
        "for session in Session.objects.filter(user=request.user)",
        "for session in Session.objects.all()",
        SESSIONS,
    ),
    ("accounts/actions.py", 'link.user.sessions.update(ended_because="revoked")', "pass", LINKS),
    ("accounts/assurance.py", "if is_fresh(request):", "if True:", LINKS),
    ("accounts/assurance.py", "LASTS = 15 * 60", "LASTS = 150 * 60", LINKS),
    (
        "accounts/addresses.py",
        'return address if is_page and match.view_name not in NOT_PAGES else ""',
        "return address",
        LINKS,
    ),
    (
        "accounts/sessions.py",
        "if row.ended_because or row.idle_until <= timezone.now():",
        "if row.ended_because:",
        SESSIONS,
    ),
    ("accounts/sessions.py", "expire_date=began_at +", "expire_date=now +", SESSIONS),
    ("accounts/queries.py", "return Link.objects.filter(mine | on_mine)", "return Link.objects.filter()", LINKS),
    (
        "accounts/crypto.py",
        "fernet = _keys()[name] if colon else",
        "fernet = next(iter(_keys().values())) if colon else",
        ROTATION,
    ),
    ("accounts/limits.py", "if (reading or request.method not in READING) and", "if False and", LIMITS),
    ("accounts/retention.py", "if settings.DATABASE_APPLICATION_ROLE:", "if False:", "accounts/test_retention.py"),
    ("accounts/operator.py", "    if missing:\n        raise KeyTooNarrow(*missing)\n", "", OPERATOR),
    (
        "accounts/views/account.py",
        "queries.links_i_may_end(request.user).filter(held_by)",
        "Link.objects.filter(held_by)",
        LINKS,
    ),
    (
        "orders/models/upkeep.py",
        "return self.filter(user=user, nichandle=nichandle,",
        "return self.filter(",
        "orders/test_export.py",
    ),
    ("support/people.py", "    if user.pk == request.user.pk:\n        raise NotYourself", "    pass", PEOPLE),
    ("support/people.py", "        raise LastAdministrator", "        return", PEOPLE),
    (
        "support/people.py",
        "        ended, _rows = Session.objects.filter(user=user).delete()",
        "        ended = 0",
        PEOPLE,
    ),
    ("support/views/people.py", "if request.user.role != User.Role.ADMINISTRATOR:", "if False:", MATRIX),
    ("support/views/people.py", "    asked = asks_who_is_there(view)", "    asked = view", PEOPLE),
    (
        "support/invitations.py",
        "if not Invitation.objects.open().filter(pk=invitation.pk).update(",
        "if not Invitation.objects.filter(pk=invitation.pk).update(",
        "accounts/test_staff_invitations.py",
    ),
]


def survives(copy: Path, file: str, text: str, instead: str, tests: str) -> bool:
    """True when the tests pass without the guard."""
    path = copy / file
    whole = path.read_text()
    if text not in whole:
        print(f"no longer there: {file}: {text}", flush=True)  # noqa: T201
        return True
    without = whole.replace(text, instead)
    compile(without, file, "exec")  # else every test would fail, and none for the guard
    path.write_text(without)
    ended = run(copy, tests)
    path.write_text(whole)
    missed = ended == 1
    print(f"{'missed' if missed else 'NOT MISSED'}: {file}: {text.strip()}", flush=True)  # noqa: T201
    return not missed


def run(copy: Path, tests: str) -> int:
    """How pytest ended: 0 when all passed, 1 when one failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/{tests}"]
    whole = os.environ | {"PROVE": "1"}
    return subprocess.run(command, cwd=copy, env=whole, capture_output=True, text=True, check=False).returncode


def main() -> int:
    """Arguments: words of the files to mutate, or of the tests that must miss them; all by default."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory)
        copy.chmod(0o755)
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in files.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                (copy / name).write_bytes((ROOT / name).read_bytes())
        os.chdir(copy)
        chosen = [
            one
            for one in MUTATIONS
            if not sys.argv[1:] or any(word in one[0] or word in one[3] for word in sys.argv[1:])
        ]
        # A test that fails with every guard in place would seem to miss each of them.
        broken = {tests for tests in {one[3] for one in chosen} if run(copy, tests) != 0}
        for tests in sorted(broken):
            print(f"fails with every guard in place: {tests}", flush=True)  # noqa: T201
        survived = sum(survives(copy, *one) for one in chosen if one[3] not in broken)
        tried = sum(one[3] not in broken for one in chosen)
        print(f"{tried} of {len(chosen)} tried, {survived} not missed")  # noqa: T201
        return survived + len(broken)


if __name__ == "__main__":
    sys.exit(main())
