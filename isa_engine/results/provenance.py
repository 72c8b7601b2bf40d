"""What a result says of itself: that it is generated, by which model, from which shot and seed, and when.

Every plate and matte bears it in its container's tags; where a signing key is configured, in C2PA content
credentials, too, which any reader of them can verify. The paper's ethics section is why.

The key is configured by the environment: ISA_ENGINE_SIGNING_CERTIFICATE and ISA_ENGINE_SIGNING_KEY name PEM
files of a certificate chain and of its ES256 key.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from isa_engine.errors import EngineError, reason
from isa_engine.whole_file import whole_file

CERTIFICATE, KEY = "ISA_ENGINE_SIGNING_CERTIFICATE", "ISA_ENGINE_SIGNING_KEY"
# What a record says once the results are there.
_AFTERWARDS = ("seconds", "results")
_TRAINED_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Signer:
    """PEM texts of the certificate chain and its key."""

    certificate: str
    key: str


def configured_signer(environment: Mapping[str, str] = os.environ) -> Signer | None:
    """The signer of this engine; None where there is no key.

    Raises:
        EngineError: only one of the two files is named, or one cannot be read.
    """
    paths = [environment.get(name, "") for name in (CERTIFICATE, KEY)]
    if not any(paths):
        return None
    if not all(paths):
        raise EngineError("signing needs a certificate and its key", remedy=f"Set {CERTIFICATE} and {KEY}.")
    try:
        return Signer(*(Path(path).read_text() for path in paths))
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read the signing key or certificate: {reason(error)}") from error


def sign(path: Path, record: dict[str, Any], signer: Signer) -> None:
    """Add content credentials to an MP4, in place.

    Raises:
        EngineError: the library is missing, or refuses the key.
    """
    c2pa = _library()
    manifest = {
        "claim_generator_info": [{"name": "ISA engine", "version": record["versions"]["isa-engine"]}],
        "title": path.name.removesuffix(".part"),
        "format": "video/mp4",
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": _TRAINED_MEDIA}]},
            },
            {"label": "org.isa-engine.generation", "data": claims(record, path.name.removesuffix(".part"))},
        ],
    }
    try:
        info = c2pa.C2paSignerInfo(b"es256", signer.certificate.encode(), signer.key.encode(), None)
        with (
            whole_file(path) as signed,
            c2pa.Signer.from_info(info) as authority,
            c2pa.Builder(json.dumps(manifest)) as builder,
            path.open("rb") as source,
            signed.open("wb+") as target,
        ):
            builder.sign(authority, "video/mp4", source, target)
    except c2pa.C2paError as error:
        remedy = "Give an ES256 key and its certificate chain, made for signing."
        raise EngineError(f"the result cannot be signed: {error}", where=path.name, remedy=remedy) from error


def _library() -> ModuleType:
    try:
        import c2pa
    except ImportError as error:
        remedy = "Run pip install 'isa-engine[provenance]'."
        raise EngineError("c2pa-python is not installed", remedy=remedy) from error
    return c2pa


def claims(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Model, shot, seed and time, as a record has them, which file it is, and a digest of all the rest.

    Args:
        name: of the result.
    """
    made = {key: value for key, value in record.items() if key not in _AFTERWARDS}
    canonical = json.dumps(made, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "file": name,
        "record": hashlib.sha256(canonical.encode()).hexdigest(),
        "generated_by": record["generated_by"],
        "model": record["model"]["name"],
        "weights": record["model"]["weights"],
        "shot": record["shot"]["sha256"],
        "seed": record["settings"]["seed"],
        **({"made": record["made"]} if "made" in record else {}),
    }


def read_credentials(path: Path, trust: str = "") -> dict[str, Any] | None:
    """The content credentials of an MP4: its ``claims``, ``valid``, ``trusted``, ``signed_by``, ``problems``;
    None: none.

    Args:
        trust: PEM of the certificates whose signatures the reader trusts.

    Raises:
        EngineError: the library is missing, or refuses the certificates.
    """
    c2pa = _library()
    settings = {"verify": {"verify_trust": True}, "trust": {"trust_anchors": trust} if trust else {}}
    try:
        context = c2pa.Context(c2pa.Settings.from_dict(settings))
    except c2pa.C2paError as error:
        remedy = "Give a PEM file of certificates."
        raise EngineError(f"these certificates cannot be used: {error}", remedy=remedy) from error
    try:
        with path.open("rb") as file, c2pa.Reader("video/mp4", file, context=context) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error):
            return None
        return {"valid": False, "trusted": False, "problems": [str(error)], "claims": {}, "signed_by": ""}
    manifest = found["manifests"][found["active_manifest"]]
    labelled = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
    # Whether to trust the signer is the reader's decision, so an unknown signer is no problem here. What
    # counts is that nothing has changed since.
    codes = [status["code"] for status in found.get("validation_status", [])]
    problems = [code for code in codes if code != "signingCredential.untrusted"]
    return {
        "valid": not problems,
        "trusted": bool(trust) and "signingCredential.untrusted" not in codes,
        "problems": problems,
        "claims": labelled.get("org.isa-engine.generation", {}),
        "signed_by": manifest.get("signature_info", {}).get("issuer", ""),
    }
