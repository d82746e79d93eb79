//! Derivatives said by the user, recomputation, and linear maps: alike in value and in every derivative to what they stand for.

use wengert_autograd::{
    Tape, Var, checkpoint, custom_jvp, custom_vjp, grad, gradcheck, gradgradcheck, hessian, jvp, linearize,
    straight_through, vjp, vmap,
};
use wengert_tensor::{DType, ErrorKind, Result, Rng, Tensor};

fn plain<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
    (x * w).sin()
}

fn by_vjp<'t>(v: [Var<'t>; 2]) -> Var<'t> {
    custom_vjp(plain, |[x, w], _, ybar| [w, x].map(|by| Some(ybar * (x * w).cos() * by)), v)
}

fn by_jvp<'t>(v: [Var<'t>; 2]) -> Var<'t> {
    custom_jvp(plain, |[x, w], _, [dx, dw]| (x * w).cos() * (dx * w + x * dw), v)
}

fn recomputed<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
    checkpoint(|x| plain([x, w]), x)
}

fn close(a: &Tensor, b: &Tensor) {
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

type Two = for<'t> fn([Var<'t>; 2]) -> Var<'t>;

#[test]
fn every_mode_and_order_follows_from_one_derivative() -> Result<()> {
    let (x, w) = (Tensor::from([0.5, -1.0, 2.0]), Tensor::from([1.5, 0.25, -0.75]));
    for f in [by_vjp as Two, by_jvp, recomputed] {
        gradcheck(f, [&x, &w])?;
        gradgradcheck(f, [&x, &w])?;
        close(&jvp(f, [&x, &w], [&w, &x])?.1, &jvp(plain, [&x, &w], [&w, &x])?.1);
        let (a, b) = (vjp(f, [&x, &w], &w)?.1, vjp(plain, [&x, &w], &w)?.1);
        let (ha, hb) = (hessian(|v| f(v).sum(), [&x, &w])?, hessian(|v| plain(v).sum(), [&x, &w])?);
        for i in 0..2 {
            close(&a[i], &b[i]);
            (0..2).for_each(|j| close(&ha[i][j], &hb[i][j]));
        }
        // The third derivative, and the second over a tangent.
        let third = |f: Two| grad(|x| grad(|x| grad(|x| f([x, x]).sum(), x).sum(), x).sum(), &x);
        close(&third(f)?, &third(plain)?);
    }
    Ok(())
}

#[test]
fn batches_are_loops_also_of_gradients_and_nested() -> Result<()> {
    let x = Tensor::randn([2, 3, 4], DType::F64, &mut Rng::seed(1))?;
    let w = Tensor::randn([4], DType::F64, &mut Rng::seed(2))?;
    for f in [by_vjp as Two, by_jvp, recomputed] {
        let nested = |f: Two| vmap(|x| vmap(|x| grad(|x| f([x, x.tape().input(&w)]).sum(), x), x), &x);
        close(&nested(f)?, &nested(plain)?);
        // A gradient of a batch, by what is repeated in it.
        let outside = |f: Two| grad(|w| vmap(|x| vmap(|x| f([x, w]), x), w.tape().input(&x)).sum(), &w);
        close(&outside(f)?, &outside(plain)?);
        let forward = |f: Two| vmap(|x| jvp(|x| f([x, x]), x, x).1, &x);
        close(&forward(f)?, &forward(plain)?);
    }
    Ok(())
}

#[test]
fn variables_that_would_lose_their_gradient_are_refused() {
    let (x, w) = (Tensor::from([1.0]), Tensor::from([2.0]));
    let error = grad(|[x, w]| custom_jvp(|[x]| x * w, |_, _, [dx]| dx, [x]).sum() + w.sum(), [&x, &w]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Gradient);
    assert!(error.sentence().contains("custom_jvp: the function uses %1: f64[1], which is not among"), "{error}");
    let keyed = grad(|x| straight_through(|x| x * x.tape().keyed_input(3, &w), x).sum(), &x).unwrap_err();
    assert!(keyed.sentence().contains("not among its arguments"), "{keyed}");
    // A constant of its own is no one's loss.
    assert!(grad(|x| straight_through(|x| x * x.tape().input(&w), x).sum(), &x).is_ok());
    // Wrong shapes are the fault of whoever wrote the derivative.
    let tangent = jvp(|x| custom_jvp(|[x]| x, |_, _, [dx]| dx.sum(), [x]), &x, &x).unwrap_err();
    assert!(tangent.sentence().contains("custom_jvp: a tangent of f64[] for a result of f64[1]"), "{tangent}");
    let cotangent = grad(|x| custom_vjp(|[x]| x, |_, _, b| [Some(b.sum())], [x]).sum(), &x).unwrap_err();
    assert!(cotangent.sentence().contains("vjp of custom_vjp"), "{cotangent}");
}

#[test]
fn a_checkpoint_differentiates_by_all_that_it_uses_and_computes_it_again() -> Result<()> {
    let tape = Tape::new();
    let (x, w) = (tape.input(&Tensor::from([0.5])), tape.input(&Tensor::from([2.0])));
    let y = checkpoint(|x| (x * w + tape.keyed_input(1, &Tensor::from([1.0]))).sin(), x);
    let key = tape.keyed(1).unwrap_or(x);
    let g = y.sum().grads(&[x, w, key]);
    let values = tape.finish(&g)?;
    let cos = 2f64.cos();
    for (value, by_hand) in values.iter().zip([2.0 * cos, 0.5 * cos, cos]) {
        close(value, &Tensor::from([by_hand]));
    }
    let text = tape.to_string();
    assert_eq!(text.matches(" sin").count(), 2, "{text}");
    tape.check()?;
    // A result that is nothing new, and a mistake, pass through.
    assert_eq!(checkpoint(|x| x, x).id(), x.id());
    assert!(checkpoint(|x| x.reshape([7]), x).is_poisoned());
    Ok(())
}

#[test]
fn a_linear_map_is_the_derivative_both_ways() -> Result<()> {
    fn f<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
        x.matmul(w).tanh().sum_axes(0)
    }
    let x = Tensor::randn([3, 4], DType::F64, &mut Rng::seed(1))?;
    let w = Tensor::randn([4, 2], DType::F64, &mut Rng::seed(2))?;
    let (y, map) = linearize(f, [&x, &w])?;
    for seed in 3..6 {
        let dx = Tensor::randn([3, 4], DType::F64, &mut Rng::seed(seed))?;
        let dw = Tensor::randn([4, 2], DType::F64, &mut Rng::seed(seed + 10))?;
        let (value, dy) = jvp(f, [&x, &w], [&dx, &dw])?;
        close(&y, &value);
        close(&map.apply([&dx, &dw])?, &dy);
        let (_, bars) = vjp(f, [&x, &w], &dy)?;
        map.transpose(&dy)?.iter().zip(&bars).for_each(|(a, b)| close(a, b));
    }
    assert!(map.apply([&x]).is_err() && map.apply([&w, &x]).is_err() && map.transpose(&x).is_err());
    assert_eq!(linearize(|x| x.detach(), &x).unwrap_err().kind(), ErrorKind::Gradient);
    assert!(linearize(|x| x.reshape([5]), &x).is_err());
    Ok(())
}
