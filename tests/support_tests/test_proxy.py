"""The fault proxy does to connections what it says, no more, and undoes it."""

import contextlib
import gc
import math
import queue
import random
import socket
import struct
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest

from tests.support.processes import free_port
from tests.support.proxy import Direction, Proxy

SOON = 10  # seconds: the deadline of what must come
NEVER = 0.2  # seconds without what must not come
BUFFER = 64 * 1024


class Target:
    """A server that says everything back, unless it is `deaf`. `ends` tells how its connections came to their end."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.port = free_port()
        self.deaf = deaf
        self.ends: queue.Queue[tuple[bytes, type[OSError] | None]] = queue.Queue()
        self._people: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which wakes accept(); closing would not
        self._listener.close()
        self._thread.join()

    def _listen(self) -> None:
        with ThreadPoolExecutor(max_workers=50) as pool:
            with contextlib.suppress(OSError):
                while True:
                    person, _ = self._listener.accept()
                    self._people.append(person)
                    if not self.deaf:
                        pool.submit(self._talk, person)
            for person in self._people:
                with contextlib.suppress(OSError):
                    person.shutdown(socket.SHUT_RDWR)
        for person in self._people:
            person.close()

    def _talk(self, person: socket.socket) -> None:
        heard = bytearray()
        end = None
        try:
            while chunk := person.recv(BUFFER):
                heard += chunk
                person.sendall(chunk)
            person.shutdown(socket.SHUT_WR)
        except OSError as error:
            end = type(error)
        self.ends.put((bytes(heard), end))


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as started:
        yield started


@pytest.fixture
def proxy(target: Target) -> Iterator[Proxy]:
    with Proxy(target.port) as started:
        yield started


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=SOON)


def receive(client: socket.socket, count: int) -> bytes:
    """That many bytes, or fewer where the other side ends."""
    heard = bytearray()
    while len(heard) < count and (chunk := client.recv(min(count - len(heard), BUFFER))):
        heard += chunk
    return bytes(heard)


def talk(client: socket.socket, payload: bytes = b"tomatoes") -> None:
    """What is said comes back whole and in order."""
    said = threading.Thread(target=client.sendall, args=[payload])
    said.start()
    assert receive(client, len(payload)) == payload
    said.join()


def assert_silent(client: socket.socket) -> None:
    """Nothing comes, and no end either."""
    client.settimeout(NEVER)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(SOON)


def assert_reset(client: socket.socket) -> None:
    with client, pytest.raises(ConnectionResetError):
        client.recv(1)


def assert_turned_away(proxy: Proxy) -> None:
    """A new connection is reset: its client learns it on connecting already, or on reading."""
    with pytest.raises(ConnectionResetError), connect(proxy) as client:
        client.recv(1)


def assert_comes_true(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def until_passed(proxy: Proxy, direction: Direction, count: int) -> None:
    assert_comes_true(lambda: proxy.passed(direction) >= count)


# No fault


def test_bytes_and_the_end_of_each_direction_pass(target: Target, proxy: Proxy) -> None:
    payload = random.randbytes(5_000_000)
    with connect(proxy) as client:
        talk(client, payload)
        assert proxy.connections == 1
        assert proxy.passed("to_server") == proxy.passed("to_client") == len(payload)
        client.sendall(b"the last")
        client.shutdown(socket.SHUT_WR)
        assert receive(client, 100) == b"the last"
        assert target.ends.get(timeout=SOON) == (payload + b"the last", None)
    assert_comes_true(lambda: proxy.connections == 0)


def test_a_reset_of_the_client_reaches_the_target(target: Target, proxy: Proxy) -> None:
    client = connect(proxy)
    talk(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert target.ends.get(timeout=SOON) == (b"tomatoes", ConnectionResetError)
    assert_comes_true(lambda: proxy.connections == 0)


def test_the_target_may_go_and_come_back() -> None:
    target = Target()
    with Proxy(target.port) as proxy:
        assert_turned_away(proxy)
        with target:
            before = connect(proxy)
            talk(before)
        with before:
            assert receive(before, 1) == b""
        assert_turned_away(proxy)
        with target, connect(proxy) as client:
            talk(client)


async def test_a_test_with_a_loop_of_its_own_can_call_too(proxy: Proxy) -> None:
    with connect(proxy) as client:
        talk(client)
        proxy.freeze()
        client.sendall(b"beans")
        assert_silent(client)
        proxy.heal()
        assert receive(client, 5) == b"beans"


@pytest.mark.parametrize(
    ("url", "through"),
    [
        (
            "postgresql://bob:s%40fe@db.example:5432/chat?sslmode=disable",
            "postgresql://bob:s%40fe@{}/chat?sslmode=disable",
        ),
        ("redis://127.0.0.1:6379/3", "redis://{}/3"),
        ("http://localhost", "http://{}"),
        ("ws://[::1]:8000/ws/chat/?ticket=a#b", "ws://{}/ws/chat/?ticket=a#b"),
    ],
)
def test_a_url_leads_through_the_proxy(url: str, through: str) -> None:
    proxy = Proxy(1)
    assert proxy.url_of(url) == through.format(f"127.0.0.1:{proxy.port}")


def test_leaving_resets_everything_and_leaves_nothing_behind(target: Target) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Proxy(target.port) as proxy:
            talking = connect(proxy)
            talk(talking)
            proxy.delay(60)
            talking.sendall(b"never")
            proxy.freeze()
            held = connect(proxy)
            assert proxy.connections == 2
        assert_reset(talking)
        assert_reset(held)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        with pytest.raises(AssertionError, match="closed"):
            proxy.freeze()
        assert f"proxy {proxy.port}" not in [thread.name for thread in threading.enumerate()]
        del proxy
        gc.collect()
    assert target.ends.get(timeout=SOON) == (b"tomatoes", ConnectionResetError)


# Frozen


def test_frozen_connections_are_open_and_silent_and_lose_nothing(target: Target, proxy: Proxy) -> None:
    with connect(proxy) as before:
        talk(before)
        proxy.freeze()
        with connect(proxy) as later:
            for client in (before, later):
                client.sendall(b"beans")
                client.shutdown(socket.SHUT_WR)
            for client in (before, later):
                assert_silent(client)
            assert proxy.connections == 2
            assert proxy.passed("to_server") == proxy.passed("to_client") == len(b"tomatoes")
            proxy.thaw()
            for client in (before, later):
                assert receive(client, 100) == b"beans"
    assert_comes_true(lambda: proxy.connections == 0)


def test_a_long_talk_goes_through_any_number_of_freezes(proxy: Proxy) -> None:
    payload = random.randbytes(5_000_000)
    with connect(proxy) as client, ThreadPoolExecutor() as pool:
        talked = pool.submit(talk, client, payload)
        for share in range(10):
            until_passed(proxy, "to_client", share * len(payload) // 10)
            proxy.freeze()
            passed = proxy.passed("to_server"), proxy.passed("to_client")
            assert (proxy.passed("to_server"), proxy.passed("to_client")) == passed
            proxy.thaw()
        talked.result(SOON)


def test_who_is_held_can_be_reset_and_a_target_that_is_down_shows_after_the_thaw() -> None:
    with Proxy(free_port()) as proxy:
        proxy.freeze()
        client = connect(proxy)
        proxy.reset()
        assert_reset(client)
        client = connect(proxy)
        assert_silent(client)
        proxy.thaw()
        assert_reset(client)


# Delay and throttle


def test_a_delay_comes_with_every_chunk_but_does_not_add_up(proxy: Proxy) -> None:
    with connect(proxy) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        talk(client)
        proxy.delay(0.1)
        began = time.monotonic()
        for number in range(100):
            client.sendall(bytes([number]))
            assert proxy.connections == 1  # and the proxy has had a turn, so that most bytes are chunks of their own
        assert receive(client, 100) == bytes(range(100))
        assert 0.2 <= time.monotonic() - began < 5  # 20 if each waited for the one before it


def test_without_its_delay_what_waited_goes_on_at_once(target: Target, proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.delay(3600)
        client.sendall(b"beans")
        client.shutdown(socket.SHUT_WR)
        assert_silent(client)
        proxy.delay(0)
        assert receive(client, 100) == b"beans"
        assert target.ends.get(timeout=SOON) == (b"beans", None)


def test_a_delay_lets_as_much_pass_as_without(proxy: Proxy) -> None:
    payload = random.randbytes(5_000_000)
    with connect(proxy) as client:
        proxy.delay(0.2)
        began = time.monotonic()
        talk(client, payload)
        assert 0.4 <= time.monotonic() - began < 10  # 16 if only what may wait were underway


def test_a_throttle_holds_for_each_connection_and_direction(proxy: Proxy) -> None:
    payload = random.randbytes(100_000)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(proxy)) for _ in range(8)]
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=len(clients)))
        proxy.throttle(200_000)
        began = time.monotonic()
        for talked in [pool.submit(talk, client, payload) for client in clients]:
            talked.result(SOON)
        assert 0.45 <= time.monotonic() - began < 5  # 8 if all of them shared it


@pytest.mark.parametrize("heal", [Proxy.heal, lambda proxy: proxy.throttle(math.inf)])
def test_without_its_throttle_what_waited_goes_on_at_once(proxy: Proxy, heal: Callable[[Proxy], None]) -> None:
    with connect(proxy) as client:
        talk(client)
        proxy.throttle(0.001)
        client.sendall(b"beans")
        assert receive(client, 1) == b"b"
        assert_silent(client)
        heal(proxy)
        assert receive(client, 4) == b"eans"


def test_five_megabytes_pass_whole_and_in_order_with_delay_and_throttle(proxy: Proxy) -> None:
    payload = random.randbytes(5_000_000)
    with connect(proxy) as client:
        proxy.delay(0.05)
        proxy.throttle(10_000_000)
        began = time.monotonic()
        talk(client, payload)
        assert time.monotonic() - began >= 0.5
        assert proxy.passed("to_server") == proxy.passed("to_client") == len(payload)


@pytest.mark.parametrize("slow", ["throttle", "delay and throttle", "freeze", "target"])
def test_a_sender_is_held_up_after_a_bounded_amount(slow: str) -> None:
    with Target(deaf=True) as target, Proxy(target.port) as proxy, connect(proxy) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        if slow == "freeze":
            proxy.freeze()
        if "delay" in slow:
            proxy.delay(1)
        if "throttle" in slow:
            proxy.throttle(1000)
        client.settimeout(NEVER)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 100_000_000:
                sent += client.send(bytes(BUFFER))
        assert sent < 16 * BUFFER


# Cut, reset, refuse


@pytest.mark.parametrize("count", [1, 5, 300_000])
def test_a_cut_lets_exactly_so_much_reach_the_client(target: Target, proxy: Proxy, count: int) -> None:
    with connect(proxy) as client, ThreadPoolExecutor() as pool:
        talk(client)
        proxy.cut_after(count, direction="to_client")
        sending = pool.submit(client.sendall, bytes(count + 100))
        assert len(receive(client, count)) == count
        assert_reset(client)
        assert sending.exception(SOON) is None or isinstance(sending.exception(), ConnectionError)
    assert proxy.passed("to_client") == len(b"tomatoes") + count
    assert proxy.connections == 0
    assert target.ends.get(timeout=SOON)[1] is not None


@pytest.mark.parametrize("count", [1, 5, 300_000])
def test_a_cut_lets_exactly_so_much_reach_the_target(target: Target, proxy: Proxy, count: int) -> None:
    with connect(proxy) as client, ThreadPoolExecutor() as pool:
        talk(client)
        proxy.cut_after(count, direction="to_server")
        sending = pool.submit(client.sendall, bytes(count + 100))
        with pytest.raises(ConnectionResetError):
            receive(client, count + 100)
        assert sending.exception(SOON) is None or isinstance(sending.exception(), ConnectionError)
    assert proxy.passed("to_server") == len(b"tomatoes") + count
    heard, end = target.ends.get(timeout=SOON)
    assert heard == b"tomatoes" + bytes(count)
    assert end in (ConnectionResetError, BrokenPipeError)  # the second where it was still saying it back


@pytest.mark.parametrize("direction", ["to_client", "to_server"])
def test_a_cut_after_nothing_lets_not_even_the_next_byte_pass(
    target: Target, proxy: Proxy, direction: Direction
) -> None:
    with connect(proxy) as client:
        talk(client)
        proxy.cut_after(0, direction=direction)
        assert_silent(client)
        client.sendall(b"beans")
        assert_reset(client)
    assert proxy.passed(direction) == len(b"tomatoes")


@pytest.mark.parametrize("reads", [True, False])
def test_a_cut_waits_for_a_slow_reader_but_not_for_one_that_is_gone(proxy: Proxy, reads: bool) -> None:
    count = 50_000
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(SOON)
        client.connect(("127.0.0.1", proxy.port))
        proxy.cut_after(count, direction="to_client")
        client.sendall(bytes(count))
        until_passed(proxy, "to_client", count)
        assert proxy.connections == 1
        if reads:
            assert len(receive(client, count)) == count
            assert_reset(client)
        else:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert_comes_true(lambda: proxy.connections == 0)


def test_a_cut_meets_one_connection_that_counts_for_itself_and_is_over(proxy: Proxy) -> None:
    with connect(proxy) as one, connect(proxy) as other:
        talk(one, b"before it counts")
        proxy.cut_after(10, direction="to_client")
        talk(one, b"123456")
        talk(other, b"123456")
        with connect(proxy) as later:
            talk(later, b"123456")
            one.sendall(b"7890abc")
            assert receive(one, 4) == b"7890"
            assert_reset(one)
            talk(other, bytes(100))
            talk(later, bytes(100))


def test_a_healed_cut_does_not_happen(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.cut_after(5, direction="to_server")
        talk(client, b"1234")
        proxy.heal()
        talk(client)


def test_a_reset_meets_both_sides_of_what_is_open_and_nobody_later(target: Target, proxy: Proxy) -> None:
    clients = [connect(proxy) for _ in range(5)]
    for client in clients:
        talk(client)
    proxy.reset()
    assert proxy.connections == 0
    for client in clients:
        assert_reset(client)
    for _ in clients:
        assert target.ends.get(timeout=SOON) == (b"tomatoes", ConnectionResetError)
    with connect(proxy) as client:
        talk(client)


def test_who_has_just_connected_is_open(proxy: Proxy) -> None:
    for _ in range(50):
        client = connect(proxy)
        proxy.reset()
        assert_reset(client)
    for _ in range(50):
        with connect(proxy) as client:
            proxy.refuse()
            talk(client)
            proxy.accept()


@pytest.mark.parametrize("heal", [Proxy.heal, Proxy.accept])
def test_who_is_refused_is_reset_and_who_was_there_goes_on(proxy: Proxy, heal: Callable[[Proxy], None]) -> None:
    with connect(proxy) as before:
        proxy.refuse()
        assert_turned_away(proxy)
        talk(before)
        heal(proxy)
        talk(before)
        with connect(proxy) as later:
            talk(later)


def test_one_word_heals_everything(proxy: Proxy) -> None:
    with connect(proxy) as client:
        proxy.refuse()
        proxy.delay(3600)
        proxy.throttle(1)
        proxy.cut_after(0, direction="to_server")
        proxy.freeze()
        client.sendall(b"beans")
        assert_silent(client)
        proxy.heal()
        assert receive(client, 5) == b"beans"
        with connect(proxy) as later:
            talk(later, bytes(1_000_000))
