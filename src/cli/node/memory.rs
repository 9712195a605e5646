//! How the C library keeps what the node gave back: a node runs for months beside others, and few long answers or
//! checks of passwords must not leave it large for good.
#![expect(unsafe_code, reason = "the C library's settings have no safe form; they are numbers, and no memory of ours")]

/// Pieces from this size on, in bytes, go back to the system at once. By itself the library raises this bound to
/// the largest piece that was ever freed (32 MiB at most), and keeps all that is smaller.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: libc::c_int = 256 * 1024;
/// Free memory at a heap's end, in bytes, that is kept for what comes next.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: libc::c_int = 1024 * 1024;
/// Heaps that threads share; by itself the library makes eight for each processor, and each keeps what it once held.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: libc::c_int = 2;

/// To be called before other threads begin. Other C libraries than GNU's are left as they are.
pub(super) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (setting, value) in
        [(libc::M_MMAP_THRESHOLD, LARGE_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES), (libc::M_ARENA_MAX, HEAPS_MAX)]
    {
        // SAFETY: it takes two numbers by value, and refuses with 0 those that it does not know (mallopt(3)).
        if unsafe { libc::mallopt(setting, value) } == 0 {
            tracing::debug!(setting, "the C library does not know a setting of its memory");
        }
    }
}
