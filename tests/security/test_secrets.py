"""What must not be known is in no log, table, mail, page or key, after a whole story and some accidents."""

import base64
import io
import logging
import re
import zipfile
from typing import Any

import pyotp
import pytest
import redis
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import sync as accounts_sync
from accounts.factors import MFAAdapter
from accounts.models import Link, Nichandle, Session, User
from accounts.ovh import application
from carts.models import Cart, Checkout, Configuration
from gateway import Gateway
from orders import export, relay, sync
from orders.models import Export, Intent, Order
from orders.retraction import receipt
from tests.carts import shop
from tests.factories import make_customer, make_staff
from tests.world import forget_trouble, import_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log() -> Any:
    """Every line of every logger, written as production writes it, chatty ones included."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


class Reader:
    """A browser that keeps whatever it was told, but for the one redirect that must tell."""

    def __init__(self) -> None:
        self.client, self.read = Client(raise_request_exception=False), ""

    def get(self, path: str) -> Any:
        return self._keep(self.client.get(path), path)

    def post(self, path: str, **fields: str) -> Any:
        return self._keep(self.client.post(path, fields), path)

    def _keep(self, answer: Any, path: str) -> Any:
        """The address that a browser asked for is no news to it."""
        self.read += answer.content.decode().replace(path, "") + str(answer.headers)
        return answer


def test_no_secret_is_where_it_must_not_be(ovh: Any, log: Any):
    reader, secrets = (
        Reader(),
        {"application secret": settings.OVH_APPLICATION_SECRET, "SECRET_KEY": settings.SECRET_KEY},
    )
    # In: once refused by a broken answer, once whole.
    ovh.arm("html", path="/auth/credential", count=1)
    reader.post("/sign-in/")
    reader.post("/sign-in/")
    validation = reader.get("/sign-in/continue/").context["validation_url"]
    back = ovh.validate(validation, ovh.anna).removeprefix(settings.BASE_URL)
    secrets["nonce"] = back.split("/")[3]
    ovh.arm("status", path="/me", status=500)
    assert reader.get(back).status_code == 503
    ovh.disarm()
    assert reader.get(back).status_code == 302
    assert reader.get(back).status_code == 400
    before = reader.client.cookies["panel_session"].value
    reader.get("/sign-in/confirm/")
    reader.post("/sign-in/confirm/")
    secrets["consumer key"] = Link.objects.get().consumer_key()
    account = Nichandle.objects.get()
    number = ovh.make_order(status="delivered", price="24.00")
    unpaid = ovh.make_order(price="12.00")
    import_all(account)
    for order in Order.objects.filter(order_id__in=(number, unpaid)):
        sync.read_details(order.pk)
        links = Gateway(application(), secrets["consumer key"]).order_links(order.order_id)
        secrets |= {f"url {order.order_id}": links.url, f"pdfUrl {order.order_id}": links.pdf_url}
    secrets["order password"] = secrets[f"url {number}"].partition("orderPassword=")[2]
    assert len(secrets["order password"]) > 5

    # Through every page, a withdrawal, the way to pay, a poll that fails in each way.
    for path in ("/", "/orders/", "/withdraw/", "/account/", "/account/forget/"):
        reader.get(path)
    for one in (number, unpaid):
        for page in ("", "tracking/", "withdrawal/", "withdrawal/model-form/", "pay/", "bill/"):
            reader.get(f"/orders/{one}/{page}")
    reader.post(f"/orders/{number}/withdrawal/", email="a@example.net", confirm="on")
    for kind in ("html", "truncated", "reset", "status"):
        ovh.arm(kind, path="/me/order/*", count=1, **({"status": 500} if kind == "status" else {}))
        reader.post(f"/orders/{unpaid}/check/")
        Order.objects.update(check_asked_at=None)
        sync.poll_orders()
    ovh.disarm()
    relay.relay_due()
    receipt.send_due()
    leave = reader.post(f"/orders/{unpaid}/pay/").context["leave_url"]
    ovh.arm("html", path="/me/order/*")
    secrets["link to leave by"] = leave.split("/")[4]
    assert reader.get(leave).status_code == 502
    ovh.disarm()
    leave = reader.post(f"/orders/{unpaid}/pay/").context["leave_url"]
    told = reader.client.get(leave)
    assert told["Location"] == secrets[f"url {unpaid}"]
    assert not told.content
    assert told["Referrer-Policy"] == "no-referrer"
    within = reader.client.cookies["panel_session"].value
    secrets |= {"session before": before, "session": within, "token": reader.client.cookies["panel_csrf"].value}

    # Staff look at it all; then the customer leaves and takes the key back.
    desk = Reader()
    desk.client.force_login(make_staff())
    for path in ("/support/?q=" + str(number), f"/support/orders/{account.nichandle}/{number}/", "/support/queues/"):
        assert desk.get(path).status_code == 200
    reader.post("/account/forget/")
    accounts_sync.drop_keys()
    secrets["staff's session"] = desk.client.cookies["panel_session"].value

    # What failed was logged, each time by the address at which it did.
    for line in ("Service Unavailable: /sign-in/return/…/", f"Bad Gateway: /orders/{unpaid}/leave/…/"):
        assert line in log.getvalue().encode().decode("unicode_escape")
    places = {
        "log": log.getvalue(),
        "pages": reader.read + desk.read,
        "tables": tables(),
        "mails": "".join(one.message().as_string() for one in mail.outbox) + str(ovh.mail()),
        "valkey": valkey(),
    }
    assert len(mail.outbox) == 2
    assert "relay_intents" in places["valkey"], "no message was looked at"
    found = [(name, place) for place in places for name in secrets if secrets[name] in places[place]]
    # The page that gives the link out.
    assert found == [("link to leave by", "pages")]


def test_no_secret_of_accounts_is_where_it_must_not_be(ovh: Any, log: Any):
    """A colleague from the invitation to a lost phone, a key of the operator, a customer's data: each secret marked."""
    password, secrets = "purple monkey dishwasher", {}
    boss, new, who = Reader(), Reader(), ovh.customers[0]
    boss.client.force_login(make_staff("boss@example.net", role="administrator"))
    boss.post("/support/people/", email="kim@example.net", role="support")
    secrets["invitation"] = mail.outbox[-1].body.split("/staff/welcome/")[1].split("/")[0]
    new.get(f"/staff/welcome/{secrets['invitation']}/")
    new.post("/staff/welcome/", password1=password, password2=password)
    assert new.get(f"/staff/welcome/{secrets['invitation']}/").status_code == 404
    secrets["password"] = password

    # A factor is set up; a code of each kind lets in, and a wrong one does not.
    new.post("/staff/sign-in/", login="kim@example.net", password=password)
    secrets["app"] = new.get("/account/factors/app/").context["form"].secret
    new.post("/account/factors/app/", code=pyotp.TOTP(secrets["app"]).now())
    shown = new.get("/account/factors/codes/")
    codes = re.findall(r"<code>([^<]+)</code>", shown.content.decode())
    assert len(codes) == 10
    seed = Authenticator.objects.get(type="recovery_codes").data["seed"]
    secrets |= {f"recovery code {n}": code for n, code in enumerate(codes)}
    secrets["recovery seed"] = MFAAdapter().decrypt(seed)
    again = Reader()
    again.post("/staff/sign-in/", login="kim@example.net", password=password + " wrong")
    secrets["wrong password"] = password + " wrong"
    again.post("/staff/sign-in/", login="kim@example.net", password=password)
    again.post("/staff/sign-in/code/", code="000000")
    assert again.post("/staff/sign-in/code/", code=codes[0]).url == "/support/"
    assert again.get("/support/").status_code == 200

    # A key of the operator: refused while OVHcloud fails, kept, shown at the desk and given back.
    secrets["operator's key"] = who["consumer_key"]
    for kind, more in (("html", {}), ("status", {"status": 500})):
        ovh.arm(kind, path="/me", count=5, **more)
        boss.post("/support/accounts/", consumer_key=who["consumer_key"])
        ovh.disarm()
        forget_trouble()
    boss.post("/support/accounts/", consumer_key=who["consumer_key"][:-1])
    boss.post("/support/accounts/", consumer_key=who["consumer_key"])
    assert Link.objects.get().consumer_key() == who["consumer_key"]
    for path in ("/support/accounts/", "/support/people/", "/support/people/kim@example.net/", "/support/"):
        boss.get(path)

    # A customer's data: the file is on its way, then taken.
    customer, owner = make_customer("marked1-ovh", firstname="Marked-in-the-export"), Reader()
    owner.client.force_login(customer)
    owner.post("/account/export/")
    assert export.make_due() == 1
    made = bytes(Export.objects.get().content)
    waiting = valkey() + log.getvalue()
    taken = owner.client.post("/account/export/take/")
    assert taken.content == made
    secrets |= {f"export as {name}": text for name, text in forms_of(made).items()}
    assert "Marked-in-the-export" not in waiting

    # The colleague loses the phone; the key is let go.
    dump = tables() + sessions()
    boss.post("/support/people/kim@example.net/", do="factors")
    boss.post(f"/support/accounts/{who['nichandle']}/drop/")
    dump += tables() + sessions()
    accounts_sync.drop_keys()
    places = {
        "log": log.getvalue(),
        "pages": boss.read + new.read + again.read + owner.read,
        "dump": dump + tables(),
        "mails": "".join(one.message().as_string() for one in mail.outbox) + str(ovh.mail()),
        "valkey": valkey(),
    }
    assert dump.count("_auth_user_id") >= 6, "no session was looked at"
    assert seed in dump, "no factor was looked at"
    found = {(name, place) for place in places for name in secrets if secrets[name] in places[place]}
    # Whom it is for reads it, each once: the link in a mail, the secret and the codes on the page that gives them out.
    given = {("invitation", "mails"), ("app", "pages")} | {(f"recovery code {n}", "pages") for n in range(10)}
    assert found == given


def test_no_secret_of_ordering_is_where_it_must_not_be(ovh: Any, log: Any):
    """A name is moved here by its code, ordered and paid: by a form, a copy, a refusal, a broken answer, an order."""
    account = shop.shopper(ovh)
    user, reader, code = User.objects.get(nichandle=account), Reader(), "Xk9#marked-transfer-code"
    reader.client.force_login(user)
    cart = shop.open_cart(account)
    item = shop.a_name(cart, "taken-marked.fr", pricing_mode="transfer-default")
    shop.mirror(cart)
    where = f"/cart/{item.key}/configure/"
    reader.post(where, **{"at-AUTH_INFO": code, "at-OWNER_LEGAL_AGE": "on", "at-DNS": "nonsense"})
    reader.client.post(where, {"at-AUTH_INFO": code, "at-OWNER_LEGAL_AGE": "on"}, headers={"HX-Request": "true"})
    reader.get(where)
    secrets = {"transfer code": code, "consumer key": Link.objects.get().consumer_key()}
    assert Configuration.objects.get(label="AUTH_INFO").encrypted_value

    # Copied to OVHcloud, which breaks its answers first.
    for kind, more in (("html", {}), ("truncated", {}), ("status", {"status": 500})):
        ovh.arm(kind, path="/order/cart/*/item/*/configuration", method="POST", count=1, **more)
        shop.mirror(cart)
        ovh.disarm()
        forget_trouble()
        Cart.objects.update(next_mirror_at=timezone.now())
    shop.mirror(cart)
    assert Configuration.objects.get(label="AUTH_INFO").is_mirrored, "the code was never sent"
    for path in ("/cart/", "/cart/summary/", where, "/account/"):
        reader.get(path)

    # Ordered by the page, once with an answer that is lost; then paid by the link of the order.
    cart.refresh_from_db()
    assert cart.is_quoted, cart.message
    page = reader.client.get("/cart/summary/").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    done = reader.post("/cart/order/", seen=seen[1], contracts="on", waive="on")
    assert "/cart/ordered/" in done["Location"]
    ovh.arm("html", path="/order/cart/*/checkout", method="GET", count=1)
    for _turn in range(3):
        forget_trouble()
        Intent.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
        relay.relay_due()
    number = Checkout.objects.get().ovh_order_id
    assert number, "nothing was ordered"
    reader.get(done["Location"])
    links = Gateway(application(), secrets["consumer key"]).order_links(number)
    secrets |= {"url of the order": links.url, "its password": links.url.partition("orderPassword=")[2]}
    import_all(account)
    for path in (f"/orders/{number}/", f"/orders/{number}/pay/", "/orders/"):
        reader.get(path)
    reader.client.post("/account/export/")
    export.make_due()
    made = Export.objects.get()
    with zipfile.ZipFile(io.BytesIO(bytes(made.content))) as whole:
        taken = "".join(whole.read(name).decode(errors="replace") for name in whole.namelist())
    assert "taken-marked.fr" in taken, "the cart is not in the export"

    places = {
        "log": log.getvalue(),
        "pages": reader.read,
        "dump": tables() + sessions(),
        "mails": "".join(one.message().as_string() for one in mail.outbox) + str(ovh.mail()),
        "valkey": valkey(),
        "export": taken,
    }
    assert all(len(secret) > 5 for secret in secrets.values())
    assert [(name, place) for place in places for name in secrets if secrets[name] in places[place]] == []


def forms_of(content: bytes) -> dict[str, str]:
    """A file as PostgreSQL, JSON or Python would spell it; its middle, for the ends are the same in every zip."""
    middle = content[60:120]
    assert len(middle) == 60
    return {
        "bytea": middle.hex(),
        "base64": base64.b64encode(content).decode()[80:140],
        "repr": repr(middle)[2:-1],
    }


def tables() -> str:
    """Every row of every table but the sessions, as a dump would have them."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if not name.endswith("_session")]
        assert len(names) > 12
        rows = []
        for name in names:
            cursor.execute(f'select string_agg(t::text, chr(10)) from "{name}" t')
            rows.append(cursor.fetchone()[0] or "")
    return "\n".join(rows)


def sessions() -> str:
    """What sessions say, in clear; their keys are what their browsers' cookies say, and nobody else's to know."""
    return "\n".join(str(row.get_decoded()) for row in Session.objects.all())


def valkey() -> str:
    """Every key and value of both databases."""
    told = []
    for url in (settings.CELERY_BROKER_URL, settings.CACHES["default"]["LOCATION"]):
        with redis.Redis.from_url(url.replace("redis+socket://", "unix://").replace("virtual_host", "db")) as client:
            for key in client.scan_iter():
                kind = client.type(key)
                read = {b"list": lambda k: client.lrange(k, 0, -1), b"set": client.smembers, b"hash": client.hgetall}
                told.append(f"{key!r} {read.get(kind, client.dump)(key)!r}")
    return "\n".join(told)
