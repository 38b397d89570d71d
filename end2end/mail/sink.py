"""An SMTP relay for tests: takes mail, or refuses it when it is told to.

    python sink.py [--port PORT] [--user NAME --password WORD]
                   [--tls start|starttls --certificate FILE --key FILE]

Without --tls it speaks in clear text and offers nothing else; `start` is TLS from the first byte, `starttls`
takes no mail before STARTTLS. Says `ready PORT` once it listens on 127.0.0.1; each mail that it takes is a line
of JSON on its output: {"from": ..., "to": [...], "data": BASE64}. A line on its
input says how it answers from now on: `up` (250), `down` (451 to every
recipient), `refuse` (550 to every recipient: no such mailbox), `quota` (550 to
every recipient: too many mails today), `closed` (554 instead of a greeting, to
everybody); `sync` changes nothing. It answers each with `ok`, after all that it
took before, and ends with its input.
"""

import argparse
import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

ANSWERS = {
    "down": "451 4.3.0 come back later",
    "refuse": "550 5.1.1 no such mailbox",
    "quota": "550 5.4.5 daily sending limit exceeded",
}


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Sink:
    mode = "up"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode in ANSWERS:
            return ANSWERS[self.mode]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": base64.b64encode(envelope.original_content).decode(),
        }
        say(json.dumps(mail))
        return "250 2.0.0 taken"


class Server(SMTP):
    """Greets nobody while it is closed."""

    async def _handle_client(self):
        if self.event_handler.mode == "closed":
            self._writer.write(b"554 5.3.2 no mail service here\r\n")
            await self._writer.drain()
            self._writer.close()
            return
        await super()._handle_client()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--tls", choices=["start", "starttls"])
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    wanted = parser.parse_args()
    sink = Sink()

    def authenticate(server, session, envelope, mechanism, login):
        good = (login.login, login.password) == (wanted.user.encode(), wanted.password.encode())
        return AuthResult(success=good, handled=False)

    context = None
    if wanted.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(wanted.certificate, wanted.key)
    starttls = context if wanted.tls == "starttls" else None

    def protocol():
        options = dict(tls_context=starttls, require_starttls=True) if starttls else {}
        if wanted.user:
            # It does not count TLS from the first byte as TLS.
            options |= dict(authenticator=authenticate, auth_required=True, auth_require_tls=bool(starttls))
        return Server(sink, enable_SMTPUTF8=False, hostname="sink.example.org", **options)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", wanted.port, ssl=None if starttls else context)
    say(f"ready {server.sockets[0].getsockname()[1]}")
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        if (mode := line.decode().strip()) != "sync":
            sink.mode = mode
        say("ok")
    server.close()


# It says that passwords should not travel in clear text, at length.
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
asyncio.run(main())
