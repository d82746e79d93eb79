//! The interpreter: one equation after another, each value kept.
//!
//! Only what a request needs and what has no value yet is evaluated, in tape order; so nothing is computed
//! twice, or without need.

use smallvec::SmallVec;
use wengert_tensor::{Error, Result, Tensor, View};

use crate::op::Op;
use crate::tape::{Eqn, Inner, Values, VarId};

/// The values of `ids`.
///
/// # Errors
/// What a kernel refused, with the line of the equation; an equation that depends on a placeholder.
pub(crate) fn run(inner: &mut Inner, ids: &[VarId]) -> Result<Vec<Tensor>> {
    inner.reach(ids);
    evaluate(inner)?;
    ids.iter().map(|id| inner.values[id.index()].clone().ok_or_else(|| no_value(&inner.eqns[id.index()]))).collect()
}

fn evaluate(inner: &mut Inner) -> Result<()> {
    for &i in &inner.order {
        if inner.values[i].is_some() {
            continue;
        }
        let value = result(&inner.eqns[i], &inner.values).map_err(|e| e.at(inner.eqns[i].at))?;
        inner.values.set(i, value);
    }
    Ok(())
}

/// The value of one equation, of operands that have values.
fn result(eqn: &Eqn, values: &Values) -> Result<Tensor> {
    let operands = eqn.operands.iter().map(|x| values[x.index()].as_ref().ok_or_else(|| no_value(eqn)));
    let operands: SmallVec<[&Tensor; 4]> = operands.collect::<Result<_>>()?;
    let rule = eqn.op.rule();
    match (&eqn.op, operands.first()) {
        (Op::Input(_), _) => Err(no_value(eqn)),
        (Op::Full(full), _) => Tensor::full((), full.value)?.broadcast_to(&eqn.ty.shape),
        (_, Some(x)) if let Some(layout) = rule.alias(x.layout()) => x.with_layout(layout),
        _ => Tensor::build(eqn.ty.dtype, &eqn.ty.shape, |out| {
            let views: SmallVec<[View; 4]> = operands.iter().map(|x| x.view()).collect();
            rule.eval(&views, out)
        }),
    }
}

pub(super) fn no_value(eqn: &Eqn) -> Error {
    let name = eqn.op.rule().name();
    Error::tape(format!("{name}: has no value, because it depends on the argument of a function being transformed"))
        .at(eqn.at)
}

/// Evaluates one equation at once, and refuses a NaN or infinity that its operands did not have.
/// An equation that depends on a placeholder is left without a value.
pub(crate) fn run_one(inner: &mut Inner, id: VarId) -> Result<()> {
    let eqn = &inner.eqns[id.index()];
    let at = eqn.at;
    let value = match &inner.values[id.index()] {
        Some(value) => value.clone(),
        None if matches!(eqn.op, Op::Input(_)) => return Ok(()),
        None if eqn.operands.iter().any(|x| inner.values[x.index()].is_none()) => return Ok(()),
        None => result(eqn, &inner.values).map_err(|e| e.at(at))?,
    };
    if !matches!(eqn.op, Op::Full(_)) {
        let operands = eqn.operands.iter().filter_map(|x| inner.values[x.index()].as_ref());
        let before = operands.map(worst).fold(Worst::Finite, Ord::max);
        let now = worst(&value);
        if now > before {
            let (name, ty) = (eqn.op.rule().name(), &eqn.ty);
            return Err(Error::non_finite(format!("{name}: made the first {}, in a result of {ty}", now.name())).at(at));
        }
    }
    inner.values.set(id.index(), value);
    Ok(())
}

/// How bad a value's worst element is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Worst {
    Finite,
    Infinite,
    Nan,
}

impl Worst {
    fn name(&self) -> &'static str {
        match self {
            Self::Finite => "finite number",
            Self::Infinite => "infinity",
            Self::Nan => "NaN",
        }
    }
}

fn worst(x: &Tensor) -> Worst {
    fn of(x: impl Iterator<Item = f64>) -> Worst {
        x.map(|x| match x {
            x if x.is_nan() => Worst::Nan,
            x if x.is_infinite() => Worst::Infinite,
            _ => Worst::Finite,
        })
        .fold(Worst::Finite, Ord::max)
    }
    if let Ok(x) = x.iter::<f64>() {
        of(x)
    } else if let Ok(x) = x.iter::<f32>() {
        of(x.map(f64::from))
    } else {
        Worst::Finite
    }
}
