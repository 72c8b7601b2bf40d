"""Addresses as they may be told: in messages, in logs, and beside a take."""


def without_password(address: str) -> str:
    """An address without the name and the password that may stand before its host.

    What is no address has none either, where it holds ``@``: somebody left out the scheme.
    """
    scheme, mark, rest = address.partition("://") if "://" in address else ("", "", address)
    return scheme + mark + rest.rpartition("@")[2]
