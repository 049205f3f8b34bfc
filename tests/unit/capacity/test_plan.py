"""What fits where."""

from pathlib import Path

import pytest

from registre_cli.capacity import Host, plan
from registre_cli.capacity.host import Memory, _cpu_quota, measure_memory
from registre_cli.core.settings import load_settings

GB = 1_000_000_000
LAPTOP = Host("laptop", 2.0, 8 * GB, 0.3, 2 * GB)


def plan_of(index: int, acte: int, *, host: Host = LAPTOP, **settings: object):  # type: ignore[no-untyped-def]
    return plan(load_settings(**settings), index_workers=index, acte_workers=acte, host=host)


def test_the_example_of_a_shared_server_comes_out() -> None:
    found = plan(
        load_settings(worker_count=1), index_workers=1, acte_workers=1, cpu=8, ram_bytes=16 * GB
    )
    assert (found.cpu.allocated, found.cpu.usable) == (5.5, pytest.approx(6.4))
    assert (found.ram.allocated, found.ram.usable) == (2.25 * GB, 12.8 * GB)
    assert found.fits and found.reasons == ()


def test_the_binding_constraint_is_named() -> None:
    found = plan_of(2, 1, server_max_cpu=4)
    assert not found.fits
    assert found.reasons == ("CPU: 4 of 3.2 vCPU",)
    tight = plan_of(2, 2, host=Host("h", 64.0, 2 * GB, 0, 0))
    assert tight.reasons == ("RAM: 2.5 of 1.6 GB",)


def test_the_recommended_pool_is_the_largest_that_fits() -> None:
    host = Host("h", 16.0, 64 * GB, 0, 0)
    size = plan_of(0, 0, host=host).recommended_pool_size
    assert size == 10
    assert plan_of(5, 5, host=host).fits
    assert not plan_of(6, 5, host=host).fits
    assert plan_of(0, 0, host=Host("tiny", 0.5, GB, 0, 0)).recommended_pool_size == 1


def write(root: Path, files: dict[str, str]) -> Path:
    files.setdefault("proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB")
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


def test_limits_of_a_container_of_the_second_kind(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/system.slice/pool.service",
            "sys/fs/cgroup/system.slice/cpu.max": "max 100000",
            "sys/fs/cgroup/system.slice/pool.service/cpu.max": "150000 100000",
            "sys/fs/cgroup/system.slice/memory.max": str(3 * GB),
            "sys/fs/cgroup/system.slice/pool.service/memory.max": "max",
        },
    )
    assert _cpu_quota(root) == 1.5
    assert measure_memory(root).total_bytes == 3 * GB


def test_the_tightest_quota_of_nested_containers_counts(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/outer/inner",
            "sys/fs/cgroup/outer/cpu.max": "100000 100000",
            "sys/fs/cgroup/outer/inner/cpu.max": "400000 100000",
        },
    )
    assert _cpu_quota(root) == 1.0


def test_what_is_no_limit_we_know_is_no_limit(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/cpu.max": "later 100000",
            "sys/fs/cgroup/memory.max": "much",
        },
    )
    assert (_cpu_quota(root), measure_memory(root).total_bytes) == (None, 16_384_000_000)


def test_limits_of_a_container_of_the_first_kind(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x",
            "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": str(GB),
        },
    )
    assert _cpu_quota(root) == 0.5
    assert measure_memory(root).total_bytes == GB


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/cpu.max": "max 100000",
            "sys/fs/cgroup/memory.limit_in_bytes": "9223372036854771712",
        },
    )
    assert _cpu_quota(root) is None
    assert measure_memory(root).total_bytes == 16_384_000_000


def test_what_is_left_is_the_least_of_the_machine_and_of_every_container(tmp_path: Path) -> None:
    groups = {
        "proc/self/cgroup": "0::/outer/inner",
        "sys/fs/cgroup/outer/memory.max": str(4 * GB),
        "sys/fs/cgroup/outer/memory.current": str(3 * GB),
        "sys/fs/cgroup/outer/memory.stat": "anon 1\ninactive_file 400000000\nactive_file 100000000",
        "sys/fs/cgroup/outer/inner/memory.max": "max",
    }
    # The file cache comes back by itself: 4 - (3 - 0.5) GB.
    root = write(tmp_path, groups)
    assert measure_memory(root) == Memory(4 * GB, 1_500_000_000)
    write(tmp_path, {"proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 1000 kB"})
    assert measure_memory(root) == Memory(4 * GB, 1_024_000)


def test_the_file_cache_of_a_container_of_the_first_kind_is_no_use(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/x",
            "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": str(2 * GB),
            "sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes": str(2 * GB),
            "sys/fs/cgroup/memory/docker/x/memory.stat": "inactive_file 1\n"
            "total_inactive_file 300000000\ntotal_active_file 200000000",
        },
    )
    assert measure_memory(root).available_bytes == 500_000_000


def test_only_a_declared_limit_binds_and_two_workers_on_two_processors_are_fine() -> None:
    assert not plan_of(1, 1).fits
    assert not plan_of(1, 1).binds and not plan_of(1, 1).is_crowded
    assert plan_of(2, 1).is_crowded and not plan_of(2, 1).binds
    assert plan_of(1, 1, server_max_cpu=2).binds
    assert plan_of(1, 1, server_max_ram=1).binds
    # What is declared says nothing of the other resource.
    assert not plan_of(1, 1, server_max_ram=16).binds
    room = plan_of(0, 0, server_max_cpu=8, worker_count=1).room()
    assert (room.cpu, room.ram_bytes) == (pytest.approx(3.4), None)
    assert plan_of(0, 0).room(measured_binds=True).cpu == pytest.approx(1.6)


def test_the_resource_that_is_used_up_first_is_named_even_where_all_fits() -> None:
    example = plan(
        load_settings(worker_count=1), index_workers=1, acte_workers=1, cpu=8, ram_bytes=16 * GB
    )
    assert example.binding == "CPU: 5.5 of 6.4 vCPU"
    assert plan_of(1, 1, server_max_cpu=64, server_max_ram=2).binding == "RAM: 1.25 of 1.6 GB"
    full = plan_of(4, 0, server_max_cpu=7.5)
    assert full.fits and full.binding == "CPU: 6 of 6 vCPU"


def test_an_immense_machine_is_answered_at_once() -> None:
    assert plan_of(0, 0, server_max_cpu=1e300, server_max_ram=1e12).recommended_pool_size == 1024
