"""`import runner` gives the public names and loads almost nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

import runner


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", runner.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(runner, name) is not None
    assert name in dir(runner)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        runner.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_of_weight() -> None:
    assert not {"paramiko", "yaml", "invoke", "jinja2", "asyncio", "multiprocessing"} & loaded_by(
        "import runner"
    )


def test_listing_the_tasks_imports_nothing_of_weight() -> None:
    heavy = {"paramiko", "jinja2", "multiprocessing", "sqlite3", "asyncssh", "secrets", "runner.runs"}
    assert not heavy & loaded_by("from runner.tasks import namespace")


def test_the_types_are_shipped() -> None:
    from importlib.resources import files

    assert (files("runner") / "py.typed").is_file()
