"""The thread that finds room for a pool's workers: beside other pools, and in what memory is left.

It asks Redis for places every heartbeat. Without Redis it plans as if this pool were alone on
its host: a pool never stops for want of a Redis.
"""

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import redis

from registre_cli.capacity.classes import DocumentUsage, measured_classes
from registre_cli.capacity.host import measure_memory
from registre_cli.capacity.memory import Left, MemoryWatch, OwnMemory, judge
from registre_cli.capacity.places import Granted, Places, Room, Wish, grant_alone
from registre_cli.capacity.plan import CapacityPlan, plan, with_places
from registre_cli.capacity.usage import KEPT_DOCUMENTS, UsageRecord
from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.limiter.budgets import open_redis
from registre_cli.pool.registry import HEARTBEAT_SECONDS

_HEARTBEATS_A_LOOK_AT_USAGE = 15


@dataclass(frozen=True)
class Slot:
    """A worker that a pool wants: its slot, its mode, and whether its process lives."""

    number: int
    mode: Source
    lives: bool


@dataclass(frozen=True)
class RoomRules:
    """How a pool is held to the room of its host.

    An `auto` pool is held to measured limits, too; one that is forced to none. `host_root` is
    where /proc and /sys are.
    """

    auto: bool = False
    force: bool = False
    host_root: Path = Path("/")


class Porter:
    """Says which slots of a pool may run."""

    def __init__(self, settings: Settings, pool_id: str, rules: RoomRules) -> None:
        self._settings = settings
        self._pool_id = pool_id
        self._rules = rules
        self._host: CapacityPlan = plan(settings, index_workers=0, acte_workers=0)
        client = open_redis(settings)
        self._places = None if client is None else Places(client, self._host.host)
        self._record = None if client is None else UsageRecord(client, self._host.host)
        self._classes = self._host.classes
        self._read: deque[DocumentUsage] = deque(maxlen=2 * KEPT_DOCUMENTS)
        self._wanted: tuple[Slot, ...] | None = None
        self._rss_bytes = 0
        self._granted: Granted | None = None
        self._memory = MemoryWatch()
        self._away = False
        self._said_waiting = 0
        self._beats = 0
        self._due = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="porter", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def want(self, slots: tuple[Slot, ...], rss_bytes: int) -> None:
        """Note what the pool wants to run and what its workers hold; a change is asked at once."""
        before, self._wanted, self._rss_bytes = self._wanted, slots, rss_bytes
        if before != slots:
            self._due.set()

    def note(self, usage: DocumentUsage) -> None:
        """Note what a document took."""
        self._read.append(usage)

    @property
    def admitted(self) -> frozenset[int] | None:
        """The slots that may run, `None` until that is known."""
        if self._granted is None:
            return None
        return frozenset(sorted(self._granted.slots)[: self._memory.most])

    @property
    def waiting_for_room(self) -> int:
        """How many workers have no place."""
        wanted, granted = self._wanted, self._granted
        if wanted is None or granted is None:
            return 0
        return len([slot for slot in self._may_run(wanted) if slot.number not in granted.slots])

    def notes(self) -> tuple[str, ...]:
        """Return what a person must know of the room."""
        said = []
        if waiting := self.waiting_for_room:
            said.append(f"{waiting} workers wait for room: {self._full()}")
        if self._memory.most is not None:
            said.append(f"memory is short: at most {self._memory.most} workers run until it is not")
        return tuple(said)

    def close(self) -> None:
        """Give every place back."""
        self._closing.set()
        self._due.set()
        # Whoever waits for a Redis that is away has nothing to give back.
        self._thread.join(0 if self._away else HEARTBEAT_SECONDS * 3)

    def _keep(self) -> None:
        while not self._closing.is_set():
            self._due.wait(HEARTBEAT_SECONDS)
            self._due.clear()
            wanted = self._wanted
            if wanted is None or self._closing.is_set():
                continue
            self._granted = self._ask(self._may_run(wanted))
            self._watch_memory(wanted)
            self._say()
        try:
            self._remember_usage()
            if self._places is not None:
                self._places.leave(self._pool_id)
        except redis.RedisError:
            # The places expire by themselves.
            return

    def _may_run(self, wanted: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """Leave out what memory does not allow: it needs no place."""
        most = self._memory.most
        return tuple(
            s for number, s in enumerate(wanted) if s.lives or most is None or number < most
        )

    def _ask(self, slots: tuple[Slot, ...]) -> Granted:
        wishes = tuple(
            Wish(slot.number, self._classes.of(slot.mode), firm=slot.lives or self._is_kept(slot))
            for slot in slots
        )
        if self._places is not None:
            try:
                if self._beats % _HEARTBEATS_A_LOOK_AT_USAGE == 0:
                    self._remember_usage()
                self._beats += 1
                granted = self._places.ask(self._pool_id, wishes, self._room())
            except redis.RedisError as error:
                self._note_away(error)
            else:
                self._away = False
                return granted
        self._classes = measured_classes(self._read)
        held = self._granted.slots if self._granted else frozenset()
        return grant_alone(self._pool_id, wishes, self._room(), held)

    def _is_kept(self, slot: Slot) -> bool:
        """Where limits are only measured one worker always runs, however small the host."""
        room = self._host.room()
        return slot.number == 0 and room.cpu is None and room.ram_bytes is None

    def _room(self) -> Room:
        if self._rules.force:
            return Room(None, None)
        return self._host.room(measured_binds=self._rules.auto)

    def _remember_usage(self) -> None:
        if self._record is None:
            return
        self._record.add(self._read)
        self._read.clear()
        self._classes = measured_classes(self._record.read())

    def _watch_memory(self, wanted: tuple[Slot, ...]) -> None:
        assert self._granted is not None
        largest = max(self._classes.of(source).ram_each_bytes for source in Source)
        room = None if self._rules.force else self._host.room().ram_bytes
        if room is not None:
            places = self._granted.places
            room -= sum(p.ram_bytes for p in places if p.pool_id != self._pool_id)
        memory = measure_memory(self._rules.host_root)
        left = judge(
            memory,
            self._settings.server_reserve_ram_percent,
            OwnMemory(self._rss_bytes, room, largest),
        )
        before = self._memory.most
        running = len([slot for slot in wanted if slot.lives])
        self._memory.look(left, running=running, wanted=len(wanted))
        if self._memory.most != before:
            say = get_logger().warning if left is Left.SHORT else get_logger().info
            say(
                "Memory short" if left is Left.SHORT else "Memory back",
                pool_id=self._pool_id,
                workers_at_most=self._memory.most,
                available_bytes=memory.available_bytes,
                pool_bytes=self._rss_bytes,
            )

    def _say(self) -> None:
        """Log when workers begin to wait for room, or find it."""
        waiting = self.waiting_for_room
        if waiting > self._said_waiting:
            get_logger().warning(
                "Workers wait for room",
                pool_id=self._pool_id,
                waiting=waiting,
                reason=self._full(),
                fix="registre capacity; pool run --force runs them all the same",
            )
        elif waiting < self._said_waiting:
            get_logger().info("Room found", pool_id=self._pool_id, waiting=waiting)
        self._said_waiting = waiting

    def _full(self) -> str:
        """Say which limit the next worker does not fit into: `CPU: 6.4 of 6.4 vCPU`."""
        places = self._granted.places if self._granted else ()
        smallest = min(map(self._classes.of, Source), key=lambda its: its.ram_each_bytes)
        full = with_places(self._host, places)
        room = self._room()
        ram_is_full = room.ram_bytes is not None and (
            full.ram.allocated + smallest.ram_each_bytes > full.ram.usable
        )
        return full.ram_words if ram_is_full else full.cpu_words

    def _note_away(self, error: redis.RedisError) -> None:
        if not self._away:
            get_logger().warning(
                "Room planned alone", pool_id=self._pool_id, reason=type(error).__name__
            )
        self._away = True
