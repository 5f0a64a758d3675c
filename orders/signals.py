"""What other packages may want to hear of orders, which know nothing of them."""

from django.dispatch import Signal

# Sent inside the transaction that writes down orders we did not have: `nichandle`, and their `numbers` at OVHcloud.
orders_found = Signal()
