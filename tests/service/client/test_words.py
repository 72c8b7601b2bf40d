"""What a terminal, a log and a header make of odd characters."""

import pytest

from isa_engine.client import EngineClient
from isa_engine.client.words import sentence
from isa_engine.errors import EngineError
from isa_engine.service.files import job_log
from tests.service.test_server import refused

FORGED = "Anna\n2026-01-01 00:00:00 done\x1b[2J\u202egpj.exe\x9b31m"


def test_a_sentence_is_one_line_of_text():
    shown = sentence(FORGED)
    assert len(shown.splitlines()) == 1
    assert not set(shown) & set("\n\x1b\u202e\x9b")
    assert shown.startswith("Anna")


def test_a_failed_job_moves_no_cursor_of_whoever_lists_it(store):
    store.add("a")
    store.finish(store.claim(), "failed", FORGED)
    assert store.status("a").error == sentence(FORGED)
    store.add("b")
    store.claim(1)
    store.run("UPDATE jobs SET interrupted_at = 0, interruptions = 9 WHERE id = 'b'")
    store.worker_died(FORGED, 1)
    assert store.status("b").error == sentence(FORGED)


def test_a_name_forges_no_line_of_a_jobs_log(tmp_path):
    job_log.note(tmp_path / "log.txt", FORGED)
    [line] = (tmp_path / "log.txt").read_text().splitlines()
    assert line.endswith(sentence(FORGED))


def test_a_refusal_is_one_line_whatever_the_shot_says(api):
    answer = api.get("/v1/jobs", params={"state": FORGED})
    assert answer.status_code == 422
    assert not set(answer.json()["error"]) & set("\n\x1b\u202e")


@pytest.mark.parametrize("token", ["ü", "a b", "a\n", " a", "a\x01b", "\u00a0"])
def test_a_token_that_gets_lost_on_the_way_is_refused_at_the_start(tmp_path, token):
    said = refused("--port", "0", "--data", str(tmp_path / "data"), ISA_ENGINE_TOKEN=token)
    assert "the token has characters that get lost on the way (ISA_ENGINE_TOKEN)" in said


@pytest.mark.parametrize("token", ["ü", "a b", "geheim\n", "a\rb", "\ufeffgeheim", "a\x00"])
def test_a_token_that_would_get_lost_is_refused_before_it_is_sent_and_is_not_shown(token):
    with pytest.raises(EngineError, match=r"lost on the way \(http://127\.0\.0\.1:1\)\. Use letters") as said:
        EngineClient("http://127.0.0.1:1", token)
    assert "geheim" not in str(said.value)


def test_a_token_of_every_character_that_a_header_carries_opens(run_engine):
    token = "".join(map(chr, range(0x21, 0x7F)))
    engine = run_engine(ISA_ENGINE_TOKEN=token)
    assert EngineClient(engine.url, token).jobs() == []
    with pytest.raises(EngineError, match="refuses the token"):
        EngineClient(engine.url, token[::-1]).jobs()
