"""Nothing but our own arguments aims a call, no key leaves for elsewhere, and no call takes for ever."""

import gzip
import hashlib
import inspect
import multiprocessing
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway import (
    AnswerLost,
    Application,
    ApplicationKeyInvalid,
    CredentialRevoked,
    Gateway,
    Heard,
    NotConnected,
    OvhUnavailable,
    RateLimited,
    UnusableAnswer,
)
from tests.gateway.conftest import KEY, SECRET
from tests.gateway.crooked import Crooked, response

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hasty(application: Application) -> Gateway:
    """A gateway whose limits are short enough for tests, in the same proportion."""
    return Gateway(application, KEY, connect_within=0.4, answer_within=0.8, in_all=1.2)


@pytest.fixture
def second_host() -> Iterator[Crooked]:
    server = Crooked()
    server.answers(response(200, [1]))
    yield server
    server.close()


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(gateway: Gateway, crooked: Crooked, second_host: Crooked, status: int) -> None:
    crooked.answers(response(status, None, Location=f"{second_host.base_url}/me/order"))
    with pytest.raises(UnusableAnswer):
        gateway.order_ids()
    with pytest.raises(UnusableAnswer):
        gateway.retract_order(7)
    assert second_host.connections == 0
    assert [call.method for call in crooked.calls] == ["GET", "POST"]


# Signatures


def signature_of(call: object, base: str) -> str:
    target = base.removesuffix("/1.0") + call.target
    timestamp = call.headers["x-ovh-timestamp"]
    parts = [SECRET, call.headers["x-ovh-consumer"], call.method, target, call.body.decode(), timestamp]
    return "$1$" + hashlib.sha1("+".join(parts).encode()).hexdigest()


@pytest.mark.parametrize(
    "bill_id", ["FR1", "a b", "é€", "a/b", "a/../b", "%41", "~x", "[1]", "a?b=c#d", "a+b", "\ud800"]
)
def test_what_is_signed_is_what_arrives(gateway: Gateway, crooked: Crooked, bill_id: str) -> None:
    crooked.answers(response(404, {"message": "none"}))
    with pytest.raises(Exception, match="404"):
        gateway.bill(bill_id)
    call = crooked.calls[0]
    assert call.headers["x-ovh-signature"] == signature_of(call, crooked.base_url)
    assert call.target.startswith("/1.0/me/bill/")
    assert call.target.count("/") == 4


@pytest.mark.parametrize("bill_id", ["", ".", "..", "..."])
def test_an_id_that_would_become_another_path_is_not_sent(gateway: Gateway, crooked: Crooked, bill_id: str) -> None:
    with pytest.raises(Exception, match="dots"):
        gateway.bill(bill_id)
    assert crooked.connections == 0


def test_what_is_none_is_left_out(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, []), response(200, None))
    gateway.order_ids()
    gateway.retract_order(7)
    gateway.retract_order(7, "unused", "Déjà vu")
    gateway.log_out()
    got = [(call.method, call.target, call.body) for call in crooked.calls]
    assert got == [
        ("GET", "/1.0/me/order", b""),
        ("POST", "/1.0/me/order/7/retraction", b'{"reason":"other"}'),
        ("POST", "/1.0/me/order/7/retraction", b'{"reason":"unused","comment":"D\\u00e9j\\u00e0 vu"}'),
        ("POST", "/1.0/auth/logout", b""),
    ]


def test_asking_for_a_key_sends_no_key_and_no_nulls(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, {"consumerKey": "new", "validationUrl": crooked.base_url, "state": "pending"}))
    gateway.request_credential([], "http://localhost/back")
    call = crooked.calls[0]
    assert call.body == b'{"accessRules":[],"redirection":"http://localhost/back"}'
    assert "x-ovh-consumer" not in call.headers
    assert "x-ovh-signature" not in call.headers
    assert call.headers["x-ovh-application"] == "ApplicationKey01"


# The environment and files


STRAY = {
    "OVH_ENDPOINT": "ovh-us",
    "OVH_APPLICATION_KEY": "stray",
    "OVH_APPLICATION_SECRET": "stray",
    "OVH_CONSUMER_KEY": "stray",
    "OVH_CLIENT_ID": "stray",
    "OVH_CLIENT_SECRET": "stray",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "NO_PROXY": "",
    "no_proxy": "",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "CURL_CA_BUNDLE": "/nowhere",
    "SSL_CERT_FILE": "/nowhere",
}
STRAY_FILE = "[default]\nendpoint=ovh-us\n[ovh-eu]\nconsumer_key=stray\nclient_id=stray\nclient_secret=stray\n"

ASK = """
import sys
from gateway import Application, Gateway
base = sys.argv[1]
print(Gateway(Application("ovh-eu", base, "ApplicationKey01", sys.argv[2]), sys.argv[3]).order_ids())
"""


@pytest.mark.parametrize("content", [STRAY_FILE, "this is no INI file\n", "[a]\nx=1\n[a]\nx=2\n"])
def test_stray_variables_and_files_change_nothing(
    gateway: Gateway, crooked: Crooked, tmp_path: Path, content: str
) -> None:
    crooked.answers(response(200, [1, 2]))
    (tmp_path / "ovh.conf").write_text(content)
    (tmp_path / ".ovh.conf").write_text(content)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login stray password stray\n")
    environment = STRAY | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK, crooked.base_url, SECRET, KEY],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")
    call = crooked.calls[0]
    assert call.headers["x-ovh-application"] == "ApplicationKey01"
    assert call.headers["x-ovh-consumer"] == KEY
    assert "authorization" not in call.headers


def test_a_slash_at_the_end_of_the_address_does_no_harm(crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    gateway = Gateway(Application("ovh-eu", crooked.base_url + "/", "ApplicationKey01", SECRET), KEY)
    assert gateway.order_ids() == []
    assert crooked.calls[0].target == "/1.0/me/order"


def test_without_a_key_nothing_is_sent(crooked: Crooked, application: Application) -> None:
    with pytest.raises(CredentialRevoked):
        Gateway(application).me()
    with pytest.raises(ApplicationKeyInvalid):
        Gateway(Application("ovh-eu", crooked.base_url), KEY).me()
    assert crooked.connections == 0


@pytest.mark.parametrize("key", ["line\r\nbreak", "ключ"])
def test_a_key_no_header_can_hold_is_never_sent(crooked: Crooked, application: Application, key: str) -> None:
    with pytest.raises(NotConnected):
        Gateway(application, key).me()
    assert crooked.calls == []


# Time


def test_nobody_listens(unused_port: int) -> None:
    gateway = Gateway(Application("ovh-eu", f"http://127.0.0.1:{unused_port}/1.0", "key", "secret"), KEY)
    with pytest.raises(NotConnected):
        gateway.order_ids()
    with pytest.raises(NotConnected):
        gateway.retract_order(7)


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        yield taken.getsockname()[1]


def test_a_name_that_does_not_exist() -> None:
    gateway = Gateway(Application("ovh-eu", "http://ovh.invalid/1.0", "key", "secret"), KEY, in_all=2.0)
    with pytest.raises(NotConnected):
        gateway.retract_order(7)


def seconds_of(call: object) -> tuple[float, OvhUnavailable]:
    began = time.monotonic()
    with pytest.raises(OvhUnavailable) as caught:
        call()
    return time.monotonic() - began, caught.value


def test_a_queue_nobody_serves_ends_with_the_connecting(unused_port: int) -> None:
    """A listener whose queue is full lets SYNs wait, as a firewall that drops them does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            waiting.append(filler)
        application = Application("ovh-eu", f"http://127.0.0.1:{port}/1.0", "key", "secret")
        gateway = Gateway(application, KEY, connect_within=0.4, answer_within=5, in_all=1.2)
        took, error = seconds_of(lambda: gateway.retract_order(7))
        for filler in waiting:
            filler.close()
    assert isinstance(error, NotConnected)
    assert took < 2


def test_silence_ends_with_the_answering(hasty: Gateway, crooked: Crooked) -> None:
    crooked.answers(crooked.silent)
    took, error = seconds_of(lambda: hasty.retract_order(7))
    assert isinstance(error, AnswerLost)
    assert 0.7 < took < 1.1
    assert len(crooked.calls) == 1


def test_dripping_headers_end_with_the_answering(hasty: Gateway, crooked: Crooked) -> None:
    crooked.answers(crooked.dripping(response(200, None, X_Filler="x" * 1000), 0.1))
    took, error = seconds_of(lambda: hasty.retract_order(7))
    assert isinstance(error, AnswerLost)
    assert 0.7 < took < 1.1


def test_a_dripping_body_ends_with_the_whole(hasty: Gateway, crooked: Crooked) -> None:
    head, _, body = response(200, "x" * 1000).partition(b"\r\n\r\n")

    def drip_body(connection: socket.socket) -> None:
        connection.sendall(head + b"\r\n\r\n")
        crooked.dripping(body, 0.1)(connection)

    crooked.answers(drip_body)
    took, error = seconds_of(lambda: hasty.retract_order(7))
    assert isinstance(error, AnswerLost)
    assert 1.1 < took < 1.6


def test_the_limits_a_worker_lives_by() -> None:
    """The tests here shorten them; `make prove` measures them as they are."""
    given = inspect.signature(Gateway).parameters
    limits = {name: given[name].default for name in ("connect_within", "answer_within", "in_all")}
    assert limits == {"connect_within": 5.0, "answer_within": 10.0, "in_all": 15.0}


def test_retries_too_end_with_the_whole(application: Application, crooked: Crooked) -> None:
    crooked.answers(crooked.dripping(response(503, None), 0.01))
    gateway = Gateway(application, KEY, answer_within=0.5, in_all=1.0)
    took, _ = seconds_of(gateway.me)
    assert took < 1.6


def test_dripping_tls_ends_with_the_connecting(crooked: Crooked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def drip_a_handshake() -> None:
            connection, _ = listening.accept()
            with connection:
                # The head of a TLS record of 16 kB, and then its bytes as if there were all the time.
                for byte in b"\x16\x03\x03\x40\x00\x02" + bytes(200):
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return
                    time.sleep(0.05)

        thread = threading.Thread(target=drip_a_handshake)
        thread.start()
        application = Application("ovh-eu", f"https://127.0.0.1:{port}/1.0", "key", "secret")
        gateway = Gateway(application, KEY, connect_within=0.5, answer_within=5, in_all=1.2)
        took, error = seconds_of(lambda: gateway.retract_order(7))
        thread.join(15)
    assert isinstance(error, NotConnected)
    assert took < 2


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A certificate for elsewhere.test, and after it its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("elsewhere.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "elsewhere.pem"
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path


@pytest.mark.parametrize(("host", "reached"), [("elsewhere.test", True), ("127.0.0.1", False)])
def test_a_certificate_for_another_host_gets_nothing(elsewhere: Path, host: str, reached: bool) -> None:
    """elsewhere.test shows that the certificate itself is good: only the name is wrong the second time."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(elsewhere)
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection, server_side.wrap_socket(connection, server_side=True) as secured:
                    received.append(secured.recv(1000))

        thread = threading.Thread(target=serve)
        thread.start()
        if reached:
            trusting = ssl.create_default_context(cafile=str(elsewhere))
            plain = socket.create_connection(("127.0.0.1", port))
            with trusting.wrap_socket(plain, server_hostname=host) as secured:
                secured.sendall(b"hello")
        else:
            application = Application("ovh-eu", f"https://{host}:{port}/1.0", "key", "secret", ca_file=str(elsewhere))
            with pytest.raises(NotConnected):
                Gateway(application, KEY, in_all=1.0).request_credential([], "http://localhost/")
        thread.join(10)
    assert bool(received) is reached


# What comes back


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1", b"HTTP/1.1 2"])
def test_a_write_whose_answer_is_cut_is_doubtful_and_not_repeated(
    gateway: Gateway, crooked: Crooked, content: bytes
) -> None:
    crooked.answers(crooked.cutting(content))
    with pytest.raises(AnswerLost):
        gateway.retract_order(7)
    assert len(crooked.calls) == 1


def test_a_read_is_tried_again(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(crooked.cutting(b""), response(503, None), response(200, [5]))
    assert gateway.order_ids() == [5]
    assert len(crooked.calls) == 3


@pytest.mark.parametrize("answer", [response(400, {"message": "no"}), response(429, {"message": "slow"})])
def test_a_refused_read_is_not_tried_again(gateway: Gateway, crooked: Crooked, answer: bytes) -> None:
    crooked.answers(answer)
    with pytest.raises(Exception, match="no|slow"):
        gateway.me()
    assert len(crooked.calls) == 1


def test_an_answer_without_end_is_cut_off(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, raw=b'"' + b"x" * (17 * 1024 * 1024) + b'"'))
    with pytest.raises(UnusableAnswer, match="too large"):
        gateway.retract_order(7)


def test_a_small_answer_that_unpacks_without_end_is_cut_off(gateway: Gateway, crooked: Crooked) -> None:
    packed = gzip.compress(b'"' + bytes(200 * 1024 * 1024))
    crooked.answers(response(200, raw=packed, Content_Encoding="gzip"))
    with pytest.raises(UnusableAnswer, match="too large"):
        gateway.retract_order(7)


def test_a_packed_answer_is_unpacked(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, raw=gzip.compress(b"[1]"), Content_Encoding="gzip"))
    assert gateway.order_ids() == [1]


def test_no_content_is_success(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(b"HTTP/1.1 204 No Content\r\n\r\n")
    gateway.retract_order(7)
    gateway.log_out()


# Connections


def test_reads_share_a_connection_and_a_write_has_its_own(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    gateway.order_ids()
    gateway.bill_ids()
    gateway.retract_order(7)
    first, second, third = [call.connection for call in crooked.calls]
    assert first == second != third


def test_one_connection_serves_many_keys_and_mixes_none(application: Application, crooked: Crooked) -> None:
    crooked.answers(response(200, [], Set_Cookie="session=of-the-first; Path=/"))
    for key in ("first", "second", "third"):
        Gateway(application, key).order_ids()
    Gateway(application).time()
    assert {call.connection for call in crooked.calls} == {crooked.calls[0].connection}
    assert [call.headers["x-ovh-consumer"] for call in crooked.calls] == ["first", "second", "third"]
    assert all(call.headers["x-ovh-signature"] == signature_of(call, crooked.base_url) for call in crooked.calls)
    assert not any("cookie" in call.headers for call in crooked.received)
    assert "x-ovh-consumer" not in crooked.received[-1].headers


def test_the_next_call_does_not_read_the_last_ones_answer(hasty: Gateway, crooked: Crooked) -> None:
    def late(connection: socket.socket) -> None:
        time.sleep(1.0)
        connection.sendall(response(200, [666]))

    crooked.answers(late, response(200, [1]))
    with pytest.raises(AnswerLost):
        hasty.order_ids()
    assert hasty.order_ids() == [1]


def test_threads_do_not_mix_keys(application: Application, crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    Gateway(application).time()
    keys = [f"key-{number}" for number in range(40)]
    threads = [threading.Thread(target=Gateway(application, key).order_ids) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(call.headers["x-ovh-consumer"] for call in crooked.calls) == sorted(keys)
    assert all(call.headers["x-ovh-signature"] == signature_of(call, crooked.base_url) for call in crooked.calls)


def test_short_lived_threads_share_connections(application: Application, crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    for _ in range(5):
        thread = threading.Thread(target=Gateway(application, KEY).order_ids)
        thread.start()
        thread.join()
    assert crooked.connections == 1


def _ask_in_a_child(application: Application) -> None:
    Gateway(application, "of the child").order_ids()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # the very thing under test
def test_a_fork_does_not_share_connections(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    gateway.order_ids()
    child = multiprocessing.get_context("fork").Process(target=_ask_in_a_child, args=(gateway.application,))
    child.start()
    child.join(20)
    gateway.order_ids()
    assert child.exitcode == 0
    ours, childs, ours_again = [call.connection for call in crooked.calls]
    assert ours == ours_again != childs


# The clock


def test_the_time_is_asked_once(application: Application, crooked: Crooked) -> None:
    crooked.answers(response(200, []))
    for key in ("one", "two"):
        Gateway(application, key).order_ids()
    assert len(crooked.received) - len(crooked.calls) == 1


def test_signing_goes_by_ovhclouds_clock(gateway: Gateway, crooked: Crooked) -> None:
    crooked.time = lambda: int(time.time()) + 7200
    crooked.answers(response(200, []))
    gateway.order_ids()
    assert abs(int(crooked.calls[0].headers["x-ovh-timestamp"]) - time.time() - 7200) < 5


@pytest.mark.parametrize("message", ["Query out of time", "Invalid signature"])
def test_a_clock_that_stepped_is_read_again(gateway: Gateway, crooked: Crooked, message: str) -> None:
    crooked.answers(response(200, []))
    gateway.order_ids()
    crooked.time = lambda: int(time.time()) + 7200
    crooked.answers(response(400, {"message": message}), response(200, None))
    gateway.retract_order(7)
    assert [call.method for call in crooked.calls] == ["GET", "POST", "POST"]


@pytest.mark.parametrize("message", ["Query out of time", "Invalid signature"])
def test_a_clock_that_is_right_is_no_reason_to_try_again(gateway: Gateway, crooked: Crooked, message: str) -> None:
    crooked.answers(response(400, {"message": message}))
    with pytest.raises(Exception, match=message):
        gateway.retract_order(7)
    assert len(crooked.calls) == 1


@pytest.mark.parametrize("now", [lambda: "noon", lambda: None, lambda: True, lambda: 2**70])
def test_without_a_clock_a_write_is_not_sent(gateway: Gateway, crooked: Crooked, now) -> None:
    crooked.time = now
    with pytest.raises(NotConnected):
        gateway.retract_order(7)
    assert crooked.calls == []


# The budget


def test_every_request_is_announced(application: Application, crooked: Crooked) -> None:
    announced: list[tuple[str, str]] = []
    crooked.answers(response(503, None), response(200, []))
    Gateway(application, KEY, before_call=lambda *call: announced.append(call)).order_ids()
    assert announced == [("GET", "/auth/time"), ("GET", "/me/order"), ("GET", "/me/order")]


def test_a_budget_that_says_no_stops_the_request(application: Application, crooked: Crooked) -> None:
    def no(method: str, path: str) -> None:
        raise RateLimited(detail="our own budget", retry_after=3.0)

    with pytest.raises(RateLimited):
        Gateway(application, KEY, before_call=no).retract_order(7)
    assert crooked.connections == 0


def test_a_witness_hears_what_came_of_every_request(application: Application, crooked: Crooked) -> None:
    heard: list[Heard] = []
    crooked.answers(response(503, None), response(200, [1, 2]))
    Gateway(application, KEY, witness=heard.append).order_ids()
    told = [(one.method, one.path, one.status, one.value) for one in heard[1:]]
    assert told == [("GET", "/me/order", 503, None), ("GET", "/me/order", 200, [1, 2])]
    assert isinstance(heard[1].error, UnusableAnswer)
    assert heard[2].error is None
    assert KEY not in repr(heard)
