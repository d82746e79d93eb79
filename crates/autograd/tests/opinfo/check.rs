//! One sample: its value and its derivatives, against the reference.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value as Json;
use wengert_autograd::transform::{pullback, pushforward};
use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Result, Tensor};

use crate::args::Args;
use crate::map::Operation;
use crate::sample::{File, Sample};

/// What is compared of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The outputs.
    Value,
    /// The tangents of the outputs.
    Jvp,
    /// The cotangents of the arguments.
    Vjp,
    /// The gradient of a scalar product with those.
    Second,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Jvp => "jvp",
            Self::Vjp => "vjp",
            Self::Second => "second order",
        })
    }
}

/// Compares everything the sample has; the sentence says what differs first.
pub fn sample(operation: &Operation, file: &File, sample: &Sample) -> std::result::Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| compare(operation, file, sample)));
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("without a sentence")))
    })
}

fn compare(operation: &Operation, file: &File, sample: &Sample) -> std::result::Result<(), String> {
    let sentence = |error: wengert_tensor::Error| error.to_string();
    let tape = Tape::new();
    let args = Args::bind(operation.signature, &tape, file, sample).map_err(sentence)?;
    let outputs = (operation.run)(&args).0;
    let near = Near { file, operation };
    let directions = |field: &str| near.directions(&tape, sample.list(field)).map_err(sentence);

    let given: Vec<Option<Var<'_>>> = outputs.iter().copied().map(Some).collect();
    near.all(Part::Value, &given, sample.list("outputs"), 0.0)?;
    if !sample.has("grads") {
        return Ok(());
    }
    let (xs, ys) = (picked(&args.leaves, sample, "wrt")?, picked(&outputs, sample, "diff_outputs")?);

    if sample.has("jvps") {
        let (tangents, size) = directions("tangents")?;
        let jvps = pushforward(&ys, &xs, &tangents);
        match operation.presumes_symmetry() {
            true => near.adjoint(&jvps, &directions("cotangents")?.0, &tangents, sample.list("grads"))?,
            false => near.all(Part::Jvp, &jvps, sample.list("jvps"), size)?,
        }
    }
    let (cotangents, size) = directions("cotangents")?;
    let grads = pullback(&ys, &cotangents, &xs);
    near.all(Part::Vjp, &grads, sample.list("grads"), size)?;

    if sample.has("second") {
        let (us, of_us) = directions("u")?;
        let terms = grads.iter().zip(us).filter_map(|(grad, u)| Some((u? * (*grad)?).sum()));
        let second = match terms.reduce(|a, b| a + b) {
            Some(product) => pullback(&[product], &[Some(product.full_like(1.0))], &xs),
            None => vec![None; xs.len()],
        };
        near.all(Part::Second, &second, sample.list("second"), size * of_us)?;
    }
    tape.check().map_err(sentence)
}

/// The variables at the positions that a field names.
fn picked<'t>(from: &[Var<'t>], sample: &Sample, field: &str) -> std::result::Result<Vec<Var<'t>>, String> {
    let at = |i: usize| from.get(i).copied().ok_or(format!("{field} names number {i} of {}", from.len()));
    sample.positions(field).into_iter().map(at).collect()
}

/// Nearness to the reference.
///
/// An element may be off by 1e-9 of itself, and by 1e-11 of the largest in its tensor: a sum that cancels
/// is as exact as its terms, not as its result. A derivative may also be off by 1e-13 of the directions it
/// is taken along, in which it is linear: where it vanishes, the reference holds the rounding of terms that
/// cancel. Beyond that nothing absolute is allowed, so that tiny tensors are compared as strictly as
/// large ones, but where a table of excuses says why not. NaN and infinities must be where the reference
/// has them, and integers and truth values are compared exactly.
struct Near<'a> {
    file: &'a File,
    operation: &'a Operation,
}

impl Near<'_> {
    fn tensors(&self, names: &[Json]) -> Result<Vec<Tensor>> {
        names.iter().map(|name| self.file.tensor(name.as_str().unwrap_or_default())).collect()
    }

    /// Tangents or cotangents, and the largest number among them.
    fn directions<'t>(&self, tape: &'t Tape, names: &[Json]) -> Result<(Vec<Option<Var<'t>>>, f64)> {
        let (mut all, mut size) = (Vec::new(), 0.0);
        for tensor in self.tensors(names)? {
            size = f64::max(size, largest(&tensor.to_vec::<f64>()?));
            all.push(Some(tape.input(&tensor)));
        }
        Ok((all, size))
    }

    /// Compares variables with tensors; `None` is a symbolic zero, and `size` that of the directions.
    fn all(&self, part: Part, got: &[Option<Var<'_>>], names: &[Json], size: f64) -> std::result::Result<(), String> {
        if got.len() != names.len() {
            return Err(format!("{part}: {} results, the reference has {}", got.len(), names.len()));
        }
        let expected = self.tensors(names).map_err(|error| error.to_string())?;
        for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let value = match got {
                Some(var) => var.value(),
                None => Tensor::zeros(expected.shape(), expected.dtype()),
            };
            let value = value.map_err(|error| format!("{part} {i}: {error}"))?;
            self.one(part, &value, expected, size).map_err(|why| format!("{part} {i}: {why}"))?;
        }
        Ok(())
    }

    /// Compares tangents where the reference has none, by the law that its cotangents are their adjoint:
    /// <ybar, J dx> = <J' ybar, dx>.
    fn adjoint<'t>(
        &self,
        jvps: &[Option<Var<'t>>],
        ybars: &[Option<Var<'t>>],
        dxs: &[Option<Var<'t>>],
        grads: &[Json],
    ) -> std::result::Result<(), String> {
        let inner = |a: Var<'t>, b: Var<'t>| (a * b).sum().item().map_err(|error| error.to_string());
        let (mut left, mut right) = (0.0, 0.0);
        for (dy, ybar) in jvps.iter().flatten().zip(ybars.iter().flatten()) {
            left += inner(*dy, *ybar)?;
        }
        let grads = self.tensors(grads).map_err(|error| error.to_string())?;
        for (xbar, dx) in grads.iter().zip(dxs.iter().flatten()) {
            right += inner(dx.tape().input(xbar), *dx)?;
        }
        match (left - right).abs() <= 1e-9 * right.abs().max(1e-3) {
            true => Ok(()),
            false => Err(format!("{}: <ybar, dy> is {left:?}, the reference's <xbar, dx> is {right:?}", Part::Jvp)),
        }
    }

    fn one(&self, part: Part, got: &Tensor, expected: &Tensor, size: f64) -> std::result::Result<(), String> {
        if got.shape() != expected.shape() || got.dtype() != expected.dtype() {
            let (a, b) =
                (format!("{}{}", got.dtype(), got.shape()), format!("{}{}", expected.dtype(), expected.shape()));
            return Err(format!("is {a}, the reference is {b}"));
        }
        let exact = expected.dtype() != DType::F64;
        let numbers =
            |x: &Tensor| x.cast(DType::F64).and_then(|x| x.to_vec::<f64>()).map_err(|error| error.to_string());
        let (a, b) = (numbers(got)?, numbers(expected)?);
        let (relative, absolute) = self.operation.tolerance(part);
        let floor = 0.01 * relative * largest(&b) + 1e-13 * size + absolute;
        let near = |a: f64, b: f64| {
            let close = !exact && (a - b).abs() <= relative * b.abs() + floor;
            a == b || (a.is_nan() && b.is_nan()) || close
        };
        match a.iter().zip(&b).enumerate().find(|(_, (a, b))| !near(**a, **b)) {
            None => Ok(()),
            Some((i, (a, b))) => Err(format!("{a:?} at {i} of {}, the reference is {b:?}", expected.shape())),
        }
    }
}

/// The largest size of a finite number.
fn largest(all: &[f64]) -> f64 {
    all.iter().filter(|x| x.is_finite()).fold(0.0, |largest, x| largest.max(x.abs()))
}
