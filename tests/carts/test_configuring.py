"""What a registry asks for: in words, checked, kept as one goes, secrets never shown again."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.translation import override

from accounts import crypto
from accounts.models import AuditEvent
from carts.configuring import checks, labels
from carts.models import Cart, CartItem, Configuration, Contact
from tests.carts.made import OF_A_NAME, make_cart, make_contact, make_name, make_vps, requirement
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

# ovh-api.md §6.6, all twelve of the guide.
TWELVE = (
    *("OWNER_LEGAL_AGE", "OWNER_CONTACT", "ADMIN_ACCOUNT", "TECH_ACCOUNT", "DNS", "DOMAIN_CONFIG"),
    *("ACCEPT_CONDITIONS", "REASON", "PROTECTED_CODE", "CLAIMS_NOTICE", "AUTH_INFO", "KEEP_DNS"),
)


@pytest.fixture
def cart(customer) -> Cart:
    return make_cart(customer.nichandle)


def page(client: Client, item: CartItem) -> str:
    answer = client.get(f"/cart/{item.key}/configure/")
    assert answer.status_code == 200
    return answer.content.decode()


def send(client: Client, item: CartItem, **values: str):
    """A POST of these labels; what is not named is left empty, as a browser does with a box."""
    return client.post(f"/cart/{item.key}/configure/", {f"at-{label}": value for label, value in values.items()})


def kept(item: CartItem) -> dict[str, str]:
    return dict(item.configurations.values_list("label", "value"))


# --- Words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("label", TWELVE)
def test_each_label_of_the_guide_has_a_title_and_says_what_it_is_for(label):
    words = labels.words_of(label)
    assert str(words.title) != label
    assert len(str(words.help)) > 20


def test_a_label_nobody_heard_of_is_readable():
    assert labels.words_of("SOME_NEW_WORD").title == "Some new word"
    assert labels.words_of("someNewWord").title == "Some New Word"


def test_what_has_to_be_filled_in_is_not_what_the_api_calls_required(cart):
    vps = make_vps(cart)
    assert labels.missing(vps, []) == ["vps_datacenter"]


def test_a_transfer_wants_its_code_and_a_registration_does_not(cart):
    asked = [*OF_A_NAME, requirement("AUTH_INFO")]
    taken = make_name(cart, "taken.fr", pricing_mode="transfer-default", requirements=asked)
    free = make_name(cart, "free.fr", requirements=asked)
    assert labels.missing(taken, []) == ["OWNER_LEGAL_AGE", "AUTH_INFO"]
    assert labels.missing(free, []) == ["OWNER_LEGAL_AGE"]


# --- Checks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("ns1.example.net\nns2.example.net", "ns1.example.net;ns2.example.net"),
        (" NS1.Example.net. ; ns2.example.net,ns3.example.net ", "ns1.example.net;ns2.example.net;ns3.example.net"),
        ("ns1.exämple.net ns2.exämple.net", "ns1.xn--exmple-cua.net;ns2.xn--exmple-cua.net"),
        ("", ""),
    ],
)
def test_servers_are_joined_as_ovhcloud_wants_them(typed, sent):
    assert checks.name_servers(typed) == sent


@pytest.mark.parametrize(
    "typed",
    [
        "ns1.example.net",
        "ns1.example.net ns1.example.net",
        "ns1.example.net ns2_.example.net",
        "ns1.example.net 192.0.2.1",
        "ns1 ns2",
        "-a.example.net b.example.net",
        " ".join(f"ns{n}.example.net" for n in range(14)),
    ],
)
def test_servers_that_are_none_or_too_few_or_many_are_refused(typed):
    with pytest.raises(ValidationError):
        checks.name_servers(typed)


@pytest.mark.parametrize("typed", ["{", "{'a': 1}", "[" * 100_000, "9" * 6000 + "x", "nul"])
def test_what_is_no_json_is_refused(typed):
    with pytest.raises(ValidationError):
        checks.json_text(typed)


# --- The page ---------------------------------------------------------------------------------------------------------
def test_the_page_asks_what_the_item_wants_to_know(cart, customer_client):
    item = make_name(cart, requirements=[*OF_A_NAME, requirement("SOME_NEW_WORD", required=True)])
    told = page(customer_client, item)
    assert "The owner is of legal age" in told
    assert "Some new word" in told
    assert "The account’s own" in told
    assert "checked" not in told.split("OWNER_LEGAL_AGE")[0]


def test_what_is_right_is_kept_even_if_something_else_is_not(cart, customer_client):
    item = make_name(cart)
    answer = send(customer_client, item, OWNER_LEGAL_AGE="on", DNS="nonsense", TECH_ACCOUNT="bb222-ovh")
    assert answer.status_code == 200
    assert "no host name: nonsense" in answer.content.decode()
    assert kept(item) == {"OWNER_LEGAL_AGE": "true", "TECH_ACCOUNT": "bb222-ovh"}


def test_keeping_raises_the_revision_once_and_only_when_something_is_new(cart, customer_client):
    item = make_name(cart)
    for _again in range(2):
        assert send(customer_client, item, OWNER_LEGAL_AGE="on").status_code == 302
        cart.refresh_from_db()
        assert cart.revision == 2
    assert cart.next_mirror_at is not None


def test_a_box_that_is_unticked_takes_its_yes_back(cart, customer_client):
    item = make_name(cart)
    send(customer_client, item, OWNER_LEGAL_AGE="on")
    send(customer_client, item)
    assert kept(item) == {}


def test_what_ovhcloud_has_a_copy_of_stays_empty_until_that_is_taken_back(cart, customer_client):
    item = make_name(cart)
    Configuration.objects.create(
        item=item, label="TECH_ACCOUNT", value="bb222-ovh", ovh_configuration_id=68_000_001, is_mirrored=True
    )
    send(customer_client, item)
    row = item.configurations.get()
    assert (row.value, row.is_mirrored, row.ovh_configuration_id) == ("", False, 68_000_001)


def test_by_htmx_each_field_is_told_how_it_stands(cart, customer_client):
    item = make_name(cart)
    answer = customer_client.post(
        f"/cart/{item.key}/configure/", {"at-DNS": "nonsense"}, headers={"HX-Request": "true"}
    )
    told = answer.content.decode()
    assert "<html" not in told
    assert 'id="at-DNS-state" class="error" hx-swap-oob="true"' in told
    assert "Still to be filled in." in told


def test_by_htmx_a_form_older_than_its_product_is_loaded_anew(cart, customer_client):
    """A browser follows a redirect without telling htmx, which would look for regions in a whole page and find none."""
    item = make_vps(cart, requirements=[])
    where = f"/cart/{item.key}/configure/"
    answer = customer_client.post(where, {"at-region": "europe"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"], answer.content) == (200, where, b"")
    assert customer_client.post(where, {"at-region": "europe"})["Location"] == where


def test_what_the_dry_run_refused_stands_on_its_field(cart, customer_client):
    item = make_name(cart)
    said = "Custom field TECH_ACCOUNT has an invalid value for product montagne.fr"
    Configuration.objects.create(item=item, label="TECH_ACCOUNT", value="xx-ovh", problem=said)
    told = page(customer_client, item)
    assert f'id="at-TECH_ACCOUNT-state" class="error">{said}' in told
    send(customer_client, item, TECH_ACCOUNT="yy-ovh")
    assert item.configurations.get().problem == ""


def test_a_label_that_only_the_dry_run_asked_for_can_be_filled_in(cart, customer_client):
    item = make_vps(cart, requirements=[])
    said = "in customFields there must be a field with name 'dedicated_datacenter'"
    Configuration.objects.create(item=item, label="dedicated_datacenter", problem=said)
    assert "dedicated_datacenter" in page(customer_client, item)
    send(customer_client, item, dedicated_datacenter="GRA")
    assert kept(item) == {"dedicated_datacenter": "GRA"}


def test_a_value_that_is_not_among_those_allowed_is_refused(cart, customer_client):
    item = make_vps(cart)
    assert "can no longer be chosen" in send(customer_client, item, vps_datacenter="MOON").content.decode()
    assert kept(item) == {}


def test_the_trademark_notice_warns_and_has_a_box_of_its_own(cart, customer_client):
    item = make_name(cart, "mybrand.fr", requirements=[*OF_A_NAME, requirement("CLAIMS_NOTICE", required=True)])
    told = page(customer_client, item)
    assert "may lose the name at any time, without refund" in told
    assert "Its holder is told of your order" in told
    send(customer_client, item, OWNER_LEGAL_AGE="on")
    assert labels.missing(item, item.configurations.all()) == ["CLAIMS_NOTICE"]


# --- Secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("label", ["AUTH_INFO", "PROTECTED_CODE"])
def test_a_code_is_encrypted_for_its_item_and_never_shown_again(cart, customer_client, label, caplog):
    item = make_name(cart, "taken.fr", pricing_mode="transfer-default", requirements=[requirement(label)])
    send(customer_client, item, **{label: "kJ8#secret-code"})
    row = item.configurations.get()
    assert row.value == ""
    assert crypto.decrypt(row.encrypted_value, bound_to=str(item.key)) == "kJ8#secret-code"
    told = page(customer_client, item)
    assert "Kept. Type here only to replace it." in told
    assert "kJ8" not in told + caplog.text + str(list(AuditEvent.objects.values()))


def test_an_empty_code_keeps_the_one_that_is_there(cart, customer_client):
    item = make_name(cart, "taken.fr", requirements=[*OF_A_NAME, requirement("AUTH_INFO")])
    send(customer_client, item, AUTH_INFO="first")
    before = item.configurations.get(label="AUTH_INFO").encrypted_value
    send(customer_client, item, OWNER_LEGAL_AGE="on", AUTH_INFO="")
    assert item.configurations.get(label="AUTH_INFO").encrypted_value == before


def test_a_code_that_is_refused_with_other_fields_is_not_sent_back(cart, customer_client):
    item = make_name(cart, "taken.fr", requirements=[*OF_A_NAME, requirement("AUTH_INFO")])
    answer = send(customer_client, item, AUTH_INFO="kJ8#secret-code", DNS="nonsense")
    assert answer.status_code == 200
    assert "kJ8" not in answer.content.decode()


# --- Whose it is ------------------------------------------------------------------------------------------------------
def test_another_customers_item_is_an_unknown_one(cart, customer_client):
    theirs = make_name(make_cart(make_customer().nichandle))
    for key in (theirs.key, uuid.uuid4()):
        assert customer_client.get(f"/cart/{key}/configure/").status_code == 404
        assert customer_client.post(f"/cart/{key}/configure/", {"at-REASON": "x"}).status_code == 404
    assert not Configuration.objects.exists()


def test_what_is_being_ordered_is_not_changed(cart, customer_client):
    item = make_name(cart)
    Cart.objects.update(state=Cart.State.ORDERING)
    assert customer_client.get(f"/cart/{item.key}/configure/").status_code == 404
    assert send(customer_client, item, OWNER_LEGAL_AGE="on").status_code == 404


@pytest.mark.parametrize("count", [1, 20])
def test_the_page_costs_the_same_for_one_contact_and_for_twenty(
    customer, cart, customer_client, count, django_assert_num_queries
):
    item = make_name(cart)
    for number in range(count):
        make_contact(customer.nichandle, f"/me/contact/{3_000_000 + number}")
    page(customer_client, item)
    with django_assert_num_queries(8):
        page(customer_client, item)


# --- Contacts ---------------------------------------------------------------------------------------------------------
FILLED_IN = {
    "legalForm": "corporation",
    "firstName": "Zoé",
    "lastName": "Durand",
    "organisationName": "Durand & Cie",
    "email": "zoe@example.com",
    "phone": "+33.612345678",
    "language": "fr_FR",
    "address-line1": "2 rue du Port",
    "address-zip": "29200",
    "address-city": "Brest",
    "address-country": "FR",
}


def test_a_contact_is_chosen_by_its_path(customer, cart, customer_client):
    item = make_name(cart)
    make_contact(customer.nichandle)
    told = page(customer_client, item)
    assert "Zoé Durand" in told
    assert "2 rue du Port, 29200 Brest, France" in told
    send(customer_client, item, OWNER_CONTACT="/me/contact/3000001")
    assert kept(item) == {"OWNER_CONTACT": "/me/contact/3000001"}


def test_another_customers_contact_cannot_be_chosen_nor_opened(cart, customer_client):
    item = make_name(cart)
    theirs = make_contact(make_customer().nichandle)
    assert send(customer_client, item, OWNER_CONTACT=theirs.path).status_code == 200
    assert kept(item) == {}
    assert customer_client.get(f"/cart/contacts/{theirs.pk}/").status_code == 404
    assert customer_client.post(f"/cart/contacts/{theirs.pk}/", FILLED_IN).status_code == 404


def test_a_new_contact_is_kept_to_be_sent_and_leads_back(customer, cart, customer_client):
    item = make_name(cart)
    back = f"/cart/{item.key}/configure/"
    answer = customer_client.post("/cart/contacts/new/", FILLED_IN | {"next": back})
    assert answer["Location"] == back
    made = Contact.objects.get()
    assert made.path == ""
    assert made.next_attempt_at is not None
    assert made.facts["address"] == {"line1": "2 rue du Port", "zip": "29200", "city": "Brest", "country": "FR"}
    assert made.facts["organisationName"] == "Durand & Cie"
    assert "is being sent to OVHcloud" in page(customer_client, item)


def test_a_changed_contact_keeps_what_the_form_does_not_ask(customer, customer_client):
    contact = make_contact(customer.nichandle, vat="FR00", fax="+33.199999999")
    customer_client.post(f"/cart/contacts/{contact.pk}/", FILLED_IN | {"vat": ""})
    contact.refresh_from_db()
    assert contact.facts["fax"] == "+33.199999999"
    assert contact.facts["vat"] is None
    assert contact.path == "/me/contact/3000001"


def test_a_contact_without_what_ovhcloud_needs_is_not_kept(customer_client, customer):
    answer = customer_client.post("/cart/contacts/new/", FILLED_IN | {"address-city": "", "phone": "ring me"})
    told = answer.content.decode()
    assert answer.status_code == 200
    assert "A phone number looks like" in told
    assert "Durand &amp; Cie" in told, "what was typed is lost"
    assert not Contact.objects.exists()


def test_a_contact_that_ovhcloud_refused_says_why(customer, cart, customer_client):
    contact = make_contact(customer.nichandle, path="")
    Contact.objects.filter(pk=contact.pk).update(problem="Invalid phone number")
    assert "Invalid phone number" in page(customer_client, make_name(cart))
    assert "Invalid phone number" in customer_client.get(f"/cart/contacts/{contact.pk}/").content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", "/nowhere/", "javascript:alert(1)"])
def test_the_way_back_is_one_of_our_own_pages(customer_client, customer, there):
    answer = customer_client.post("/cart/contacts/new/", FILLED_IN | {"next": there})
    assert answer["Location"] == "/cart/"


def test_countries_and_languages_are_named_in_the_readers_language(customer_client, customer):
    with override("fr"):
        told = customer_client.get("/cart/contacts/new/", headers={"Accept-Language": "fr"}).content.decode()
    assert "Allemagne" in told
    assert "Français (France)" in told
