"""What registries ask: read once a day with nobody's key, told as hints at the fields, and deciding nothing."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Nichandle
from carts import sync
from carts.configuring import asked
from carts.configuring.rules import Registry, holds
from carts.models import CartItem, RegistryRule
from tests.carts.made import make_cart, make_contact, make_name, requirement
from tests.carts.shop import a_name, a_vps, calls, fill_in, mirror, open_cart, problems, shopper
from tests.factories import make_customer
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

ASKED = "GET /domain/configurationRule"


def field(label: str, *constraints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"label": label, "type": "string", "constraints": list(constraints), **more}


def contact(label: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": label,
        "type": "contact",
        "fields": {"and": list(fields)},
        "constraints": [{"operator": "required"}],
    }


def elsewhere(who: str) -> dict[str, Any]:
    """Berlin's condition, as the guide writes it."""
    away = [field("address.country", {"operator": "ne", "value": "DE"}, {"operator": "required"})]
    away.append(field("address.city", {"operator": "ne", "value": "Berlin"}, {"operator": "required"}))
    return {"label": who, "type": "contact", "fields": {"or": away}, "constraints": [{"operator": "required"}]}


BERLIN = contact(
    "OWNER_CONTACT",
    field("address.city", {"operator": "eq", "value": "Berlin", "conditions": elsewhere("ADMIN_ACCOUNT")}),
)
IN_BERLIN = {"address": {"city": "Berlin", "country": "DE"}}
IN_BREST = {"address": {"city": "Brest", "country": "FR"}}


def read(tree: Any, action: str = "create", mode: str = "create-default", labels: Any = ()) -> Registry:
    return Registry.of(tree, action, mode, labels)


# --- The tree ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("owner", "admin", "against"),
    [
        (IN_BREST, IN_BREST, ["address.city"]),
        (IN_BREST, IN_BERLIN, []),
        (IN_BERLIN, IN_BREST, []),
        (IN_BREST, None, []),
        (None, IN_BREST, []),
    ],
)
def test_one_of_two_lives_in_berlin_and_whoever_is_unknown_is_accused_of_nothing(owner: Any, admin: Any, against: Any):
    facts = {"OWNER_CONTACT": owner, "ADMIN_ACCOUNT": admin}
    known = {label: held for label, held in facts.items() if held is not None}
    assert read(BERLIN).against("OWNER_CONTACT", known) == against


@pytest.mark.parametrize(
    ("operator", "given_value", "value", "fits"),
    [
        ("eq", "DE", "de", True),
        ("eq", "DE", "FR", False),
        ("ne", "DE", "FR", True),
        ("ne", "DE", "DE", False),
        ("maxlength", "3", "four", False),
        ("minlength", "3", "two", True),
        ("gt", "17", "18", True),
        ("gt", "18", "18", False),
        ("gte", "18", "18", True),
        ("lt", "18", "17.5", True),
        ("lte", "18", "19", False),
        ("gt", "old", "18", None),
        ("shouldbetrue", "", "true", True),
        ("shouldbetrue", "", "no", False),
        ("required", "", "", False),
        ("notempty", "", "x", True),
        ("empty", "", "x", False),
        # A pattern of somebody else's is not run here, and an operator we never heard of says nothing.
        ("match", "^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", None),
        ("sounds-like", "x", "y", None),
    ],
)
def test_each_operator(operator: str, given_value: str, value: str, fits: Any):
    rule = field("REASON", {"operator": operator, "value": given_value})
    assert holds(rule, {"REASON": value}, frozenset()) is fits


def test_lists_and_lengths_between():
    several = field("REASON", {"operator": "contains", "values": ["A", "B"]})
    assert [holds(several, {"REASON": one}, frozenset()) for one in "ABC"] == [True, True, False]
    none_of = field("REASON", {"operator": "notcontains", "values": ["A", "B"]})
    assert [holds(none_of, {"REASON": one}, frozenset()) for one in "AC"] == [False, True]
    between = field("REASON", {"operator": "between", "values": ["2", "3"]})
    assert [holds(between, {"REASON": one}, frozenset()) for one in ("a", "ab", "abcd")] == [False, True, False]


def test_an_empty_field_is_only_against_what_says_that_it_must_be_there():
    rule = contact("OWNER_CONTACT", field("vat", {"operator": "minlength", "value": "5"}))
    assert read(rule).against("OWNER_CONTACT", {"OWNER_CONTACT": {"vat": ""}}) == []
    rule = contact("OWNER_CONTACT", field("vat", {"operator": "required"}))
    assert read(rule).against("OWNER_CONTACT", {"OWNER_CONTACT": {"vat": None}}) == ["vat"]


def test_what_is_asked_in_another_context_is_not_asked():
    one = field("REASON", {"operator": "minlength", "value": "9", "contexts": ["trade", "update"]})
    assert not read(one).asks
    premium = one | {"contexts": ["premium"], "constraints": [{"operator": "required"}]}
    assert not read(premium).asks
    assert read(premium, mode="create-premium").about("REASON")
    of_its_label = premium | {"contexts": ["reason"]}
    assert not read(of_its_label).asks
    assert read(of_its_label, labels=["REASON"]).asks


def test_a_branch_of_several_is_told_as_one_and_accuses_nobody():
    city = [contact(who, field("address.city", {"operator": "eq", "value": "Paris"})) for who in ("OWNER_CONTACT", "X")]
    registry = read({"or": city})
    assert registry.against("OWNER_CONTACT", {"OWNER_CONTACT": IN_BREST}) == []
    assert asked.hints(registry, "OWNER_CONTACT", {"OWNER_CONTACT": IN_BREST}) == ["Town: Paris (in some cases)."]


SOMETHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["eq", "DE", "OWNER_CONTACT"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["and", "or", "fields", "constraints", "conditions", "label", "operator", "value", "values", "contexts"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["and", "or", "fields", "constraints", "label"]), SOMETHING))
def test_whatever_the_tree_holds_it_is_read(tree: Any):
    registry = read(tree)
    facts = {"OWNER_CONTACT": IN_BREST, "REASON": "because"}
    registry.against("OWNER_CONTACT", facts)
    for label in {ask.label for ask in registry.asks}:
        assert all(isinstance(one, str) for one in asked.hints(registry, label, facts))
    assert holds(tree, facts, registry.contexts) in (True, False, None)


# --- In words ---------------------------------------------------------------------------------------------------------
def test_a_rule_in_words():
    rule = contact(
        "OWNER_CONTACT",
        field("firstName", {"operator": "required"}, {"operator": "maxlength", "value": "255"}),
        field("vat", {"operator": "required"}, {"operator": "maxlength", "value": "20"}),
        field("address.country", {"operator": "contains", "values": ["FR", "DE"]}),
        field("legalForm", {"operator": "ne", "value": "individual"}),
        field("birthZip", {"operator": "match", "value": "[0-9]+"}, placeholder="12345"),
        field("language", {"operator": "contains", "values": ["fr_FR"]}),
        field("address.zip", {"operator": "contains", "values": [str(n) for n in range(100)]}),
    )
    assert asked.hints(read(rule), "OWNER_CONTACT", {}) == [
        "VAT number: must be filled in; at most 20 characters.",
        "Country: one of France, Germany.",
        "Kind: not private individual.",
        "Postcode of the town of birth: in a certain form, as 12345.",
        "Language: French (France).",
    ]


def test_what_a_registry_wants_as_json_is_named_as_it_is_to_be_written():
    rule = {
        "label": "DOMAIN_CONFIG",
        "type": "domain",
        "fields": {
            "and": [
                field("audience", {"operator": "required"}, description="Who the site is for."),
                field("isFor", {"operator": "contains", "values": ["emails", "redirect_page"]}),
            ]
        },
    }
    assert asked.hints(read(rule), "DOMAIN_CONFIG", {}) == [
        "audience (Who the site is for): must be filled in.",
        "isFor: one of emails, redirect_page.",
    ]


# --- Reading them -----------------------------------------------------------------------------------------------------
@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return shopper(ovh)


def asks(ovh: Sandbox, since: int = 0) -> int:
    return calls(ovh, since).count(ASKED)


@pytest.mark.django_db
def test_they_are_read_once_a_day_for_an_extension_and_an_action(ovh: Sandbox, anna: Nichandle):
    cart = open_cart(anna)
    for name in ("lavande.fr", "thym.fr", "lavande.com"):
        a_name(cart, name)
    a_vps(cart)
    a_name(cart, "taken-thym.fr", pricing_mode="transfer-default")
    mirror(cart)
    # The mirror itself waits for none of it.
    assert asks(ovh) == 0
    assert sync.read_rules_due() == 3
    told = [one for one in ovh.requests() if "configurationRule" in one["path"]]
    assert len(told) == 3
    assert {one["nichandle"] for one in told} == {None}
    found = RegistryRule.objects.values_list("extension", "action").order_by("extension", "action")
    assert list(found) == [("com", "create"), ("fr", "create"), ("fr", "transfer")]
    assert not RegistryRule.objects.filter(tree=None).exists()
    a_name(cart, "romarin.fr")
    mirror(cart)
    assert (sync.read_rules_due(), asks(ovh)) == (0, 3)
    RegistryRule.objects.filter(extension="fr").update(read_at=timezone.now() - timedelta(hours=25))
    a_name(cart, "sauge.fr")
    mirror(cart)
    assert (sync.read_rules_due(), asks(ovh)) == (2, 5)


@pytest.mark.rows(2)
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "asked_in_all"),
    [
        ({"kind": "status", "status": 404}, 1),
        ({"kind": "status", "status": 400}, 1),
        ({"kind": "status", "status": 500}, 3),
        ({"kind": "html"}, 3),
        ({"kind": "truncated"}, 3),
        ({"kind": "reset"}, 3),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_where_it_does_not_answer_nothing_changes(ovh: Sandbox, anna: Nichandle, fault: Any, asked_in_all: int):
    ovh.arm(method="GET", path="/domain/configurationRule", **fault)
    item = a_name(open_cart(anna), "lavande.fr")
    fill_in(item, OWNER_LEGAL_AGE="true")
    turns = 0
    for _ in range(6):
        forget_trouble()
        RegistryRule.objects.filter(next_read_at__isnull=False).update(next_read_at=timezone.now())
        mirror(item.cart)
        turns += sync.read_rules_due()
    assert turns == asked_in_all
    rule = RegistryRule.objects.get()
    assert (rule.tree, rule.next_read_at, rule.failures) == (None, None, 0)
    item.cart.refresh_from_db()
    assert item.cart.is_quoted
    her = Client()
    her.force_login(anna.user)
    told = her.get(f"/cart/{item.key}/configure/").content.decode()
    assert "The owner is of legal age" in told
    assert "The registry asks" not in told
    # In a day, or an hour after it was given up, it is asked again.
    ovh.disarm()
    forget_trouble()
    RegistryRule.objects.update(read_at=timezone.now() - timedelta(hours=25))
    a_name(item.cart, "thym.fr")
    mirror(item.cart)
    sync.read_rules_due()
    assert RegistryRule.objects.get().tree


@pytest.mark.django_db
def test_what_was_known_stays_while_it_does_not_answer(ovh: Sandbox, anna: Nichandle):
    item = a_name(open_cart(anna), "lavande.fr")
    mirror(item.cart)
    sync.read_rules_due()
    known = RegistryRule.objects.get().tree
    ovh.arm("status", method="GET", path="/domain/configurationRule", status=503)
    RegistryRule.objects.update(read_at=timezone.now() - timedelta(hours=25), next_read_at=timezone.now(), failures=2)
    forget_trouble()
    sync.read_rules_due()
    rule = RegistryRule.objects.get()
    assert (rule.tree, rule.next_read_at) == (known, None)
    assert rule.read_at is not None
    assert timezone.now() - RegistryRule.FRESH < rule.read_at < timezone.now() - timedelta(hours=22)


@pytest.mark.django_db
def test_too_many_calls_wait_and_a_name_that_was_taken_out_is_not_asked_for(ovh: Sandbox, anna: Nichandle):
    item = a_name(open_cart(anna), "lavande.fr")
    mirror(item.cart)
    ovh.arm("status", method="GET", path="/domain/configurationRule", status=429, retry_after="7", count=1)
    sync.read_rules_due()
    rule = RegistryRule.objects.get()
    assert (rule.tree, rule.failures) == (None, 0)
    assert rule.next_read_at is not None
    assert rule.next_read_at > timezone.now() + timedelta(seconds=5)
    forget_trouble()
    since = ovh.last_request()
    CartItem.objects.all().delete()
    RegistryRule.objects.update(next_read_at=timezone.now())
    sync.read_rules_due()
    assert asks(ovh, since) == 0
    assert RegistryRule.objects.get(next_read_at=None).read_at is None


# --- On the page ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_page_tells_them_and_the_dry_run_decides(ovh: Sandbox, anna: Nichandle):
    """The account's own holder lives elsewhere than this registry wants."""
    Nichandle.objects.update(billing={"city": "Lyon", "zip": "69001"})
    item = a_name(open_cart(anna), "lavande.berlin")
    fill_in(item, OWNER_LEGAL_AGE="true")
    mirror(item.cart)
    sync.read_rules_due()
    her = Client()
    her.force_login(anna.user)
    since = ovh.last_request()
    page = unescape(her.get(f"/cart/{item.key}/configure/").content.decode())
    assert ovh.last_request() == since
    assert "The registry asks for this:" in page
    assert "<li>Town: Berlin (as things stand now).</li>" in page
    assert "The registry would hardly take it: Town." in page
    # Whatever the hints say, it can be kept, and OVHcloud's own answer stands at its place.
    assert her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on"}).status_code == 302
    cart = mirror(item.cart)
    said = [cart.message, *cart.items.values_list("problem", flat=True), *problems(cart).values()]
    assert any("must have an address in Berlin" in words for words in said)


@pytest.mark.django_db
def test_contacts_that_do_not_fit_are_marked_and_can_be_chosen_all_the_same(django_assert_num_queries: Any):
    user = make_customer("am1-ovh", country="FR", legalform="individual")
    item = make_name(make_cart(user.nichandle), "montagne.berlin")
    RegistryRule.objects.create(extension="berlin", action="create", tree=BERLIN, next_read_at=None)
    make_contact(user.nichandle, "/me/contact/3000001", lastName="Weber", address=IN_BERLIN["address"])
    make_contact(user.nichandle, "/me/contact/3000002", lastName="Durand", address=IN_BREST["address"])
    user.nichandle.billing = {"city": "Brest", "country": "FR"}
    user.nichandle.save()
    her = Client()
    her.force_login(user)
    page = f"/cart/{item.key}/configure/"
    her.get(page)
    with django_assert_num_queries(8):
        rows = {row.label: row for row in her.get(page).context["rows"]}
    owner = rows["OWNER_CONTACT"]
    assert [owner.people[path].get("misfit") for path in sorted(owner.people)] == ["", "Town"]
    assert owner.own_misfit == "Town"
    assert owner.asks == ["Town: Berlin (as things stand now)."]
    told = unescape(her.get(page).content.decode())
    assert told.count("The registry would hardly take it: Town.") == 2
    assert 'aria-describedby="at-OWNER_CONTACT-help at-OWNER_CONTACT-rules at-OWNER_CONTACT-state"' in told
    her.post(page, {"at-OWNER_CONTACT": "/me/contact/3000002"})
    assert item.configurations.get(label="OWNER_CONTACT").value == "/me/contact/3000002"
    # Who administrates is another account, of which nothing is known: what stood there is taken back at once.
    told = unescape(
        her.post(page, {"at-ADMIN_ACCOUNT": "ab12345-ovh"}, headers={"HX-Request": "true"}).content.decode()
    )
    assert "hardly take it" not in told
    assert 'id="at-OWNER_CONTACT-fit" hx-swap-oob="true"></span>' in told
    assert "<li>Town: Berlin (in some cases).</li>" in told
    owner = {row.label: row for row in her.get(page).context["rows"]}["OWNER_CONTACT"]
    assert (owner.own_misfit, owner.asks) == ("", ["Town: Berlin (in some cases)."])


@pytest.mark.django_db
def test_a_text_is_given_an_example_and_values_to_choose_from_and_takes_others():
    user = make_customer("am1-ovh")
    wanted = [requirement("REGISTRY_SECTOR"), requirement("REASON")]
    item = make_name(make_cart(user.nichandle), "montagne.fr", requirements=wanted)
    rule = {
        "and": [
            field("REGISTRY_SECTOR", {"operator": "contains", "values": ["arts", "<b>sports"]}, placeholder="arts"),
            field(
                "REASON", {"operator": "minlength", "value": "10"}, placeholder='I am "the" mayor', contexts=["reason"]
            ),
        ]
    }
    RegistryRule.objects.create(extension="fr", action="create", tree=rule, next_read_at=None)
    her = Client()
    her.force_login(user)
    page = f"/cart/{item.key}/configure/"
    told = her.get(page).content.decode()
    assert 'list="at-REGISTRY_SECTOR-values"' in told
    assert '<option value="&lt;b&gt;sports"></option>' in told
    assert 'placeholder="I am &quot;the&quot; mayor"' in told
    assert "At least 10 characters." in told
    her.post(page, {"at-REGISTRY_SECTOR": "science"})
    assert item.configurations.get().value == "science"
