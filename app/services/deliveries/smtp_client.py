"""Sends emails by SMTP. Emails that follow each other share a connection."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage as MimeMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from app.domain.deliveries import AttemptResult, EmailMessage, Outcome
from app.settings import Settings

# Of the whole attempt: the sender's claims last only a little longer.
ATTEMPT_TIMEOUT_SECONDS = 14.0
# Of each answer of the server.
_ANSWER_TIMEOUT_SECONDS = 10.0
IDLE_CONNECTION_SECONDS = 5.0
# Many servers limit the emails of a connection.
MAX_EMAILS_PER_CONNECTION = 100
_TLS_PORT = 465
_PLAIN_PORT = 25
_FIRST_PERMANENT_CODE = 500
_CLOSING_CODE = 421
_TOOK_TOO_LONG = f"it took longer than {ATTEMPT_TIMEOUT_SECONDS:.0f} seconds"
_ONE_CLICK = "List-Unsubscribe=One-Click"


class _UnsupportedAddressError(aiosmtplib.SMTPException):
    """The address has characters other than ASCII, and the mail server does not support them."""

    def __init__(self) -> None:
        super().__init__(
            "it does not support SMTPUTF8, which an address with characters other than ASCII needs"
        )


@dataclass(eq=False)
class _Connection:
    """A connection to the mail server, and the number of emails that it has carried."""

    smtp: aiosmtplib.SMTP
    email_count: int = 0

    async def end(self) -> None:
        """Says goodbye to the server and closes the connection."""
        try:
            await self.smtp.quit()
        except (aiosmtplib.SMTPException, OSError):
            self.smtp.close()


class SmtpClient:
    """Sends through the server of SEGMENTS_SMTP_URL. `smtps://` uses TLS from the start; `smtp://`
    changes to TLS if the server offers it. `close` ends the connections."""

    def __init__(self, settings: Settings) -> None:
        self._sender = settings.email_from
        # Each with the timer that ends it.
        self._idle_connections: dict[_Connection, asyncio.TimerHandle] = {}
        self._ends = set[asyncio.Task[None]]()
        self._options: dict[str, Any] | None = None
        if settings.smtp_url is not None:
            parts = urlsplit(settings.smtp_url.get_secret_value())
            uses_tls = parts.scheme == "smtps"
            self._options = {
                "hostname": parts.hostname,
                "port": parts.port or (_TLS_PORT if uses_tls else _PLAIN_PORT),
                "username": unquote(parts.username) if parts.username else None,
                "password": unquote(parts.password) if parts.password else None,
                "use_tls": uses_tls,
                "timeout": _ANSWER_TIMEOUT_SECONDS,
            }

    async def close(self) -> None:
        """Ends the connections that are idle."""
        for connection in [*self._idle_connections]:
            self._end_idle(connection)
        await asyncio.gather(*self._ends)

    async def send(self, delivery_id: str, message: EmailMessage) -> AttemptResult:
        """Sends the email once. Never raises for the server's fault."""
        if self._options is None:
            return AttemptResult(Outcome.RETRY, "There is no mail server: set SEGMENTS_SMTP_URL.")
        try:
            mime_message = self._build(delivery_id, message)
        except ValueError as error:
            return AttemptResult(Outcome.REJECT, f"The email can't be built: {error}")
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_SECONDS) as time_limit:
                await self._send_once(mime_message, self._options)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            outcome = Outcome.REJECT if _is_permanent(error) else Outcome.RETRY
            answer = _TOOK_TOO_LONG if time_limit.expired() else _describe(error)
            return AttemptResult(outcome, "The mail server did not accept the email", answer)
        return AttemptResult(Outcome.DELIVERED)

    async def _send_once(self, mime_message: MimeMessage, options: dict[str, Any]) -> None:
        while self._idle_connections:
            connection, timer = self._idle_connections.popitem()
            timer.cancel()
            try:
                await self._send_over(connection, mime_message)
            except (aiosmtplib.SMTPException, OSError) as error:
                if not _has_closed(error):
                    raise
            else:
                return
        connection = _Connection(aiosmtplib.SMTP(**options))
        await connection.smtp.connect()
        await self._send_over(connection, mime_message)

    async def _send_over(self, connection: _Connection, mime_message: MimeMessage) -> None:
        try:
            connection.email_count += 1
            await connection.smtp.send_message(mime_message)
        except aiosmtplib.SMTPNotSupported as error:
            self._release(connection)
            raise _UnsupportedAddressError from error
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            if _has_closed(error):
                connection.smtp.close()
            else:
                # The server has refused the email, not the connection.
                self._release(connection)
            raise
        except BaseException:
            connection.smtp.close()
            raise
        self._release(connection)

    def _release(self, connection: _Connection) -> None:
        if not connection.smtp.is_connected:
            return
        if connection.email_count >= MAX_EMAILS_PER_CONNECTION:
            self._end(connection)
            return
        self._idle_connections[connection] = asyncio.get_running_loop().call_later(
            IDLE_CONNECTION_SECONDS, self._end_idle, connection
        )

    def _end_idle(self, connection: _Connection) -> None:
        self._idle_connections.pop(connection).cancel()
        self._end(connection)

    def _end(self, connection: _Connection) -> None:
        end = asyncio.create_task(connection.end())
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)

    def _build(self, delivery_id: str, message: EmailMessage) -> MimeMessage:
        mime_message = MimeMessage(policy=SMTP)
        mime_message["From"] = self._sender
        mime_message["To"] = message.to
        mime_message["Subject"] = message.subject
        mime_message["Date"] = format_datetime(datetime.now(UTC))
        # The same at each attempt, so that mail servers can recognize a repetition.
        domain = parseaddr(self._sender)[1].rpartition("@")[2] or "localhost"
        mime_message["Message-ID"] = f"<{delivery_id}@{domain}>"
        if message.unsubscribe_url:
            mime_message["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            if message.unsubscribe_url.startswith("https://"):
                mime_message["List-Unsubscribe-Post"] = _ONE_CLICK
        mime_message.set_content(message.text)
        mime_message.add_alternative(message.html, subtype="html")
        return mime_message


def _has_closed(error: Exception) -> bool:
    """Whether the server has closed the connection, for example because it was idle."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return error.code == _CLOSING_CODE
    return isinstance(error, ConnectionError)


def _is_permanent(error: Exception) -> bool:
    """Whether the server will never accept this email for this recipient."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [recipient.code for recipient in error.recipients]
    elif isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
        codes = [error.code]
    else:
        return isinstance(error, _UnsupportedAddressError)
    return all(code >= _FIRST_PERMANENT_CODE for code in codes)


def _describe(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{recipient.code} {recipient.message}" for recipient in error.recipients)
    return str(error) or type(error).__name__
