//! Batching: the same equations, done for every index of one more axis at once.

use smallvec::SmallVec;
use wengert_tensor::Error;

use super::{Line, Span, unusable};
use crate::tape::Var;

/// `ys` as functions of `xs`, done for every index of the leading axis of `arguments`, each of which
/// has the type of its x with one leading axis of size `n` more. The results have it too.
///
/// Appends the batched equations to the tape. What does not depend on `xs` is not done again; a result that does not
/// depend on them is repeated.
#[track_caller]
pub fn batched<'t>(ys: &[Var<'t>], xs: &[Var<'t>], arguments: &[Var<'t>], n: usize) -> Vec<Var<'t>> {
    if let Some(wrong) = unusable("vmap", ys.iter().chain(xs).chain(arguments).copied()) {
        return vec![wrong; ys.len()];
    }
    let span = Span::between(xs, ys);
    let needed = span.ancestors(ys);
    let mut lifted: Vec<Option<Var<'t>>> = vec![None; span.len];
    for (x, argument) in xs.iter().zip(arguments) {
        if argument.shape() != x.shape().with_axis(0, n) || argument.dtype() != x.dtype() {
            let sentence = format!("vmap: an argument of {} for a batch of {n} times {}", argument.ty(), x.ty());
            return vec![x.tape.error(Error::shape(sentence)); ys.len()];
        }
        if let Some(i) = span.place(x.id) {
            lifted[i] = Some(*argument);
        }
    }
    for i in (0..span.len).filter(|&i| needed[i]) {
        let Some(Line { op, at, mut operands, y }) = span.line(i) else { continue };
        let of = |x: &Var<'t>| span.place(x.id).and_then(|place| lifted[place]);
        if lifted[i].is_some() || operands.iter().all(|x| of(x).is_none()) {
            continue;
        }
        let flags: SmallVec<[bool; 4]> = operands.iter().map(|x| of(x).is_some()).collect();
        for operand in &mut operands {
            *operand = of(operand).unwrap_or(*operand);
        }
        let result = y.tape.originating(at, || op.rule().batch(&operands, &flags, n));
        if result.is_poisoned() {
            return vec![result; ys.len()];
        }
        if result.shape() != y.shape().with_axis(0, n) {
            let (name, got) = (op.rule().name(), result.ty());
            let sentence = format!("vmap of {name}: a result of {got} for a batch of {n} times {}", y.ty());
            return vec![y.tape.error(Error::shape(sentence)); ys.len()];
        }
        lifted[i] = Some(result);
    }
    let mut results = Vec::with_capacity(ys.len());
    for y in ys {
        results.push(match span.place(y.id).and_then(|i| lifted[i]) {
            Some(batched) => batched,
            None => y.broadcast_to(y.shape().with_axis(0, n)),
        });
    }
    results
}
