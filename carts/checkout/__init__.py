"""From a cart to a purchase order, once: the quote, the waiver, the intent."""
