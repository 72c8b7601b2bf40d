"""Whether the program that answers is the engine that was started, before anything is told to it.

Another program may listen on the port of an engine that ended. Whoever started an engine has a secret of that
run from its standard output; each new connection begins with a challenge that only its knowledge answers, and
neither token nor shot goes over one where the answer is wrong.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import socket

from isa_engine.client.protocol import PREFIX

ROUTE = f"{PREFIX}/identity"
CHALLENGE = "[0-9a-f]{64}"
_MOST = 2**10


class Impostor(Exception):
    """It is not the engine that was started."""


def proof(identity: str, challenge: str) -> str:
    """HMAC-SHA256 of a challenge, in hexadecimal."""
    return hmac.new(identity.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def prove(connection: socket.socket, host: str, identity: str) -> None:
    """Ask at the other end of a fresh connection for a proof.

    Args:
        identity: the secret of the engine's run.

    Raises:
        Impostor: the answer is wrong.
        OSError: there is none.
    """
    challenge = secrets.token_hex(32)
    question = f"GET {ROUTE}?challenge={challenge} HTTP/1.1\r\nHost: {host}\r\n\r\n"
    connection.sendall(question.encode())
    try:
        with http.client.HTTPResponse(connection, method="GET") as answer:
            answer.begin()
            told = json.loads(answer.read(_MOST))["proof"]
            right = answer.isclosed() and hmac.compare_digest(
                told.encode(), proof(identity, challenge).encode()
            )
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        http.client.HTTPException,
    ) as error:
        raise Impostor from error
    if not right:
        raise Impostor
