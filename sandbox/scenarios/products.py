"""A few products as order lines, in French and English. Prices are invented, without tax."""

from decimal import Decimal

from .story import Line

_FREE = Decimal(0)


def domain(name: str, amount: str, language: str, action: str = "CREATION") -> list[Line]:
    extension = name.partition(".")[2]
    words = {
        ("fr", "CREATION"): f"{name} - enregistrement .{extension} - 12 mois",
        ("en", "CREATION"): f"{name} - .{extension} registration - 12 months",
        ("fr", "RENEW"): f"{name} - renouvellement .{extension} - 12 mois",
        ("en", "RENEW"): f"{name} - .{extension} renewal - 12 months",
        ("fr", "TRANSFER"): f"{name} - transfert .{extension} - 12 mois",
        ("en", "TRANSFER"): f"{name} - .{extension} transfer - 12 months",
    }
    verb = "renew" if action == "RENEW" else "installation"
    description = words[language, action]
    return [Line(description, Decimal(amount), action, name, plan=(extension, "P1Y", verb))]


def vps(amount: str, language: str, domain: str = "*001", size: str = "VPS-1") -> list[Line]:
    french = language == "fr"
    parts = "4 vCores, 8 Go de RAM, 75 Go NVMe - 1 mois" if french else "4 vCores, 8 GB RAM, 75 GB NVMe - 1 month"
    return [
        Line(
            f"{size} - {'frais de mise en service' if french else 'set-up fee'}",
            _FREE,
            "INSTALLATION",
            domain,
            plan=(f"{size.lower()}-2026", "P1M", "installation"),
        ),
        Line(
            f"{size} - {parts}",
            Decimal(amount),
            "DURATION",
            domain,
            plan=(f"{size.lower()}-2026", "P1M", "installation"),
        ),
    ]


def hosting(amount: str, language: str, domain: str = "*001", plan: str = "Perso") -> list[Line]:
    french = language == "fr"
    name = f"{'Hébergement web' if french else 'Web hosting'} {plan}"
    code = f"{plan.lower()}2026"
    return [
        Line(
            f"{name} - {'frais de mise en service' if french else 'set-up fee'}",
            _FREE,
            "INSTALLATION",
            domain,
            plan=(code, "P1Y", "installation"),
        ),
        Line(
            f"{name} - {'12 mois' if french else '12 months'}",
            Decimal(amount),
            "DURATION",
            domain,
            plan=(code, "P1Y", "installation"),
        ),
    ]


def email(amount: str, language: str, accounts: int, domain: str = "*001") -> list[Line]:
    text = "Compte Email Pro - 1 mois" if language == "fr" else "Email Pro account - 1 month"
    return [Line(text, Decimal(amount), "QUANTITY", domain, accounts, plan=("emailpro", "P1M", "installation"))]


def certificate(amount: str, language: str, domain: str) -> list[Line]:
    text = "Certificat SSL Sectigo EV - 12 mois" if language == "fr" else "Sectigo EV SSL certificate - 12 months"
    return [Line(text, Decimal(amount), "DURATION", domain, plan=("ssl-ev", "P1Y", "installation"))]


def licence(amount: str, language: str, seats: int) -> list[Line]:
    text = "Licence Microsoft 365 Apps - 1 mois" if language == "fr" else "Microsoft 365 Apps licence - 1 month"
    return [Line(text, Decimal(amount), "LICENSE", "*", seats)]


def gift(text: str, amount: str, domain: str = "*001") -> list[Line]:
    return [Line(text, -Decimal(amount), "GIFT", domain)]


def dedicated(amount: str, language: str, domain: str, setup: str = "0") -> list[Line]:
    """A dedicated server, whose name is as long as they come."""
    french = language == "fr"
    long_name = (
        "Serveur dédié Advance-2 | AMD EPYC 4344P - 8c/16t - 3,8 GHz/5,3 GHz | 64 Go DDR5 ECC 5600 MHz | "
        "2 × 960 Go SSD NVMe Soft RAID | 1 Gbit/s illimité et garanti | Gravelines (GRA), France - 1 mois"
        if french
        else "Dedicated server Advance-2 | AMD EPYC 4344P - 8c/16t - 3.8 GHz/5.3 GHz | 64 GB DDR5 ECC 5600 MHz | "
        "2 × 960 GB SSD NVMe Soft RAID | 1 Gbit/s unlimited and guaranteed | London (ERI), United Kingdom - 1 month"
    )
    plan = ("26adv02", "P1M", "installation")
    setup_text = "Advance-2 - frais d'installation" if french else "Advance-2 - installation fee"
    return [
        Line(setup_text, Decimal(setup), "INSTALLATION", domain, plan=plan),
        Line(long_name, Decimal(amount), "DURATION", domain, plan=plan),
    ]
