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
class Host:
    """Processors and memory; `cpu_measured` and `ram_measured_bytes` are in use now."""

    name: str
    cpu_total: float
    ram_total_bytes: int
    cpu_measured: float
    ram_measured_bytes: int


def measure_host(root: Path = _ROOT) -> Host:
    """Measure this host; `root` is where /sys and /proc are."""
    memory = psutil.virtual_memory()
    limit = _memory_limit(root)
    total = min(memory.total, limit) if limit else memory.total
    return Host(
        name=socket.gethostname(),
        cpu_total=available_cpus(root),
        ram_total_bytes=total,
        cpu_measured=round(os.getloadavg()[0], 2),
        ram_measured_bytes=min(memory.total - memory.available, total),
    )


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


def _memory_limit(root: Path) -> int | None:
    limits = [
        int(text)
        for folder in _group_folders(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(folder / name)) and text.isdecimal() and int(text) < _NO_LIMIT_BYTES
    ]
    return min(limits, default=None)


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
