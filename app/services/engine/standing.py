"""Where one worker stands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from app.domain.changes import Change, Commit, Progress, Step
from app.services.engine.readings import Reading
from app.services.engine.watch import Watch


class Standing:
    """How far its partitions have come, and by what definitions. Whoever takes what comes in moves
    it on; the others look."""

    def __init__(self, progress: Mapping[int, Progress]) -> None:
        # As it was last written.
        self.progress = dict(progress)
        # Who is ahead of the oldest place waits there for the stream.
        self.place, self.instant = min((each.place, each.at) for each in progress.values())
        self._moved = monotonic()
        self.watch = Watch([])
        # Those come by, as far as not all customers have passed them.
        self.steps: list[Step] = []

    @property
    def held(self) -> list[int]:
        return list(self.progress)

    @property
    def base(self) -> int:
        """The revision that all customers have passed."""
        return min(each.base for each in self.progress.values())

    @property
    def head(self) -> int:
        """The revision of the last step."""
        return self.steps[-1].revision if self.steps else self.base

    @property
    def gaps(self) -> list[int]:
        """The partitions of whose customers some may have gone unheard of."""
        return [n for n in self.progress if any(n in step.gaps for step in self.steps)]

    def news(self, commit: Commit) -> list[Change]:
        """The changes of customers who have not come past them yet."""
        return [
            change
            for change in commit.changes
            if change.partition in self.progress
            and self.progress[change.partition].place < commit.place
        ]

    def come_by(self, commit: Commit) -> None:
        self.place = commit.place
        self.instant = max(self.instant, commit.at)
        self._moved = monotonic()

    @property
    def estimated_now(self) -> datetime:
        """What MongoDB's clock says by now, or a little less: the last instant of the stream and
        the time since it came."""
        return self.instant + timedelta(seconds=monotonic() - self._moved)

    def instant_of(self, partition: int) -> datetime:
        """The instant at which a partition's customers are settled: never earlier than one that
        the partition has reached. Partitions may be at different positions, after a worker took
        them over or a poison change, and the clock of a new primary may be behind the old one's."""
        return max(self.instant, self.progress[partition].at)

    def progress_with(self, settled: Sequence[Reading]) -> dict[int, Progress]:
        """How far the partitions have come by now, with what was settled of readings."""
        moved = {}
        for number, progress in self.progress.items():
            for reading in settled:
                target = None if reading.in_vain else reading.target
                if target is not None and progress.needs(target):
                    progress = progress.passing(target, reading.after, reading.last)
            place = max(progress.place, self.place)
            moved[number] = replace(progress, place=place, at=self.instant_of(number))
        return moved

    def written(self, progress: dict[int, Progress]) -> None:
        """So far they have come for good."""
        self.progress = progress
        self.steps = [step for step in self.steps if step.revision > self.base]
