"""Turns: equal shares for visitors, short before long, nothing twice, nothing for nobody, nobody for ever."""

import asyncio
import gc
import threading
import weakref

import numpy as np
import pytest
from patience import HANG_SECONDS, awaited, until
from sine_voice import sine_card, sine_synth

from gansynth_core import Clips, GivenUp, InputError, sample
from webapp.fair import FairQueue, FairTurns, Visitor
from webapp.line import Busy
from webapp.player import Player
from webapp.turns import CPU_UNIT, EACH_WAITS, GPU_UNIT, HeldPart, Kind, Turns

CARD = sine_card()
TIMBRES = sample(CARD, 60, seed=0)
ADA, BEN, EVE = Visitor("10.0.0.1", "ada"), Visitor("10.0.0.1", "ben"), Visitor("10.0.0.1", "eve")


class Bench:
    """Stands for a Synth: its notes are their pitches, each batch waits until it may go on, and the order is kept."""

    card = CARD

    def __init__(self, device="cpu"):
        self.device, self.rendered, self.may, self.gave_up = device, [], threading.Semaphore(0), 0
        self.started = threading.Semaphore(0)

    def render(self, timbre, pitches, *, given_up):
        self.rendered.append([TIMBRES.index(one) for one in timbre])
        self.started.release()
        while not self.may.acquire(timeout=0.002):
            if given_up.is_set():
                self.gave_up += 1
                raise GivenUp("Nobody waits.")
        return Clips(np.array(pitches, np.float32)[:, None].repeat(2, 1), 8000, tuple(pitches))

    def held_part(self, timbre, pitch, seconds, part, *, given_up):
        self.render([timbre], [pitch], given_up=given_up)
        return np.full(2, part[0], np.float32)

    def go(self):
        self.may.release(10**6)


def keys(*numbers):
    return [(TIMBRES[number], 60.0 + number) for number in numbers]


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def turns():
    made = Turns()
    yield made
    made.close()


def busy(turns, bench):
    """Keep the renderer at work, so that what is asked next has to wait."""
    asked = turns.ask(bench, keys(59), Visitor("10.0.0.9"))
    assert bench.started.acquire(timeout=HANG_SECONDS)
    return asked


def order(bench):
    return [number for batch in bench.rendered[1:] for number in batch]


def test_one_who_asks_for_much_does_not_keep_others_waiting(turns, bench):
    busy(turns, bench)
    greedy = [turns.ask(bench, keys(*range(start, start + 13)), EVE) for start in (0, 13, 26)]
    block, single = turns.ask(bench, keys(*range(40, 46)), ADA), turns.ask(bench, keys(50), BEN)
    bench.go()
    for asked in (single, block, *greedy):
        asked.result(HANG_SECONDS)
    served = order(bench)
    assert served.index(50) < CPU_UNIT
    assert max(served.index(number) for number in range(40, 46)) <= 2 * (6 + CPU_UNIT)  # as much for Eve meanwhile
    assert sorted(served) == [*range(39), *range(40, 46), 50]


def test_addresses_share_equally_however_many_names_one_has(turns, bench):
    busy(turns, bench)
    asked = [turns.ask(bench, keys(number, number + 1, number + 2), Visitor("10.6.6.6", str(number)))
             for number in range(0, 45, 3)]  # fmt: skip
    block = turns.ask(bench, keys(*range(50, 56)), ADA)
    bench.go()
    block.result(HANG_SECONDS)
    assert max(order(bench).index(number) for number in range(50, 56)) <= 2 * (6 + CPU_UNIT)
    for one in asked:
        one.result(HANG_SECONDS)


def test_of_ones_own_the_single_note_comes_first(turns, bench):
    busy(turns, bench)
    asked = [turns.ask(bench, keys(*range(0, 6)), ADA), turns.ask(bench, keys(9), ADA)]
    bench.go()
    for one in asked:
        one.result(HANG_SECONDS)
    assert order(bench)[0] == 9


def test_a_held_note_goes_part_by_part_and_lets_others_in_between(turns, bench):
    busy(turns, bench)
    parts = [HeldPart(TIMBRES[30], 60.0, 60.0, number) for number in range(6)]
    held = turns.ask(bench, parts, EVE, Kind.HELD)
    blocks = [turns.ask(bench, keys(*range(start, start + 6)), who) for start, who in ((0, ADA), (6, BEN))]
    bench.go()
    made = held.result(HANG_SECONDS)
    assert [made[part][0] for part in parts] == [0, 10, 20, 30, 40, 50]
    for one in blocks:
        one.result(HANG_SECONDS)
    served = order(bench)
    assert served.count(30) == 6 and all(batch == [30] for batch in bench.rendered if 30 in batch)
    assert max(served.index(number) for number in range(12)) < 12 + 4  # whose notes are a third of what Eve asks for
    again = turns.ask(bench, parts[:1], EVE, Kind.HELD)
    again.result(HANG_SECONDS)
    assert order(bench).count(30) == 7  # not kept: pages keep them


def test_a_held_note_that_nobody_waits_for_is_given_up(turns, bench):
    asked = turns.ask(bench, [HeldPart(TIMBRES[3], 60.0, 60.0, number) for number in range(6)], ADA, Kind.HELD)
    assert bench.started.acquire(timeout=HANG_SECONDS)
    asked.cancel()
    until(lambda: bench.gave_up == 1)
    assert turns.waiting == 0 and len(bench.rendered) == 1


def test_singles_without_end_do_not_stop_a_block():
    queue = FairQueue()
    queue.push(ADA, "block", cost=CPU_UNIT * Kind.BLOCK.value)
    served = []
    while "block" not in served:
        queue.push(EVE, "single", cost=Kind.NOTE.value)
        served.append(queue.pop())
    assert 8 < len(served) < 20


def test_what_several_ask_for_is_rendered_once_and_kept(turns, bench):
    busy(turns, bench)
    asked = [turns.ask(bench, keys(1, 2), ADA), turns.ask(bench, keys(2, 3), BEN), turns.ask(bench, keys(1, 2), EVE)]
    bench.go()
    answers = [one.result(HANG_SECONDS) for one in asked]
    assert sorted(order(bench)) == [1, 2, 3]
    assert answers[0] == answers[2] and answers[0][keys(2)[0]] is answers[1][keys(2)[0]]
    again = turns.ask(bench, keys(1, 3), EVE)
    assert again.done() and sorted(order(bench)) == [1, 2, 3]
    assert turns.counts["found"] == 2 and turns.counts["shared"] == 3


def test_the_newest_notes_are_kept_and_those_of_exports_are_not(bench):
    turns = Turns(cached_notes=3)
    bench.go()
    for number in range(5):
        turns.ask(bench, keys(number), ADA).result(HANG_SECONDS)
    turns.ask(bench, keys(9), ADA, Kind.EXPORT).result(HANG_SECONDS)
    assert [turns.ask(bench, keys(number), ADA).done() for number in (2, 3, 4)] == [True] * 3
    turns.ask(bench, keys(0), ADA).result(HANG_SECONDS)
    turns.ask(bench, keys(9), ADA).result(HANG_SECONDS)
    assert [number for batch in bench.rendered for number in batch] == [0, 1, 2, 3, 4, 9, 0, 9]


def test_what_nobody_waits_for_any_more_is_not_made(turns, bench):
    first = busy(turns, bench)
    waiting, shared, kept = (turns.ask(bench, keys(*numbers), one) for numbers, one in
                             (((1, 2), ADA), ((3,), ADA), ((3,), BEN)))  # fmt: skip
    waiting.cancel()
    shared.cancel()
    first.cancel()
    until(lambda: bench.gave_up == 1)
    bench.go()
    kept.result(HANG_SECONDS)
    assert order(bench) == [3]
    assert turns.waiting == 0 and turns.counts["left"] == 3


def test_who_joins_what_is_just_given_up_gets_it_all_the_same(turns, bench):
    first = busy(turns, bench)
    first.cancel()
    again = turns.ask(bench, keys(59), ADA)
    until(lambda: bench.gave_up == 1)
    bench.go()
    assert again.result(HANG_SECONDS)[keys(59)[0]][0] == 60 + 59


def test_who_waits_too_long_hears_so(bench):
    turns = Turns(deadline=-1.0)
    with pytest.raises(Busy, match="too late"):
        turns.ask(bench, keys(1), ADA).result(HANG_SECONDS)
    assert turns.counts["late"] == 1 and not bench.rendered
    turns.close()


def test_too_many_of_one_visitor_are_refused_and_another_is_not(turns, bench):
    busy(turns, bench)
    for number in range(EACH_WAITS):
        turns.ask(bench, keys(number), EVE)
    with pytest.raises(Busy, match="you wait for too many"):
        turns.ask(bench, keys(40), EVE)
    asked = turns.ask(bench, keys(41), ADA)
    bench.go()
    asked.result(HANG_SECONDS)


def test_exports_wait_for_players_but_not_for_ever(turns, bench, monkeypatch):
    monkeypatch.setattr("webapp.turns.PATIENCE_SECONDS", 10**6)
    turns._export_served = __import__("time").monotonic()
    busy(turns, bench)
    export = turns.ask(bench, keys(0, 1, 2, 3), EVE, Kind.EXPORT)
    block = turns.ask(bench, keys(*range(10, 20)), ADA)
    bench.may.release(6)
    block.result(HANG_SECONDS)
    assert set(order(bench)[:10]) == set(range(10, 20))
    monkeypatch.setattr("webapp.turns.PATIENCE_SECONDS", 0.0)
    later = turns.ask(bench, keys(*range(20, 30)), ADA)
    bench.go()
    export.result(HANG_SECONDS)
    later.result(HANG_SECONDS)
    assert max(order(bench).index(number) for number in range(4)) < max(
        order(bench).index(number) for number in range(20, 30)
    )


def test_single_notes_of_several_visitors_make_one_batch():
    turns = Turns()
    for device, unit in (("cpu", CPU_UNIT), ("cuda", GPU_UNIT)):
        bench = Bench(device)
        busy(turns, bench)
        asked = [turns.ask(bench, keys(number), Visitor("10.0.0.1", str(number))) for number in range(GPU_UNIT)]
        bench.go()
        for one in asked:
            one.result(HANG_SECONDS)
        assert [len(batch) for batch in bench.rendered[1:]] == [unit] * (GPU_UNIT // unit)
        turns._cache.clear()
    turns.close()


def test_what_one_did_wrong_is_not_told_to_another(turns):
    bench = Bench()
    render = bench.render

    def fussy(timbre, pitches, *, given_up):
        if 63.0 in pitches:
            raise InputError("No such key.")
        return render(timbre, pitches, given_up=given_up)

    bench.render = fussy
    busy(turns, bench)
    wrong, right = turns.ask(bench, keys(3), EVE), turns.ask(bench, keys(4), ADA)
    bench.go()
    with pytest.raises(InputError, match="No such key"):
        wrong.result(HANG_SECONDS)
    assert right.result(HANG_SECONDS)[keys(4)[0]][0] == 64


def test_an_app_that_ends_refuses_what_waits(bench):
    turns = Turns()
    busy(turns, bench)
    asked = turns.ask(bench, keys(1), ADA)
    turns.close()
    with pytest.raises(Busy, match="closing"):
        asked.result(HANG_SECONDS)
    with pytest.raises(Busy, match="closing"):
        turns.ask(bench, keys(2), ADA)


def test_notes_in_turn_are_those_of_the_synth():
    synth = sine_synth()
    player = Player.of(synth)
    timbre = sample(synth.card, seed=3)[0]
    expected = synth.render(timbre, [60, 64, 60, 67, 70]).audio
    assert np.array_equal(player.render(timbre, [60, 64, 60, 67, 70]).audio, expected)
    clips = awaited(player.notes(timbre, range(60, 68), ADA))
    assert clips.pitches == tuple(range(60, 68)) and np.array_equal(clips.audio[4], expected[1])
    assert np.array_equal(player.exporter(ADA).render(timbre, [70, 60], background=True).audio, expected[[4, 2]])


def test_notes_leave_memory_as_soon_as_nobody_has_them():
    synth = sine_synth(cached_notes=0)
    turns = Turns(cached_notes=1)
    timbre = sample(synth.card, seed=3)[0]
    gc.disable()  # it would find them sooner or later, at gigabytes in a busy app
    try:
        answer = turns.ask(synth, [(timbre, float(pitch)) for pitch in range(60, 66)], ADA)
        handed = [weakref.ref(note) for note in answer.result(HANG_SECONDS).values()]
        del answer
        until(lambda: sum(note() is not None for note in handed) == 1)
        assert all(note().base is None for note in handed if note() is not None)
    finally:
        gc.enable()
        turns.close()


def test_a_queue_gives_equal_shares_by_cost():
    queue = FairQueue()
    for _ in range(30):
        queue.push(ADA, "long", cost=3.0)
        queue.push(BEN, "short", cost=1.0)
    first = [queue.pop() for _ in range(20)]
    assert (first.count("long"), first.count("short")) == (5, 15)
    while len(queue):
        queue.pop()
    with pytest.raises(IndexError):
        queue.pop()


def test_who_was_away_has_saved_up_no_turns():
    queue = FairQueue()
    for _ in range(50):
        queue.push(ADA, "ada")
    for _ in range(20):
        queue.pop()
    for _ in range(10):
        queue.push(BEN, "ben")
    assert [queue.pop() for _ in range(10)].count("ben") == 5


def test_turns_in_a_loop_are_fair_and_survive_those_who_leave():
    async def work():
        turns, went = FairTurns(1, 3, "pictures"), []

        async def draw(visitor):
            async with turns.turn(visitor):
                went.append(visitor.name)
                await asyncio.sleep(0)

        async with turns.turn(EVE):
            drawing = [asyncio.ensure_future(draw(EVE)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(Busy, match="3 pictures"):
                await draw(EVE)
            drawing += [asyncio.ensure_future(draw(ADA)), asyncio.ensure_future(draw(BEN))]
            await asyncio.sleep(0)
            drawing[0].cancel()
        await asyncio.gather(*drawing, return_exceptions=True)
        await draw(ADA)
        return went

    went = awaited(work())
    assert sorted(went) == ["ada", "ada", "ben", "eve", "eve"] and went.index("ben") < 3
