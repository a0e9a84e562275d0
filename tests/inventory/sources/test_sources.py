"""Sources beside Ansible's own, and how a source is chosen."""

from __future__ import annotations

import os
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.options import ConnectionOptions
from runner.connection.target.access import access
from runner.errors import InventoryError
from runner.inventory import load
from runner.inventory.endpoint import endpoint
from runner.inventory.loading import Options
from runner.inventory.output.listing import list_document
from runner.inventory.sources import sources
from runner.models import Host

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


def variables(folder: Path, source: str, host: str) -> dict[str, Any]:
    return dict(load(folder / source, playbook_dir=folder).variables(host))


# --- CSV


def test_a_table_gives_hosts_groups_and_variables(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "hosts.csv": """
            name,ansible_host,groups,ansible_port,site
            r1,10.0.0.1,routers;core,2222,ams
            r2,10.0.0.2,routers,,"ams, hall 2"

            s1:830,10.0.0.3,,,
            """
        },
    )
    inventory = load(tmp_path / "hosts.csv", playbook_dir=tmp_path)
    assert inventory.names("routers") == ("r1", "r2")
    assert inventory.names("core") == ("r1",)
    assert inventory.names("ungrouped") == ("s1",)
    assert inventory.variables("r2") == {"ansible_host": "10.0.0.2", "site": "ams, hall 2"}
    assert {str(endpoint(host)) for host in inventory.select()} == {
        "10.0.0.1:2222",
        "10.0.0.2:22",
        "10.0.0.3:830",
    }


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_the_header_tells_the_separator(tmp_path: Path, separator: str) -> None:
    rows = [["hostname", "rack"], ["h1", "a"], ["h2", "b"]]
    (tmp_path / "t.csv").write_text("".join(separator.join(row) + "\n" for row in rows))
    assert variables(tmp_path, "t.csv", "h2") == {"rack": "b"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name,a\nh1,1,2\n", 2, "3 cells under a header of 2"),
        ("name,name\nh1,h2\n", 1, "each column of the header needs a unique name"),
        ("name,,b\nh1,2,3\n", 1, "each column of the header needs a unique name"),
        ("name,a\n,1\n", 2, "a host name cannot be empty"),
        ('name,a\nh1,"x\n', 2, "CSV: unexpected end of data"),
        ("", None, "an empty table"),
    ],
)
def test_a_wrong_table_names_its_row(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InventoryError, match=message) as caught:
        load(tmp_path / "t.csv")
    assert caught.value.line == line


# --- OpenSSH client configuration


def test_names_of_an_ssh_configuration_are_hosts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".ssh/config": """
            # my machines
            Host web1 web2
                HostName %h.example.com
                Port 2222
            Host db=1
            Host jumped
                ProxyJump bastion
                IdentityFile ~/.ssh/lab
            Host bastion *.internal !x.internal
                User=gate
            Match host web1 exec "touch RAN"
                User nobody
            Match all
                User everybody
            Host *
                Port 22
                User last
            """
        },
    )
    source = tmp_path / ".ssh" / "config"
    inventory = load(source, playbook_dir=tmp_path)
    assert inventory.names() == ("web1", "web2", "db=1", "jumped", "bastion")
    for name in inventory.names():
        assert inventory.variables(name) == {"ansible_ssh_common_args": f"-F {source}"}
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("name", ["web1", "web2", "jumped", "bastion", "inner"])
def test_an_ssh_configuration_as_inventory_gives_the_connection_of_its_names(
    tmp_path: Path, name: str
) -> None:
    included = tmp_path / "more.conf"
    write(
        tmp_path,
        {
            "ssh_config": f"""
            Host web1 web2   # the two webs
                HostName 127.0.0.1 # first
                Port 9 # discard
            Host jumped
                ProxyCommand ssh -W %h:%p bastion
                UserKnownHostsFile ~/.ssh/special
                StrictHostKeyChecking accept-new
            Host inner web2
                Include {included}
            Match final host 127.0.0.1
                User loop
            Host *
                ProxyJump other
            """,
            "more.conf": "Host inner\n  Port 7\nHost jumped\n  Port 8\nMatch all\n  User included\n",
        },
    )
    source = str(tmp_path / "ssh_config")
    inventory = load(source)
    assert inventory.names() == ("web1", "web2", "jumped", "inner")
    if name in inventory.names():
        as_source = access(next(iter(inventory.select(name))), ConnectionOptions())
        as_name = access(Host(name), ConnectionOptions(ssh_config=source))
        same = {"given": as_name.given, "options": replace(as_source.options, **of_file(as_name.options))}
        assert replace(as_source, **same) == as_name


def of_file(options: ConnectionOptions) -> dict[str, Any]:
    return {"ssh_config": options.ssh_config, "trust_ssh_config": options.trust_ssh_config}


def test_a_name_in_a_file_that_is_included_for_other_hosts_is_not_a_host(tmp_path: Path) -> None:
    more = tmp_path / "more"
    write(tmp_path, {"ssh_config": f"Host *.x\n Include {more}\nHost b\n", "more": "Host a.x c\nHost d\n"})
    assert load(tmp_path / "ssh_config").names() == ("a.x", "b")


def test_a_name_without_options_is_a_host_too_and_a_negated_one_is_not(tmp_path: Path) -> None:
    write(tmp_path, {"ssh_config": "Host a !c c\nHost b\n  Port 5\nHost a\n  User u\n"})
    assert load(tmp_path / "ssh_config").names() == ("a", "b")


def test_an_ssh_configuration_that_includes_itself_has_an_end(tmp_path: Path) -> None:
    write(tmp_path, {"ssh_config": f"Include {tmp_path}/ssh_config\nHost a\n"})
    with pytest.raises(InventoryError, match="include one another deeper than 16 levels, or 1000 times"):
        load(tmp_path / "ssh_config")


@pytest.mark.slow
def test_ssh_configurations_that_include_one_another_manifold_have_an_end(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "ssh_config": f"Include {tmp_path}/1\n" * 100,
            **{str(n): f"Include {tmp_path}/{n + 1}\n" * 100 for n in range(1, 9)},
        },
    )
    with pytest.raises(InventoryError, match="include one another"):
        load(tmp_path / "ssh_config")


def test_a_line_of_an_ssh_configuration_without_a_value_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"ssh_config": "Host a\n  Port\n"})
    with pytest.raises(InventoryError, match=r"ssh_config:2: 'Port': no argument after the keyword"):
        load(tmp_path / "ssh_config")
    write(tmp_path, {"ssh_config": "Host a\nNonsense yes\n"})
    with pytest.raises(InventoryError, match=r"ssh_config:2: the keyword 'nonsense' is unknown"):
        load(tmp_path / "ssh_config")


# --- Nornir

NORNIR = {
    "nornir/hosts.yaml": """
        r1:
          hostname: 10.0.0.1
          groups: [core, ams]
          data: {rack: 5}
        r2:
          port: 2222
          groups: [ams]
        lone: {}
        """,
    "nornir/groups.yaml": """
        core: {username: coreadmin, data: {role: core, site: nowhere}}
        ams: {groups: [europe], data: {site: ams}}
        europe: {username: eu, platform: ios, data: {site: europe, zone: cet}}
        """,
    "nornir/defaults.yaml": "{port: 22, password: secret, data: {zone: utc, domain: lab}}\n",
}


@pytest.mark.parametrize("source", ["nornir", "nornir/hosts.yaml"])
def test_a_nornir_inventory_is_read_as_nornir_reads_it(tmp_path: Path, source: str) -> None:
    write(tmp_path, NORNIR)
    inventory = load(tmp_path / source, playbook_dir=tmp_path)
    assert inventory.names("europe") == ("r1", "r2")
    assert inventory.names("core") == ("r1",)
    assert inventory.names("ungrouped") == ("lone",)
    assert inventory.variables("r1") == {
        "ansible_host": "10.0.0.1",
        "ansible_user": "coreadmin",
        "ansible_password": "secret",
        "ansible_network_os": "ios",
        "ansible_port": 22,
        "role": "core",
        "site": "nowhere",
        "zone": "cet",
        "rack": 5,
        "domain": "lab",
    }
    assert inventory.variables("r2")["ansible_port"] == 2222
    assert inventory.variables("r2")["site"] == "ams"
    assert inventory.variables("lone") == {
        "ansible_port": 22,
        "ansible_password": "secret",
        "zone": "utc",
        "domain": "lab",
    }


def test_a_folder_of_ansibles_with_the_same_names_is_ansibles(tmp_path: Path) -> None:
    write(
        tmp_path, {"inv/hosts.yaml": "web: {hosts: {h1: }}\n", "inv/groups.yaml": "p: {children: {web: }}\n"}
    )
    inventory = load(tmp_path / "inv", playbook_dir=tmp_path)
    assert inventory.names("p") == ("h1",)
    assert load(tmp_path / "inv" / "hosts.yaml", playbook_dir=tmp_path).names() == ("h1",)


@pytest.mark.parametrize("name", ["hosts", "hosts.ini", "hosts.yml"])
def test_another_file_beside_those_of_nornir_is_what_it_is(tmp_path: Path, name: str) -> None:
    text = "web: {hosts: {h1: {port_of: mine}}}\n" if name.endswith("yml") else "[web]\nh1 port_of=mine\n"
    write(tmp_path, {**NORNIR, f"nornir/{name}": text})
    inventory = load(tmp_path / "nornir" / name, playbook_dir=tmp_path)
    assert inventory.names() == ("h1",)
    assert inventory.variables("h1") == {"port_of": "mine"}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("ams: {}\neurope: {}\n", "group 'core' is not in groups.yaml"),
        (
            "core: {groups: [ams]}\nams: {groups: [core]}\neurope: {}\n",
            "groups form a cycle: core > ams > core",
        ),
        ("core: 5\nams: {}\n", "group 'core' must be a mapping"),
        ("core: {groups: ams}\nams: {}\n", "the groups of core must be a list of names"),
        ("core: {data: [1]}\nams: {}\n", "data must be a mapping"),
    ],
)
def test_a_wrong_nornir_inventory_says_what_is_wrong(tmp_path: Path, groups: str, message: str) -> None:
    write(tmp_path, {**NORNIR, "nornir/groups.yaml": groups})
    with pytest.raises(InventoryError, match=message):
        load(tmp_path / "nornir")


# --- how a source is chosen


def test_ours_come_in_by_the_door_that_is_open_to_everybody() -> None:
    assert list(sources()) == [
        *("host_list", "nornir", "directory", "script", "ssh_config", "csv", "yaml", "toml", "ini"),
    ]


def test_a_sources_format_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.txt": "name;rack\nh1;a\n", "plain": "h9 a=1\n"})
    assert load(f"csv:{tmp_path}/hosts.txt").variables("h1") == {"rack": "a"}
    assert load(f"ini:{tmp_path}/plain").names() == ("h9",)
    with pytest.raises(InventoryError, match="nosuch:hosts: no such file or folder"):
        load("nosuch:hosts")


@pytest.mark.parametrize(
    "text",
    [
        "web:\n  hosts: {h1: }\n",
        "# a note\n\nweb:\n  hosts: {h1: }\n",
        "---\nweb:\n  hosts: {h1: }\n",
        "'web':\n  hosts: {h1: }\n",
        "? web\n: hosts: {h1: }\n",
        "{web: {hosts: {h1: }}}\n",
        "web :\n  hosts: {h1: }\n",
        "# a line of many\r\n" * 1000 + "web:\n  hosts: {h1: }\n",
    ],
)
def test_yaml_without_a_suffix_is_known_whatever_it_begins_with(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"hosts": text})
    assert load(tmp_path / "hosts").names("web") == ("h1",)


@pytest.mark.parametrize("text", ["web\nh1\n", "[web]\nh1\n", "# all: of them\r\n[web:children]\r\n"])
def test_a_bare_first_word_or_section_is_no_yaml(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"hosts": text})
    with pytest.raises(InventoryError, match="the top level must be a mapping of groups"):
        load(f"yaml:{tmp_path / 'hosts'}")


def test_variables_beside_a_source_whose_format_is_named_count_too(tmp_path: Path) -> None:
    write(tmp_path, {"inv/hosts.txt": "name\nh1\n", "inv/group_vars/all.yml": "v: 1\n"})
    assert load(f"csv:{tmp_path}/inv/hosts.txt", playbook_dir=tmp_path).variables("h1") == {"v": 1}


def test_a_file_with_a_comma_in_its_name_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"a,b.ini": "h1\n"})
    assert load(tmp_path / "a,b.ini").names() == ("h1",)


def test_a_stranger_may_add_a_source(tmp_path: Path) -> None:
    """An installed distribution is a folder with metadata: this is one."""
    import subprocess
    import sys

    write(
        tmp_path,
        {
            "strange-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n",
            "strange-1.0.dist-info/entry_points.txt": """
            [runner.inventory_sources]
            numbers = strange:NUMBERS
            """,
            "strange.py": """
            class Numbers:
                order = 5

                def claims(self, source):
                    return source.isdigit()

                def read(self, source, loading):
                    for number in range(int(source)):
                        loading.graph.add_host(f"n{number}")


            NUMBERS = Numbers()
            """,
        },
    )
    code = "from runner.inventory import load; print(*load('3').names())"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "n0 n1 n2\n"


def test_a_plugin_that_nobody_knows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"cloud.yml": "plugin: acme.cloud.servers\n"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InventoryError) as caught:
        load(tmp_path / "cloud.yml")
    assert "plugin 'acme.cloud.servers' is not known here" in str(caught.value)
    assert "ansible-inventory" in str(caught.value)


@pytest.mark.differential
def test_a_plugin_that_ansible_knows_is_asked_of_ansible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ansible")
    import sys
    from pathlib import Path as RealPath

    monkeypatch.setenv("PATH", f"{RealPath(sys.executable).parent}:{os.environ['PATH']}")
    write(
        tmp_path,
        {
            "made.yml": """
            plugin: ansible.builtin.generator
            hosts: {name: "{{ role }}-{{ number }}", parents: [{name: "{{ role }}s"}]}
            layers: {role: [web, db], number: [1, 2]}
            """
        },
    )
    allowed = Options(allow_commands=True, playbook_dir=str(tmp_path))
    inventory = load(tmp_path / "made.yml", options=allowed)
    assert inventory.names("webs") == ("web-1", "web-2")
    assert list_document(inventory)["dbs"] == {"hosts": ["db-1", "db-2"]}
    write(tmp_path, {"broken.yml": "plugin: ansible.builtin.generator\n"})
    with pytest.raises(InventoryError, match="by ansible-inventory: ended with status"):
        load(tmp_path / "broken.yml", options=allowed)
