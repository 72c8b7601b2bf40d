"""The command line against a running engine: it uses the one client and nothing else."""

import ast
import hashlib
from pathlib import Path

import pytest

import isa_engine.commands
from isa_engine.cli import main
from isa_engine.client import EngineClient
from isa_engine.client.protocol import RESULTS
from isa_engine.configuration.policies import PRESETS
from isa_engine.errors import EngineError
from isa_engine.shot import read_shot, write_shot
from tests.pipeline.shots import make_shot
from tests.service.running import eventually, upload
from tests.service.stub_engine import ENDLESS, FAST, REFUSED


@pytest.fixture
def command(engine, monkeypatch, capsys):
    """Runs a command against the engine: its exit code and its output's lines."""
    monkeypatch.setenv("ISA_ENGINE_TOKEN", engine.first_line["token"])

    def run(*arguments: str) -> tuple[int, list[str]]:
        code = main([*arguments, "--engine", engine.url])
        captured = capsys.readouterr()
        return code, (captured.out + captured.err).splitlines()

    return run


def shot_file(folder: Path, kind: int, steps: int = 3) -> str:
    path = folder / "take.npz"
    path.write_bytes(upload(kind, steps))
    return str(path)


def test_a_shot_goes_to_the_engine_and_its_results_come_back(engine, command, tmp_path):
    _, [job] = command("submit", shot_file(tmp_path, FAST), "--priority", "5")
    code, lines = command("watch", job)
    assert code == 0
    assert lines[0].endswith("queued")
    assert "running denoise 2/3" in lines[3]
    assert "done" in lines[-1]
    (tmp_path / "full" / "plate.mp4").mkdir(parents=True)
    said = command("fetch", job, "--out", str(tmp_path / "full"))
    assert said[0] == 1
    problem = f"the older take cannot be replaced: Is a directory ({tmp_path / 'full'})"
    assert said[1] == [f"isa-engine: {problem}. The new one is kept beside it, as plate.mp4.part and so on."]
    code, lines = command("fetch", job, "--out", str(tmp_path / "take"))
    assert [Path(line).name for line in lines] == list(RESULTS)
    for file in engine.client.results(job):
        content = (tmp_path / "take" / file.name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
    assert any(line.startswith(job) and "done" in line for line in command("list")[1])
    assert command("cancel", job, "--delete") == (0, [])
    assert command("cancel", job) == (1, ["isa-engine: This engine has no such job"])
    assert command("fetch", job, "--out", str(tmp_path / "none"))[0] == 1
    assert not (tmp_path / "none").exists()


def test_a_takes_own_shot_is_known_by_the_takes_folder(engine, command, tmp_path, monkeypatch):
    (tmp_path / "Scene-001" / "below").mkdir(parents=True)
    Path(shot_file(tmp_path, FAST)).rename(tmp_path / "Scene-001" / "shot.npz")
    monkeypatch.chdir(tmp_path / "Scene-001" / "below")
    for path in (tmp_path / "Scene-001" / "shot.npz", Path("..", "shot.npz")):
        _, [job] = command("submit", str(path))
        assert engine.client.job(job).name == "Scene-001"


def test_what_is_wished_and_the_part_that_is_asked_for_reach_the_engine(command, tmp_path, monkeypatch):
    shot, sent = make_shot(frames=9, model="isa-tiny"), []
    write_shot(shot, tmp_path / "take.npz")
    monkeypatch.setattr(EngineClient, "submit", lambda _, packed, *__, **___: sent.append(packed))
    options = ["--seed", "7", "--preset", "Draft", "--guidance", "1", "--frames", "12-14"]
    assert command("submit", str(tmp_path / "take.npz"), *options)[0] == 0
    made, draft = read_shot(sent[0]), PRESETS["Draft"]
    assert made.frame_numbers.tolist() == [12, 13, 14]
    how = made.settings
    assert (how.seed, how.guidance, how.steps, how.policy) == (7, 1.0, draft.steps, draft.policy)
    assert (how.width, how.height) == (shot.settings.width, shot.settings.height)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "isa-huge"], "the engine has no model 'isa-huge'. Choose one of: isa-tiny"),
        (["--prompt", "rain"], "'isa-tiny' reads no words. Leave out --prompt"),
        (["--steps", "0"], "0 steps (settings). Use 1 to"),
        (["--frames", "80-96"], "the shot has none of these frames (--frames 80-96). The shot has 10 to 18"),
    ],
)
def test_what_cannot_be_wished_is_said_and_nothing_is_queued(engine, command, tmp_path, options, sentence):
    write_shot(make_shot(frames=9, model="isa-tiny"), tmp_path / "take.npz")
    before = len(engine.client.jobs())
    code, [line] = command("submit", str(tmp_path / "take.npz"), *options)
    assert (code, len(engine.client.jobs())) == (1, before)
    assert sentence in line


def test_a_folder_in_place_of_its_shot_is_told_which_file_to_name(command, tmp_path):
    said = command("submit", str(tmp_path))
    problem = f"cannot read the shot: Is a directory ({tmp_path}). Name the file shot.npz that is in it."
    assert said == (1, [f"isa-engine: {problem}"])


def test_results_that_do_not_all_come_leave_an_older_take_alone(command, tmp_path, monkeypatch):
    take, fetch = tmp_path / "take", EngineClient.fetch
    take.mkdir()
    for name in RESULTS:
        (take / name).write_text("of an older take")
    _, [job] = command("submit", shot_file(tmp_path, FAST))
    command("watch", job)

    def break_off(client, job: str, name: str, path: Path) -> None:
        if name == "shot.npz":
            raise EngineError("the engine is gone")
        fetch(client, job, name, path)

    monkeypatch.setattr(EngineClient, "fetch", break_off)
    assert command("fetch", job, "--out", str(take)) == (1, ["isa-engine: the engine is gone"])
    assert {file.name: file.read_text() for file in take.iterdir()} == dict.fromkeys(
        RESULTS, "of an older take"
    )


def test_the_same_key_queues_once(command, tmp_path):
    shot = shot_file(tmp_path, FAST)
    first, second = (command("submit", shot, "--key", "take 7".replace(" ", "-"))[1] for _ in range(2))
    assert first == second
    refused = command("submit", shot_file(tmp_path, REFUSED), "--key", "take-7")
    assert refused == (1, ["isa-engine: This Idempotency-Key came with another shot before"])


def test_a_failed_and_a_cancelled_job_end_in_their_sentence(engine, command, tmp_path):
    _, [job] = command("submit", shot_file(tmp_path, REFUSED))
    code, lines = command("watch", job)
    assert (code, lines[-1]) == (1, "isa-engine: this shot is not to my taste. Stage another")
    _, [job] = command("submit", shot_file(tmp_path, ENDLESS))
    eventually(lambda: engine.client.job(job).state == "running", "it runs")
    assert command("cancel", job, "--delete")[1] == ["isa-engine: The job is running. Cancel it first."]
    assert command("cancel", job)[0] == 0
    code, lines = command("watch", job)
    assert (code, lines[-1]) == (1, "isa-engine: the job was cancelled")


def test_a_token_comes_from_a_file_or_the_environment_and_never_from_an_argument(
    engine, command, tmp_path, monkeypatch
):
    monkeypatch.delenv("ISA_ENGINE_TOKEN")
    assert "Set ISA_ENGINE_TOKEN" in command("list")[1][0]
    (tmp_path / "token").write_text(engine.first_line["token"] + "\n")
    assert command("list", "--token-file", str(tmp_path / "token"))[0] == 0
    assert "cannot read the token" in command("list", "--token-file", str(tmp_path / "none"))[1][0]


def test_what_editors_and_shells_put_around_a_token_is_no_part_of_it(engine, command, tmp_path, monkeypatch):
    token = engine.first_line["token"]
    monkeypatch.setenv("ISA_ENGINE_TOKEN", f"{token}\n")
    assert command("list")[0] == 0
    (tmp_path / "token").write_bytes(f"\ufeff {token}\r\n".encode())
    assert command("list", "--token-file", str(tmp_path / "token"))[0] == 0
    (tmp_path / "token").write_bytes(token.encode("utf-16"))
    said = command("list", "--token-file", str(tmp_path / "token"))[1][0]
    assert said == f"isa-engine: the token's file is no text ({tmp_path / 'token'}). Save it as UTF-8."


@pytest.mark.parametrize("name", ["submit", "watch", "fetch", "cancel", "list", "options/connection"])
def test_the_commands_use_the_client_and_nothing_else(name):
    source = (Path(isa_engine.commands.__file__).parent / f"{name}.py").read_text()
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    ours = {module for module in imported if module.startswith("isa_engine")}
    # A shot is read where what is kept of an earlier take goes into it.
    allowed = {"client", "client.protocol", "errors", "shot"}
    allowed |= {f"commands.options.{name}" for name in ("connection", "part", "remaking", "wishes")}
    # And where it says why it cannot be; what is wished is told by the engine's own models.
    allowed |= {"shot.file", "models"}
    # What is fetched takes an older take's place as what is generated here does.
    allowed |= {"results.files", "given_path", "out_folder"}
    assert ours <= {f"isa_engine.{module}" for module in allowed}
