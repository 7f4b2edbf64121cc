import asyncio

from autodata.programs.traffic import Traffic


def test_requests_under_way_are_waited_for_and_new_ones_held_back() -> None:
    async def scenario() -> list[str]:
        traffic, events = Traffic(), list[str]()
        await traffic.begin()
        landing = asyncio.create_task(traffic.land())
        await asyncio.sleep(0)

        async def late() -> None:
            await traffic.begin()
            events.append("late began")

        held = asyncio.create_task(late())
        await asyncio.sleep(0.01)
        assert not landing.done()
        traffic.end()
        await landing
        events.append("landed")
        traffic.open()
        await held
        return events

    assert asyncio.run(scenario()) == ["landed", "late began"]


def test_nothing_under_way_is_not_waited_for() -> None:
    async def scenario() -> None:
        traffic = Traffic()
        await asyncio.wait_for(traffic.land(), 1)
        traffic.open()
        await asyncio.wait_for(traffic.begin(), 1)

    asyncio.run(scenario())
