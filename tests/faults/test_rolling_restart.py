"""A new version goes out while people talk: each server ends in order, and nobody notices more than a short break."""

import asyncio

from tests.faults.rig import Rig, town


async def test_two_servers_are_restarted_in_turn(rig: Rig) -> None:
    async with town(rig) as place:
        async with place.talking():
            for server in rig.servers:
                await place.acknowledged(50)
                await asyncio.to_thread(server.stop)  # at most 30 s
                assert server.exit_code == 0
                await place.acknowledged(50)
                await asyncio.to_thread(server.start)
            await place.acknowledged(50)
        await place.converge()
        assert place.violations() == []
        ended = [code for device in place.devices for code in device.closes]
        assert set(ended) == {1012}, "everybody was told to come back"
        byes = [seconds for device in place.devices for seconds in device.byes]
        assert len(set(byes)) > len(byes) // 2, f"and not all at once: {byes}"
        assert all(device.connected for device in place.devices)
