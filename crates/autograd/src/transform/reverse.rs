//! Reverse mode: cotangents, from results back to arguments.

use wengert_tensor::Error;

use super::lost::{Obstacle, integral, lost};
use super::{Span, unusable};
use crate::tape::Var;

/// The cotangents of `xs`, given cotangents of `ys`: the vector-Jacobian product.
///
/// Appends the equations of the pullback to the tape. `None` is a symbolic zero: no path with a
/// derivative leads from that x to any of the ys that have a cotangent. Where one of `xs` was computed from another,
/// each gets its own total cotangent.
///
/// ```
/// use wengert_autograd::{Tape, transform::pullback};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let (a, b) = (tape.input(&Tensor::from(3.0)), tape.input(&Tensor::from(5.0)));
/// let (p, q) = (a * b, a + a);
/// let one = a.full_like(1.0);
/// let bars = pullback(&[p, q], &[Some(one), Some(one)], &[a, b]);
/// assert_eq!(bars[0].unwrap().item()?, 7.0);
/// assert_eq!(bars[1].unwrap().item()?, 3.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn pullback<'t>(ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>]) -> Vec<Option<Var<'t>>> {
    walk(ys, ybars, xs).bars
}

/// What a backward walk finds.
pub(super) struct Walk<'t> {
    /// The cotangent of each x.
    bars: Vec<Option<Var<'t>>>,
    /// The last equation that a cotangent reached and did not pass although it depends on an x.
    pub blocked: Option<Obstacle>,
}

#[track_caller]
pub(super) fn walk<'t>(ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>]) -> Walk<'t> {
    if let Some(wrong) = unusable("vjp", ys.iter().chain(xs).chain(ybars.iter().flatten()).copied()) {
        return Walk { bars: vec![Some(wrong); xs.len()], blocked: None };
    }
    if let Some(wrong) = mismatch(ys, ybars) {
        return Walk { bars: vec![Some(wrong); xs.len()], blocked: None };
    }
    let span = Span::between(xs, ys);
    let depends = span.dependents(xs);
    let mut bars: Vec<Option<Var<'t>>> = vec![None; span.eqns.len()];
    let mut blocked = None;
    for (y, ybar) in ys.iter().zip(ybars) {
        if let (Some(i), Some(ybar)) = (span.place(y.id), ybar) {
            add(&mut bars[i], *ybar);
        }
    }
    for i in (0..span.eqns.len()).rev() {
        let (Some(ybar), true) = (bars[i], depends[i]) else { continue };
        if ybar.is_poisoned() {
            return Walk { bars: vec![Some(ybar); xs.len()], blocked: None };
        }
        let eqn = &span.eqns[i];
        let (operands, y) = span.vars(i, ybar);
        ybar.tape.originating(eqn.at, || {
            let together = eqn.op.rule().vjps(&operands, y, ybar);
            for (k, x) in operands.iter().enumerate() {
                let Some(place) = span.place(x.id).filter(|&place| depends[place]) else { continue };
                let xbar = match &together {
                    Some(bars) => bars.get(k).copied().flatten(),
                    None => eqn.op.rule().vjp(k, &operands, y, ybar),
                };
                match xbar {
                    Some(xbar) => add(&mut bars[place], typed(xbar, *x, eqn.op.rule().name())),
                    None => blocked = Some((eqn.op.rule().name(), eqn.at)),
                }
            }
        });
    }
    Walk { bars: xs.iter().map(|x| span.place(x.id).and_then(|i| bars[i])).collect(), blocked }
}

#[track_caller]
fn add<'t>(slot: &mut Option<Var<'t>>, bar: Var<'t>) {
    *slot = Some(match *slot {
        Some(sum) => sum + bar,
        None => bar,
    });
}

/// The first cotangent that is not of its variable's type, or missing, as a poisoned variable.
#[track_caller]
fn mismatch<'t>(ys: &[Var<'t>], ybars: &[Option<Var<'t>>]) -> Option<Var<'t>> {
    if let (true, Some(y)) = (ys.len() != ybars.len(), ys.first()) {
        let sentence = format!("vjp: {} cotangents for {} results", ybars.len(), ys.len());
        return Some(y.tape.error(Error::value(sentence)));
    }
    let integer = ybars.iter().flatten().find(|ybar| !ybar.dtype().is_float());
    if let Some(ybar) = integer {
        let sentence = format!("vjp: a cotangent of {}: only floats have derivatives", ybar.ty());
        return Some(ybar.tape.error(Error::gradient(sentence)));
    }
    let wrong = ys.iter().zip(ybars).find(|(y, ybar)| ybar.is_some_and(|ybar| !ybar.same_type(**y)));
    let (y, ybar) = (wrong?.0, (*wrong?.1)?);
    let sentence = format!("vjp: a cotangent of {} for a result of {}", ybar.ty(), y.ty());
    Some(y.tape.error(Error::shape(sentence)))
}

/// `xbar`, if it has the type of `x`; a rule that gives another is at fault.
fn typed<'t>(xbar: Var<'t>, x: Var<'t>, op: &str) -> Var<'t> {
    if xbar.is_poisoned() || xbar.same_type(x) {
        return xbar;
    }
    x.tape.error(Error::shape(format!("vjp of {op}: a cotangent of {} for an operand of {}", xbar.ty(), x.ty())))
}

/// The gradients of the single number `y`, an error kept on the tape for each that does not exist.
#[track_caller]
pub(crate) fn gradients<'t>(y: Var<'t>, xs: &[Var<'t>]) -> Vec<Var<'t>> {
    if let Some(x) = xs.iter().find(|x| !x.is_poisoned() && !x.dtype().is_float()) {
        return vec![y.tape.error(integral("grad", "with respect to", *x)); xs.len()];
    }
    if !y.is_poisoned() && (y.rank() > 0 || !y.dtype().is_float()) {
        let sentence = format!("grad: a gradient is of a single float, not of {}", y.ty());
        return vec![y.tape.error(Error::gradient(sentence)); xs.len()];
    }
    let walk = walk(&[y], &[Some(y.full_like(1.0))], xs);
    let missing = |i: usize| y.tape.error(lost("grad", &[y], &xs[i..=i], &format!("argument {i}")));
    walk.bars.iter().enumerate().map(|(i, bar)| bar.unwrap_or_else(|| missing(i))).collect()
}
