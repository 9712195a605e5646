//! What fuzz targets share: valid encodings damaged as a fuzzer says, and an eye on what decoders allocate. Tests only.
//!
//! A target is an ordinary test, named `fuzz` somewhere in its path: `cargo test --lib fuzz` runs some thousand inputs
//! of each. A failing one is printed with its `BOLERO_RANDOM_SEED`, under which the same test runs it again.
//! `BOLERO_RANDOM_ITERATIONS=10000000 cargo test --release --lib fuzz` takes longer, and
//! `cargo install cargo-bolero`, then `cargo bolero test --engine libfuzzer --sanitizer NONE ledger::fuzz::a_transaction`
//! lets libFuzzer look for inputs that reach new code.
#![expect(unsafe_code, reason = "an allocator cannot be written without; it hands every call on as it came")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Bytes of a script: which valid encoding, then edits of four bytes each.
pub(crate) const SCRIPT_BYTES_MAX: usize = 33;
/// Inputs of a target where the environment does not say otherwise.
pub(crate) const INPUTS: usize = 2000;

/// What hand-written parsers and numbers stumble over.
const TOKENS: [&[u8]; 24] = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xff\xff",
    b"\n",
    b"\n\n",
    b"\r\n",
    "\u{2014} ".as_bytes(),
    b" ",
    b"=",
    b"/",
    b".p/",
    b"x",
    b"\"",
    b"\\u0000",
    b"{}",
    b",",
    b"null",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
];

/// A valid encoding with the edits of a script, or what else the script holds: so inputs get past the first bytes.
pub(crate) fn damaged(valid: &[Vec<u8>], script: &[u8]) -> Vec<u8> {
    let Some((choice, edits)) = script.split_first() else { return Vec::new() };
    let Some(mut bytes) = valid.get(usize::from(*choice) % (valid.len() + 1)).cloned() else { return edits.to_vec() };
    for edit in edits.as_chunks::<4>().0 {
        let [kind, high, low, value] = *edit;
        let at = usize::from(u16::from_be_bytes([high, low])) % (bytes.len() + 1);
        let end = (at + 1 + usize::from(value % 32)).min(bytes.len());
        match kind % 8 {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (value % 8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = value),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.extend_from_within(at..end),
            5 => bytes.insert(at, value),
            6 => {
                let token = TOKENS[usize::from(value) % TOKENS.len()];
                // In place of as many bytes, as for numbers, or between them.
                let end = if value & 0x80 == 0 { (at + token.len()).min(bytes.len()) } else { at };
                bytes.splice(at..end, token.iter().copied());
            }
            _ => {
                let other = &valid[usize::from(value) % valid.len()];
                bytes.splice(at.., other.iter().copied().skip(at));
            }
        }
    }
    bytes
}

/// Runs a decoder, and fails when it asks for much more memory at once than its input is long: nobody may make a node
/// reserve what a few bytes merely announce.
pub(crate) fn frugal<T>(input: &[u8], decode: impl FnOnce(&[u8]) -> T) -> T {
    LARGEST.set(0);
    let decoded = decode(input);
    let largest = LARGEST.get();
    assert!(largest <= 64 * 1024 + 256 * input.len(), "{largest} bytes at once for an input of {}", input.len());
    decoded
}

/// A fuzz target: `$accepts` is fed every input; it asserts what must hold, and answers whether the input was accepted,
/// which the valid encodings must be.
macro_rules! fuzz {
    ($valid:expr, $accepts:expr) => {
        $crate::fuzzing::fuzz!($crate::fuzzing::INPUTS, $valid, $accepts)
    };
    ($inputs:expr, $valid:expr, $accepts:expr) => {{
        let valid: Vec<Vec<u8>> = $valid;
        let accepts = $accepts;
        for bytes in &valid {
            assert!($crate::fuzzing::frugal(bytes, &accepts), "a valid encoding was refused");
        }
        // What a target holds, keys and trees, no failed input can leave half-changed.
        let target = std::panic::AssertUnwindSafe(move |script: &[u8]| {
            let input = $crate::fuzzing::damaged(&valid, script);
            $crate::fuzzing::frugal(&input, &accepts);
        });
        bolero::check!().with_max_len($crate::fuzzing::SCRIPT_BYTES_MAX).with_iterations($inputs).for_each(
            move |script: &[u8]| {
                let target = &target;
                (target.0)(script)
            },
        );
    }};
}
pub(crate) use fuzz;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator; each thread remembers the most that it asked for at once.
struct Watched;

#[global_allocator]
static WATCHED: Watched = Watched;

fn note(bytes: usize) {
    LARGEST.set(LARGEST.get().max(bytes));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(bytes);
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn what_is_announced_and_not_there_is_noticed() {
    let greedy = |input: &[u8]| Vec::<u8>::with_capacity(usize::from(input[0]) << 20).len();
    assert_eq!(frugal(&[0], greedy), 0);
    assert!(std::panic::catch_unwind(|| frugal(&[4], greedy)).is_err());
}
