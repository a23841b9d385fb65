"""Servers that are killed while people talk: what was acknowledged is there, once, for everybody."""

import asyncio

import pytest

from tests.faults.rig import Rig, town


@pytest.mark.parametrize("point", ["in_transaction", "after_commit", "before_publishing"])
async def test_a_server_dies_in_the_middle_of_a_send(point: str, rig: Rig) -> None:
    dying = rig.servers[0]
    dying.restart(f"{point}:12")
    async with town(rig) as place:
        async with place.talking():
            await asyncio.to_thread(dying.wait_for_end)
            await place.acknowledged(50)
            await asyncio.to_thread(dying.restart)
            await place.acknowledged(50)
        await place.converge()
        assert place.violations() == []
        assert any(None in device.closes or 1006 in device.closes for device in place.devices)
