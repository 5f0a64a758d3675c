"""What other packages may want to hear of accounts, which knows nothing of them."""

from django.dispatch import Signal

# Sent inside the transaction in which a key for `nichandle` was kept: work that waited for a key may go on.
key_granted = Signal()

# Sent inside the transaction in which somebody asked to be forgotten: receivers delete what they hold of `nichandle`
# and answer how many rows the law makes them keep.
forgetting = Signal()
