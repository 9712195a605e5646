//! docs/formats.md suffices: a verifier written from it in another language agrees with this program.

#![expect(clippy::unwrap_used, reason = "a test that cannot do its work must fail")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The transaction, receipt and export that the document explains.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)
}

/// Runs the verifier on a receipt or an export, under the policy of the examples.
fn verifier(what: &str, of: &Path) -> Output {
    let arguments = [what.as_ref(), of.as_os_str(), example("policy.toml").as_os_str()].map(ToOwned::to_owned);
    Command::new("python3").arg(example("verify.py")).args(arguments).output().unwrap()
}

fn mulu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mulu")).args(arguments).output().unwrap()
}

#[track_caller]
fn says(output: &Output, code: i32, word: &str) {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(word) && !said.contains("Traceback"), "{said}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn the_examples_hold_for_the_verifier_and_for_this_program() {
    let (receipt, ledger, policy) = (example("receipt.json"), example("ledger"), example("policy.toml"));
    says(&verifier("receipt", &receipt), 0, "VALID: transaction 6 of 8");
    says(&verifier("export", &ledger), 0, "VALID: 8 transactions");
    let [receipt, ledger, policy] = [&receipt, &ledger, &policy].map(|path| path.to_str().unwrap());
    says(&mulu(&["receipt", "verify", receipt, "--policy", policy]), 0, "VALID: this is transaction 6");
    says(&mulu(&["ledger", "verify", "--dir", ledger, "--policy", policy]), 0, "VALID");
}

#[test]
fn the_document_explains_the_very_files_of_the_tests() {
    let document = std::fs::read_to_string(example("../../docs/formats.md")).unwrap();
    let checkpoint = std::fs::read_to_string(example("ledger/checkpoint")).unwrap();
    let missing = checkpoint.lines().take(6).find(|line| !document.contains(line));
    assert_eq!(missing, None);
}

#[test]
fn no_byte_of_a_receipt_can_be_another() {
    let folder = tempfile::tempdir().unwrap();
    let receipt = std::fs::read(example("receipt.json")).unwrap();
    let changed = folder.path().join("changed.json");
    // A prime step meets every part; the program's own tests change every byte.
    for at in (0..receipt.len()).step_by(97) {
        let mut bytes = receipt.clone();
        bytes[at] ^= 1;
        std::fs::write(&changed, bytes).unwrap();
        says(&verifier("receipt", &changed), 1, "NOT VALID");
    }
}

#[test]
fn no_file_of_an_export_can_be_another() {
    for file in ["checkpoint", "tile/0/000.p/8", "tile/entries/000.p/8", "times/000.p/8"] {
        let folder = tempfile::tempdir().unwrap();
        copy(&example("ledger"), folder.path());
        let path = folder.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        // Of times this is the first byte of the last one, which sets it after all others or before them.
        let at = bytes.len() - 8;
        bytes[at] ^= 1;
        if file.starts_with("times") {
            bytes.truncate(at + 7);
        }
        std::fs::write(&path, bytes).unwrap();
        says(&verifier("export", folder.path()), 1, "NOT VALID");
        std::fs::remove_file(&path).unwrap();
        says(&verifier("export", folder.path()), 1, "is missing");
    }
}
