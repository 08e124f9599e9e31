//! CPU time of processes, from /proc: what a line costs, and whom.

use std::collections::HashMap;
use std::fs;

/// The kernel's unit of CPU time in /proc: 1/100 s on every Linux that we run on (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds so far of one process, its reaped children included, and of its living descendants.
pub(crate) fn seconds_of_tree(root: u32) -> f64 {
    let table = processes();
    let mut ticks = table.get(&root).map_or(0, |process| process.own + process.reaped);
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (&pid, process) in table.iter().filter(|(_, process)| process.parent == parent) {
            ticks += process.own + process.reaped;
            parents.push(pid);
        }
    }
    ticks as f64 / TICKS_PER_SECOND
}

/// Largest resident memory of one process so far, in MB.
pub(crate) fn peak_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("0");
    let kilobytes: f64 = line
        .split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0.0);
    kilobytes / 1024.0
}

struct Process {
    parent: u32,
    own: u64,
    reaped: u64,
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, read(pid)?)))
        .collect()
}

fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks; the fields after it are fixed (man 5 proc).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Process {
        parent: number(1)? as u32,
        own: number(11)? + number(12)?,
        reaped: number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_up_in_the_count() {
        let own = std::process::id();
        let before = seconds_of_tree(own);
        let mut sum = 0_u64;
        while seconds_of_tree(own) < before + 0.05 {
            sum = (0..1_000_000_u64).fold(sum, |a, b| a.wrapping_mul(31).wrapping_add(b));
        }
        assert!(sum > 0 && peak_megabytes(own) > 1.0);
    }
}
