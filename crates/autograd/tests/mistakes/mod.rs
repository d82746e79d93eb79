//! Mistakes and what is said of them.

use wengert_autograd::{Tape, Var};
use wengert_tensor::Error;

use crate::common::random;

/// A function of a matrix [2, 3] that is a mistake, and how the sentence begins that says so.
pub type Mistake = (for<'t> fn(Var<'t>) -> Var<'t>, &'static str);

/// That each is an error with its sentence, at a line of `file`, and that what is poisoned stays so.
#[track_caller]
pub fn assert_mistakes(file: &str, mistakes: &[Mistake]) {
    for (make, sentence) in mistakes {
        let tape = Tape::new();
        let error = make(tape.input(&random([2, 3], 1))).value().unwrap_err();
        assert!(error.sentence().starts_with(sentence), "{error}\nfor\n{sentence}");
        assert_eq!(error.location().map(|at| at.file()), Some(file), "{error}");
        assert!(make(tape.error(Error::value("before"))).is_poisoned());
    }
}
