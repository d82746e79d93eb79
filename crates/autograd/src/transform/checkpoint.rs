//! Recomputing in the backward pass instead of keeping.

use std::panic::Location;

use wengert_tensor::{Layout, Result, View, ViewMut, kernel};

use super::recorded::Recorded;
use super::{batched, pullback};
use crate::op::{Custom, Example, Rule, lift};
use crate::tape::Var;
use crate::ty::Type;

/// `f(x)`, whose pullback computes what is between `x` and the result a second time.
///
/// So nothing between needs to be kept for the backward pass (T. Chen et al., "Training deep nets with sublinear
/// memory cost", 2016). Values and derivatives are those of `f`, by `x` and by every other variable
/// that `f` uses. Forward mode keeps what it needs, as always.
///
/// Memory is saved where a tape is finished by a program, as `Train::step` and the functions over
/// closures do: a tape that is asked for values again and again keeps them all.
///
/// ```
/// use wengert_autograd::{checkpoint, grad};
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([0.5, -1.0]);
/// let again = grad(|x| (0..3).fold(x, |x, _| checkpoint(|x| (x * x).sin().exp(), x)).sum(), &x)?;
/// let kept = grad(|x| (0..3).fold(x, |x, _| (x * x).sin().exp()).sum(), &x)?;
/// assert_eq!(again, kept);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[doc(alias = "remat")]
#[track_caller]
pub fn checkpoint<'t>(f: impl FnOnce(Var<'t>) -> Var<'t>, x: Var<'t>) -> Var<'t> {
    let (tape, line, start) = (x.tape(), Location::caller(), x.tape().len());
    let y = f(x);
    if y.is_poisoned() || !y.dtype().is_float() || y.id().index() < start {
        return y;
    }
    let (body, operands) = Recorded::cut(tape, &[y], &[], |id| id.index() >= start);
    let operands: Vec<Var<'t>> = [y].into_iter().chain(operands).collect();
    tape.originating(line, || tape.record(Custom::new(Checkpoint { body }), &operands))
}

/// y = y, which is `body` of the other operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Checkpoint {
    body: Recorded,
}

impl Rule for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        Ok(x[0].clone())
    }

    fn alias(&self, x: &Layout) -> Option<Layout> {
        Some(x.clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        kernel::copy::copy(x[0], out)
    }

    #[inline]
    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, dx: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        dx[0]
    }

    #[inline]
    fn vjp<'t>(&self, i: usize, x: &[Var<'t>], y: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        self.vjps(x, y, ybar)?[i]
    }

    #[inline]
    fn vjps<'t>(&self, x: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Vec<Option<Var<'t>>>> {
        let later: Vec<Var<'t>> = x[1..].iter().map(|x| x.after(ybar)).collect();
        let again = self.body.replay(ybar.tape(), &later);
        Some([None].into_iter().chain(pullback(&again, &[Some(ybar)], &later)).collect())
    }

    #[inline]
    fn batch<'t>(&self, x: &[Var<'t>], flags: &[bool], n: usize) -> Var<'t> {
        let x = lift(x, flags, n);
        let tape = x[0].tape();
        let types: Vec<Type> = x[1..].iter().map(|x| x.ty()).collect();
        let one: Vec<Var<'t>> =
            types.iter().map(|ty| tape.placeholder(ty.with_shape(ty.shape.without(&[0])))).collect();
        let many: Vec<Var<'t>> = types.into_iter().map(|ty| tape.placeholder(ty)).collect();
        let all = batched(&self.body.replay(tape, &one), &one, &many, n)[0];
        if all.is_poisoned() {
            return all;
        }
        let start = many.iter().map(|x| x.id()).max();
        let (body, _) = Recorded::cut(tape, &[all], &many, |id| Some(id) > start);
        tape.record(Custom::new(Self { body }), &x)
    }

    fn examples() -> Vec<Example> {
        Vec::new()
    }
}
