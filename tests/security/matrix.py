"""
Who gets what at which address: every route of the URLconf has its three lines here, or a test fails.

read: GET and HEAD. post: POST, with a token. else: PUT, PATCH, DELETE and OPTIONS. Addresses name A's order; `other` is
the customer B, `owner` is A, `revoked` is A after OVHcloud took the key back, `disabled` is A switched off, `linked` is
a customer who linked A's account, `nofactor` is of support, with a password alone.

in: sent to sign in (a fragment is told so by 401). door: likewise to staff's door. key: 200 with the page that says the
key is no longer taken, and nothing else. factor: sent to set up a second factor. away: sent to another page, and a
fragment is told to go there. kept: sent to the next page, and a fragment is answered here.

`python -m tests.security.matrix` says how many cells that makes.
"""

TABLE = """
                                  visitor other owner revoked disabled linked nofactor support supervisor administrator
home                        read  200     200   200   key     200      200    302      302     302        302
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
orders:order_list           read  in      200   200   key     in       200    404      404     404        404
                            post  in      405   405   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:list_check           read  in      405   405   key     in       405    404      404     404        404
                            post  in      302   302   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_show           read  in      404   200   key     in       200    404      404     404        404
                            post  in      405   405   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_tracking       read  in      404   200   key     in       200    404      404     404        404
                            post  in      405   405   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_check          read  in      405   405   key     in       405    404      404     404        404
                            post  in      404   302   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_pay            read  in      404   200   key     in       200    404      404     404        404
                            post  in      404   200   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:domains               read  200     200   200   key     200      200    404      404     404        404
                            post  405     405   405   key     405      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:domain_answers        read  200     200   200   key     200      200    404      404     404        404
                            post  405     405   405   key     405      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:subsidiary_choose     read  405     405   405   key     405      405    404      404     404        404
                            post  302     302   302   key     302      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:catalogue             read  200     200   200   key     200      200    404      404     404        404
                            post  405     405   405   key     405      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:plan                  read  200     200   200   key     200      200    404      404     404        404
                            post  405     405   405   key     405      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:cart                  read  200     200   200   key     200      200    404      404     404        404
                            post  405     405   405   key     405      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:cart_add              read  405     405   405   key     405      405    404      404     404        404
                            post  302     302   302   key     302      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:cart_undo             read  405     405   405   key     405      405    404      404     404        404
                            post  302     302   302   key     302      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:coupon                read  405     405   405   key     405      405    404      404     404        404
                            post  302     302   200   key     302      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:cart_check            read  405     405   405   key     405      405    404      404     404        404
                            post  302     302   302   key     302      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:item                  read  405     405   405   key     405      405    404      404     404        404
                            post  404     404   200   key     404      409    404      404     404        404
                            else  405     405   405   key     405      405    404      404     404        404
carts:configure             read  in      404   200   key     in       404    404      404     404        404
                            post  in      404   kept  key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:contact_new           read  in      200   200   key     in       200    404      404     404        404
                            post  in      200   200   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:contact_edit          read  in      404   200   key     in       404    404      404     404        404
                            post  in      404   200   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:summary               read  in      away  200   key     in       away   404      404     404        404
                            post  in      405   405   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:order                 read  in      302   302   key     in       302    404      404     404        404
                            post  in      302   302   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
carts:ordered               read  in      404   200   200     in       200    404      404     404        404
                            post  in      405   405   405     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
carts:order_again           read  in      405   405   key     in       405    404      404     404        404
                            post  in      404   302   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_bill           read  in      404   200   key     in       200    404      404     404        404
                            post  in      404   200   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:order_leave          read  in      404   410   key     in       410    404      404     404        404
                            post  in      405   405   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:retraction_show      read  in      404   200   200     in       200    404      404     404        404
                            post  in      404   200   200     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:retraction_form      read  in      404   200   200     in       200    404      404     404        404
                            post  in      405   405   405     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:receipt_pdf          read  in      404   200   200     in       200    404      404     404        404
                            post  in      405   405   405     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:retraction_letter    read  in      404   200   200     in       200    404      404     404        404
                            post  in      405   405   405     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:receipt_send         read  in      405   405   405     in       405    404      404     404        404
                            post  in      404   200   200     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:refund_note          read  in      405   405   405     in       405    404      404     404        404
                            post  in      404   200   200     in       409    404      404     404        404
                            else  in      405   405   405     in       405    404      404     404        404
orders:retractions          read  200     200   200   200     200      200    200      200     200        200
                            post  405     405   405   405     405      409    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
orders:declaration          read  200     200   200   200     200      200    200      200     200        200
                            post  200     200   200   200     200      200    200      200     200        200
                            else  405     405   405   405     405      405    405      405     405        405
orders:declared             read  404     404   404   404     404      404    404      404     404        404
                            post  404     404   404   404     404      404    404      404     404        404
                            else  405     405   405   405     405      405    405      405     405        405
orders:declared_pdf         read  404     404   404   404     404      404    404      404     404        404
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
orders:receipt_verify       read  200     200   200   200     200      200    200      200     200        200
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
orders:export               read  in      200   200   key     in       200    404      404     404        404
                            post  in      302   302   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
orders:export_take          read  in      405   405   key     in       405    404      404     404        404
                            post  in      404   404   key     in       409    404      404     404        404
                            else  in      405   405   key     in       405    404      404     404        404
accounts:sign_in            read  405     405   405   405     405      405    405      405     405        405
                            post  302     302   302   302     302      302    302      302     302        302
                            else  405     405   405   405     405      405    405      405     405        405
accounts:sign_in_continue   read  302     302   302   302     302      302    302      302     302        302
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
accounts:sign_in_return     read  400     400   400   400     400      400    400      400     400        400
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
accounts:sign_in_confirm    read  302     302   302   302     302      302    302      302     302        302
                            post  400     400   400   400     400      400    400      400     400        400
                            else  405     405   405   405     405      405    405      405     405        405
accounts:sign_out           read  405     405   405   405     405      405    405      405     405        405
                            post  302     302   302   302     302      302    302      302     302        302
                            else  405     405   405   405     405      405    405      405     405        405
accounts:account            read  in      200   200   200     in       200    404      404     404        404
                            post  in      405   405   405     in       405    405      405     405        405
                            else  in      405   405   405     in       405    405      405     405        405
accounts:settings           read  in      200   200   200     in       200    404      404     404        404
                            post  in      200   200   200     in       200    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:forget             read  in      200   200   200     in       200    404      404     404        404
                            post  in      200   200   200     in       200    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:erase              read  in      200   200   200     in       200    404      404     404        404
                            post  in      200   200   200     in       200    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:switch             read  in      405   405   405     in       405    405      405     405        405
                            post  in      404   404   404     in       404    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:link_begin         read  in      200   200   200     in       200    404      404     404        404
                            post  in      302   302   302     in       302    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:link_end           read  in      404   404   404     in       404    404      404     404        404
                            post  in      404   404   404     in       404    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:rights             read  in      200   200   200     in       200    404      404     404        404
                            post  in      302   302   302     in       302    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
accounts:assurance          read  in      302   302   302     in       302    302      302     302        302
                            post  in      302   302   302     in       302    302      302     302        302
                            else  in      405   405   405     in       405    405      405     405        405
accounts:session_end        read  in      405   405   405     in       405    405      405     405        405
                            post  in      302   302   302     in       302    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
support:search              read  door    404   404   404     door     404    factor   200     200        403
                            post  door    404   404   404     door     404    factor   405     405        405
                            else  door    404   404   404     door     404    factor   405     405        405
support:queues              read  door    404   404   404     door     404    factor   200     200        403
                            post  door    404   404   404     door     404    factor   405     405        405
                            else  door    404   404   404     door     404    factor   405     405        405
support:sync                read  door    404   404   404     door     404    factor   200     200        200
                            post  door    404   404   404     door     404    factor   405     405        405
                            else  door    404   404   404     door     404    factor   405     405        405
support:people              read  door    404   404   404     door     404    factor   403     403        200
                            post  door    404   404   404     door     404    factor   403     403        200
                            else  door    404   404   404     door     404    factor   405     405        405
support:person              read  door    404   404   404     door     404    factor   403     403        200
                            post  door    404   404   404     door     404    factor   403     403        302
                            else  door    404   404   404     door     404    factor   405     405        405
support:accounts            read  door    404   404   404     door     404    factor   403     403        200
                            post  door    404   404   404     door     404    factor   403     403        200
                            else  door    404   404   404     door     404    factor   405     405        405
support:account_drop        read  door    404   404   404     door     404    factor   403     403        200
                            post  door    404   404   404     door     404    factor   403     403        302
                            else  door    404   404   404     door     404    factor   405     405        405
support:intent_ring         read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   403     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:intent_close        read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   403     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:intent_order        read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   403     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:order_check         read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   302     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:declaration_show    read  door    404   404   404     door     404    factor   200     200        403
                            post  door    404   404   404     door     404    factor   200     200        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:receipt_send        read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   302     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:refund_note         read  door    404   404   404     door     404    factor   405     405        405
                            post  door    404   404   404     door     404    factor   302     302        403
                            else  door    404   404   404     door     404    factor   405     405        405
support:order_show          read  door    404   404   404     door     404    factor   200     200        403
                            post  door    404   404   404     door     404    factor   405     405        405
                            else  door    404   404   404     door     404    factor   405     405        405
account_login               read  200     302   302   302     200      302    302      302     302        302
                            post  200     302   302   302     200      302    302      302     302        302
                            else  405     302   302   302     405      302    302      302     302        302
mfa_authenticate            read  302     302   302   302     302      302    302      302     302        302
                            post  302     302   302   302     302      302    302      302     302        302
                            else  302     302   302   302     302      302    302      302     302        302
mfa_index                   read  in      200   200   200     in       200    200      200     200        200
                            post  in      405   405   405     in       405    405      405     405        405
                            else  in      405   405   405     in       405    405      405     405        405
mfa_activate_totp           read  in      200   200   200     in       200    200      302     302        302
                            post  in      200   200   200     in       200    200      302     302        302
                            else  in      405   405   405     in       405    405      405     405        405
mfa_deactivate_totp         read  in      404   404   404     in       404    404      200     200        200
                            post  in      404   404   404     in       404    404      302     302        302
                            else  in      405   405   405     in       405    405      405     405        405
mfa_add_webauthn            read  in      200   200   200     in       200    200      200     200        200
                            post  in      200   200   200     in       200    200      200     200        200
                            else  in      405   405   405     in       405    405      405     405        405
mfa_remove_webauthn         read  in      404   404   404     in       404    404      404     404        404
                            post  in      404   404   404     in       404    404      404     404        404
                            else  in      405   405   405     in       405    405      405     405        405
mfa_view_recovery_codes     read  in      404   404   404     in       404    404      404     404        404
                            post  in      405   405   405     in       405    405      405     405        405
                            else  in      405   405   405     in       405    405      405     405        405
mfa_generate_recovery_codes read  in      200   200   200     in       200    200      200     200        200
                            post  in      200   200   200     in       200    200      302     302        302
                            else  in      405   405   405     in       405    405      405     405        405
staff_welcome               read  404     404   404   404     404      404    404      404     404        404
                            post  404     404   404   404     404      404    404      404     404        404
                            else  405     405   405   405     405      405    405      405     405        405
staff_welcome_link          read  404     404   404   404     404      404    404      404     404        404
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
set_language                read  405     405   405   405     405      405    405      405     405        405
                            post  302     302   302   302     302      302    302      302     302        302
                            else  405     405   405   405     405      405    405      405     405        405
health_live                 read  200     200   200   200     200      200    200      200     200        200
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
health_ready                read  200     200   200   200     200      200    200      200     200        200
                            post  405     405   405   405     405      405    405      405     405        405
                            else  405     405   405   405     405      405    405      405     405        405
"""

Cell = tuple[str, str, str]


def expected() -> dict[Cell, str]:
    """The answers by route, kind of method and actor."""
    header, *lines = TABLE.strip("\n").splitlines()
    actors = header.split()
    cells: dict[Cell, str] = {}
    route = ""
    for line in lines:
        words = line.split()
        if len(words) == len(actors) + 2:
            route = words.pop(0)
        kind, *answers = words
        assert len(answers) == len(actors), f"{line} has not one answer for each of {header}"
        cells |= {(route, kind, actor): answer for actor, answer in zip(actors, answers, strict=True)}
    return cells


if __name__ == "__main__":
    lines = len(expected())
    persons = len({actor for _route, _kind, actor in expected()})
    routes = len({route for route, _kind, _actor in expected()})
    # GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.
    cells = routes * 7 * 2 * persons
    print(f"{routes} routes, 7 methods, plain and by htmx, {persons} persons: {cells} cells of {lines} answers")  # noqa: T201
