//! Reverse mode: cotangents, from results back to arguments.

use rustc_hash::FxHashMap;
use wengert_tensor::Error;

use super::lost::{Obstacle, integral, lost};
use super::parts::{Part, joined};
use super::products::{Product, shared, summed};
use super::{Line, Span, unusable};
use crate::op::Op;
use crate::tape::{Pullback, Tape, Var, VarId};

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

impl<'t> Walk<'t> {
    fn poisoned(bar: Var<'t>, xs: &[Var<'t>]) -> Self {
        Self { bars: vec![Some(bar); xs.len()], blocked: None }
    }
}

#[track_caller]
pub(super) fn walk<'t>(ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>]) -> Walk<'t> {
    if let Some(wrong) = unusable("vjp", ys.iter().chain(xs).chain(ybars.iter().flatten()).copied()) {
        return Walk::poisoned(wrong, xs);
    }
    if let Some(wrong) = mismatch(ys, ybars) {
        return Walk::poisoned(wrong, xs);
    }
    let Some(tape) = ys.first().map(|y| y.tape) else {
        return Walk { bars: vec![None; xs.len()], blocked: None };
    };
    if let Some(known) = recall(tape, ys, ybars, xs) {
        return known;
    }
    let start = tape.len();
    let (found, repeatable) = backwards(ys, ybars, xs);
    if repeatable {
        note(tape, start, ys, ybars, xs, &found);
    }
    found
}

/// The walk itself; and whether it follows from the equations alone, as it does with the table's operations but not
/// with those of the user's.
#[track_caller]
fn backwards<'t>(ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>]) -> (Walk<'t>, bool) {
    let span = Span::between(xs, ys);
    let depends = span.dependents(xs);
    let mut bars: Vec<Option<Var<'t>>> = vec![None; span.len];
    let mut parts: FxHashMap<usize, Vec<Part<'t>>> = FxHashMap::default();
    let mut products: FxHashMap<usize, Vec<Product<'t>>> = FxHashMap::default();
    let mut is_shared: Option<Vec<bool>> = None;
    let (mut blocked, mut repeatable) = (None, true);
    for (y, ybar) in ys.iter().zip(ybars) {
        if let (Some(i), Some(ybar)) = (span.place(y.id), ybar) {
            add(&mut bars[i], *ybar);
        }
    }
    for i in (0..span.len).rev().filter(|&i| depends[i]) {
        if !parts.is_empty()
            && let Some(parts) = parts.remove(&i)
        {
            joined(&span.shape(i), parts).into_iter().for_each(|bar| add(&mut bars[i], bar));
        }
        if !products.is_empty()
            && let Some(waiting) = products.remove(&i)
        {
            if let (None, Some(place)) = (bars[i], span.transposed(i).filter(|&place| depends[place]))
                && !xs.iter().any(|x| span.place(x.id) == Some(i))
            {
                products.entry(place).or_default().extend(waiting.into_iter().map(Product::t));
                continue;
            }
            summed(waiting).into_iter().for_each(|bar| add(&mut bars[i], bar));
        }
        let (Some(ybar), Some(Line { op, at, operands, y })) = (bars[i], span.line(i)) else { continue };
        if ybar.is_poisoned() {
            return (Walk::poisoned(ybar, xs), false);
        }
        repeatable &= !matches!(op, Op::Custom(_));
        ybar.tape.originating(at, || {
            let rule = op.rule();
            let together = rule.vjps(&operands, y, ybar);
            for (k, x) in operands.iter().enumerate() {
                let Some(place) = span.place(x.id).filter(|&place| depends[place]) else { continue };
                if let Some(part) = Part::of(&op, ybar, at) {
                    parts.entry(place).or_default().push(part);
                    continue;
                }
                if let Some(product) = Product::of(&op, k, &operands, ybar, at)
                    && is_shared.get_or_insert_with(|| shared(&span))[place]
                {
                    products.entry(place).or_default().push(product);
                    continue;
                }
                let xbar = match &together {
                    Some(bars) => bars.get(k).copied().flatten(),
                    None => rule.vjp(k, &operands, y, ybar),
                };
                match xbar {
                    Some(xbar) => add(&mut bars[place], typed(xbar, *x, rule.name())),
                    None => blocked = Some((rule.name(), at)),
                }
            }
        });
    }
    (Walk { bars: xs.iter().map(|x| span.place(x.id).and_then(|i| bars[i])).collect(), blocked }, repeatable)
}

/// What this pullback found on an earlier tape, if so far this one is the same. Its equations are then recorded.
#[track_caller]
fn recall<'t>(tape: &'t Tape, ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>]) -> Option<Walk<'t>> {
    let at = tape.here();
    let mut inner = tape.inner.borrow_mut();
    let known = inner.eqns.follow_pullback(|known| {
        known.ys.iter().eq(ys.iter().map(|y| &y.id))
            && known.ybars.iter().copied().eq(ybars.iter().map(|ybar| ybar.map(|ybar| ybar.id)))
            && known.xs.iter().eq(xs.iter().map(|x| &x.id))
            && std::ptr::eq(known.at, at)
    })?;
    let var = |id: &Option<VarId>| id.map(|id| Var { tape, id });
    Some(Walk { bars: known.bars.iter().map(var).collect(), blocked: known.blocked })
}

/// Keeps what a walk found, for tapes to come.
#[track_caller]
fn note<'t>(tape: &'t Tape, start: usize, ys: &[Var<'t>], ybars: &[Option<Var<'t>>], xs: &[Var<'t>], found: &Walk<'t>) {
    let id = |x: &Var<'t>| x.id;
    // Values are not part of equations.
    let has_inputs = tape.with_eqns(|eqns| eqns[start..].iter().any(|eqn| matches!(eqn.op, Op::Input(_))));
    if has_inputs || tape.first_error().is_some() || found.bars.iter().flatten().any(|bar| bar.is_poisoned()) {
        return;
    }
    let at = tape.here();
    let mut inner = tape.inner.borrow_mut();
    let end = inner.eqns.len();
    inner.eqns.note_pullback(Pullback {
        ys: ys.iter().map(id).collect(),
        ybars: ybars.iter().map(|ybar| ybar.as_ref().map(id)).collect(),
        xs: xs.iter().map(id).collect(),
        at,
        start,
        end,
        bars: found.bars.iter().map(|bar| bar.as_ref().map(id)).collect(),
        blocked: found.blocked,
    });
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
