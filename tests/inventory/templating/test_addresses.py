"""Filters for addresses give what the documentation of Ansible's collection `ansible.utils` says."""

from __future__ import annotations

from typing import Any

import pytest

from runner.inventory.templating import TemplateError, render


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'192.168.0.1' | ansible.utils.ipaddr", "192.168.0.1"),
        ("'nonsense' | ipaddr", False),
        ("'10.1.2.3/24' | ipaddr('address')", "10.1.2.3"),
        ("'10.1.2.3/24' | ipaddr('network')", "10.1.2.0"),
        ("'10.1.2.3/24' | ipaddr('netmask')", "255.255.255.0"),
        ("'10.1.2.3/24' | ipaddr('prefix')", 24),
        ("'10.1.2.3/24' | ipaddr('subnet')", "10.1.2.0/24"),
        ("'10.1.2.3/24' | ipaddr('broadcast')", "10.1.2.255"),
        ("'10.1.2.3/24' | ipaddr('wildcard')", "0.0.0.255"),
        ("'10.1.2.3/24' | ipaddr('size')", 256),
        ("'10.1.2.3/24' | ipaddr('range_usable')", "10.1.2.1-10.1.2.254"),
        ("'10.1.2.3/24' | ipaddr('next_usable')", "10.1.2.4"),
        ("'10.1.2.0/24' | ipaddr(1)", "10.1.2.1/24"),
        ("'10.1.2.0/24' | ipaddr('-1')", "10.1.2.255/24"),
        ("'10.1.2.0/24' | ipaddr('1') | ipaddr('address')", "10.1.2.1"),
        ("'10.0.0.5/30' | ipaddr('peer')", "10.0.0.6"),
        ("'10.1.2.3' | ipaddr('10.0.0.0/8')", "10.1.2.3"),
        ("'192.168.1.1' | ipaddr('10.0.0.0/8')", None),
        ("'10.1.2.3' | ipaddr('revdns')", "3.2.1.10.in-addr.arpa."),
        ("'fe80::1/64' | ipaddr('wrap')", "[fe80::1]/64"),
        ("['10.0.0.1', 'x', 'fe80::1'] | ipaddr", ["10.0.0.1", "fe80::1"]),
        ("['10.0.0.1', 'fe80::1'] | ansible.utils.ipv6", ["fe80::1"]),
        ("['10.0.0.1', 'fe80::1'] | ipwrap", ["10.0.0.1", "[fe80::1]"]),
        ("'192.168.0.0/16' | ipsubnet(20)", "16"),
        ("'192.168.0.0/16' | ipsubnet(20, 5)", "192.168.80.0/20"),
        ("'192.168.144.5' | ipsubnet(20)", "192.168.144.0/20"),
        ("'192.168.1.5' | ipmath(5)", "192.168.1.10"),
        ("'10.0.0.0/8' | nthhost(305)", "10.0.1.49"),
        ("'192.168.0.0/24' | network_in_network('192.168.0.7')", True),
        ("'192.168.0.0/24' | network_in_usable('192.168.0.255')", False),
        ("['192.168.0.34', '10.3.0.3'] | reduce_on_network('192.168.0.0/24')", ["192.168.0.34"]),
        ("['192.168.0.0/25', '192.168.0.128/25'] | cidr_merge", ["192.168.0.0/24"]),
        ("['192.168.0.0/25', '192.168.1.7'] | cidr_merge('span')", "192.168.0.0/23"),
        ("'192.168.1.5' | ip4_hex", "c0a80105"),
        ("'1a:2b:3c:4d:5e:6f' | hwaddr('cisco')", "1a2b.3c4d.5e6f"),
        ("'1a2b.3c4d.5e6f' | hwaddr('linux')", "1a:2b:3c:4d:5e:6f"),
        (
            "'fdcf:1894:23b5:d38c::/64' | slaac('c2:31:b3:83:bf:2b')",
            "fdcf:1894:23b5:d38c:c031:b3ff:fe83:bf2b",
        ),
    ],
)
def test_a_filter_gives_what_its_page_says(expression: str, expected: Any) -> None:
    assert render("{{ " + expression + " }}", {}.__getitem__) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("'10.1.2.3' | ipaddr('first_usable')", "Not a network address"),
        ("'10.1.2.3' | ipaddr('nosuch')", "unknown filter type: nosuch"),
        ("'10.1.2.3' | ipmath('x')", "not a valid integer"),
        ("'10.1.0.0/16' | ipsubnet('192.168.0.0/16')", "is not in the subnet"),
    ],
)
def test_a_wrong_query_is_one_line(expression: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        render("{{ " + expression + " }}", {}.__getitem__)
