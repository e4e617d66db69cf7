"""Who is logged in where, whose token a request carries, and which users a controller has.

Secrets are kept as digests only. What is seen of one connection speaks for the others of the same client: an
engineering tool opens a new one for everything it does.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from melsec_nsm.codec.footer import digest
from melsec_nsm.codec.payload import Payload
from melsec_nsm.codec.text import printable
from melsec_nsm.codec.transactions import Half, Transaction, is_group
from melsec_nsm.definitions.model import Action, Field
from melsec_nsm.engines.reference.telling import Meaning, Telling, with_role

MAX_KNOWN = 4096
"""Logins, sessions and tokens that are remembered, each; the oldest is forgotten beyond it."""

MAX_USERS = 256
"""Users of a controller that are remembered."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Bounded(Generic[_Key, _Value]):
    """A table that forgets what was not changed for longest."""

    def __init__(self, most: int = MAX_KNOWN) -> None:
        self._most = most
        self._items: OrderedDict[_Key, _Value] = OrderedDict()

    def __contains__(self, key: _Key) -> bool:
        return key in self._items

    def get(self, key: _Key) -> _Value | None:
        """The value of a key, None where it is not known (any more)."""
        return self._items.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Remembers a value."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._most:
            self._items.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A login, or an attempt; ``good`` says which."""

    ts: int
    user: str
    good: bool


class Sessions:
    """Logins and sessions, by the rules of an action that is a login."""

    def __init__(self, telling: Telling, actions: tuple[Action, ...]) -> None:
        self._telling = telling
        self._steps = [
            (action, Meaning(telling, action.when), Meaning(telling, action.proof))
            for action in actions
            if action.when is not None and action.proof is not None
        ]
        # By the controller and the digest of the token that the answer to a user name holds.
        self._named: Bounded[tuple[str, str], str] = Bounded()
        self._sessions: Bounded[tuple[str, int], str] = Bounded()
        self._granted: Bounded[tuple[str, int, str], None] = Bounded()
        self._owners: Bounded[tuple[str, int], str] = Bounded()
        self._current: Bounded[tuple[str, str], str] = Bounded()
        self._carried: Bounded[tuple[str, str], str] = Bounded()

    def login(self, transaction: Transaction) -> tuple[Action, Login] | None:
        """The login that a transaction completes or that it shows to have failed."""
        request, response, server = transaction.request, transaction.response, transaction.server
        if request is None or response is None or server is None:
            return None
        for action, names, proves in self._steps:
            if names.holds(request.pdu):
                return self._user(action, transaction, server)
            if proves.holds(request.pdu):
                return self._proof(action, transaction, server)
        return None

    def _user(self, action: Action, transaction: Transaction, server: str) -> tuple[Action, Login] | None:
        request, response = transaction.request, transaction.response
        assert request is not None
        assert response is not None
        user = next(with_role(self._telling.payload(request.pdu), "user"), "")
        if response.pdu.status:
            return action, Login(request.ts, printable(user), good=False)
        token = _secret(self._telling.answer(transaction), action.token)
        if token is not None:
            self._named.put((server, token), printable(user))
        return None

    def _proof(self, action: Action, transaction: Transaction, server: str) -> tuple[Action, Login] | None:
        request, response = transaction.request, transaction.response
        assert request is not None
        assert response is not None
        token = _secret(self._telling.payload(request.pdu), action.token)
        user = (self._named.get((server, token)) if token is not None else None) or ""
        if response.pdu.status:
            return action, Login(request.ts, user, good=False)
        client = transaction.client
        self._current.put((server, client), user)
        answer = self._telling.answer(transaction)
        session = answer.values.get(action.session or "") if answer is not None else None
        if isinstance(session, int):
            self._sessions.put((server, session), user)
            self._owners.put((server, session), client)
            self._granted.put((server, session, client), None)
        return action, Login(request.ts, user, good=True)

    def user(self, request: Half, server: str) -> str:
        """Who sends a request: whose session its token is of, else who logged in last from there."""
        footer = request.pdu.footer
        session = footer.session if footer is not None else None
        if session is not None:
            named = self._sessions.get((server, session))
            if named is not None:
                return named
        return self._current.get((server, request.source.host)) or ""

    def replays(self, request: Half, server: str) -> bool:
        """Whether a request carries a token of another client.

        Either that client has sent the same token to the controller before, or the session was granted to another
        client and never to this one.
        """
        footer = request.pdu.footer
        token = footer.identity("token") if footer is not None else None
        session = footer.session if footer is not None else None
        if token is None or session is None:
            return False
        client = request.source.host
        before = self._carried.get((server, token))
        if before is None:
            self._carried.put((server, token), client)
        if before is not None and before != client:
            return True
        owner = self._owners.get((server, session))
        return owner is not None and owner != client and (server, session, client) not in self._granted


class Users:
    """Which users controllers have, as far as records of them were seen."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._known: Bounded[str, Bounded[str, None]] = Bounded()
        self._naming = frozenset(
            (command.protocol, command.digits, command.code)
            for protocol in telling.definition.protocols.values()
            for command in protocol.commands
            for name in (*command.request.values(), *command.response.values())
            if name and _has_role(protocol.layouts[name].fields, "user")
        )

    def known(self, server: str, user: str) -> bool:
        """Whether a controller has a user."""
        users = self._known.get(server)
        return users is not None and user in users

    def learn(self, transaction: Transaction) -> None:
        """Takes up the users that an accepted transaction names."""
        server, response, request = transaction.server, transaction.response, transaction.request
        if server is None or response is None or response.pdu.status or request is None:
            return
        if request.pdu.kind not in self._naming:
            return
        answer = self._telling.answer(transaction)
        names = [*with_role(self._telling.payload(request.pdu), "user")]
        names += with_role(answer, "user") if answer is not None else ()
        if names:
            users = self._known.get(server)
            if users is None:
                users = Bounded(MAX_USERS)
            for name in names:
                users.put(printable(name), None)
            self._known.put(server, users)


def _has_role(fields: tuple[Field, ...], role: str) -> bool:
    return any(entry.role == role or _has_role(entry.fields, role) for entry in fields)


def server_of(transaction: Transaction) -> str:
    """The controller of a transaction, the group where nobody answered."""
    assert transaction.request is not None
    return transaction.server or transaction.request.destination.host


def names_server(half: Half) -> bool:
    """Whether a request says which controller it is for."""
    return not is_group(half.destination.host)


def _secret(payload: Payload | None, name: str | None) -> str | None:
    """The digest of a secret field."""
    value = payload.values.get(name) if payload is not None and name is not None else None
    return digest(value) if isinstance(value, bytes) and value else None
