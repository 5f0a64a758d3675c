"""
Paying an order with a method that the customer saved at OVHcloud, once.

    choices      with what this order can be paid: read by a task, kept in a row
    asking       what a customer asks for: the one transaction that writes the intent
    kind         what the relay does with it: look, pay, look again where the answer was lost
    at_checkout  orders that were to be paid as they were made
    page         what the page shows; words and form are its

Whether an order is paid is OVHcloud's to say, and never a browser's that comes back from somewhere.
"""
