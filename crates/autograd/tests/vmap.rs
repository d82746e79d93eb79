//! A batch is a loop: over any axis of any argument, nested, through every transformation.

use std::panic::Location;

use wengert_autograd::transform::pullback;
use wengert_autograd::{
    Tape, Var, checkpoint, custom_vjp, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp, vmap, vmap_axes,
};
use wengert_tensor::{Conv, DType, ErrorKind, Result, Rng, Tensor};

fn random(shape: &[usize], seed: u64) -> Tensor {
    // Positive numbers, away from kinks and poles.
    Tensor::uniform(shape, 0.25, 1.75, DType::F64, &mut Rng::seed(seed)).unwrap()
}

#[track_caller]
fn close(a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

type Function = for<'t> fn([Var<'t>; 2]) -> Var<'t>;

/// Functions of a [3, 4] and a [4], of many operations; each kind of rule is among them.
const FUNCTIONS: &[(&str, Function)] = &[
    ("arithmetic", |[x, w]| x * w - w / x + (x * x).sqrt()),
    ("powers", |[x, w]| x.pow(w) + x.powi(3) + x.powf(1.5) + x.hypot(w)),
    ("smooth", |[x, w]| (x.sin() * w.cosh()).tanh() + x.erf() + w.lgamma() + x.softplus().sigmoid()),
    ("matmul", |[x, w]| x.matmul(w.unsqueeze(-1)) + x.matmul(x.t()).sum_keep(-1)),
    ("einsum", |[x, w]| x.einsum("ij,kj,j->ik", &[x, w])),
    ("reductions", |[x, w]| x.sum_axes(0) * w.mean() + x.max_axes(0) - x.min_axes(0) + x.prod_axes(0)),
    ("statistics", |[x, w]| x.var_axes(-1, 1) + x.std_axes(-1, 0) + w.norm(2.0) + x.logsumexp(1)),
    ("softmax", |[x, w]| x.softmax(-1) * w.log_softmax(0) + x.layer_norm(1, Some(w), None, 1e-5)),
    ("running", |[x, w]| x.cumsum(0) + x.cumprod(1) * w.cummax(0) + x.logcumsumexp(-1)),
    ("sorting", |[x, w]| x.sort(1, true) * w.sort(0, false) + x.topk(1, -1, true).0),
    ("selection", |[x, w]| x.greater(w).where_(x * x, w) + x.clamp(0.5, w)),
    ("views", |[x, w]| x.t().flip(0).reshape([3, 4]) + w.roll(0, 1) + x.slice(1, .., 1)),
    ("padding", |[x, w]| Var::concat(&[x, w.unsqueeze(0)], 0).pad(&[(1, 0), (0, 2)], 0.5).narrow(0, 1, 2)),
    ("gather", |[x, w]| x.gather(1, w.argsort(0, false).unsqueeze(0).broadcast_to([3, 4]))),
    ("index select", |[x, w]| x.index_select(1, w.argsort(0, true)) * x.t().index_select(0, w.argmax(0)).unsqueeze(-1)),
    ("scatter", |[x, w]| x.scatter_add(0, x.argsort(0, false), x * x).index_add(1, w.argsort(0, false), x)),
    ("convolution", |[x, w]| {
        let kernel = w.reshape([1, 1, 2, 2]);
        x.reshape([1, 1, 3, 4]).conv(kernel, &Conv::new(2)).reshape([2, 3])
    }),
    ("windows", |[x, w]| x.windows(&[2], &[1], &[1]).sum_axes(-1) + w.windows(&[2], &[1], &[2]).fold(&[3], &[1], &[1])),
    ("casts", |[x, w]| x * w.cast(DType::I64).cast(DType::F64) + (x * w).floor()),
    ("custom", |[x, w]| {
        custom_vjp(|[x]| x.sin(), |[x], _, ybar| [Some(ybar * x.cos())], [x]) * checkpoint(|x| x * w, x)
    }),
];

/// The batch over axes of the two arguments, in place `out`, is the loop.
#[track_caller]
fn check(name: &str, f: impl for<'t> Fn([Var<'t>; 2]) -> Var<'t> + Copy, axes: [Option<isize>; 2], out: isize) {
    let n = 5;
    let argument = |shape: &[usize], axis: Option<isize>, seed| {
        let mut shape = shape.to_vec();
        if let Some(axis) = axis {
            shape.insert(axis.rem_euclid(shape.len() as isize + 1) as usize, n);
        }
        random(&shape, seed)
    };
    let (x, w) = (argument(&[3, 4], axes[0], 1), argument(&[4], axes[1], 2));
    let at = Location::caller();
    let together = vmap_axes(f, [&x, &w], axes, out).unwrap_or_else(|error| panic!("{name}: {error} for {at}"));
    for k in 0..n as isize {
        let single = |x: &Tensor, axis: Option<isize>| match axis {
            Some(axis) => x.select_axis(axis, k).unwrap(),
            None => x.clone(),
        };
        let tape = Tape::new();
        let y = f([tape.input(&single(&x, axes[0])), tape.input(&single(&w, axes[1]))]).value().unwrap();
        let one = together.select_axis(out, k).unwrap();
        assert!(one.allclose(&y, 1e-12, 1e-12).unwrap(), "{name} over {axes:?}, number {k}:\n{one}\nand\n{y}");
    }
}

#[test]
fn any_axis_of_any_argument() {
    for &(name, f) in FUNCTIONS {
        for axes in [[Some(0), None], [None, Some(0)], [Some(1), Some(-1)], [Some(-1), Some(0)]] {
            check(name, f, axes, 0);
        }
        check(name, f, [Some(2), Some(1)], -1);
    }
}

#[test]
fn over_gradients_of_every_kind() {
    fn pulled<'t>(f: Function, [x, w]: [Var<'t>; 2]) -> Var<'t> {
        let y = f([x, w]);
        // A cotangent that is not all ones.
        let bars = pullback(&[y], &[Some(y.cos())], &[x, w]);
        let there: Vec<Var<'t>> = bars.into_iter().flatten().map(|bar| bar.flatten()).collect();
        Var::concat(&there, 0)
    }
    for &(name, f) in FUNCTIONS {
        check(name, |v| pulled(f, v), [Some(1), None], 0);
        check(name, |v| pulled(f, v), [Some(0), Some(0)], 1);
        // The second derivative.
        check(name, |[x, w]| grad(|x| pulled(f, [x, w]).sin().sum(), x), [Some(0), Some(1)], 0);
    }
}

#[test]
fn batches_of_whole_transformations_are_loops() {
    fn f<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        (x.matmul(w.unsqueeze(-1)).tanh() * x).sum_axes(0)
    }
    let axes = [Some(0), Some(-1)];
    check("jvp", |[x, w]| jvp(f, [x, w], [x * x, w.sin()]).1, axes, 0);
    check("vjp", |[x, w]| vjp(f, [x, w], w).1[0], axes, 0);
    check("jacobian", |[x, w]| jacobian(|w| f([x, w]), w), axes, 0);
    check("hessian", |[x, w]| hessian(|w| f([x, w]).sum(), w), axes, 0);
    check("hvp", |[x, w]| hvp(|w| f([x, w]).sum(), w, w), axes, 0);
    check("value_and_grad", |[x, w]| value_and_grad(|w| f([x, w]).square().sum(), w).1, axes, 0);
}

#[test]
fn nested_over_different_axes() -> Result<()> {
    let (x, w) = (random(&[3, 2, 4], 1), random(&[4, 5], 2));
    // y[i, j, k] = f(x[:, i, :], w[:, j]) with its axis k last, mapped from the outside in.
    fn f<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        x.matmul(w).sin()
    }
    let nested = vmap_axes(|[x, w]| vmap_axes(f, [x, w], [None, Some(1)], 0), [&x, &w], [Some(1), None], 0)?;
    assert_eq!(nested.shape()[..], [2, 5, 3]);
    for i in 0..2 {
        for j in 0..5 {
            let tape = Tape::new();
            let one = f([tape.input(&x.select_axis(1, i)?), tape.input(&w.select_axis(1, j)?)]).value()?;
            close(&nested.select_axis(0, i)?.select_axis(0, j)?, &one);
        }
    }
    Ok(())
}

#[test]
fn unmapped_arguments_are_seen_whole_and_differentiated() -> Result<()> {
    let (x, w) = (random(&[3, 4], 1), random(&[4], 2));
    // The gradient of a batch by what is shared in it is the sum over the batch.
    let shared = grad(|[x, w]| vmap_axes(|[x, w]| (x * w).sin().sum(), [x, w], [Some(0), None], 0).sum(), [&x, &w])?;
    let looped = grad(|[x, w]| (x * w).sin().sum(), [&x, &w])?;
    close(&shared[0], &looped[0]);
    close(&shared[1], &looped[1]);
    // A result that no mapped argument reaches is repeated.
    let repeated = vmap_axes(|[_, w]| w, [&x, &w], [Some(1), None], -1)?;
    assert_eq!(repeated.shape()[..], [4, 4]);
    close(&repeated.select_axis(1, 3)?, &w);
    // Nothing to do, and no dimension at all.
    assert_eq!(vmap_axes(|x| x.exp(), &Tensor::zeros([4, 0], DType::F64)?, Some(1), 0)?.shape()[..], [0, 4]);
    close(&vmap_axes(|x| x * 2.0, &w, Some(0), 0)?, &vmap(|x| x + x, &w)?);
    Ok(())
}

#[test]
fn mistakes_in_axes_are_sentences() {
    let (x, w) = (random(&[3, 4], 1), random(&[4], 2));
    let f = |axes, out| vmap_axes(|[x, w]| x * w, [&x, &w], axes, out).unwrap_err();
    let sizes = f([Some(0), Some(0)], 0);
    assert_eq!(sizes.kind(), ErrorKind::Shape);
    assert!(sizes.to_string().starts_with("vmap: axis 0 of [3, 4], axis 0 of [4] are not of one size, at "), "{sizes}");
    let missing = f([Some(2), None], 0);
    assert!(missing.to_string().starts_with("vmap: axis 2 is out of range for shape [3, 4]"), "{missing}");
    let none = f([None, None], 0);
    assert!(none.to_string().starts_with("vmap: of no argument there is an axis to map over"), "{none}");
    let out = f([Some(0), None], 5);
    assert!(out.to_string().contains("axis 5 is out of range"), "{out}");
    let few = vmap_axes(|v| v[0], vec![&x], vec![], 0).unwrap_err();
    assert!(few.to_string().starts_with("vmap: 0 axes for 1 arguments"), "{few}");
    for error in [sizes, missing, none, out, few] {
        assert!(error.to_string().contains("vmap.rs:"), "{error}");
    }
}
