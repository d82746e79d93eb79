//! An operation of one's own, outside the engine: a kernel, a derivative, a batching rule, and the
//! checks that they are right.

use wengert::op::{Custom, Example, Rule};
use wengert::prelude::*;
use wengert::{Type, View, ViewMut, gradcheck, gradgradcheck};

/// y_i = Σ_j coefficient_j x_i^j, by Horner's scheme in one pass: operands are x and the coefficients [n].
#[derive(Debug, PartialEq, Hash)]
struct Polynomial;

impl Rule for Polynomial {
    fn name(&self) -> &'static str {
        "polynomial"
    }

    fn infer(&self, operands: &[&Type]) -> Result<Type> {
        match operands {
            [x, c] if x.dtype == DType::F64 && c.dtype == DType::F64 && c.shape.rank() == 1 => Ok((*x).clone()),
            _ => Err(Error::shape(format!(
                "polynomial: takes f64 values and a list of f64 coefficients, got {operands:?}"
            ))),
        }
    }

    fn eval(&self, operands: &[View], out: ViewMut) -> Result<()> {
        let (x, coefficients) = (operands[0].typed::<f64>("polynomial")?, operands[1].typed::<f64>("polynomial")?);
        let coefficients = elements(coefficients);
        for (y, x) in out.typed::<f64>("polynomial")?.iter_mut().zip(elements(x)) {
            *y = coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
        }
        Ok(())
    }

    // dy = p'(x) dx + Σ_j x^j dc_j
    fn jvp<'t>(&self, v: &[Var<'t>], _: Var<'t>, dv: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        let by_x = dv[0].map(|dx| slope(v[0], v[1]) * dx);
        let by_c = dv[1].map(|dc| polynomial(v[0], dc));
        match (by_x, by_c) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        }
    }

    fn vjp<'t>(&self, i: usize, v: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        match i {
            0 => Some(slope(v[0], v[1]) * ybar),
            _ => {
                let powers = (0..v[1].shape()[0]).map(|j| (v[0].powi(j as i32) * ybar).sum());
                Some(Var::stack(&powers.collect::<Vec<_>>(), 0))
            }
        }
    }

    // The values may have any shape; a batch of coefficients is a polynomial written out.
    fn batch<'t>(&self, v: &[Var<'t>], batched: &[bool], n: usize) -> Var<'t> {
        if !batched[1] {
            return polynomial(v[0], v[1]);
        }
        let x = if batched[0] { v[0] } else { v[0].broadcast_to(v[0].shape().with_axis(0, n)) };
        let sizes: Vec<usize> = [n].into_iter().chain(x.shape().iter().skip(1).map(|_| 1)).collect();
        let coefficient = |j: usize| v[1].select_axis(1, j as isize).reshape(&sizes[..]);
        let terms = (0..v[1].shape()[1]).rev().map(coefficient);
        terms.fold(x * 0.0, |sum, c| sum * x + c)
    }

    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

/// The elements in row-major order, wherever they lie.
fn elements(x: wengert::view::Strided<f64>) -> Vec<f64> {
    let (shape, strides) = (x.layout.shape(), x.layout.strides());
    let place = |mut i: usize| {
        let mut place = x.layout.offset() as isize;
        for (&size, stride) in shape.iter().zip(strides).rev() {
            place += (i % size) as isize * stride;
            i /= size;
        }
        place as usize
    };
    (0..shape.numel()).map(|i| x.data[place(i)]).collect()
}

#[track_caller]
fn polynomial<'t>(x: Var<'t>, coefficients: Var<'t>) -> Var<'t> {
    x.tape().record(Custom::new(Polynomial), &[x, coefficients])
}

/// p'(x), a polynomial of its own: so derivatives of every order end in the same kernel.
fn slope<'t>(x: Var<'t>, coefficients: Var<'t>) -> Var<'t> {
    let n = coefficients.shape().first().copied().unwrap_or(0);
    if n < 2 {
        return x.full_like(0.0);
    }
    let factors: Vec<f64> = (1..n).map(|j| j as f64).collect();
    polynomial(x, coefficients.narrow(0, 1, n - 1) * x.tape().input(&factors.into()))
}

fn point() -> (Tensor, Tensor) {
    (Tensor::from([[0.5, -1.0], [2.0, 0.25]]), Tensor::from([1.0, -2.0, 0.5, 3.0]))
}

#[test]
fn the_kernel_computes_for_any_layout() -> Result<()> {
    let (x, c) = point();
    let tape = Tape::new();
    let (x, c) = (tape.input(&x), tape.input(&c));
    let horner = ((3.0 * x + 0.5) * x - 2.0) * x + 1.0;
    assert!(polynomial(x, c).value()?.allclose(&horner.value()?, 1e-14, 0.0)?);
    assert!(polynomial(x.t(), c).value()?.allclose(&horner.t().value()?, 1e-14, 0.0)?);
    Ok(())
}

#[test]
fn its_derivatives_are_right_to_second_order_and_in_batches() -> Result<()> {
    let (x, c) = point();
    gradcheck(|[x, c]| polynomial(x, c), [&x, &c])?;
    gradgradcheck(|[x, c]| polynomial(x, c), [&x, &c])?;
    let third = hessian(|x| grad(|x| polynomial(x, x.tape().input(&c)).sum(), x).sum(), &Tensor::from([0.3]))?;
    assert_eq!(third, Tensor::from([[18.0]]));

    let rows = Tensor::from([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]]);
    let together = vmap(|c| polynomial(c.tape().input(&x), c), &rows)?;
    for i in 0..3 {
        let row = rows.select_axis(0, i)?;
        let tape = Tape::new();
        let alone = polynomial(tape.input(&x), tape.input(&row)).value()?;
        assert!(together.select_axis(0, i)?.allclose(&alone, 1e-14, 0.0)?);
    }
    Ok(())
}

#[test]
fn its_mistakes_name_the_users_line() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0]));
    let error = polynomial(x, x.sum()).value().unwrap_err().to_string();
    assert!(error.starts_with("polynomial: takes f64 values") && error.contains("custom_op.rs:"), "{error}");
}
