"""
What a registry or a product asks for before it can be ordered: told in words, filled in, checked, kept as one goes.

labels.py     OVHcloud's labels in words, and which of them are asked for in earnest
checks.py     what a value must look like
fields.py     a form's field for each requirement
form.py       the form of one item
saving.py     writing what was filled in
rules.py      what a registry asks, a tree that is read and judged
asked.py      the same in words, at the fields it is asked of
contacts.py   people and organisations that names are registered to
"""
