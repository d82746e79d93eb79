//! What loops carry and go over: variables, in a form of the user's own.

use wengert_tensor::{Error, Tensor};

use crate::tape::{Tape, Var};

/// A variable, or tuples, arrays and `Vec`s of such, nested as one likes: what a loop carries, goes over and gives.
pub trait Vars<'t>: Sized {
    /// Appends the variables, in order.
    #[doc(hidden)]
    fn list(&self, into: &mut Vec<Var<'t>>);

    /// The same form, of as many other variables.
    #[doc(hidden)]
    fn with(&self, others: &mut dyn Iterator<Item = Var<'t>>) -> Self;
}

impl<'t> Vars<'t> for Var<'t> {
    fn list(&self, into: &mut Vec<Var<'t>>) {
        into.push(*self);
    }

    fn with(&self, others: &mut dyn Iterator<Item = Var<'t>>) -> Self {
        others.next().unwrap_or(*self)
    }
}

impl<'t, V: Vars<'t>, const N: usize> Vars<'t> for [V; N] {
    fn list(&self, into: &mut Vec<Var<'t>>) {
        self.iter().for_each(|vars| vars.list(into));
    }

    fn with(&self, others: &mut dyn Iterator<Item = Var<'t>>) -> Self {
        std::array::from_fn(|i| self[i].with(others))
    }
}

impl<'t, V: Vars<'t>> Vars<'t> for Vec<V> {
    fn list(&self, into: &mut Vec<Var<'t>>) {
        self.iter().for_each(|vars| vars.list(into));
    }

    fn with(&self, others: &mut dyn Iterator<Item = Var<'t>>) -> Self {
        self.iter().map(|vars| vars.with(others)).collect()
    }
}

macro_rules! tuples {
    ($(($($V:ident $i:tt),*);)*) => {$(
        impl<'t, $($V: Vars<'t>),*> Vars<'t> for ($($V,)*) {
            fn list(&self, into: &mut Vec<Var<'t>>) {
                $(self.$i.list(into);)*
            }

            fn with(&self, others: &mut dyn Iterator<Item = Var<'t>>) -> Self {
                ($(self.$i.with(others),)*)
            }
        }
    )*};
}

impl<'t> Vars<'t> for () {
    fn list(&self, _: &mut Vec<Var<'t>>) {}

    fn with(&self, _: &mut dyn Iterator<Item = Var<'t>>) {}
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

/// What [`scan`](super::scan) goes over, one step at a time.
///
/// - Variables ([`Vars`]): a step gets their part at one index of the leading axis, which they have in common.
/// - A number of steps: a step gets its own number, from 0, as a variable of dtype i64.
/// - [`Reversed`] of these: from the last step to the first.
pub trait Sequence<'t> {
    /// What a step gets.
    type Item;

    /// The tape that they are on, where there are some.
    #[doc(hidden)]
    fn place(&self) -> Option<&'t Tape>;

    /// The variables with a leading axis for the steps.
    #[doc(hidden)]
    fn whole(&self, tape: &'t Tape) -> Vec<Var<'t>>;

    /// A step's part of them.
    #[doc(hidden)]
    fn item(&self, tape: &'t Tape, parts: &mut dyn Iterator<Item = Var<'t>>) -> Self::Item;

    #[doc(hidden)]
    fn is_reversed(&self) -> bool {
        false
    }
}

impl<'t, V: Vars<'t>> Sequence<'t> for V {
    type Item = V;

    fn place(&self) -> Option<&'t Tape> {
        leaves(self).first().map(|var| var.tape())
    }

    fn whole(&self, _: &'t Tape) -> Vec<Var<'t>> {
        leaves(self)
    }

    fn item(&self, _: &'t Tape, parts: &mut dyn Iterator<Item = Var<'t>>) -> V {
        self.with(parts)
    }
}

impl<'t> Sequence<'t> for usize {
    type Item = Var<'t>;

    fn place(&self) -> Option<&'t Tape> {
        None
    }

    #[track_caller]
    fn whole(&self, tape: &'t Tape) -> Vec<Var<'t>> {
        let steps = i64::try_from(*self).map_err(|_| Error::memory(format!("scan: {self} steps are too many")));
        match steps.and_then(|steps| Tensor::arange(0, steps, 1)) {
            Ok(steps) => vec![tape.input(&steps)],
            Err(error) => vec![tape.error(error)],
        }
    }

    fn item(&self, tape: &'t Tape, parts: &mut dyn Iterator<Item = Var<'t>>) -> Var<'t> {
        parts.next().unwrap_or_else(|| tape.error(Error::tape("scan: a step without its number")))
    }
}

/// The same steps from the last to the first; what they give still lies in the order of what they got.
///
/// ```
/// use wengert_autograd::{Reversed, Tape, scan};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from([1.0, 2.0, 3.0]));
/// let (_, sums) = scan(|sum, x| (sum + x, sum + x), tape.full((), 0.0), Reversed(x));
/// assert_eq!(sums.value()?, Tensor::from([6.0, 5.0, 3.0]));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Reversed<S>(
    /// What would be gone over from the first to the last.
    pub S,
);

impl<'t, S: Sequence<'t>> Sequence<'t> for Reversed<S> {
    type Item = S::Item;

    fn place(&self) -> Option<&'t Tape> {
        self.0.place()
    }

    #[track_caller]
    fn whole(&self, tape: &'t Tape) -> Vec<Var<'t>> {
        self.0.whole(tape)
    }

    fn item(&self, tape: &'t Tape, parts: &mut dyn Iterator<Item = Var<'t>>) -> S::Item {
        self.0.item(tape, parts)
    }

    fn is_reversed(&self) -> bool {
        !self.0.is_reversed()
    }
}

/// The variables, in order.
pub(super) fn leaves<'t>(vars: &impl Vars<'t>) -> Vec<Var<'t>> {
    let mut list = Vec::new();
    vars.list(&mut list);
    list
}
