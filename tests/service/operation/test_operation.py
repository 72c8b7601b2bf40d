"""Running the engine: TLS, configuration, draining, readiness, logs."""

import datetime
import ipaddress
import json
import signal
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from isa_engine.client import EngineClient
from isa_engine.errors import EngineError, IsaError
from isa_engine.service.operation.configuration import ServiceConfig, read_config
from tests.service.running import LONG, RunningEngine, eventually, upload
from tests.service.stub_engine import BROKEN, ENDLESS, FAST
from tests.service.test_server import refused


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that it signed itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - day, now + day
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return folder / "certificate.pem", folder / "key.pem"


def test_tls_is_spoken_and_a_certificate_that_nobody_vouches_for_is_said(run_engine, certificate):
    certificate, key = map(str, certificate)
    engine = run_engine("--tls-certificate", certificate, "--tls-key", key, ISA_ENGINE_TOKEN="geheim")
    assert engine.url.startswith("https://127.0.0.1:")
    with pytest.raises(EngineError, match="cannot prove who it is"):
        engine.client.health()
    answer = requests.get(
        f"{engine.url}/v1/ready", headers={"Authorization": "Bearer geheim"}, verify=certificate, timeout=LONG
    )
    assert answer.status_code in (200, 503)


def test_a_token_is_not_sent_in_the_clear_to_other_machines(tmp_path, certificate):
    options = ("--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path / "data"))
    assert "would travel in the clear" in refused(*options, ISA_ENGINE_TOKEN="geheim")
    assert "certificate cannot be used" in refused(
        *options,
        "--tls-certificate",
        str(certificate[0]),
        "--tls-key",
        str(certificate[0]),
        ISA_ENGINE_TOKEN="x",
    )


def test_an_exposed_engine_opens_to_stored_tokens_and_makes_up_none(run_engine, tmp_path, capsys):
    from isa_engine.cli import main

    main(["token", "add", "anna", "--data", str(tmp_path / "data")])
    token = capsys.readouterr().out.strip()
    engine = run_engine("--host", "0.0.0.0", "--behind-proxy", ISA_ENGINE_TOKEN="")
    assert engine.first_line["token"] is None
    client = EngineClient(engine.url.replace("0.0.0.0", "127.0.0.1"), token)
    assert client.jobs() == []


def test_sigterm_drains_and_the_next_start_goes_on_without_a_step_done_twice(run_engine):
    engine = run_engine(ISA_ENGINE_TOKEN="chosen")
    job = engine.client.submit(upload(ENDLESS, steps=5))
    eventually(lambda: engine.client.job(job).step == 5, "it runs")
    engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(LONG) == 0
    engine = run_engine(ISA_ENGINE_TOKEN="chosen")
    status = eventually(lambda: (s := engine.client.job(job)).step == 5 and s, "it goes on")
    assert (status.attempt, status.previews) == (2, 5)
    engine.client.cancel(job)
    assert [event.state for event in engine.client.watch(job)].count("queued") == 2


def test_logs_in_json_name_jobs_and_hold_neither_tokens_nor_the_shot(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        engine = RunningEngine(
            tmp_path / "data",
            "--stop-with-stdin",
            stderr=stderr,
            ISA_ENGINE_TOKEN="geheim",
            ISA_ENGINE_LOG="json",
        )
        job = engine.client.submit(upload(FAST))
        eventually(lambda: engine.client.job(job).over, "the job is over")
        failing = engine.client.submit(upload(BROKEN))
        eventually(lambda: engine.client.job(failing).state == "failed", "the other one fails")
        with pytest.raises(EngineError):
            EngineClient(engine.url, "geheimer").health()
        engine.end()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    begins = next(line for line in lines if line["message"] == "job begins")
    assert (begins["job"], begins["attempt"], begins["level"]) == (job, 1, "info")
    # The words of an error may name the cast; its kind and the lines of the code do not.
    assert "job failed: ZeroDivisionError" in {line["message"].partition("\n")[0] for line in lines}
    for secret in ("geheim", "Anna", "Bearer"):
        assert secret not in log.read_text()


def test_an_engine_without_a_worker_or_room_is_not_ready_and_says_why(api, store):
    answer = api.get("/v1/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reasons": ["No worker is ready."]})
    store.set_worker("ready", "cpu")
    assert api.get("/v1/ready").json() == {"ready": True, "reasons": []}


def test_file_environment_and_command_line_in_this_order(tmp_path):
    file = tmp_path / "isa.toml"
    file.write_text('port = 1\nupload_mib = 2\nkeep_days = 3\nbehind_proxy = true\nlog = "json"\n')
    environment = {"ISA_ENGINE_PORT": "4", "ISA_ENGINE_KEEP_DAYS": "5.5", "ISA_ENGINE_TOKEN": "x"}
    config = read_config(file, environment, keep_days=6.0, host=None)
    expected = ServiceConfig(port=4, upload_mib=2, keep_days=6.0, behind_proxy=True, log="json")
    assert config == expected


def test_paths_of_each_source_know_the_home_folder_and_an_empty_one_of_the_file_is_none(
    tmp_path, monkeypatch
):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    file = tmp_path / "isa.toml"
    file.write_text('data = "~/engine"\ntls_certificate = ""\ntls_key = ""\n')
    assert read_config(file, {}) == ServiceConfig(data=str(tmp_path / "engine"))
    assert read_config(file, {"ISA_ENGINE_DATA": "~/other"}).data == str(tmp_path / "other")
    assert read_config(file, {}, data=Path("given")).data == "given"
    file.write_text('data = "~nobody-at-all/engine"')
    with pytest.raises(IsaError, match=rf"^data is '~nobody-at-all/engine'.*\({file}\)"):
        read_config(file, {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prot = 1", "there is no key 'prot'"),
        ('port = "1"', "port is '1', which is not of type int"),
        ("port = true", "port is True"),
        ("keep_days = -1", "Use a number from 0"),
        ("keep_days = nan", "Use a number from 0"),
        ("gib_per_token = inf", "Use a number from 0 to 1000000000"),
        ("drain_seconds = 1e12", "Use a number from 0 to 1000000000"),
        ('log = "xml"', "Use text or json"),
        ('tls_key = "a"', "Give both"),
        ('devices = "cuda:0,"', "Separate them by commas"),
        ('devices = "a++b"', "Separate them by commas"),
        ('devices = ""', "Separate them by commas"),
        ("port = ", "cannot read the configuration"),
        ('token = "x"', "there is no key 'token'"),
    ],
)
def test_what_is_wrong_in_the_configuration_is_named(tmp_path, text, sentence):
    (tmp_path / "isa.toml").write_text(text)
    with pytest.raises(EngineError, match=r"isa\.toml") as error:
        read_config(tmp_path / "isa.toml", {})
    assert sentence in str(error.value)
    with pytest.raises(EngineError, match=r"^ISA_ENGINE_PORT is 'x'.*\(environment\)"):
        read_config(None, {"ISA_ENGINE_PORT": "x"})
