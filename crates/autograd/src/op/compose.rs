//! Functions of variables made of others, as the caller's line sees them.
//!
//! Always true: what is poisoned stays so, a mistake becomes poisoned variables, and all that is recorded is said to come
//! from one line.

use std::panic::Location;

use wengert_tensor::Result;

use crate::tape::Var;

/// What `f` makes of variables, recorded for the line `at`; poisoned where one of `xs` is, or where `f` finds a mistake.
///
/// Methods of a trait do not know their caller, nor do closures; this is for them.
///
/// ```
/// use std::panic::Location;
/// use wengert_autograd::op::compose;
/// use wengert_autograd::{Tape, Var};
/// use wengert_tensor::{Error, Result, Tensor};
///
/// #[track_caller]
/// fn halves<'t>(x: Var<'t>) -> [Var<'t>; 2] {
///     compose(Location::caller(), [x], |[x]| match x.shape()[..] {
///         [n] if n % 2 == 0 => Ok([x.narrow(0, 0, n / 2), x.narrow(0, n / 2, n / 2)]),
///         _ => Err(Error::shape(format!("halves: of {}", x.shape()))),
///     })
/// }
///
/// let tape = Tape::new();
/// let [_, second] = halves(tape.input(&Tensor::from([1.0, 2.0])));
/// assert_eq!(second.value()?, Tensor::from([2.0]));
/// let [first, _] = halves(tape.input(&Tensor::from([1.0])));
/// assert!(first.value().unwrap_err().sentence().starts_with("halves: of [1]"));
/// # Ok::<(), Error>(())
/// ```
pub fn compose<'t, const N: usize, const M: usize>(
    at: &'static Location<'static>,
    xs: [Var<'t>; N],
    f: impl FnOnce([Var<'t>; N]) -> Result<[Var<'t>; M]>,
) -> [Var<'t>; M] {
    const { assert!(N > 0, "without variables there is no tape") }
    if let Some(poisoned) = xs.iter().find(|x| x.is_poisoned()) {
        return [*poisoned; M];
    }
    let tape = xs[0].tape();
    tape.originating(at, || f(xs).unwrap_or_else(|error| [tape.error(error); M]))
}
