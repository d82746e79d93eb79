//! Full Hessians, in f64, recorded and compiled once.

use wengert::prelude::*;

use crate::data::normals;
use crate::measure::Course;

/// Checks and times the Hessian of `f` at `x`.
fn full(course: &Course, x: &Tensor, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) -> Result<()> {
    course.check("value", value_and_grad(&f, x)?.0.item()?);
    let mut f = compile(|[x]| [hessian(&f, x)]);
    let mut answers = f.run([x])?;
    course.check_size("habs", &answers[0])?;
    course.time(|| f.run_into([x], &mut answers))
}

/// The mean squared error of a 10-20-1 network on 64 rows, as a function of its 241 parameters in one vector.
pub fn mlp(course: &Course) -> Result<()> {
    let (x, y) = (normals(300, [64, 10], 1.0, DType::F64)?, normals(301, [64, 1], 1.0, DType::F64)?);
    let parameters = normals(302, [241], 0.5, DType::F64)?;
    full(course, &parameters, |p| {
        let (x, y) = (p.tape().input(&x), p.tape().input(&y));
        let (w1, b1) = (p.narrow(0, 0, 200).reshape([10, 20]), p.narrow(0, 200, 20));
        let (w2, b2) = (p.narrow(0, 220, 20).reshape([20, 1]), p.narrow(0, 240, 1));
        let error = (x.matmul(w1) + b1).tanh().matmul(w2) + b2 - y;
        (error * error).mean()
    })
}

/// Rosenbrock's function of 100 numbers: Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)².
pub fn rosenbrock(course: &Course) -> Result<()> {
    full(course, &normals(310, [100], 1.0, DType::F64)?, |x| {
        let (a, b) = (x.narrow(0, 0, 99), x.narrow(0, 1, 99));
        let (valley, slope) = (b - a * a, 1.0 - a);
        (100.0 * valley * valley + slope * slope).sum()
    })
}
