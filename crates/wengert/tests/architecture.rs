//! The rules of the house that a compiler does not check: which crate may name what.

use std::fs;
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in `crates/`").to_path_buf()
}

/// Every Rust file under a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a text file");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{} holds no Rust files", folder.display());
    found
}

/// The lines of code, without comments, that contain `what`.
fn naming<'a>(text: &'a str, what: &str) -> Vec<&'a str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//") && line.contains(what)).collect()
}

fn assert_never(folder: &str, what: &[&str]) {
    for (path, text) in sources(&crates().join(folder)) {
        for what in what {
            let lines = naming(&text, what);
            assert!(lines.is_empty(), "{} names {what}: {lines:?}", path.display());
        }
    }
}

#[test]
fn tensors_know_no_tape() {
    // `ErrorKind::Tape` is a word for messages, as the kinds of the crates above all are.
    assert_never("tensor/src", &["&Tape", "Tape::new", "Var<", "wengert_autograd"]);
}

#[test]
fn rules_and_functions_know_no_transformation() {
    assert_never("autograd/src/op", &["transform::", "pullback", "pushforward", "batched("]);
    assert_never("autograd/src/function", &["transform::", "pullback", "pushforward", "batched("]);
}

#[test]
fn layers_know_no_operation() {
    assert_never("nn/src", &["autograd::op", "Op::", " Op ", "impl Rule"]);
}

#[test]
fn a_first_program_compiles_no_linear_algebra() {
    for root in ["tensor", "autograd", "nn", "wengert"] {
        let manifest = fs::read_to_string(crates().join(root).join("Cargo.toml")).expect("a manifest");
        let (_, rest) = manifest.split_once("[dependencies]").expect("dependencies");
        let needed = rest.split("\n[").next().unwrap_or_default();
        assert!(!needed.contains("linalg") && !needed.contains("faer"), "{root} depends on linear algebra");
    }
}

#[test]
fn unsafe_code_is_in_storage_and_kernels_only() {
    for (path, text) in sources(&crates()) {
        let kernel = path.ends_with("tensor/src/storage.rs") || path.starts_with(crates().join("tensor/src/kernel"));
        // This file has the word in it; a counting allocator cannot be written without.
        let own = path.ends_with("wengert/tests/architecture.rs") || path.ends_with("wengert/tests/memory.rs");
        assert!(kernel || own || naming(&text, "unsafe {").is_empty(), "{} holds unsafe code", path.display());
    }
    for root in ["autograd", "data", "derive", "fft", "linalg", "nn", "train", "wengert"] {
        let text = fs::read_to_string(crates().join(root).join("src/lib.rs")).expect("a crate's root");
        assert!(text.contains("#![forbid(unsafe_code)]"), "{root} does not forbid unsafe code");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (path, text) in sources(&crates()) {
        assert!(text.starts_with("//!"), "{} does not open with `//!`", path.display());
    }
}
