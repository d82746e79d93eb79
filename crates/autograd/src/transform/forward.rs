//! Forward mode: tangents, from arguments to results.

use smallvec::SmallVec;
use wengert_tensor::Error;

use super::{Line, Span, unusable};
use crate::tape::Var;

/// The tangents of `ys`, given tangents of `xs`: the Jacobian-vector product.
///
/// Appends the equations of the pushforward to the tape. `None` is a symbolic zero. Where one of `xs` was
/// computed from another it has the tangent given for it, and no other.
///
/// ```
/// use wengert_autograd::{Tape, transform::pushforward};
/// use wengert_tensor::Tensor;
///
/// let tape = Tape::new();
/// let x = tape.input(&Tensor::from(3.0));
/// let dy = pushforward(&[x * x], &[x], &[Some(x.full_like(1.0))]);
/// assert_eq!(dy[0].unwrap().item()?, 6.0);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[track_caller]
pub fn pushforward<'t>(ys: &[Var<'t>], xs: &[Var<'t>], dxs: &[Option<Var<'t>>]) -> Vec<Option<Var<'t>>> {
    if let Some(wrong) = unusable("jvp", ys.iter().chain(xs).chain(dxs.iter().flatten()).copied()) {
        return vec![Some(wrong); ys.len()];
    }
    if let (true, Some(y)) = (xs.len() != dxs.len(), ys.first()) {
        let sentence = format!("jvp: {} tangents for {} arguments", dxs.len(), xs.len());
        return vec![Some(y.tape.error(Error::value(sentence))); ys.len()];
    }
    for (x, dx) in xs.iter().zip(dxs) {
        if let Some(dx) = dx.filter(|dx| !dx.same_type(*x)) {
            let sentence = format!("jvp: a tangent of {} for an argument of {}", dx.ty(), x.ty());
            return vec![Some(x.tape.error(Error::shape(sentence))); ys.len()];
        }
        if let Some(dx) = dx.filter(|dx| !dx.dtype().is_float()) {
            let sentence = format!("jvp: a tangent of {}: only floats have derivatives", dx.ty());
            return vec![Some(x.tape.error(Error::gradient(sentence))); ys.len()];
        }
    }
    let span = Span::between(xs, ys);
    let needed = span.ancestors(ys);
    let mut tangents: Vec<Option<Var<'t>>> = vec![None; span.len];
    for (x, dx) in xs.iter().zip(dxs) {
        if let Some(i) = span.place(x.id) {
            tangents[i] = *dx;
        }
    }
    let mut given = vec![false; span.len];
    xs.iter().filter_map(|x| span.place(x.id)).for_each(|i| given[i] = true);
    for i in (0..span.len).filter(|&i| needed[i]) {
        if given[i] {
            continue;
        }
        let Some(Line { op, at, operands, y }) = span.line(i) else { continue };
        let tangent = |x: &Var<'t>| span.place(x.id).and_then(|place| tangents[place]);
        let dx: SmallVec<[Option<Var<'t>>; 4]> = operands.iter().map(tangent).collect();
        if dx.iter().all(Option::is_none) {
            continue;
        }
        tangents[i] = y.tape.originating(at, || op.rule().jvp(&operands, y, &dx));
        if let Some(wrong) = tangents[i].filter(|dy| !dy.is_poisoned() && !dy.same_type(y)) {
            let sentence = format!("jvp of {}: a tangent of {} for {}", op.rule().name(), wrong.ty(), y.ty());
            return vec![Some(y.tape.fail(Error::shape(sentence).at(at))); ys.len()];
        }
        if let Some(poisoned) = tangents[i].filter(|dy| dy.is_poisoned()) {
            return vec![Some(poisoned); ys.len()];
        }
    }
    ys.iter().map(|y| span.place(y.id).and_then(|i| tangents[i])).collect()
}
