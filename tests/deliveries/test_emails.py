"""Emails through a real SMTP server: parts, headers, and hostile templates and values."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from app.local.mongod import Mongod
from app.local.valkey import Valkey
from app.services.deliveries import sender, smtp_client
from app.services.deliveries.endpoints import MAX_CONCURRENT_ATTEMPTS_PER_HOST
from tests.api import running_api
from tests.deliveries.distribution_client import CREATE, TEST, DistributionClient
from tests.deliveries.test_codes import create_pool
from tests.engine.conftest import wait_until

SUBJECT = "Hello {{customer.name}}"
BODY = "Dear {{customer.name}},\n\nwelcome to {{segment.name}}. Your code: {{code}}"


class MailServer:
    """Records the emails that it accepts. `refusal` is its answer to all of them, if set.
    `sessions` has the client of each connection that carried an email."""

    def __init__(self) -> None:
        self.emails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refusal = ""
        self.sessions: list[object] = []
        self.closes_connections = False
        self.quit_count = 0
        self.supports_utf8 = False
        self.answer_seconds = 0.0

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.answer_seconds)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.quit_count += 1
        return "221 Bye"

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.answer_seconds)
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        await asyncio.sleep(self.answer_seconds)
        self.sessions.append(session.peer)
        if self.closes_connections:
            assert server.transport is not None
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        email = message_from_bytes(envelope.original_content, policy=policy.default)
        assert isinstance(email, EmailMessage)
        self.emails.append(email)
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
async def mail_server() -> AsyncIterator[tuple[MailServer, str]]:
    recorder = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(recorder, hostname="mail", enable_SMTPUTF8=recorder.supports_utf8),
        *("127.0.0.1", 0),
    )
    port = server.sockets[0].getsockname()[1]
    yield recorder, f"smtp://127.0.0.1:{port}"
    server.close()
    await server.wait_closed()


@pytest.fixture
async def client(
    mongod: Mongod, valkey: Valkey, mail_server: tuple[MailServer, str]
) -> AsyncIterator[DistributionClient]:
    async with running_api(
        mongod,
        valkey,
        smtp_url=SecretStr(mail_server[1]),
        email_from="The Shop <shop@example.com>",
        unsubscribe_url="https://shop.example/off?who={{customer.sourceId}}",
    ) as api:
        yield DistributionClient(api)


@pytest.fixture
def server(mail_server: tuple[MailServer, str]) -> MailServer:
    return mail_server[0]


async def create(client: DistributionClient, segment: str, **fields: Any) -> str:
    email = {"subject": fields.pop("subject", SUBJECT), "body": fields.pop("body", BODY)}
    return await client.create(segment, "", channel={"email": email}, **fields)


def parts_of(email: EmailMessage) -> tuple[str, str]:
    plain, html = email.get_body(("plain",)), email.get_body(("html",))
    assert plain is not None
    assert html is not None
    plain_text, html_text = plain.get_content(), html.get_content()
    return plain_text.replace("\r\n", "\n").strip(), html_text.replace("\r\n", "\n").strip()


async def test_an_email_arrives_with_both_parts(
    client: DistributionClient, server: MailServer
) -> None:
    await client.api.upsert("an n", name="Ann", email="ann@example.com")
    segment = await client.create_segment("Friends & more")
    pool = await create_pool(client, "ABC")
    distribution = await create(client, segment, codePoolId=pool)
    await client.append_entered(segment, "an n")
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

    (email,) = server.emails
    (delivery,) = await client.deliveries(distribution)
    assert server.recipients == ["ann@example.com"]
    assert email["From"] == "The Shop <shop@example.com>"
    assert email["To"] == "ann@example.com"
    assert email["Subject"] == "Hello Ann"
    assert email["Message-ID"] == f"<{delivery['id']}@example.com>"
    assert email["List-Unsubscribe"] == "<https://shop.example/off?who=an%20n>"
    assert email["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = parts_of(email)
    assert plain == "Dear Ann,\n\nwelcome to Friends & more. Your code: ABC"
    assert html == "<p>Dear Ann,</p>\n<p>welcome to Friends &amp; more. Your code: ABC</p>"


async def test_values_add_no_headers_and_no_markup(
    client: DistributionClient, server: MailServer
) -> None:
    name = "Eve\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>{{code}}"
    await client.api.upsert("eve", name=name, email="eve@example.com", metadata={"tags": ["<a>"]})
    segment = await client.create_segment("Everybody")
    body = (
        '<p title="{{customer.name}}">Hi {{customer.name}}</p><ul>{{#customer.metadata.tags}}'
        "<li>{{.}}</li>{{/customer.metadata.tags}}</ul>{{^code}}no code{{/code}}"
        '<a href="https://shop.example/{{customer.id}}">shop</a>'
    )
    distribution = await create(client, segment, body=body)
    await client.append_entered(segment, "eve")
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

    (email,) = server.emails
    assert email["Bcc"] is None
    assert "\n" not in email["Subject"]
    assert email["Subject"].startswith("Hello Eve Bcc: all@example.com <script>")
    plain, html = parts_of(email)
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{code}}" in html
    assert "<li>&lt;a&gt;</li>" in html
    assert "no code" in html
    assert "shop (https://shop.example/cus_" in plain
    assert "<script>alert(1)</script>{{code}}" in plain
    assert server.recipients == ["eve@example.com"]


NO_ADDRESSES = [
    *(None, "", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "a b@c", "@", "x" * 330 + "@b"),
    *("zażółć", "zażółć@", "@zażółć", "zażółć zażółć@b"),
]


async def test_a_customer_without_an_address_is_skipped(
    client: DistributionClient, server: MailServer
) -> None:
    names = [f"c{index}" for index in range(len(NO_ADDRESSES))]
    for name, address in zip(names, NO_ADDRESSES, strict=True):
        await client.api.upsert(name, email=address)
    segment = await client.create_segment("Everybody")
    distribution = await create(client, segment)
    await client.append_entered(segment, *names)
    await client.make_deliveries()

    deliveries = await client.deliveries(distribution)
    assert [delivery["status"] for delivery in deliveries] == ["SKIPPED"] * len(names)
    assert all("email address" in delivery["lastError"] for delivery in deliveries)
    payload = await client.change(TEST, id=distribution, customer={"sourceId": "c0"})
    assert payload["delivery"]["status"] == "SKIPPED"
    assert server.emails == []


@pytest.mark.parametrize(
    ("refusal", "status"), [("550 no such user", "FAILED"), ("451 try later", "RETRYING")]
)
async def test_a_refused_recipient_pauses_nothing(
    client: DistributionClient, server: MailServer, refusal: str, status: str
) -> None:
    server.refusal = refusal
    await client.api.upsert("ann", email="ann@example.com")
    segment = await client.create_segment("Everybody")
    distribution = await create(client, segment)
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    async with client.sending():
        await client.wait_for_counts(distribution, **{status: 1})

    (delivery,) = await client.deliveries(distribution)
    assert delivery["lastError"] == f"The mail server did not accept the email: {refusal}"
    assert (await client.fetch_distribution(distribution))["state"] == "LIVE"


@pytest.mark.parametrize("supports_utf8", [True, False], ids=["utf8", "ascii"])
async def test_an_international_address_needs_a_server_with_smtputf8(
    client: DistributionClient, server: MailServer, supports_utf8: bool
) -> None:
    server.supports_utf8 = supports_utf8
    address = "zażółć@example.com"
    await client.api.upsert("ann", email=address)
    segment = await client.create_segment("Everybody")
    distribution = await create(client, segment)
    await client.append_entered(segment, "ann")
    await client.make_deliveries()
    async with client.sending():
        status = "DELIVERED" if supports_utf8 else "FAILED"
        await client.wait_for_counts(distribution, **{status: 1})
    assert server.recipients == [address] * supports_utf8
    assert [email["To"] for email in server.emails] == server.recipients
    (delivery,) = await client.deliveries(distribution)
    assert supports_utf8 or "does not support SMTPUTF8" in delivery["lastError"]
    assert (await client.fetch_distribution(distribution))["state"] == "LIVE"


async def send_to_many(client: DistributionClient, count: int) -> str:
    """Sends an email to this many customers; returns the id of the distribution."""
    names = [f"c{index}" for index in range(count)]
    rows = [{"sourceId": name, "email": f"{name}@example.com"} for name in names]
    await client.api.bulk_upsert("customersUpsert", rows)
    segment = await client.create_segment("Everybody")
    distribution = await create(client, segment)
    await client.append_entered(segment, *names)
    await client.make_deliveries()
    return distribution


async def test_emails_share_connections(client: DistributionClient, server: MailServer) -> None:
    distribution = await send_to_many(client, 250)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=250)

    emails_by_connection = Counter(server.sessions)
    assert sorted(server.recipients) == sorted(f"c{index}@example.com" for index in range(250))
    assert len(emails_by_connection) <= MAX_CONCURRENT_ATTEMPTS_PER_HOST
    assert max(emails_by_connection.values()) <= smtp_client.MAX_EMAILS_PER_CONNECTION


async def test_a_connection_carries_a_limited_number_of_emails(
    client: DistributionClient, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_client, "MAX_EMAILS_PER_CONNECTION", 3)
    distribution = await send_to_many(client, 50)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=50)

    assert max(Counter(server.sessions).values()) == 3


async def test_a_connection_that_the_server_closed_is_replaced(
    client: DistributionClient, server: MailServer
) -> None:
    server.closes_connections = True
    distribution = await send_to_many(client, 50)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=50)

    assert len(server.recipients) == 50


async def test_an_idle_connection_is_ended(
    client: DistributionClient, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_client, "IDLE_CONNECTION_SECONDS", 0.05)
    distribution = await send_to_many(client, 1)
    async with client.sending():
        await client.wait_for_counts(distribution, DELIVERED=1)

        async def is_ended() -> bool:
            return server.quit_count == 1

        await wait_until(is_ended)


async def test_an_attempt_ends_before_its_claim(
    client: DistributionClient, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the next claim would send the email again, and none would be recorded."""
    monkeypatch.setattr(smtp_client, "ATTEMPT_TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(sender, "LEASE_SECONDS", 2.0)
    monkeypatch.setattr(sender, "_LAST_START_SECONDS", 1.0)
    server.answer_seconds = 0.8
    distribution = await send_to_many(client, 1)
    async with client.sending():
        await client.wait_for_counts(distribution, RETRYING=1)

    (delivery,) = await client.deliveries(distribution)
    assert delivery["lastError"] == (
        "The mail server did not accept the email: it took longer than 14 seconds"
    )
    assert server.emails == []


async def test_a_test_is_marked(client: DistributionClient, server: MailServer) -> None:
    await client.api.upsert("ann", name="Ann", email="ann@example.com")
    distribution = await create(client, await client.create_segment("Everybody"))
    payload = await client.change(TEST, id=distribution, customer={"sourceId": "ann"})

    assert payload["delivery"]["status"] == "DELIVERED"
    assert [email["Subject"] for email in server.emails] == ["[Test] Hello Ann"]


BAD_TEMPLATES = [
    ("subject", "Hi {{customer.nme}}", "nearest is 'customer.name'"),
    ("body", "Hi {{name}}", "There is no variable 'name'"),
    ("body", "{{#code}}", "not valid Mustache: Unclosed section '{{#code}}' at line 1"),
    ("body", "{{", "not valid Mustache"),
    ("body", "{{}}", "There is no variable ''"),
    ("body", "{{/code}}", "not valid Mustache"),
    ("body", "{{{customer.name}}}", "with two braces"),
    ("body", "{{&customer.name}}", "with two braces"),
    ("body", "{{> header}}", "no partial templates"),
    ("body", "{{customer.__class__}}", "There is no variable"),
    ("body", "{{customer.metadata.}}", "There is no variable"),
    ("body", "<script>{{code}}</script>", "must not have script"),
    ("body", '<a href="{{customer.metadata.url}}">x</a>', "must not begin with a variable"),
    ("body", "<p class={{customer.name}}>x</p>", "must be in the quoted value"),
    ("subject", "two\nlines", "one line"),
    ("subject", " ", "at least 1 character"),
    ("body", "", "at least 1 character"),
    ("body", "x" * 100_001, "at most 100000 characters"),
]


async def test_a_bad_template_is_refused(client: DistributionClient) -> None:
    segment = await client.create_segment("Everybody")
    for field, template, message in BAD_TEMPLATES:
        channel = {"email": {"subject": SUBJECT, "body": BODY, field: template}}
        payload = await client.api.fetch(
            CREATE, input={"name": "x", "segmentId": segment, "channel": channel}
        )
        (error,) = [error for error in payload["userErrors"] if message in error["message"]]
        assert error["code"] == "INVALID"
        assert error["path"] == ["input", "channel", "email", field]
    assert client.api.database.distributions.count_documents({}) == 0


async def test_values_can_not_make_an_email_huge(
    client: DistributionClient, server: MailServer
) -> None:
    await client.api.upsert("ann", email="ann@example.com", metadata={"list": ["x"] * 1000})
    segment = await client.create_segment("Everybody")
    body = "{{#customer.metadata.list}}" * 4 + "y" * 1000 + "{{/customer.metadata.list}}" * 4
    distribution = await create(client, segment, body=body)
    await client.append_entered(segment, "ann")
    await client.make_deliveries()

    assert await client.counts(distribution) == {"SKIPPED": 1}


async def test_emails_need_a_server(mongod: Mongod, valkey: Valkey) -> None:
    async with running_api(mongod, valkey) as api:
        client = DistributionClient(api)
        segment = await client.create_segment("Everybody")
        channel = {"email": {"subject": SUBJECT, "body": BODY}}
        payload = await api.fetch(
            CREATE, input={"name": "x", "segmentId": segment, "channel": channel}
        )

    (error,) = payload["userErrors"]
    assert error["path"] == ["input", "channel", "email"]
    assert "SEGMENTS_SMTP_URL" in error["message"]
