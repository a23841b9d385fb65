"""What all listeners of a conversation are handed, made once: as it is, and once for each way in which it is veiled.

Those who have blocked somebody hear less of what that person says; everybody else takes the same bytes.
"""

from collections.abc import Sequence, Set

from localroots_chat.gateway.protocol import Packet
from localroots_chat.gateway.wiring import Change, wired


class Parcel:
    """Consecutive changes of a conversation on their way to its listeners."""

    __slots__ = ("_changes", "_veiled", "_whole")

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._whole = Packet([change.frame for change in changes])
        self._veiled: dict[tuple[int, ...], Packet] = {}

    def for_one_who_blocked(self, blocked: Set[int]) -> Packet:
        """The packet for somebody who has blocked these people (keys)."""
        if not blocked:
            return self._whole
        veils = tuple(change.veils(blocked) for change in self._changes)
        if not any(veils):
            return self._whole
        packet = self._veiled.get(veils)
        if packet is None:
            pairs = zip(self._changes, veils, strict=True)
            packet = Packet([wired().veiled(one.frame, veil) if veil else one.frame for one, veil in pairs])
            self._veiled[veils] = packet
        return packet
