"""What this process may use: the container's limits before the host's values."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

_ROOT = Path("/")
# cgroup v1 writes a number near the largest 64-bit one where there is no limit.
_NO_LIMIT_BYTES = 1 << 60


@dataclass(frozen=True)
class Memory:
    """What there is, and what may still be taken before somebody is killed; bytes."""

    total_bytes: int
    available_bytes: int


@dataclass(frozen=True)
class Host:
    """Processors and memory; `cpu_measured` and `ram_measured_bytes` are in use now."""

    name: str
    cpu_total: float
    ram_total_bytes: int
    cpu_measured: float
    ram_measured_bytes: int


def measure_host(root: Path = _ROOT) -> Host:
    """Measure this host; `root` is where /sys and /proc are."""
    memory = measure_memory(root)
    return Host(
        name=socket.gethostname(),
        cpu_total=available_cpus(root),
        ram_total_bytes=memory.total_bytes,
        cpu_measured=round(os.getloadavg()[0], 2),
        ram_measured_bytes=memory.total_bytes - memory.available_bytes,
    )


def measure_memory(root: Path = _ROOT) -> Memory:
    """Measure memory: the tightest of the machine and of every control group around us."""
    total, available = _machine_memory(root)
    for folder in _group_folders(root, "memory"):
        limit = _group_limit(folder)
        if limit is not None:
            total = min(total, limit)
            available = min(available, limit - _group_use(folder))
    return Memory(total, max(min(available, total), 0))


def available_cpus(root: Path = _ROOT) -> float:
    """Return the processors that we may use: quota of the container, then affinity."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _cpu_quota(root)
    return min(float(affinity or 1), quota) if quota else float(affinity or 1)


def _cpu_quota(root: Path) -> float | None:
    """Return the tightest quota of our group and of those around it."""
    quotas = []
    for folder in _group_folders(root, "cpu"):
        second_kind = (_read(folder / "cpu.max") or "").split()
        first_kind = [
            _read(folder / "cpu.cfs_quota_us") or "",
            _read(folder / "cpu.cfs_period_us") or "",
        ]
        for limit in (second_kind, first_kind):
            # "max" and -1 mean that there is no limit.
            if len(limit) == 2 and all(part.isdecimal() and int(part) > 0 for part in limit):
                quotas.append(int(limit[0]) / int(limit[1]))
    return min(quotas, default=None)


def _machine_memory(root: Path) -> tuple[int, int]:
    """Return total and available bytes of the machine."""
    lines = (_read(root / "proc/meminfo") or "").splitlines()
    named = {words[0]: int(words[1]) * 1024 for line in lines if len(words := line.split()) > 1}
    if "MemTotal:" in named and "MemAvailable:" in named:
        return named["MemTotal:"], named["MemAvailable:"]
    # No Linux.
    memory = psutil.virtual_memory()
    return memory.total, memory.available


def _group_limit(folder: Path) -> int | None:
    limits = [
        int(text)
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(folder / name)) and text.isdecimal() and int(text) < _NO_LIMIT_BYTES
    ]
    return min(limits, default=None)


def _group_use(folder: Path) -> int:
    """Return what a group holds without the file cache, which the kernel takes back by itself."""
    used = _read(folder / "memory.current") or _read(folder / "memory.usage_in_bytes") or "0"
    stat = [line.split() for line in (_read(folder / "memory.stat") or "").splitlines()]
    named = {words[0]: int(words[1]) for words in stat if len(words) == 2}
    # The older kind counts the groups inside under names of their own.
    prefix = "total_" if "total_inactive_file" in named else ""
    cache = named.get(f"{prefix}inactive_file", 0) + named.get(f"{prefix}active_file", 0)
    return max(int(used) - cache, 0)


def _group_folders(root: Path, controller: str) -> list[Path]:
    """Return our control group's folders, v2 and v1, the innermost first."""
    tree = root / "sys/fs/cgroup"
    folders: list[Path] = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            base = tree
        elif controller in controllers.split(","):
            base = next((b for b in (tree / controllers, tree / controller) if b.is_dir()), tree)
        else:
            continue
        inner = base / path.lstrip("/")
        folders += [inner, *(parent for parent in inner.parents if parent.is_relative_to(base))]
    return folders or [tree, tree / controller]


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
