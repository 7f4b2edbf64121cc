"""Budgets: read, counted, kept, shared, and never swallowed."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import dspy
import dspy.lm15 as lm15
import pytest
from fakes import Answer, Scripted, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from autodata.programs import LanguageModels, ModelConfig, background
from autodata.programs.budget import Amount, Budget, BudgetError
from autodata.programs.cache import AnswerCache
from autodata.programs.endpoint import LONG, Endpoint
from autodata.programs.lms import RoleLM
from autodata.programs.meter import Meter, heeded
from autodata.programs.role import Role, ask
from autodata.programs.usage import Call, Ledger


def ignored(call: Call) -> None:
    """Watch nothing."""


def request(text: str = "why?") -> lm15.Request:
    return lm15.Request(model="m", messages=(lm15.Message.user(text),))


class Slow(Scripted):
    """A backend that takes a moment, so that requests are under way together."""

    def __init__(self, script: Callable[[lm15.Request, str], Answer] | None = None) -> None:
        super().__init__(script or (lambda request, rollout: fields(answer="x")))
        self.finished = 0

    def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        found = super().complete(request, rollout)
        time.sleep(0.002)
        self.finished += 1
        return found

    async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
        found = super().complete(request, rollout)
        await asyncio.sleep(0.001)
        self.finished += 1
        return found


def endpoint(backend: Scripted, meter: Meter, *, cache: Path | None = None, **options: Any) -> Any:
    config = ModelConfig(**{"model": "fake/m", "retries": 0, **options})
    return Endpoint(config, backend, AnswerCache(cache) if cache else None, meter)


def spoken(backend: Scripted, meter: Meter) -> RoleLM:
    one = endpoint(backend, meter)
    return RoleLM(one.config, "weak", one, Ledger())


# Texts


@pytest.mark.parametrize(
    ("text", "limits", "short"),
    [
        ("5usd", {"usd": "5"}, "5usd"),
        ("2.50 USD", {"usd": "2.5"}, "2.5usd"),
        ("2Mtok", {"tokens": "2000000"}, "2Mtok"),
        ("1.5mtok", {"tokens": "1500000"}, "1500ktok"),
        ("500 ktok", {"tokens": "500000"}, "500ktok"),
        ("100001tok", {"tokens": "100001"}, "100001tok"),
        (" 2000calls ", {"calls": "2000"}, "2000calls"),
        ("1call", {"calls": "1"}, "1calls"),
        ("30min", {"seconds": "1800"}, "30min"),
        ("2h", {"seconds": "7200"}, "2h"),
        ("90S", {"seconds": "90"}, "90s"),
        ("2h, 5usd", {"usd": "5", "seconds": "7200"}, "5usd,2h"),
    ],
)
def test_a_budget_is_read_as_people_write_it(text: str, limits: dict[str, str], short: str) -> None:
    budget = Budget.parse(text)
    assert budget.limits == {unit: Decimal(limit) for unit, limit in limits.items()}
    assert str(budget) == short


NONE = "|5|usd|5 apples|0usd|-5usd|5usd,|1.5calls|0.5tok|nanusd|1e3tok|5usd,3usd|30min,2h|infusd"


@pytest.mark.parametrize("text", [*NONE.split("|"), "9" * 16 + "calls", "5usd 2h", "\u0663usd"])
def test_what_is_no_budget_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match="not a budget") as caught:
        Budget.parse(text)
    assert repr(text) in str(caught.value)
    assert "2000calls" in str(caught.value)
    assert "\n" not in str(caught.value)


whole = st.integers(1, 10**12).map(Decimal)
part = st.integers(1, 10**10).map(lambda n: Decimal(n).scaleb(-6))
limits = st.fixed_dictionaries(
    {}, optional={"calls": whole, "tokens": whole, "usd": part, "seconds": whole}
).filter(bool)


@given(limits)
def test_every_budget_is_read_back_from_its_own_text(found: dict[str, Decimal]) -> None:
    budget = Budget(found)
    assert Budget.parse(str(budget)) == budget
    assert Budget.parse(str(budget).upper()) == budget


@pytest.mark.parametrize(
    ("text", "spent", "shown"),
    [
        ("2000calls", Amount(calls=Decimal(1240)), "1,240 of 2,000 calls"),
        ("5usd", Amount(usd=Decimal("0.831")), "0.83 of 5 USD"),
        ("0.02usd", Amount(usd=Decimal("0.0042")), "0.0042 of 0.02 USD"),
        ("30min", Amount(seconds=Decimal(721)), "12 of 30 min"),
        ("2h", Amount(seconds=Decimal(1440)), "0.4 of 2 h"),
        ("90s", Amount(seconds=Decimal("45.2")), "45 of 90 s"),
        ("2Mtok", Amount(tokens=Decimal(1234567)), "1,234,567 of 2,000,000 tokens"),
        ("10calls,1h", Amount(calls=Decimal(3)), "3 of 10 calls, 0.0 of 1 h"),
    ],
)
def test_what_is_spent_is_said_in_the_units_of_the_budget(
    text: str, spent: Amount, shown: str
) -> None:
    assert Budget.parse(text).of(spent) == shown


# Counting


@settings(max_examples=15, deadline=None)
@given(limit=st.integers(1, 30), together=st.integers(1, 12))
def test_no_more_calls_are_sent_than_allowed_however_many_tasks_ask(
    limit: int, together: int
) -> None:
    backend = Slow()
    meter = Meter(Budget.parse(f"{limit}calls"))
    one = endpoint(backend, meter, concurrency=together)

    async def many() -> list[Any]:
        jobs = [one.acomplete(request(str(n)), "weak", ignored) for n in range(limit + 9)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    found = asyncio.run(many())
    assert len(backend.requests) == backend.finished == limit == meter.spent.calls
    assert sum(isinstance(answer, BudgetError) for answer in found) == 9


@settings(max_examples=15, deadline=None)
@given(limit=st.integers(1, 300), together=st.integers(1, 12))
def test_tokens_are_overshot_by_no_more_than_one_request(limit: int, together: int) -> None:
    backend = Slow()
    meter = Meter(Budget.parse(f"{limit}tok"))
    one = endpoint(backend, meter, concurrency=together)

    async def many() -> None:
        jobs = [one.acomplete(request(str(n)), "weak", ignored) for n in range(40)]
        await asyncio.gather(*jobs, return_exceptions=True)

    asyncio.run(many())
    # Each answer of the backend is 15 tokens.
    assert min(limit, 40 * 15) <= meter.spent.tokens < limit + 15
    assert meter.spent.tokens == 15 * len(backend.requests)


def test_requests_go_out_together_as_long_as_the_budget_pays_for_all_of_them() -> None:
    together = most = 0

    class Counting(Slow):
        async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
            nonlocal together, most
            together += 1
            most = max(most, together)
            found = await super().acomplete(request, rollout)
            together -= 1
            return found

    def seen(limit: int) -> int:
        nonlocal most
        most = 0
        one = endpoint(Counting(), Meter(Budget.parse(f"{limit}tok")), concurrency=8)

        async def many() -> None:
            jobs = [one.acomplete(request(str(n)), "weak", ignored) for n in range(16)]
            await asyncio.gather(*jobs, return_exceptions=True)

        asyncio.run(many())
        return most

    assert seen(LONG * 100) == 8
    assert seen(LONG * 2 + 20) == 2
    assert seen(LONG) == 1


@pytest.mark.parametrize("threads", [1, 7])
def test_no_more_calls_are_sent_than_allowed_however_many_threads_ask(threads: int) -> None:
    backend = Slow()
    meter = Meter(Budget.parse("20calls"))
    one = endpoint(backend, meter)

    def call(number: int) -> bool:
        try:
            one.complete(request(str(number)), "weak", ignored)
        except BudgetError:
            return False
        return True

    with ThreadPoolExecutor(threads) as pool:
        answered = list(pool.map(call, range(40)))
    assert sum(answered) == len(backend.requests) == meter.spent.calls == 20


def test_what_is_under_way_is_finished_before_anybody_hears_of_the_end(tmp_path: Path) -> None:
    backend = Slow()
    one = endpoint(backend, Meter(Budget.parse("5calls")), cache=tmp_path)

    async def first_fault_ends_all() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(one.acomplete(request(str(number)), "weak", ignored))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(first_fault_ends_all())
    assert caught.value.subgroup(BudgetError) is not None
    assert len(backend.requests) == backend.finished == 5
    again = endpoint(Slow(), Meter(), cache=tmp_path)
    for number in range(12):
        again.complete(request(str(number)), "weak", ignored)
    assert again.meter.spent.calls == 7


def test_a_synchronous_call_on_an_event_loop_does_not_wait_for_itself() -> None:
    one = endpoint(Slow(), Meter(Budget.parse("1calls")))

    async def mixed() -> None:
        first = asyncio.create_task(one.acomplete(request(), "weak", ignored))
        await asyncio.sleep(0)
        with pytest.raises(BudgetError):
            one.complete(request("who?"), "weak", ignored)
        await first

    asyncio.run(asyncio.wait_for(mixed(), 5))


def test_answers_from_the_cache_are_free(tmp_path: Path) -> None:
    one = endpoint(Slow(), Meter(Budget.parse("1calls")), cache=tmp_path)
    first = one.complete(request(), "weak", ignored)
    for _ in range(3):
        assert one.complete(request(), "weak", ignored).message == first.message
    assert asyncio.run(one.acomplete(request(), "weak", ignored)).message == first.message
    assert one.meter.spent.calls == 1
    with pytest.raises(BudgetError):
        one.complete(request("who?"), "weak", ignored)


@pytest.mark.parametrize("fault", [lm15.ServerError("down"), asyncio.CancelledError()])
def test_a_request_without_an_answer_is_not_counted_and_frees_its_place(fault: Any) -> None:
    answers = iter([fault, "x", "x"])

    class Faulty(Scripted):
        async def acomplete(self, request: lm15.Request, rollout: str) -> lm15.Response:
            if isinstance(answer := next(answers), BaseException):
                raise answer
            return super().complete(request, rollout)

    one = endpoint(Faulty(lambda r, s: "x"), Meter(Budget.parse("1calls")))

    async def calls() -> None:
        with pytest.raises(type(fault)):
            await one.acomplete(request(), "weak", ignored)
        await one.acomplete(request(), "weak", ignored)
        with pytest.raises(BudgetError):
            await one.acomplete(request(), "weak", ignored)

    asyncio.run(calls())
    assert one.meter.spent.calls == 1


def test_an_endpoint_that_reports_no_tokens_is_guessed_by_its_texts() -> None:
    class Silent(Scripted):
        def complete(self, request: lm15.Request, rollout: str) -> lm15.Response:
            found = super().complete(request, rollout)
            return lm15.Response(
                id=None,
                model=found.model,
                message=found.message,
                finish_reason="stop",
                usage=lm15.Usage(),
            )

    one = endpoint(Silent(lambda r, s: "y" * 400), Meter())
    one.complete(request("x" * 800), "weak", ignored)
    assert one.meter.spent.tokens == 200 + 1 + 100 + 1


prices = st.integers(0, 10**8).map(lambda n: n / 10**6)
tokens = st.integers(0, 10**6)


@given(prices, prices, st.lists(st.tuples(tokens, tokens), max_size=20))
def test_money_is_counted_exactly(
    input_price: float, output_price: float, calls: list[tuple[int, int]]
) -> None:
    config = ModelConfig(model="m", input_price=input_price, output_price=output_price)
    meter = Meter(Budget.parse("1usd"))
    for call in calls:
        meter.count(*call, config.cost(*call))
    into, out = sum(one for one, _ in calls), sum(one for _, one in calls)
    exact = into * Fraction(str(input_price)) + out * Fraction(str(output_price))
    assert Fraction(meter.spent.usd) == exact / 10**6


def test_dollars_end_a_run_at_the_cent() -> None:
    one = endpoint(Slow(), Meter(Budget.parse("0.09usd")), input_price=500, output_price=1000)
    for _ in range(9):  # 10 tokens in and 5 out: one cent
        one.complete(request(), "weak", ignored)
    assert one.meter.spent.usd == Decimal("0.09")
    with pytest.raises(BudgetError, match=r"0\.0900 of 0\.09 USD"):
        one.complete(request(), "weak", ignored)


def test_time_counts_from_the_start_of_the_run() -> None:
    now = [100.0]
    meter = Meter(Budget.parse("30min"), clock=lambda: now[0])
    one = endpoint(Slow(), meter)
    now[0] += 1799
    one.complete(request(), "weak", ignored)
    assert meter.shown == "30 of 30 min"
    now[0] += 1
    with pytest.raises(BudgetError, match="run the same command again to go on"):
        one.complete(request(), "weak", ignored)


def test_the_first_limit_that_is_reached_ends_the_run() -> None:
    one = endpoint(Slow(), Meter(Budget.parse("100calls, 30tok, 5h")))
    for _ in range(2):
        one.complete(request(), "weak", ignored)
    with pytest.raises(BudgetError, match="30 of 30 tokens; raise it with --budget"):
        one.complete(request(), "weak", ignored)


def test_what_is_held_back_can_be_spent_after_its_release() -> None:
    one = endpoint(Slow(), Meter(Budget.parse("5calls")))
    one.meter.hold(Amount(calls=Decimal("2.3")))
    for _ in range(3):
        one.complete(request(), "weak", ignored)
    with pytest.raises(BudgetError, match="3 of 5 calls, the rest is kept for what follows"):
        one.complete(request(), "weak", ignored)
    one.meter.release()
    for _ in range(2):
        one.complete(request(), "weak", ignored)
    with pytest.raises(BudgetError, match="5 of 5 calls; raise"):
        one.complete(request(), "weak", ignored)


def test_without_a_budget_all_is_counted_and_nothing_refused(tmp_path: Path) -> None:
    one = endpoint(Slow(), Meter(tally=tmp_path / "run" / "spent.log"), input_price=1)
    for _ in range(3):
        one.complete(request(), "weak", ignored)
    assert (tmp_path / "run" / "spent.log").read_text() == "10 5 0.0000100usd\n" * 3
    assert one.meter.spent[:3] == (3, 45, Decimal("0.00003"))
    assert one.meter.shown == ""


# The tally


def test_a_run_that_starts_again_goes_on_counting(tmp_path: Path) -> None:
    for _ in range(2):
        one = endpoint(Slow(), Meter(Budget.parse("5calls"), tmp_path / "spent.log"))
        for _ in range(2):
            one.complete(request(), "weak", ignored)
        one.meter.close()
    one = endpoint(Slow(), Meter(Budget.parse("5calls"), tmp_path / "spent.log"))
    assert one.meter.shown == "4 of 5 calls"
    one.complete(request(), "weak", ignored)
    with pytest.raises(BudgetError):
        one.complete(request(), "weak", ignored)


@given(st.lists(st.tuples(tokens, tokens), min_size=1, max_size=5), st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_a_torn_line_spoils_neither_what_is_before_it_nor_after(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int]], cut: int
) -> None:
    file = tmp_path_factory.mktemp("torn") / "spent.log"
    first = Meter(tally=file)
    for call in calls:
        first.count(*call, Decimal("0.5"))
    first.close()
    whole = file.read_bytes()
    file.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = file.read_bytes().count(b"\n")
    again = Meter(tally=file)
    again.count(1, 1, Decimal("0.25"))
    # A tear that takes the line's end alone leaves a line that can still be read.
    assert again.spent.calls in (kept + 1, kept + 2)
    whole_lines = int(again.spent.calls) - 1
    assert again.spent.tokens == sum(sum(call) for call in calls[:whole_lines]) + 2
    assert again.spent.usd == whole_lines * Decimal("0.5") + Decimal("0.25")
    assert again.spent[:3] == Meter(tally=file).spent[:3]


def test_a_damaged_line_is_skipped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spent.log").write_bytes(
        b"10 5 0.1usd\n\n-1 5 0usd\n10 5 0\n\xff\n10 5 NaNusd\n10 5 0.1usd\n"
    )
    assert Meter(tally=tmp_path / "spent.log").spent[:3] == (2, 30, Decimal("0.2"))
    assert len(caplog.messages) == 4


def test_two_meters_of_one_file_see_each_others_calls(tmp_path: Path) -> None:
    both = [
        endpoint(Slow(), Meter(Budget.parse("6calls"), tmp_path / "spent.log")) for _ in range(2)
    ]
    for number in range(6):
        both[number % 2].complete(request(), "weak", ignored)
    for one in both:
        assert one.meter.spent.calls == 6
        with pytest.raises(BudgetError):
            one.complete(request(), "weak", ignored)


def spend(file: Path) -> None:
    """Be a process that spends until the budget ends."""
    one = endpoint(Slow(), Meter(Budget.parse("200calls"), file))
    try:
        while True:
            one.complete(request(), "weak", ignored)
    except BudgetError:
        return


def test_processes_that_share_a_file_share_the_budget(tmp_path: Path) -> None:
    file = tmp_path / "spent.log"
    processes = [
        multiprocessing.get_context("fork").Process(target=spend, args=(file,)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    lines = file.read_text().splitlines()
    assert len(set(lines)) == 1
    assert 200 <= len(lines) <= 200 + 2


# Through DSPy


class Ask(dspy.Signature):
    """Answer."""

    question: str = dspy.InputField()
    answer: str = dspy.OutputField()


async def send(meter: Meter) -> None:
    async with meter.arequest():
        meter.count(1, 1, Decimal(0))


def test_a_share_that_is_kept_back_is_one_of_what_is_not_kept_already_and_is_given_back() -> None:
    meter = Meter(Budget.parse("12calls"))
    meter.hold(Amount(calls=Decimal(2)))

    def sent() -> int:
        for number in range(20):
            try:
                asyncio.run(send(meter))
            except BudgetError:
                return number
        return 20

    with meter.keeping(0.5):
        assert sent() == 5
    with meter.keeping(0.5):  # Whatever is spent: after a restart it ends where it did.
        assert sent() == 0
    assert sent() == 5
    with Meter().keeping(0.5) as nothing:
        assert nothing is None


class Asker(Role):
    def __init__(self, lm: dspy.LM) -> None:
        super().__init__("weak", lm)
        self.predict = dspy.Predict(Ask)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        return await self.speak(self.predict, **inputs)


def exhausted() -> tuple[RoleLM, Slow]:
    backend = Slow()
    meter = Meter(Budget.parse("3calls"))
    meter.hold(Amount(calls=Decimal(3)))
    return spoken(backend, meter), backend


@pytest.mark.parametrize("how", ["call", "acall", "copy", "predict", "apredict", "role"])
def test_the_end_of_the_budget_comes_out_of_dspy_as_itself(how: str) -> None:
    lm, backend = exhausted()
    with pytest.raises(BudgetError, match="the budget is used up"), dspy.context(lm=lm):
        if how == "call":
            lm("why?")
        elif how == "acall":
            background.run(lm.acall("why?"))
        elif how == "copy":
            lm.copy(rollout_id=1)("why?")
        elif how == "predict":
            dspy.Predict(Ask)(question="why?")
        elif how == "apredict":
            asyncio.run(dspy.Predict(Ask).acall(question="why?"))
        else:
            background.run(ask(Asker(lm), question="why?"))
    assert backend.requests == []


def test_the_end_amid_retries_is_no_failure_of_the_endpoint() -> None:
    now = [0.0]

    def down(request: lm15.Request, rollout: str) -> Answer:
        now[0] += 100
        return lm15.ServerError("down", retry_after=0.01)

    one = endpoint(Scripted(down), Meter(Budget.parse("90s"), clock=lambda: now[0]), retries=3)
    lm = RoleLM(one.config, "weak", one, Ledger())
    with pytest.raises(BudgetError):
        background.run(ask(Asker(lm), question="why?"))


def evaluate(lm: RoleLM) -> Any:
    examples = [dspy.Example(question=str(n)).with_inputs("question") for n in range(8)]
    scores = dspy.Evaluate(
        devset=examples, metric=lambda *found: 1.0, num_threads=4, max_errors=100
    )
    with dspy.context(lm=lm):
        return scores(dspy.Predict(Ask))


def test_what_dspy_swallows_in_its_threads_is_heeded() -> None:
    lm = spoken(Slow(), Meter(Budget.parse("3calls")))
    with pytest.raises(BudgetError), heeded(lm.meter):
        evaluate(lm)
    assert lm.meter.spent.calls == 3


def test_what_others_make_of_the_end_is_told_as_the_end() -> None:
    lm, _ = exhausted()

    def wrapped() -> None:
        try:
            lm("why?")
        except BudgetError as error:
            raise ValueError("too many errors") from error

    with pytest.raises(BudgetError), heeded(lm.meter):
        wrapped()
    with pytest.raises(KeyError, match="ours"), heeded(lm.meter):
        raise KeyError("ours")


def test_a_block_in_which_nothing_was_refused_ends_as_it_would() -> None:
    lm = spoken(Slow(), Meter())
    with heeded(lm.meter):
        assert evaluate(lm).score == 100
    with heeded(None):
        lm("why?")


# Prices

PAID = ModelConfig(model="m", api_base="http://127.0.0.1:9/v1", input_price=1, output_price=2)
FREE = ModelConfig(model="simulation/weak")


def test_a_budget_in_dollars_needs_the_price_of_every_model() -> None:
    meter = Meter(Budget.parse("5usd"))
    for missing in ("input_price", "output_price"):
        unpriced = PAID.model_copy(update={missing: None})
        with pytest.raises(ValueError, match=r"'m'.*models\.judge\.input_price and models\.judge"):
            LanguageModels({"weak": PAID, "judge": unpriced}, meter=meter)
        assert LanguageModels({"judge": unpriced}, meter=Meter(Budget.parse("5calls")))


def test_simulated_models_are_free_unless_priced() -> None:
    meter = Meter(Budget.parse("5usd"))
    LanguageModels({"weak": FREE, "judge": PAID}, meter=meter)
    with pytest.raises(ValueError, match="no end"):
        LanguageModels({"weak": FREE}, meter=meter)
    priced = FREE.model_copy(update={"output_price": 3.0})
    LanguageModels({"weak": priced}, meter=meter)["weak"]("why?")
    assert meter.spent.usd > 0


def test_all_roles_share_one_budget() -> None:
    models = LanguageModels({"weak": FREE, "judge": FREE}, meter=Meter(Budget.parse("2calls")))
    models["weak"]("why?")
    models["judge"]("why?")
    for role in ("weak", "judge"):
        with pytest.raises(BudgetError):
            models[role]("who?")
    assert models.meter.spent.calls == 2
