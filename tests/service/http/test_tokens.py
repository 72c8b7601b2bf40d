"""Whose token opens what."""

import base64
import hashlib
import json
import re

import pytest
from starlette.testclient import TestClient

from isa_engine.cli import main
from isa_engine.client.protocol import TRANSITIONS, ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.http.api import create_app
from isa_engine.service.http.tokens import Tokens
from isa_engine.service.operation.configuration import ServiceConfig
from tests.service.http.test_api import FORM, SHOT, routes


@pytest.fixture
def tokens(store) -> Tokens:
    return Tokens(store)


@pytest.fixture
def enter(store, folders):
    """A client with a token, of one application for all."""
    app = create_app(store, folders, None, ServiceConfig(upload_mib=1, jobs_per_token=3))

    def client(token: str) -> TestClient:
        return TestClient(app, headers={"Authorization": f"Bearer {token}"})

    return client


def test_a_stored_token_opens_and_a_revoked_one_does_not(tokens, enter):
    token = tokens.add("anna", ("jobs",))
    client = enter(token)
    assert client.get("/v1/health").status_code == 200
    tokens.revoke(tokens.list()[0].id)
    assert client.get("/v1/health").status_code == 401


def test_no_part_of_a_token_is_stored(tokens, folders, store):
    token = tokens.add("anna", ("jobs",))
    secret = token.split("_", 2)[2]
    store.close()
    for path in folders.root.glob("queue*"):
        assert secret.encode() not in path.read_bytes()


@pytest.mark.parametrize("spoil", ["{}x", "x{}", "{} ", "isa__{}"])
def test_what_is_only_nearly_a_token_opens_nothing(tokens, enter, spoil):
    token = tokens.add("anna", ("jobs",))
    wrong = [spoil.format(token), token[:-1], token.swapcase(), "isa_", "isa_x_", token.rpartition("_")[0]]
    for shown in wrong:
        assert enter(shown).get("/v1/health").status_code == 401, shown
    other = tokens.add("ben", ("jobs",))
    mixed = "_".join([*token.split("_", 2)[:2], other.split("_", 2)[2]])
    assert enter(mixed).get("/v1/health").status_code == 401


def test_a_token_has_256_random_bits(tokens):
    secrets = {tokens.add("anna", ("jobs",)).split("_", 2)[2] for _ in range(20)}
    assert len(secrets) == 20
    assert {len(base64.urlsafe_b64decode(secret + "=")) for secret in secrets} == {32}


def test_a_token_may_keep_so_many_bytes_and_no_more(tokens, folders, store):
    size = len(SHOT)
    config = ServiceConfig(gib_per_token=(3 * size) / 2**30)
    client = TestClient(create_app(store, folders, None, config))
    client.headers["Authorization"] = f"Bearer {tokens.add('anna', ('jobs',))}"
    assert client.post("/v1/jobs", content=SHOT).status_code == 201
    # Results are kept as well.
    store.finish(store.claim(), "done", results=(ResultFile("plate.mp4", size + 1, "0" * 64),))
    answer = client.post("/v1/jobs", content=SHOT)
    assert (answer.status_code, "Delete some" in answer.json()["error"]) == (429, True)


def test_a_shot_whose_answer_was_lost_comes_again_though_the_token_has_no_room(tokens, folders, store):
    config = ServiceConfig(gib_per_token=len(SHOT) / 2**30)
    client = TestClient(create_app(store, folders, None, config))
    headers = {"Authorization": f"Bearer {tokens.add('anna', ('jobs',))}", "Idempotency-Key": "once"}
    first, again = (client.post("/v1/jobs", content=SHOT, headers=headers).json() for _ in range(2))
    assert first == again


def test_a_wrong_token_takes_as_many_comparisons_as_a_right_one(tokens, monkeypatch):
    token = tokens.add("anna", ("jobs",))
    compared = []

    def compare(a, b):
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    for shown in (token, token[:-1], "isa_000000000000_x", "nothing"):
        tokens.caller(f"Bearer {shown}".encode())
    assert compared == [(32, 32)] * 4


def body(method: str) -> dict:
    """A request's, where it needs one to make sense."""
    return {"json": {}} if method == "PATCH" else {}


def test_a_job_of_another_token_is_as_if_it_were_not_on_every_route(tokens, enter, store, folders):
    anna, ben = (enter(tokens.add(name, ("jobs",))) for name in ("anna", "ben"))
    job = anna.post("/v1/jobs", content=SHOT).json()["id"]
    claim = store.claim()
    folders.results(job, claim.attempt).mkdir()
    (folders.results(job, claim.attempt) / "plate.mp4").write_bytes(b"secret")
    folders.preview(job).write_bytes(b"secret")
    listed = ResultFile("plate.mp4", len(b"secret"), hashlib.sha256(b"secret").hexdigest())
    store.finish(claim, "done", results=(listed,))
    unknown = job[::-1]
    seen = [(method, path) for method, path in routes(anna.app) if "{job}" in path]
    assert len(seen) >= 7
    for method, path in seen:
        theirs, none = (
            ben.request(method, path.format(job=each, name="plate.mp4"), **body(method))
            for each in (job, unknown)
        )
        assert theirs.status_code == none.status_code == 404, path
        assert theirs.content == none.content
    assert ben.get("/v1/jobs").json() == {"jobs": [], "before": None}
    assert ben.get("/v1/jobs", params={"before": job}).json()["jobs"] == []
    assert [found["id"] for found in anna.get("/v1/jobs").json()["jobs"]] == [job]
    assert anna.get(f"/v1/jobs/{job}/results/plate.mp4").content == b"secret"


def test_an_admin_sees_everyones_jobs(tokens, enter):
    anna, admin = enter(tokens.add("anna", ("jobs",))), enter(tokens.add("boss", ("admin",)))
    job = anna.post("/v1/jobs", content=SHOT).json()["id"]
    assert admin.get(f"/v1/jobs/{job}").status_code == 200
    assert admin.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert [found["id"] for found in admin.get("/v1/jobs").json()["jobs"]] == [job]


def test_scopes_are_all_that_a_token_may_do(tokens, enter):
    jobs, metrics = enter(tokens.add("anna", ("jobs",))), enter(tokens.add("monitor", ("metrics",)))
    assert metrics.get("/v1/metrics").status_code == 200
    assert jobs.get("/v1/metrics").status_code == 403
    for method, path in routes(jobs.app):
        if path.startswith("/v1/jobs"):
            answer = metrics.request(method, path.format(job="a", name="plate.mp4"), **body(method))
            assert answer.status_code == 403, path
            assert list(answer.json()) == FORM


def test_a_token_may_have_so_many_jobs_and_no_more(tokens, enter, folders, store):
    anna, ben = (enter(tokens.add(name, ("jobs",))) for name in ("anna", "ben"))
    answers = [anna.post("/v1/jobs", content=SHOT).status_code for _ in range(4)]
    assert answers == [201, 201, 201, 429]
    assert ben.post("/v1/jobs", content=SHOT).status_code == 201
    assert len(list(folders.jobs.iterdir())) == len(store.jobs()) == 4


def test_the_command_adds_lists_and_revokes(tmp_path, capsys, store, folders, enter):
    data = ("--data", str(folders.root))
    assert main(["token", "add", "anna", "--scope", "metrics", *data]) == 0
    token = capsys.readouterr().out.strip()
    assert enter(token).get("/v1/metrics").status_code == 200
    main(["token", "list", *data])
    line = capsys.readouterr().out
    assert re.search(r"^[0-9a-f]{12} \S+ good +metrics +anna$", line.strip())
    assert token.split("_", 2)[2] not in line
    assert main(["token", "revoke", line.split()[0], *data]) == 0
    assert enter(token).get("/v1/metrics").status_code == 401
    assert main(["token", "revoke", "nobody", *data]) == 1
    assert "there is no token 'nobody'" in capsys.readouterr().err


def test_a_scope_that_there_is_not_is_refused(tokens):
    with pytest.raises(EngineError, match="there is no scope 'root'"):
        tokens.add("anna", ("root",))


def test_metrics_are_of_prometheus_format_and_name_no_job(tokens, enter):
    from prometheus_client.parser import text_string_to_metric_families

    client = enter(tokens.add("boss", ("admin",)))
    job = client.post("/v1/jobs", content=SHOT).json()["id"]
    client.get(f"/v1/jobs/{job}")
    client.get("/v1/nothing/of/the/kind")
    text = client.get("/v1/metrics").text
    samples = {
        (s.name, *s.labels.values()): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }
    states = {state: samples["isa_jobs", state] for state in TRANSITIONS}
    assert states == {"queued": 1, "running": 0, "held": 0, "done": 0, "cancelled": 0, "failed": 0}
    assert samples["isa_http_requests_total", "GET", "/jobs/{job}", "200"] == 1
    assert samples["isa_disk_free_bytes",] > 0
    assert job not in text
    assert "nothing/of" not in text


def test_pages_reach_every_job_once(tokens, enter):
    client = enter(tokens.add("anna", ("jobs",)))
    jobs = [client.post("/v1/jobs", content=SHOT).json()["id"] for _ in range(3)]
    seen, before = [], None
    while True:
        page = client.get("/v1/jobs", params={"limit": 2, **({"before": before} if before else {})}).json()
        seen += [job["id"] for job in page["jobs"]]
        before = page["before"]
        if before is None:
            break
    assert seen == jobs[::-1]
    assert (
        json.dumps(client.get("/v1/jobs", params={"state": "done"}).json()) == '{"jobs": [], "before": null}'
    )
