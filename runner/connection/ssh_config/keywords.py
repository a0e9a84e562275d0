"""The table of `ssh_config` keywords: how each value is checked, and how we use it (ssh_config(5)).

It holds the keywords of OpenSSH 9.2 to 10.5 (readconf.c), removed ones included, and those that Debian and
Fedora add. A check accepts only values that every one of these versions accepts with the same meaning; the
installed `ssh` judges all other values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.connection.ssh_config.words import arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ADD_UP", "JUDGED", "TABLE", "Keyword", "Use", "find"]


class Use(Enum):
    """How we use a keyword."""

    HONOURED = "honoured"
    """We apply it."""
    IGNORED = "ignored"
    """It does not affect us: it changes how a connection is shared, shown or made fast."""
    NOT_DONE = "not done"
    """It asks for something that we never do, such as forwarding. Without it we connect just as safely."""
    ONLY_SSH = "only ssh"
    """It changes where we connect from, or how safely; only the `openssh` connection applies it."""
    JUDGED = "judged"
    """It changes how the file applies, so only `ssh -G` can tell the options."""


@dataclass(frozen=True)
class Keyword:
    """One keyword.

    Attributes:
        name: Its name as the manual page writes it.
        use: How we use it.
        values: Pattern of the values that are certainly valid; a space separates two arguments.
        tokens: Letters of the tokens that its value may hold.
        path: Whether `~` means the home folder.
        whole: Whether the rest of the line is one value, as for commands.
        adds_up: Whether every value counts, not only the first.
        runs: Whether it makes `ssh` run a program or load a library on this machine.
        since: Version of OpenSSH that introduced it, if later than 9.2; or the systems that add it.
    """

    name: str
    use: Use
    values: str
    tokens: str = ""
    path: bool = False
    whole: bool = False
    adds_up: bool = False
    runs: bool = False
    since: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.values if self.whole else self.values.replace(" ", "\0"), re.DOTALL)

    def read(self, rest: str) -> tuple[str, ...]:
        """Return the arguments of a line.

        Args:
            rest: The text after the keyword.

        Raises:
            ValueError: The arguments are not known to be valid.
        """
        words = arguments(rest, may_be_empty=self.whole)  # of a command only the quotes are checked
        return self.checked((rest.rstrip(),) if self.whole else tuple(words))

    def checked(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return arguments that are already split; raise as `read` does."""
        if _CONTROL.search("".join(words)) or self._pattern.fullmatch("\0".join(words)) is None:
            raise ValueError(f"{self.name} {' '.join(words)[:60]!r} is not known to be a right value")
        return words

    def changes_nothing(self, words: tuple[str, ...]) -> bool:
        """Tell whether the keyword with these arguments changes nothing that we do."""
        return self.use is Use.IGNORED or (self.use in (Use.NOT_DONE, Use.JUDGED) and self.is_off(words))

    def is_off(self, words: tuple[str, ...]) -> bool:
        """Tell whether a value switches the keyword off, or asks for the usual behaviour.

        If the keyword names a program or a library, `no` or `default` is such a name.
        """
        off = _OFF if not self.runs else _OFF_FLAG if self.values == _FLAG else _OFF_PROGRAM
        return len(words) == 1 and words[0].lower() in off

    def written(self, words: tuple[str, ...]) -> str:
        """Return arguments as they are written after the keyword, quoted, for a file or for `-o`.

        Only this method writes options for `ssh`. No argument can turn into more lines, options or words.
        `ssh` fills in the tokens in the arguments; see `literal`.

        Raises:
            ValueError: An argument cannot be quoted for every version of `ssh`.
        """
        for word in words:
            if _CONTROL.search(word) or ('"' in word and not self.whole):
                raise ValueError(f"{self.name} {word[:60]!r} cannot be quoted in ssh_config")
        if self.whole:
            return words[0]
        return " ".join(f'"{_BEFORE_QUOTE.sub(_DOUBLED, word)}"' for word in words)

    def literal(self, *words: str) -> str:
        """Return arguments that `ssh` takes literally, without tokens, variables or `~`, as `written` does.

        Raises:
            ValueError: As `written`; also if only some versions of `ssh` would fill something in.
        """
        for word in words:
            filled_in = not self.whole and ("${" in word or (self.path and word.startswith("~")))
            if filled_in or ("%" in word and not self.tokens):
                raise ValueError(f"{self.name} {word[:60]!r} means something else to ssh")
        return self.written(tuple(word.replace("%", "%%") for word in words))


def find(name: str) -> Keyword | None:
    """Return a keyword by its lower-case name, which may be an old one; None if it is unknown."""
    return TABLE.get(_OLD_NAMES.get(name, name))


_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters that end a line or an argument, or are not allowed in one; a tab separates words."""
_BEFORE_QUOTE, _DOUBLED = re.compile(r"""\\(?=[\\'"]|\Z)"""), r"\\\\"
"""A backslash that would quote the next character; any other is literal (OpenSSH's `argv_split`)."""
_OFF = ("no", "false", "none", "any", "auto", "default", "0")
_OFF_FLAG, _OFF_PROGRAM = ("no", "false"), ("none",)


def _list(names: str) -> str:
    """Return the pattern of a list of algorithms, which may also extend or reduce the usual ones."""
    return rf"-[^ ,]+(?:,[^ ,]+)*|[+^]?(?:{names})(?:,(?:{names}))*"


def _rows(use: Use, values: str, names: str, **more: Any) -> Iterator[Keyword]:
    for name, _, since in (word.partition("@") for word in names.split()):
        yield Keyword(name, use, values, since=since, **more)


_HONOURED, _IGNORED, _NOT_DONE, _ONLY_SSH, _JUDGED = Use
_FLAG = "(?i:yes|no|true|false)"
_ASK = "(?i:yes|no|true|false|ask)"
_WORD = "[^ ]+"
_VARIABLE = r"\$[A-Za-z_]\w*"
_NUMBER = "[0-9]{1,9}"
# Larger units first: whether another order is valid depends on the version.
_TIME = r"(?i:(?!\Z| )(?:\d{1,3}w)?(?:\d{1,4}d)?(?:\d{1,5}h)?(?:\d{1,6}m)?(?:\d{1,9}s?)?)"
_SECONDS = f"none|{_TIME}"
_FILE = r"(?!(?i:none)(?: |\Z))[^ ]+"
_FILES = f"(?i:none)|{_FILE}(?: {_FILE}){{0,31}}"
_PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = r"(?:[A-Za-z0-9_.-]+|\*|\[[0-9A-Fa-f:.]+\])"
_OPEN = rf"{_HOST}:(?:{_PORT}|\*)"
_LISTEN = f"(?:{_HOST}:)?{_PORT}"
_FORWARD = f"(?:{_LISTEN}|/[^ :]+) (?:{_HOST}:{_PORT}|/[^ :]+)"
_DOMAIN = r"(?!(?i:none)(?: |\Z))[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*\.?"
_LOGIN = r"(?:ssh://)?(?:[A-Za-z0-9_.%@+\\-]+@)?(?:\[[A-Za-z0-9_.:%-]+\]|[A-Za-z0-9_.%-]+)"
_JUMP = f"{_LOGIN}(?::{_PORT})?"
_DSCP = "(?i:[0-9]{1,2}|af[1-4][1-3]|cs[0-7]|ef|le|lowdelay|throughput|reliability|none)"
_BYTES = "default|0|(?:1[6-9]|[2-9][0-9]|[1-9][0-9]{2,6})[KMGkmg]?|[1-9][KMGkmg]"
_CIPHER = r"3des-cbc|aes(?:128|192|256)-(?:cbc|ctr)|(?:aes(?:128|256)-gcm|chacha20-poly1305)@openssh\.com"
_HMAC = r"hmac-(?:sha1|sha1-96|sha2-256|sha2-512|md5|md5-96)(?:-etm@openssh\.com)?"
_MAC = rf"{_HMAC}|umac-(?:64|128)(?:-etm)?@openssh\.com"
_KEX = (
    r"diffie-hellman-group(?:1-sha1|14-sha1|14-sha256|16-sha512|18-sha512|-exchange-sha1|-exchange-sha256)"
    r"|ecdh-sha2-nistp(?:256|384|521)|curve25519-sha256(?:@libssh\.org)?"
    r"|sntrup761x25519-sha512(?:@openssh\.com)?|mlkem768x25519-sha256"
)
_KEY = (
    r"(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa|rsa-sha2-(?:256|512))(?:-cert-v01@openssh\.com)?"
    r"|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)(?:-cert-v01)?@openssh\.com"
)
_ALL_TOKENS = "CdhijkLlnpru"

# fmt: off
# Keywords with the same check, by their use. `@10.1` is the version that introduced a keyword.
_KEYWORDS = (
    *_rows(_HONOURED, _FLAG,
           "IdentitiesOnly KbdInteractiveAuthentication PasswordAuthentication ProxyUseFdpass"),
    *_rows(_HONOURED, _WORD, "HostKeyAlias IgnoreUnknown PreferredAuthentications User"),
    *_rows(_HONOURED, _SECONDS, "ConnectTimeout ServerAliveInterval"),
    *_rows(_HONOURED, f"{_FLAG}|(?i:unbound|host-bound)", "PubkeyAuthentication"),
    *_rows(_HONOURED, "(?i:yes|no|true|false|ask|off|accept-new)", "StrictHostKeyChecking"),
    *_rows(_HONOURED, _PORT, "Port"),
    *_rows(_HONOURED, "(?:[^ %]|%%|%h)+", "HostName", tokens="h"),
    *_rows(_HONOURED, _WORD, "CertificateFile IdentityFile", tokens=_ALL_TOKENS, path=True, adds_up=True),
    *_rows(_HONOURED, rf"(?:[^ $]|\${{\w+}})+|{_VARIABLE}", "IdentityAgent", tokens=_ALL_TOKENS, path=True),
    *_rows(_HONOURED, _FILES, "UserKnownHostsFile", tokens=_ALL_TOKENS, path=True),
    *_rows(_HONOURED, _FILES, "GlobalKnownHostsFile", path=True),
    *_rows(_HONOURED, _WORD, "RevokedHostKeys", path=True),
    *_rows(_HONOURED, ".+", "ProxyCommand", tokens="Chijklnpru", whole=True),
    *_rows(_HONOURED, f"(?i:none)|{_JUMP}(?:,{_JUMP})*", "ProxyJump", tokens="hnpr", whole=True),
    *_rows(_JUDGED, "(?i:yes|no|true|false|always)", "CanonicalizeHostname"),
    *_rows(_JUDGED, r"(?i:none)|[^ :]+:[^ ]+(?: [^ :]+:[^ ]+)*", "CanonicalizePermittedCNAMEs"),
    *_rows(_JUDGED, _WORD, "RefuseConnection@10.1"),
    *_rows(_ONLY_SSH, _WORD, "BindAddress BindInterface"),
    *_rows(_ONLY_SSH, "(?i:any|inet|inet6)", "AddressFamily"),
    *_rows(_ONLY_SSH, _NUMBER, "RequiredRSASize"),
    *_rows(_ONLY_SSH, _list(_CIPHER), "Ciphers"),
    *_rows(_ONLY_SSH, _list(_MAC), "MACs"),
    *_rows(_ONLY_SSH, _list(_KEX), "KexAlgorithms"),
    *_rows(_ONLY_SSH, _list(_KEY), "CASignatureAlgorithms HostKeyAlgorithms PubkeyAcceptedAlgorithms"),
    *_rows(_ONLY_SSH, _WORD, "PKCS11Provider SecurityKeyProvider", runs=True),
    *_rows(_ONLY_SSH, ".+", "KnownHostsCommand", whole=True, runs=True),
    *_rows(_NOT_DONE, _FLAG,
           "ForkAfterAuthentication ForwardX11 ForwardX11Trusted GSSAPIAuthentication "
           "GSSAPIDelegateCredentials GSSAPIKeyExchange@Debian,Fedora HostbasedAuthentication "
           "NoHostAuthenticationForLocalhost"),
    *_rows(_NOT_DONE, _ASK, "VerifyHostKeyDNS"),
    *_rows(_NOT_DONE, rf"{_FLAG}|[^ $]+|{_VARIABLE}", "ForwardAgent"),
    *_rows(_NOT_DONE, _list(_KEY), "HostbasedAcceptedAlgorithms"),
    *_rows(_NOT_DONE, _LISTEN, "DynamicForward"),
    *_rows(_NOT_DONE, _FORWARD, "LocalForward"),
    *_rows(_NOT_DONE, f"{_FORWARD}|{_LISTEN}", "RemoteForward"),
    *_rows(_NOT_DONE, "(?i:yes|no|true|false|ethernet|point-to-point)", "Tunnel"),
    *_rows(_NOT_DONE, "(?i:any|[0-9]{1,6})(?::(?i:any|[0-9]{1,6}))?", "TunnelDevice"),
    *_rows(_NOT_DONE, "(?i:yes|no|true|false|force|auto)", "RequestTTY"),
    *_rows(_NOT_DONE, "(?i:none|subsystem|default)", "SessionType"),
    *_rows(_NOT_DONE, "[^ =]+(?: [^ =]+)*", "SendEnv"),
    *_rows(_NOT_DONE, "[^ =]+=[^ ]*(?: [^ =]+=[^ ]*)*", "SetEnv"),
    *_rows(_NOT_DONE, ".+", "RemoteCommand", whole=True),
    *_rows(_NOT_DONE, ".+", "LocalCommand", whole=True, runs=True),
    *_rows(_NOT_DONE, _FLAG, "PermitLocalCommand", runs=True),
    *_rows(_IGNORED, _FLAG,
           "BatchMode CanonicalizeFallbackLocal CheckHostIP ClearAllForwardings EnableEscapeCommandline "
           "EnableSSHKeysign ExitOnForwardFailure GatewayPorts GSSAPIRenewalForcesRekey@Debian,Fedora "
           "GSSAPITrustDns@Debian,Fedora HashKnownHosts StdinNull StreamLocalBindUnlink TCPKeepAlive "
           "VisualHostKey"),
    *_rows(_IGNORED, _WORD,
           "ControlPath GSSAPIClientIdentity@Debian,Fedora GSSAPIServerIdentity@Debian,Fedora "
           "KbdInteractiveDevices Tag@9.4 XAuthLocation"),
    *_rows(_IGNORED, _NUMBER, "CanonicalizeMaxDots NumberOfPasswordPrompts ServerAliveCountMax"),
    *_rows(_IGNORED, _ASK, "UpdateHostKeys"),
    *_rows(_IGNORED, _SECONDS, "ForwardX11Timeout"),
    *_rows(_IGNORED, f"{_ASK}|(?i:confirm)(?: {_TIME})?|{_TIME}", "AddKeysToAgent"),
    *_rows(_IGNORED, f"(?i:none)|{_DOMAIN}(?: {_DOMAIN})*", "CanonicalDomains"),
    *_rows(_IGNORED, f"none|[^ =]+={_TIME}(?: [^ =]+={_TIME})*", "ChannelTimeout@9.6"),
    *_rows(_IGNORED, "(?i:yes|no)", "Compression"),
    *_rows(_IGNORED, "[1-9][0-9]{0,8}", "ConnectionAttempts"),
    *_rows(_IGNORED, "(?i:yes|no|true|false|ask|auto|autoask)", "ControlMaster"),
    *_rows(_IGNORED, f"yes|no|true|false|{_TIME}", "ControlPersist"),
    *_rows(_IGNORED, r"none|[!-~]|\^[@-~]", "EscapeChar"),
    *_rows(_IGNORED, "(?i:md5|sha1|sha256|sha384|sha512)", "FingerprintHash"),
    *_rows(_IGNORED, r"gss-[a-z0-9-]+-(?:,gss-[a-z0-9-]+-)*", "GSSAPIKexAlgorithms@Debian,Fedora"),
    *_rows(_IGNORED, f"{_DSCP}(?: {_DSCP})?", "IPQoS"),
    *_rows(_IGNORED, "(?i:quiet|fatal|error|info|verbose|debug[1-3]?)", "LogLevel"),
    *_rows(_IGNORED, _FILES, "LogVerbose"),
    *_rows(_IGNORED, "yes|no|true|false|interval:[1-9][0-9]{0,2}", "ObscureKeystrokeTiming@9.5"),
    *_rows(_IGNORED, rf"(?i:any|none)|{_OPEN}(?: {_OPEN})*", "PermitRemoteOpen"),
    *_rows(_IGNORED, f"(?:{_BYTES})(?: (?:{_SECONDS}))?", "RekeyLimit"),
    *_rows(_IGNORED, "0?[0-7]{1,3}", "StreamLocalBindMask"),
    *_rows(_IGNORED, "(?i:daemon|user|auth|authpriv|local[0-7])", "SyslogFacility"),
    *_rows(_IGNORED, ".+", "VersionAddendum@10.0", whole=True),
    *_rows(_IGNORED, f"{_FLAG}|(?i:no-pq-kex)", "WarnWeakCrypto@10.1"),
    *_rows(_IGNORED, ".+",  # removed keywords, whose arguments `ssh` ignores
           "AFSTokenPassing Cipher CompressionLevel FallBackToRsh GlobalKnownHostsFile2 Protocol UseRsh "
           "KerberosAuthentication KerberosTgtPassing RhostsAuthentication RhostsRSAAuthentication "
           "UseRoaming RSAAuthentication UseBlacklistedKeys@Debian UsePrivilegedPort UserKnownHostsFile2"),
)
_OLD_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication", "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "identityfile2": "identityfile", "keepalive": "tcpkeepalive",
    "protocolkeepalives": "serveraliveinterval", "setuptimeout": "serveraliveinterval",  # Debian's
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "smartcarddevice": "pkcs11provider",
    **dict.fromkeys(("skeyauthentication", "tisauthentication"), "kbdinteractiveauthentication"),
}
# fmt: on
TABLE = {keyword.name.lower(): keyword for keyword in _KEYWORDS}
"""All keywords by their lower-case names."""
ADD_UP = frozenset(name for name, keyword in TABLE.items() if keyword.adds_up)
"""Keywords whose values all count."""
JUDGED = frozenset(name for name, keyword in TABLE.items() if keyword.use is Use.JUDGED)
"""Keywords for which only `ssh -G` can tell the options, unless they are off."""
