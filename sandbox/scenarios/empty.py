from . import people
from .story import Story


def empty(story: Story) -> None:
    """The customers of the demo, and nothing they ordered."""
    people.french_individual(story)
    people.british_company(story)
    people.without_orders(story)
    people.odd_one(story)
    people.with_second_factor(story)
