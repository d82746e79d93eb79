//! Derivatives said by the user, recomputation, and linear maps: alike in value and in every derivative to what they stand for.

use wengert_autograd::{
    Tape, Var, checkpoint, custom_jvp, custom_vjp, grad, gradcheck, gradgradcheck, hessian, jvp, linearize, remat,
    straight_through, value_and_grad, vjp, vmap,
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

fn within_nothing<'t>([x, w]: [Var<'t>; 2]) -> Var<'t> {
    remat(|x| plain([x, w]), x, 0)
}

fn close(a: &Tensor, b: &Tensor) {
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

type Two = for<'t> fn([Var<'t>; 2]) -> Var<'t>;

#[test]
fn every_mode_and_order_follows_from_one_derivative() -> Result<()> {
    let (x, w) = (Tensor::from([0.5, -1.0, 2.0]), Tensor::from([1.5, 0.25, -0.75]));
    for f in [by_vjp as Two, by_jvp, recomputed, within_nothing] {
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
    for f in [by_vjp as Two, by_jvp, recomputed, within_nothing] {
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

/// Steps that read what is two steps back, with views, a parameter and a choice among them.
fn tangled<'t>(x: Var<'t>, w: Var<'t>) -> Var<'t> {
    let (mut a, mut b) = (x, x.sin());
    for k in 0..12 {
        let c = (a.t().matmul(b) * 0.1 + w).tanh() + b.t().t();
        (a, b) = (b, if k % 3 == 0 { c.greater(0.5).where_(c * a, c) } else { c });
    }
    a * b
}

#[test]
fn any_budget_gives_the_same_bits_and_a_smaller_one_computes_more_again() -> Result<()> {
    let x = Tensor::randn([9, 9], DType::F64, &mut Rng::seed(1))?;
    let w = Tensor::randn([9], DType::F64, &mut Rng::seed(2))?;
    let kept = value_and_grad(|[x, w]| tangled(x, w).sum(), [&x, &w])?;
    // Large enough for every product to be a step of the program.
    let mut products = Vec::new();
    for budget in [usize::MAX, 12_500, 10_000, 7_500, 5_000, 0] {
        let again = value_and_grad(|[x, w]| remat(|x| tangled(x, w), x, budget).sum(), [&x, &w])?;
        assert_eq!(again, kept, "with {budget} bytes");
        let tape = Tape::new();
        let (x, w) = (tape.input(&x), tape.input(&w));
        let gradients = remat(|x| tangled(x, w), x, budget).sum().grads(&[x, w]);
        tape.check()?;
        assert_eq!(tape.to_string().contains(" = checkpoint "), budget <= 12_500);
        products.push(tape.compile(&[x, w], &gradients)?.to_string().matches("matmul ->").count());
    }
    // A product forwards and two backwards for each of twelve steps; and forwards again, of all but what is kept.
    assert!(products[0] == 36 && products.is_sorted() && (40..=48).contains(&products[5]), "{products:?}");
    // Segments of batches, of tangents, and of one another.
    fn f<'t>(x: Var<'t>, w: Var<'t>) -> Var<'t> {
        remat(|x| remat(|x| tangled(x, w), x, 4_500).square(), x, 10_000)
    }
    let batch = Tensor::randn([3, 9, 9], DType::F64, &mut Rng::seed(3))?;
    let g = vmap(|x| grad(|x| f(x, x.tape().input(&w)).sum(), x), &batch)?;
    for i in 0..3 {
        let one = grad(|x| tangled(x, x.tape().input(&w)).square().sum(), &batch.select_axis(0, i)?)?;
        close(&g.select_axis(0, i)?, &one);
    }
    gradgradcheck(|x| remat(|x| tangled(x, x.tape().input(&w)), x, 5_000), &x)?;
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
