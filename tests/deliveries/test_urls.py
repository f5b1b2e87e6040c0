"""URLs of webhooks that a distribution refuses."""

import pytest

from app.domain.distribution_inputs import DistributionInput
from app.domain.inputs import parse_input
from app.errors import InputError


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://xn--/", "url must be a URL: Malformed A-label"),
        ("http://x:99999/", "url must have a port of 1 to 65535"),
        ("http://user:secret@shop.example/", "url must not have a user name"),
    ],
)
def test_a_refusal_says_what_a_url_must_be(url: str, message: str) -> None:
    input_object = {"name": "x", "segmentId": "seg_1", "channel": {"webhook": {"url": url}}}
    with pytest.raises(InputError) as raised:
        parse_input(DistributionInput, input_object, "input")
    (problem,) = raised.value.problems
    assert problem.message.startswith(message)
