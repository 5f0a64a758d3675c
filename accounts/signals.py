"""What other packages may want to hear of accounts, which knows nothing of them."""

from django.dispatch import Signal

# Sent inside the transaction in which a key for `nichandle` was kept: work that waited for a key may go on.
key_granted = Signal()
