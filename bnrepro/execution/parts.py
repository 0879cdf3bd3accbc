"""The parts of a job that some workers do, and what each part asked them for. Knows no process and no machine."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

from bnrepro.config.run_config import RunConfig
from bnrepro.execution.groups import Group
from bnrepro.execution.progress import Progress
from bnrepro.records.costs import work


class Task:
    """A group on its way: where its records go, which part of the job asked first, how much of it is told as done or kept."""

    def __init__(self, group: Group, records: Path, part: str):
        self.group, self.records, self.part = group, records, part
        self.future, self.told, self.kept = Future(), 0.0, 0.0

    def tell(self, progress: Progress, share: float, kept: float = 0.0) -> None:
        """Of it this share is done, and the share `kept` had been done before, so that nothing is left to do there."""
        whole = work([self.group])
        seconds, kept = share * whole, kept * whole
        progress.plan(self.part, self.kept - kept, recorded=kept - self.kept)
        progress.advance(self.part, seconds - self.told)
        self.told, self.kept = seconds, kept

    def is_over(self, records: Path) -> bool:
        """Whether who wants the group's records there has to have it trained anew."""
        return self.future.done() or self.records != records


class Tasks:
    """All tasks of some workers: a group that is asked for twice is trained once."""

    def __init__(self, progress: Progress):
        self._progress, self._known = progress, {}

    def __getitem__(self, group: Group) -> Task:
        return self._known[group]

    def __iter__(self) -> Iterator[Group]:
        return iter(self._known)

    def add(self, groups: list[Group], records: Path, part: str) -> list[Group]:
        """Takes groups on, and returns those that are not under way."""
        new = [group for group in groups if group not in self._known or self._known[group].is_over(records)]
        self._known.update({group: Task(group, records, part) for group in new})
        self._progress.plan(part, work(new), work(groups) - work(new))
        return new

    def futures(self, groups: Iterable[Group]) -> dict[Future, Group]:
        """Which future is of which."""
        return {self._known[group].future: group for group in groups}

    def give_up(self, groups: Iterable[Group]) -> None:
        """Ends those of them that are not done."""
        for group in groups:
            if not self._known[group].future.done():
                self._known[group].future.set_exception(InterruptedError("stopped before it was trained"))


class Team:
    """Who trains for the parts of a job, until a block ends.

    Args:
        progress: Is told what is done.
    """

    def __init__(self, progress: Progress):
        self.progress, self.tasks = progress, Tasks(progress)

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def close(self) -> None:
        """Stops what is under way, and tells whoever waits for more."""
        raise NotImplementedError

    def part(self, name: str, place: int = 0) -> "Part":
        """Their work for one part of a job, after that of parts with lower places."""
        return Part(self, name, place)

    def add(self, groups: list[Group], records: Path, part: str, place: int) -> dict[Future, Group]:
        """Takes on groups; which future is of which. One that is under way for another part is trained once."""
        raise NotImplementedError

    def move(self) -> None:
        """Is called now and then, and tells the progress what has been done since."""
        raise NotImplementedError


class Part:
    """What a team does for one part of a job: `run_all` trains there."""

    def __init__(self, team: Team, name: str, place: int):
        self.name, self._team, self._place = name, team, place

    def train(self, groups: list[Group], records: Path) -> dict[Future, Group]:
        """Has groups trained; which future is of which."""
        return self._team.add(groups, records, self.name, self._place)

    def skip(self, configs: Iterable[RunConfig]) -> None:
        """Takes runs that have a record off what is expected of this part."""
        self._team.progress.plan(self.name, 0.0, work([configs]))
