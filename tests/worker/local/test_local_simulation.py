"""The address of the demo's simulated account, and what is said when no demo runs."""

from __future__ import annotations

import pytest
from peers.port import free_port

from worker.cli.main import main
from worker.local import simulation


def log(folder, text: str) -> None:
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "simulation.log").write_text(text)


def test_the_address_is_that_of_a_whole_line(tmp_path):
    assert simulation.address(tmp_path) == ""
    log(tmp_path, "simulated AWS account at http://127.0.0.1:39")
    assert simulation.address(tmp_path) == ""
    log(tmp_path, "a warning\nsimulated AWS account at http://127.0.0.1:39171\nanother\n")
    assert simulation.address(tmp_path) == "http://127.0.0.1:39171"
    simulation.forget(tmp_path)
    assert simulation.address(tmp_path) == ""


@pytest.mark.parametrize("stopped", [False, True])
def test_a_demo_that_does_not_run_is_a_sentence(tmp_path, capsys, stopped):
    log(tmp_path, f"simulated AWS account at http://127.0.0.1:{free_port()}\n" if stopped else "")
    assert main(["demo", "terminate-instances", "--data", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ("still run?" if stopped else "no demo has its data in") in said
