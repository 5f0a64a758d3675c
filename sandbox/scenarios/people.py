"""Who the scenarios are about. Everybody is invented."""

from ..models import Customer
from .story import Story


def french_individual(story: Story) -> Customer:
    customer = story.customer(
        "am12345-ovh",
        "private individual in France, every status",
        "blue-lighthouse-12",
        customerCode="1234-5678-90",
        email="anna.martin@example.com",
        name="Martin",
        firstname="Anna",
        address="1 rue de l'Exemple",
        city="Lille",
        zip="59000",
        phone="+33.900000001",
        phoneCountry="FR",
    )
    story.payment_method(customer, "CREDIT_CARD", "4970 10XX XXXX XX00", default=True)
    story.payment_method(customer, "SEPA_DIRECT_DEBIT", "FR76 XXXX XXXX XXXX XXXX XXXX 042")
    story.payment_method(customer, "CREDIT_CARD", "4000 00XX XXXX XX02", refuses=True)
    return customer


def british_company(story: Story) -> Customer:
    customer = story.customer(
        "hb20417-ovh",
        "company in Great Britain",
        "quiet-harbour-34",
        customerCode="2041-7000-11",
        email="orders@harbour-books.example",
        name="Clarke",
        firstname="Oliver",
        organisation="Harbour Books Ltd",
        corporationType="LTD",
        legalform="corporation",
        ovhSubsidiary="GB",
        country="GB",
        language="en_GB",
        currency={"code": "GBP", "symbol": "£"},
        address="12 Example Quay",
        city="Bristol",
        zip="BS1 4ZZ",
        phone="+44.1179460000",
        phoneCountry="GB",
        vat="GB999999973",
        companyNationalIdentificationNumber="00000001",
    )
    story.payment_method(customer, "CREDIT_CARD", "4571 00XX XXXX XX16", default=True)
    story.payment_method(customer, "PAYPAL", "orders@harbour-books.example")
    return customer


def without_orders(story: Story) -> Customer:
    return story.customer(
        "nn30001-ovh",
        "account without orders, in Ireland",
        "green-meadow-56",
        customerCode="3000-1000-22",
        email="niamh.nolan@example.com",
        name="Nolan",
        firstname="Niamh",
        ovhSubsidiary="IE",
        country="IE",
        language="en_IE",
        address="3 Sample Street",
        city="Cork",
        zip="T12 XXXX",
        phone="+353.210000000",
        phoneCountry="IE",
    )


def odd_one(story: Story) -> Customer:
    return story.customer(
        "oz40404-ovh",
        "odd answers: points, zero, negative and unknown values, markup in names, fields left out",
        "crooked-mile-78",
        email="odd+<b>bold</b>@example.com",
        name="O'Neil & <script>alert(1)</script>",
        firstname="Zoë \u202eevol\u202c",
        address='1 "quoted" street',
        city="Nice",
        zip="06000",
        kycValidated=None,
        customerCode=None,
    )


def with_second_factor(story: Story) -> Customer:
    customer = story.customer(
        "ts50505-ovh",
        "private individual in France with a second factor (TOTP)",
        "silver-river-90",
        totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",  # noqa: S106 - invented, and in the ready file
        customerCode="5050-5000-33",
        email="thomas.simon@example.com",
        name="Simon",
        firstname="Thomas",
        address="8 place du Modèle",
        city="Lyon",
        zip="69001",
        phone="+33.900000005",
        phoneCountry="FR",
    )
    story.payment_method(customer, "PAYPAL", "thomas.simon@example.com", default=True)
    return customer
