"""What a token may be, as engine and client both have it."""

import re

from isa_engine.errors import EngineError


def check_token(token: str, where: str) -> None:
    """Refuse a token that no header carries as it is; an empty one passes, for it is none.

    Args:
        where: it is from, or goes to.

    Raises:
        EngineError: without the token itself, which is a secret.
    """
    if not re.fullmatch("[!-~]*", token):
        remedy = "Use letters, digits and punctuation, without spaces and line ends."
        raise EngineError("the token has characters that get lost on the way", where=where, remedy=remedy)
