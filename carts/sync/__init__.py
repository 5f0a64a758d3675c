"""
Moves facts between our carts and OVHcloud's, both ways; every function may run twice, at once with itself, or late.

mirror.py      a worker's turn with the carts that are due: OVHcloud's copy made equal to our rows, and asked what it
               comes to
copying.py     items: matching, adding, changing, taking out
filling.py     what was filled in, and coupons
quoting.py     summary and dry run, and where a refusal belongs
copies.py      the cart at OVHcloud itself: made once, forgotten when it is gone
searching.py   names somebody looks up
catalogue.py   price lists
rules.py       what registries ask
contacts.py    contacts, read and sent
ordered.py     what became of carts that were ordered
kept.py        answers as our rows keep them
accounts.py    an account that got a key, or whose person is forgotten
"""

from carts.sync.accounts import erase, key_granted
from carts.sync.catalogue import read_catalogues_due
from carts.sync.contacts import carry_contacts_due
from carts.sync.mirror import mirror_due
from carts.sync.rules import read_rules_due
from carts.sync.searching import ask_domains_due

__all__ = [
    "ask_domains_due",
    "carry_contacts_due",
    "erase",
    "key_granted",
    "mirror_due",
    "read_catalogues_due",
    "read_rules_due",
]
