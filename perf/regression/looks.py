"""When rounds are looked at, what each look may spend of the false alarms, and who gets the next rounds. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

# Rounds after which a benchmark is judged. Early ones let what is quiet go; the last is where the noise is let win.
LOOKS: Final = (6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 25, 30)
# The same for the rounds that confirm an alarm.
FRESH_LOOKS: Final = (8, 10, 12, 14, 16, 18, 20, 25, 30)
_STEP_BEYOND: Final = 10
# Nobody waits for more.
MOST_ROUNDS_NAMED: Final = 500

Key = TypeVar("Key", bound=Hashable)


def next_look(rounds: int, looks: Sequence[int] = LOOKS) -> int | None:
    """The number of rounds to go on to; None after the last look."""
    return next((look for look in looks if look > rounds), None)


def looks_up_to(most_rounds: int) -> tuple[int, ...]:
    """The looks where a benchmark gets at most so many rounds, the last one at exactly so many."""
    beyond = range(LOOKS[-1] + _STEP_BEYOND, most_rounds, _STEP_BEYOND)
    return (*(look for look in (*LOOKS, *beyond) if look < most_rounds), most_rounds)


def spend(level: float, looks: Sequence[int]) -> tuple[float, ...]:
    """What each look may spend of `level`, a chance of false alarm: their sum is `level` at most.

    As much as its share of the rounds (K. K. G. Lan and D. L. DeMets, Biometrika 70, 1983), with what was left before.
    Nothing where the rounds could not give so small a p (2^-n) at all: later ones will make use of it.
    """
    spent, allowed = 0.0, []
    for look in looks:
        now = level * look / looks[-1] - spent
        if now < 0.5**look:
            now = 0.0
        spent += now
        allowed.append(now)
    return tuple(allowed)


@dataclass(frozen=True, slots=True)
class State(Generic[Key]):
    """A benchmark that is not decided. `more_rounds`: about how many would decide it; None before its first look, and
    where no number of rounds that one would wait for does."""

    key: Key
    rounds: int
    seconds_per_round: float
    more_rounds: int | None


def choose(
    states: Sequence[State[Key]], seconds_left: float, looks: Sequence[int] = LOOKS
) -> tuple[Key, ...]:
    """Which benchmarks get rounds up to their next look now; () when none is open or none fits in the time.

    Those first that are decided soonest, so that the time decides as many as it can. Each keeps the time it is expected
    to take until it is decided; one that comes later gets its rounds now only if they fit beside that. Those that
    the rounds left will hardly decide come last.
    """
    chosen: list[Key] = []
    kept = 0.0
    open_states = [each for each in states if next_look(each.rounds, looks) is not None]
    for each in sorted(open_states, key=lambda state: _order(state, looks)):
        block = _block(each, looks) * each.seconds_per_round
        if kept + block > seconds_left:
            continue
        chosen.append(each.key)
        kept += max(block, _expected(each, looks) * each.seconds_per_round)
    return tuple(chosen)


def _order(state: State[Key], looks: Sequence[int]) -> tuple[bool, float]:
    return _hopeless(state, looks), _expected(state, looks) * state.seconds_per_round


def _hopeless(state: State[Key], looks: Sequence[int]) -> bool:
    if state.rounds < looks[0]:
        return False
    return state.more_rounds is None or state.rounds + state.more_rounds > looks[-1]


def _expected(state: State[Key], looks: Sequence[int]) -> int:
    """Rounds until a decision; for what will have none, all that are left. Before the first look nobody knows."""
    if state.rounds < looks[0]:
        return _block(state, looks)
    if _hopeless(state, looks) or state.more_rounds is None:
        return looks[-1] - state.rounds
    return max(state.more_rounds, _block(state, looks))


def _block(state: State[Key], looks: Sequence[int]) -> int:
    return (next_look(state.rounds, looks) or state.rounds) - state.rounds
