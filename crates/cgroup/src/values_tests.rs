#![allow(clippy::unwrap_used)]

use super::*;
use std::cell::RefCell;

#[test]
fn what_undoes_a_value() {
    for (file, content, value, former) in [
        ("memory.max", "max\n", "4096", "max"),
        ("cpu.max", "max 100000\n", "5000 10000", "max 100000"),
        ("cpuset.cpus", "\n", "0", "\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", "1", "0"),
        ("io.weight", "default 100\n8:0 200\n", "50", "default 100"),
        ("io.weight", "default 100\n8:0 200\n", "8:0 50", "8:0 200"),
        ("io.weight", "default 100\n", "8:0 50", "8:0 default"),
        (
            "io.max",
            "8:0 rbps=1 wbps=max riops=max wiops=max\n",
            "8:0 rbps=2",
            "8:0 rbps=1 wbps=max riops=max wiops=max",
        ),
        ("io.max", "", "8:0 rbps=2", "8:0 rbps=max wbps=max riops=max wiops=max"),
        ("blkio.throttle.read_bps_device", "8:16 7\n", "8:0 5", "8:0 0"),
        ("net_prio.ifpriomap", "lo 0\neth0 3\n", "eth0 5", "eth0 3"),
        ("rdma.max", "", "mlx5_0 hca_handle=2", "mlx5_0 hca_handle=max hca_object=max"),
    ] {
        assert_eq!(former_value(file, content, value), former, "{file} {value}");
    }
}

/// Two values of which the first is at most the second.
fn limits(set: &[(&str, u32)]) -> (Result<(), Errno>, [u32; 2]) {
    let state = RefCell::new([10, 20]);
    let result = in_some_order(set.iter().collect(), |(name, value)| {
        let [low, high] = *state.borrow();
        let next = if *name == "low" { [*value, high] } else { [low, *value] };
        if next[0] > next[1] {
            return Err(Errno::INVAL);
        }
        *state.borrow_mut() = next;
        Ok(())
    });
    let state = *state.borrow();
    (result.map_err(|(_, errno)| errno), state)
}

#[test]
fn values_are_written_in_whatever_order_is_taken() {
    assert_eq!(limits(&[("low", 30), ("high", 40)]), (Ok(()), [30, 40]));
    assert_eq!(limits(&[("high", 5), ("low", 4)]), (Ok(()), [4, 5]));
    assert_eq!(limits(&[("low", 50), ("high", 40)]).0, Err(Errno::INVAL));
}
