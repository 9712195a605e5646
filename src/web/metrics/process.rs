//! The process's own numbers, from `/proc` (Linux; elsewhere they are left out).

use super::sample;

/// Ticks a second of the times in `/proc/self/stat`: fixed at 100 on every Linux that Rust supports.
const TICKS_PER_S: u64 = 100;

/// Writes memory, processor time and open files.
pub(super) fn write(text: &mut String) {
    if let Some(bytes) = read("/proc/self/status").as_deref().and_then(resident_bytes) {
        sample(text, "process_resident_memory_bytes", "gauge", "Resident memory", bytes);
    }
    if let Some(stat) = read("/proc/self/stat") {
        if let Some(ticks) = cpu_ticks(&stat) {
            let seconds = format!("{}.{:02}", ticks / TICKS_PER_S, ticks % TICKS_PER_S);
            sample(text, "process_cpu_seconds_total", "counter", "Processor time, user and system", seconds);
        }
        if let Some(threads) = field(&stat, 19) {
            sample(text, "process_threads", "gauge", "Threads", threads);
        }
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        sample(text, "process_open_fds", "gauge", "Open file descriptors", open.count());
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn cpu_ticks(stat: &str) -> Option<u64> {
    Some(field(stat, 13)? + field(stat, 14)?)
}

/// A number of `/proc/self/stat`, counted from 0 as in proc(5) less one; the second may contain spaces.
fn field(stat: &str, at: usize) -> Option<u64> {
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().nth(at.checked_sub(2)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        assert_eq!(resident_bytes("Name:\tmulu\nVmRSS:\t  20480 kB\nThreads:\t9\n"), Some(20 * 1024 * 1024));
        let stat = "7 (mu) lu) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu_ticks(stat), Some(200));
        assert_eq!(field(stat, 19), Some(9));
    }
}
