//! The equations of a tape, and those of an earlier tape that may come next.
//!
//! Programs record the same equations again and again: every step of training is a tape of its own. So a tape starts
//! with the equations of one that was dropped, its *precedent*. While each new equation equals the one at its place
//! there, nothing is inferred and nothing is written; and what was found out about those equations still holds: which
//! of them a pullback recorded, and which program computes what was asked for ([`Notes`]).
//!
//! Always true: an equation counts as recorded only after its operation, its operands and its line were compared, so
//! no guess is ever trusted. With equal equations before it, its type is then equal too.

use std::ops::Deref;
use std::panic::Location;

use smallvec::SmallVec;

use super::{Eqn, VarId};

/// Equations in order. It dereferences to those that are recorded.
#[derive(Default)]
pub(crate) struct Lines {
    /// Those recorded, then what is left of the precedent.
    eqns: Vec<Eqn>,
    len: usize,
    /// How many, from the first, are the precedent's.
    retraced: usize,
    notes: Notes,
}

/// What is known of equations, for tapes that record them again.
#[derive(Default)]
struct Notes {
    pullbacks: Vec<Pullback>,
    requests: Vec<Request>,
}

/// No more notes of a kind than this are kept with a tape.
const NOTES: usize = 8;

/// That a pullback recorded certain equations.
pub(crate) struct Pullback {
    /// Results, their cotangents, and what cotangents are wanted of.
    pub ys: SmallVec<[VarId; 4]>,
    pub ybars: SmallVec<[Option<VarId>; 4]>,
    pub xs: SmallVec<[VarId; 8]>,
    pub at: &'static Location<'static>,
    /// The first equation that it recorded, and the one after its last.
    pub start: usize,
    pub end: usize,
    pub bars: SmallVec<[Option<VarId>; 8]>,
    /// See `transform::reverse`.
    pub blocked: Option<(&'static str, &'static Location<'static>)>,
}

/// That a program computes certain variables, of a tape on which only inputs have values.
pub(crate) struct Request {
    pub ids: SmallVec<[VarId; 8]>,
    /// The equations that are the program's inputs.
    pub inputs: Vec<u32>,
    /// Its number in the cache.
    pub program: u64,
}

impl Deref for Lines {
    type Target = [Eqn];

    #[inline(always)]
    fn deref(&self) -> &[Eqn] {
        &self.eqns[..self.len]
    }
}

impl Lines {
    /// Records the precedent's next equation, where that is the `same`.
    #[inline(always)]
    pub fn follow(&mut self, same: impl FnOnce(&Eqn) -> bool) -> Option<VarId> {
        let next = self.eqns.get(self.len).filter(|eqn| same(eqn));
        let id = next.and_then(|_| VarId::new(self.len))?;
        self.skip_to(self.len + 1);
        Some(id)
    }

    /// Whether a precedent says what comes next.
    pub fn has_precedent(&self) -> bool {
        self.len < self.eqns.len()
    }

    /// Records an equation where no precedent has one.
    #[inline]
    pub fn push(&mut self, eqn: Eqn) {
        debug_assert!(!self.has_precedent());
        self.eqns.push(eqn);
        self.len += 1;
    }

    /// Nothing recorded, and all equations there are as the precedent.
    pub fn rewind(&mut self) {
        (self.len, self.retraced) = (0, 0);
    }

    /// How many equations are held, recorded or not.
    pub fn held(&self) -> usize {
        self.eqns.len()
    }

    fn skip_to(&mut self, len: usize) {
        (self.len, self.retraced) = (len, len);
    }

    /// Takes the place of `lines`, whose next equation is `next`, if it begins with the same ones. The equations that `lines` had
    /// recorded are then recorded here, and `next` too.
    pub fn replace(&mut self, lines: &mut Self, next: &Eqn) -> bool {
        let n = lines.len;
        let fits = self.eqns.get(n).is_some_and(|eqn| eqn.repeats(next))
            && self.eqns.iter().zip(&**lines).all(|(a, b)| a.repeats(b));
        if fits {
            std::mem::swap(self, lines);
            lines.skip_to(n + 1);
            self.rewind();
        }
        fits
    }

    /// The same recorded equations, in the memory of `spare`, without the precedent, which is returned.
    pub fn leave(&mut self, mut spare: Self) -> Self {
        spare.clear();
        spare.eqns.extend_from_slice(self);
        spare.len = self.len;
        let mut precedent = std::mem::replace(self, spare);
        precedent.rewind();
        precedent
    }

    /// No equations at all.
    fn clear(&mut self) {
        self.eqns.clear();
        self.notes.pullbacks.clear();
        self.notes.requests.clear();
        self.rewind();
    }

    /// What the precedent has from a pullback that is the `same` as the one asked for. Its equations then count as recorded.
    pub fn follow_pullback(&mut self, same: impl Fn(&Pullback) -> bool) -> Option<&Pullback> {
        let (len, held) = (self.len, self.eqns.len());
        let now = |note: &&Pullback| note.start == len && note.end <= held;
        let k =
            self.notes.pullbacks.iter().position(|note| now(&note) && same(note)).filter(|_| len == self.retraced)?;
        self.skip_to(self.notes.pullbacks[k].end);
        self.notes.pullbacks.get(k)
    }

    /// The program that computes `ids`, if one is known.
    pub fn request(&self, ids: &[VarId]) -> Option<&Request> {
        let known = |note: &&Request| *note.ids == *ids && ids.iter().all(|id| id.index() < self.retraced);
        self.notes.requests.iter().find(known)
    }

    pub fn note_pullback(&mut self, note: Pullback) {
        if self.notes.pullbacks.len() < NOTES {
            self.notes.pullbacks.push(note);
        }
    }

    pub fn note_request(&mut self, note: Request) {
        self.notes.requests.retain(|known| known.ids != note.ids);
        if self.notes.requests.len() < NOTES {
            self.notes.requests.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use wengert_tensor::Tensor;

    use crate::tape::Tape;

    #[test]
    fn an_argument_without_a_value_is_not_taken_for_one_that_had() {
        let at = std::panic::Location::caller();
        let x = Tensor::from([1.0, 2.0]);
        for has_value in [true, true, false, true] {
            let tape = Tape::new();
            let finished = tape.originating(at, || {
                let x =
                    if has_value { tape.input(&x) } else { tape.placeholder(crate::Type::new(x.dtype(), x.shape())) };
                tape.finish(&[x.exp()])
            });
            assert_eq!(finished.is_ok(), has_value);
        }
    }

    #[test]
    fn what_is_repeated_is_followed_to_its_end() {
        let run = || {
            let tape = Tape::new();
            let x = tape.input(&Tensor::from(0.5));
            let y = (x.sin() * x).exp();
            let followed = tape.inner.borrow().eqns.has_precedent();
            let g = y.grad(x);
            assert!(!tape.inner.borrow().eqns.has_precedent());
            assert!(tape.finish(&[y, g]).is_ok());
            followed
        };
        assert_eq!([run(), run(), run()], [false, true, true]);
    }
}
