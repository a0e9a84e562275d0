"""What another user has made first, where both may write, is never taken over, followed or trusted.

The other user is one of this machine; as only root can act as two users, these tests need root.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.command.become import Become
from runner.errors import UsageError
from runner.history.schema import connect as open_history
from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import Host, HostResult, Status
from runner.text.paths import writable
from runner.transfer.copying import Options
from runner.transfer.moves import Get, Put
from tests.connection.sshd import Sshd, required_program, running_sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.transfer.moves import Transfer
    from tests.projects import Project

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")

OTHER = 61077
SECRET = "the operator's secret\n"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Sshd]]:
    """A server with SFTP and one without; the login user may become root."""
    required_program("sudo")
    with (
        tempfile.TemporaryDirectory(prefix="runner-sshd-") as one,
        tempfile.TemporaryDirectory(prefix="runner-sshd-") as two,
    ):
        for folder in (one, two):
            Path(folder).chmod(0o755)
        sudoers = "ordinary ALL=(ALL) NOPASSWD: ALL\n"
        with (
            running_sshd(Path(one), sudoers=sudoers) as sftp,
            running_sshd(Path(two), sudoers=sudoers, sftp=False) as scp,
        ):
            yield {"sftp": sftp, "scp": scp}


WAYS = ["sftp", "scp", "openssh", "sftp as root", "scp as root", "local"]


@pytest.fixture(params=WAYS)
def move(request: pytest.FixtureRequest, servers: dict[str, Sshd]) -> Callable[[Transfer], HostResult]:
    """Do one transfer: by SFTP or SCP, with and without become, and on this machine."""
    way: str = request.param

    def do(transfer: Transfer) -> HostResult:
        server = servers["scp" if way.startswith("scp") else "sftp"]
        host = server.host()
        if way == "local":
            host = Host("real", {"ansible_connection": "local"})
        elif way == "openssh":
            host = server.host(ansible_connection="openssh")
        become = {"become": True, "become_as": Become()} if way.endswith("root") else {}
        return perform(host, TransferJob(transfer), server.options(**become))

    return do


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may write to; not sticky, so that only what we do ourselves protects it."""
    folder = Path(tempfile.mkdtemp(prefix="runner-shared-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def planted(path: Path, content: str = "") -> Path:
    path.write_text(content)
    path.chmod(0o666)
    os.chown(path, OTHER, OTHER)
    return path


def planted_link(path: Path, to: Path) -> Path:
    path.symlink_to(to)
    os.lchown(path, OTHER, OTHER)
    return path


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", ["", "something else\n", SECRET])
def test_a_file_that_another_user_made_is_replaced_by_one_of_ours(
    move: Callable[[Transfer], HostResult], source: Path, shared: Path, content: str
) -> None:
    place = planted(shared / "secret", content)
    result = move(Put(str(source), str(place)))

    assert result.ok, result
    assert result.stdout.startswith("sent "), "equal or not, it is not the other user's file that stays"
    found = place.stat()
    assert found.st_uid != OTHER
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert place.read_text() == SECRET
    assert listed(shared) == ["secret"]
    assert move(Put(str(source), str(place))).stdout.startswith("equal"), "it is ours from then on"


def test_a_mode_that_is_asked_for_holds_too(
    move: Callable[[Transfer], HostResult], source: Path, shared: Path
) -> None:
    place = planted(shared / "secret", SECRET)
    assert move(Put(str(source), str(place), Options(mode=0o640))).ok
    assert (place.stat().st_uid != OTHER, stat.S_IMODE(place.stat().st_mode)) == (True, 0o640)


def test_a_link_that_another_user_made_is_not_followed(
    move: Callable[[Transfer], HostResult], source: Path, shared: Path
) -> None:
    (shared / "real").write_text("precious\n")
    (shared / "real").chmod(0o666)
    (shared / "folder").mkdir(mode=0o777)
    (shared / "folder").chmod(0o777)
    for name in ("real", "folder"):
        link = planted_link(shared / f"link to {name}", shared / name)
        result = move(Put(str(source), str(link)))
        assert (result.status, result.reason, result.sent) == (Status.FAILED, "not-ours", False)
        assert f"uid {OTHER}" in (result.error or "")
    assert (shared / "real").read_text() == "precious\n"
    assert listed(shared / "folder") == []


def test_no_tree_goes_into_a_folder_or_link_that_another_user_made(
    move: Callable[[Transfer], HostResult], shared: Path, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text(SECRET)
    made = shared / "made"
    made.mkdir()
    os.chown(made, OTHER, OTHER)
    made.chmod(0o777)
    assert move(Put(str(tree), str(made))).reason == "not-ours"
    assert move(Put(str(tree / "sub" / "file"), str(made))).reason == "not-ours"
    assert listed(made) == []

    (shared / "elsewhere").mkdir()
    (shared / "elsewhere").chmod(0o777)
    (shared / "ours").mkdir()
    (shared / "ours").chmod(0o777)
    planted_link(shared / "ours" / "sub", shared / "elsewhere")
    assert move(Put(str(tree), str(shared / "ours"))).reason == "not-ours"
    assert listed(shared / "elsewhere") == []


def test_a_folder_of_another_user_elsewhere_is_no_reason_to_refuse(
    servers: dict[str, Sshd], source: Path, shared: Path
) -> None:
    """Root may well put a file into a home folder, which stands where nobody else can make one."""
    home = shared / "homes" / "app"
    home.mkdir(parents=True)
    (shared / "homes").chmod(0o755)
    os.chown(home, OTHER, OTHER)
    server = servers["sftp"]
    options = server.options(become=True, become_as=Become())
    assert perform(server.host(), TransferJob(Put(str(source), f"{home}/x")), options).ok
    assert (home / "x").stat().st_uid == 0


@pytest.mark.parametrize("kind", ["host folder", "host link", "file", "file link", "destination link"])
def test_what_is_fetched_goes_through_nothing_that_another_user_made(
    servers: dict[str, Sshd], source: Path, shared: Path, kind: str
) -> None:
    server = servers["sftp"]
    source.chmod(0o644)
    (shared / "source").write_text(SECRET)
    out, elsewhere = shared / "out", shared / "elsewhere"
    elsewhere.mkdir()
    if kind == "destination link":
        planted_link(out, elsewhere)
    else:
        out.mkdir()
        out.chmod(0o777)
    if kind == "host folder":
        (out / "real").mkdir()
        os.chown(out / "real", OTHER, OTHER)
    elif kind == "host link":
        planted_link(out / "real", elsewhere)
    elif kind.startswith("file"):
        (out / "real").mkdir()
        if kind == "file":
            planted(out / "real" / "source", SECRET)
        else:
            planted_link(out / "real" / "source", elsewhere / "made")
            (elsewhere / "made").write_text("precious\n")
    before = {path.name: path.read_text() for path in elsewhere.iterdir()}
    result = perform(server.host(), TransferJob(Get(f"{shared}/source", str(out))), server.options())

    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == before
    if kind == "file":
        found = (out / "real" / "source").stat()
        assert (result.ok, found.st_uid, stat.S_IMODE(found.st_mode)) == (True, 0, 0o600)
    else:
        assert result.reason == "not-ours", result


# What a run writes here -------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--output-dir", "--spill-dir"])
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_no_folder_for_outputs_is_another_users(shared: Path, flag: str, kind: str) -> None:
    if kind == "folder":
        (shared / "out").mkdir()
        os.chown(shared / "out", OTHER, OTHER)
    else:
        (shared / "elsewhere").mkdir()
        planted_link(shared / "out", shared / "elsewhere")
    with pytest.raises(UsageError, match=f"another user \\(uid {OTHER}\\) created it"):
        writable(flag, str(shared / "out"))


@pytest.mark.parametrize("kind", ["link", "pipe", "file"])
def test_no_report_goes_through_what_another_user_made(demo: Project, shared: Path, kind: str) -> None:
    page, precious = shared / "page.html", shared / "precious"
    precious.write_text("precious\n")
    if kind == "link":
        planted_link(page, precious)
    elif kind == "pipe":
        os.mkfifo(page)
        os.chown(page, OTHER, OTHER)
    else:
        planted(page)
    assert demo.type("run", "--cmd", "show version", "-g", "r1").code == 0
    ended = demo.type("report", "--html", str(page))
    assert (ended.code, precious.read_text()) == (1, "precious\n")
    assert "another user" in ended.stderr


def test_no_history_is_kept_in_what_another_user_made(shared: Path) -> None:
    planted(shared / "history.db")
    with pytest.raises(PermissionError, match="another user"):
        open_history(shared / "history.db")
    assert (shared / "history.db").read_text() == ""
