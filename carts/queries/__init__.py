"""What each page of choosing reads, shaped for that page. Query counts are decided here."""

from carts.queries.buyer import Buyer as Buyer
from carts.queries.buyer import buyer_of as buyer_of
from carts.queries.cart import cart_for_page as cart_for_page
from carts.queries.catalogue import catalogue as catalogue
from carts.queries.catalogue import plan_for_page as plan_for_page
from carts.queries.searching import answers as answers
from carts.queries.searching import search_page as search_page
