"""Random dialogues over the WebSocket: the server responds as a model of the protocol says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.random_cases import draw
from tests.schema.http.socket_model import ANSWERS, WRONG_KEY, SocketModel
from tests.websocket_client import open_websocket

pytestmark = pytest.mark.usefixtures("no_server_errors")

DIALOGUES = 100
ENDLESS = "subscription { endless }"
INIT: Mapping[str, object] = {"type": "connection_init"}
PING = {"type": "ping"}
TYPES = ("connection_init", "ping", "pong", "subscribe", "complete", "next", "connection_ack", "x")

_ids = st.sampled_from(["a", "b", "é", "😀" * 100])
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


class Frame(NamedTuple):
    """A message as it is sent: as text or as binary, whole or in two parts."""

    content: bytes
    is_text: bool = True
    is_divided: bool = False

    @property
    def parts(self) -> tuple[bytes, bytes]:
        middle = len(self.content) // 2 if self.is_divided else len(self.content)
        return self.content[:middle], self.content[middle:]


def make_dialogues(payloads: Sequence[object]) -> SearchStrategy[list[Frame]]:
    """Returns dialogues that subscribe with these payloads. The last message closes the socket."""
    valid_frames = st.builds(
        Frame,
        st.one_of(
            st.sampled_from([INIT, {**INIT, "payload": None}, {**INIT, "payload": {"key": 1}}]),
            st.sampled_from([PING, {"type": "pong", "payload": {}}]),
            st.fixed_dictionaries({"type": st.just("complete"), "id": _ids}),
            st.fixed_dictionaries(
                {"type": st.just("subscribe"), "id": _ids, "payload": st.sampled_from(payloads)}
            ),
        ).map(orjson.dumps),
        is_divided=st.booleans(),
    )
    malformed_messages = st.one_of(
        _json,
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(TYPES),
                "id": _json,
                "payload": _json | st.just({"authorization": WRONG_KEY}),
            },
        ),
    ).map(orjson.dumps)
    other_frames = st.builds(
        Frame,
        malformed_messages | st.text(max_size=20).map(str.encode) | st.binary(max_size=20),
        is_text=st.booleans(),
        is_divided=st.booleans(),
    )
    return st.tuples(
        st.sampled_from([[], [Frame(orjson.dumps(INIT))]]),
        st.lists(valid_frames, max_size=8),
        st.lists(other_frames, max_size=1),
        st.just([Frame(b"the end")]),
    ).map(lambda parts: _end_at_close([frame for frames in parts for frame in frames]))


def _end_at_close(dialogue: list[Frame]) -> list[Frame]:
    """Returns the frames up to the first that closes the socket."""
    model = SocketModel()
    for number, frame in enumerate(dialogue, 1):
        model.receive(frame.content, is_text=frame.is_text)
        if model.close_code is not None:
            return dialogue[:number]
    return dialogue


async def test_each_message_has_the_response_of_the_model(address: str) -> None:
    payloads = [*({"query": query} for query in ANSWERS), 1, {}, {"query": []}]
    for dialogue in draw(make_dialogues(payloads), DIALOGUES):
        model = SocketModel()
        async with open_websocket(address, initialize=False) as client:
            for frame in dialogue:
                await client.send_fragments(*frame.parts, is_text=frame.is_text)
                for expected in model.receive(frame.content, is_text=frame.is_text):
                    message = await client.receive()
                    message.pop("payload", None)
                    assert message == expected, dialogue
            assert await client.wait_for_close_code() == model.close_code, dialogue


async def test_messages_that_do_not_wait_for_responses(address: str) -> None:
    for dialogue in draw(make_dialogues([{"query": ENDLESS}]), DIALOGUES):
        model, expected_types = SocketModel(), defaultdict(list)
        async with open_websocket(address, initialize=False) as client:
            for frame in dialogue:
                await client.send_fragments(*frame.parts, is_text=frame.is_text)
                for message in model.receive(frame.content, is_text=frame.is_text):
                    expected_types[message.get("id")].append(message["type"])
            received_types = defaultdict(list)
            async for message in client.receive_until_closed():
                received_types[message.get("id")].append(message["type"])
            assert await client.wait_for_close_code() == model.close_code, dialogue
        for id_, types in received_types.items():
            # What was on its way when the socket closed is lost.
            assert types == expected_types[id_][: len(types)], dialogue
