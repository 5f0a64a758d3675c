"""What items want to know, what was filled in for them, and coupons. Codes that open something are read only here."""

from accounts import crypto
from accounts.crypto import KeyUnreadable
from carts.models import CartItem, Configuration
from carts.sync import kept
from carts.sync.copying import Work
from carts.sync.rules import want_rules
from gateway import NotAdmitted, NotFound, OvhError, OvhRefused


def read_requirements(work: Work) -> None:
    """Ask each item that is there and was not asked yet; what its registry asks is another task's to read."""
    items = work.items()
    for item in items:
        if item.ovh_item_id is not None and item.requirements is None:
            found = kept.requirements(work.gateway.required_configuration(work.id, item.ovh_item_id))
            CartItem.objects.filter(pk=item.pk).update(requirements=found)
    want_rules(item for item in items if item.ovh_item_id is not None)


def copy_configurations(work: Work) -> None:
    changed = Configuration.objects.filter(item__cart=work.cart, item__ovh_item_id__isnull=False, is_mirrored=False)
    for configuration in changed.select_related("item").order_by("pk"):
        _copy(work, configuration)


def fill_in_anew(work: Work, item: CartItem, label: str) -> None:
    """OVHcloud has a label twice: take back all of it, and fill it in once."""
    assert item.ovh_item_id is not None  # noqa: S101  (OVHcloud spoke of it)
    for configuration_id in work.gateway.configuration_ids(work.id, item.ovh_item_id, label):
        _take_back(work, item.ovh_item_id, configuration_id)
    item.configurations.filter(label=label).update(is_mirrored=False, ovh_configuration_id=None)
    copy_configurations(work)


def _copy(work: Work, configuration: Configuration) -> None:
    item_id = configuration.item.ovh_item_id
    assert item_id is not None  # noqa: S101  (asked by the caller)
    value = _value(configuration)
    # Changed meanwhile, it is not what was copied: then only the number is kept, so that it is taken back next.
    row = Configuration.objects.filter(pk=configuration.pk)
    same = row.filter(value=configuration.value, encrypted_value=configuration.encrypted_value)
    if configuration.ovh_configuration_id is not None:
        _take_back(work, item_id, configuration.ovh_configuration_id)
        row.update(ovh_configuration_id=None)
    if not value:
        # What the dry run asks for has a row of its own before it is filled in.
        same.filter(problem="").delete()
        same.update(is_mirrored=True)
        return
    work.before_a_write()
    made = _configure(work, item_id, configuration.label, value)
    row.update(ovh_configuration_id=made)
    same.update(is_mirrored=True)


def _configure(work: Work, item_id: int, label: str, value: str) -> int:
    """What OVHcloud says of it may repeat the value, which nobody is to see."""
    try:
        return work.gateway.configure(work.id, item_id, label, value).configuration_id
    except OvhError as error:
        if label in Configuration.SECRET_LABELS:
            error.message = error.message.replace(value, "…")
            error.args = (error.message, *error.args[1:])
        raise


def _value(configuration: Configuration) -> str:
    if not configuration.encrypted_value:
        return configuration.value
    try:
        return crypto.decrypt(configuration.encrypted_value, bound_to=str(configuration.item.key))
    except KeyUnreadable:
        # It is asked for again, like one that was never filled in.
        Configuration.objects.filter(pk=configuration.pk).update(encrypted_value="")
        configuration.encrypted_value = ""
        return ""


def _take_back(work: Work, item_id: int, configuration_id: int) -> None:
    work.before_a_write()
    try:
        work.gateway.delete_configuration(work.id, item_id, configuration_id)
    except NotFound:
        return


def copy_coupons(work: Work, *, is_new: bool) -> None:
    """is_new: the copy was made in this turn, so it has none."""
    wanted = [one["coupon"] for one in work.cart.coupons]
    there = [] if is_new else work.gateway.cart_coupons(work.id)
    for coupon in there:
        if coupon not in wanted:
            work.before_a_write()
            work.gateway.delete_coupon(work.id, coupon)
    for coupon in wanted:
        if coupon not in there:
            work.before_a_write()
            try:
                work.gateway.add_coupon(work.id, coupon)
            except OvhRefused as error:
                if isinstance(error, NotAdmitted | NotFound):
                    raise
                work.coupon_problems[coupon] = error.message or coupon
