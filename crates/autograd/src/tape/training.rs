//! What a tape is recorded for: evaluation, or training, where it has keys of random numbers.
//!
//! A layer that behaves differently in training asks the tape of its input, so no layer has a mode and nothing is global.

use wengert_tensor::{Error, Tensor};

use super::{Tape, Var, VarId};

/// The keys of a tape in training: the value of the first, and the last one that was given out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    first: i64,
    last: Option<VarId>,
}

impl Tape {
    /// Under this key the first of the random keys is an input.
    const KEY: u64 = u64::MAX;

    /// Says that what is recorded from here on is for training, with `key` for its first random numbers: dropout drops,
    /// and batch normalisation uses its batch. Another key gives other numbers, without another structure.
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::DType;
    ///
    /// let tape = Tape::new();
    /// assert!(!tape.is_training() && tape.next_key().is_none());
    ///
    /// tape.set_training(7);
    /// let (a, b) = (tape.next_key().unwrap(), tape.next_key().unwrap());
    /// assert_ne!(a.uniform([], DType::F64).item()?, b.uniform([], DType::F64).item()?);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    pub fn set_training(&self, key: i64) {
        self.training.set(Some(Keys { first: key, last: None }));
    }

    /// Whether what is recorded is for training: see [`set_training`](Self::set_training).
    pub fn is_training(&self) -> bool {
        self.training.get().is_some()
    }

    /// A key for random numbers that nobody else on this tape has, or none where it is not for training.
    #[track_caller]
    pub fn next_key(&self) -> Option<Var<'_>> {
        let keys = self.training.get()?;
        let key = match keys.last {
            None => self.keyed_input(Self::KEY, &Tensor::from(keys.first)),
            Some(id) => {
                let last = Var { tape: self, id };
                last + last.full_like(1i64)
            }
        };
        if !key.is_poisoned() {
            self.training.set(Some(Keys { last: Some(key.id), ..keys }));
        }
        Some(key)
    }

    /// The first random key, if anybody asked for one: what has to change from one run to the next.
    pub fn first_key(&self) -> Option<Var<'_>> {
        self.keyed(Self::KEY)
    }

    /// Makes `var` known under a key, as [`keyed_input`](Self::keyed_input) does inputs: the last one that was given counts. A
    /// poisoned one is known too, so that whoever asks for it finds the mistake.
    pub fn set_keyed<'t>(&'t self, key: u64, var: Var<'t>) {
        let var = match std::ptr::eq(self, var.tape) {
            true => var,
            false => self.error(Error::tape("set_keyed: a variable of another tape")),
        };
        self.inner.borrow_mut().keyed.insert(key, var.id);
    }
}
