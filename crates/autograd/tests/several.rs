//! Functions of several results: each answer is what the function of that result alone has.

use wengert_autograd::{
    Tape, Var, grad, jacobian, jacobian_several, jvp, jvp_several, linearize, linearize_several, vjp, vmap, vmap_axes,
    vmap_several,
};
use wengert_tensor::{DType, Result, Rng, Tensor};

fn close(a: &Tensor, b: &Tensor) {
    assert_eq!(a.shape(), b.shape());
    assert!(a.allclose(b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}");
}

fn random(shape: &[usize], seed: u64) -> Result<Tensor> {
    Tensor::uniform(shape, 0.25, 1.75, DType::F64, &mut Rng::seed(seed))
}

/// Of a [3, 4] and a [4]: results that are larger and smaller than the arguments, and a number.
fn f<'t>([x, w]: [Var<'t>; 2]) -> [Var<'t>; 3] {
    [(x * w).sin(), x.matmul(w.unsqueeze(-1)).squeeze(-1), w.square().sum()]
}

#[test]
fn a_pushforward_is_adjoint_to_the_pullback() -> Result<()> {
    let (x, w) = (random(&[3, 4], 1)?, random(&[4], 2)?);
    let (dx, dw) = (random(&[3, 4], 3)?, random(&[4], 4)?);
    let bars = [random(&[3, 4], 5)?, random(&[3], 6)?, random(&[], 7)?];
    let (ys, dys) = jvp_several(f, [&x, &w], [&dx, &dw])?;
    let (zs, [xbar, wbar]) = vjp(f, [&x, &w], [&bars[0], &bars[1], &bars[2]])?;
    let inner = |a: &Tensor, b: &Tensor| a.mul(b)?.sum()?.item();
    let (mut left, right) = (0.0, inner(&xbar, &dx)? + inner(&wbar, &dw)?);
    for i in 0..3 {
        close(&ys[i], &zs[i]);
        close(&dys[i], &jvp(|v| f(v)[i], [&x, &w], [&dx, &dw])?.1);
        left += inner(&bars[i], &dys[i])?;
    }
    assert!((left - right).abs() < 1e-12 * right.abs());
    // The linear map does the same as often as one likes.
    let (values, map) = linearize_several(f, [&x, &w])?;
    values.iter().zip(&ys).for_each(|(a, b)| close(a, b));
    map.apply_all([&dx, &dw])?.iter().zip(&dys).for_each(|(a, b)| close(a, b));
    let back = map.transpose_all([&bars[0], &bars[1], &bars[2]])?;
    back.iter().zip([&xbar, &wbar]).for_each(|(a, b)| close(a, b));
    Ok(())
}

#[test]
fn a_jacobian_comes_in_blocks_whichever_way_it_goes() -> Result<()> {
    let (x, w) = (random(&[3, 4], 1)?, random(&[4], 2)?);
    let blocks = jacobian_several(f, [&x, &w])?;
    for (i, [by_x, by_w]) in blocks.iter().enumerate().take(2) {
        let [one_x, one_w] = jacobian(|v| f(v)[i], [&x, &w])?;
        close(by_x, &one_x);
        close(by_w, &one_w);
    }
    // The number does not depend on x, which others do.
    close(&blocks[2][0], &Tensor::zeros([3, 4], DType::F64)?);
    close(&blocks[2][1], &grad(|w| w.square().sum(), &w)?);
    // Reverse mode: the results are smaller.
    let [[a], [b]] = jacobian_several(|[x]| [x.sum_axes(0), x.prod()], [&x])?;
    close(&a, &jacobian(|x| x.sum_axes(0), &x)?);
    close(&b, &jacobian(|x| x.prod(), &x)?);
    // At variables, and differentiable again.
    let tape = Tape::new();
    let v = tape.input(&w);
    let [cubes, _] = jacobian_several(|v| [v * v * v, v], v);
    close(&cubes.sum().grad(v).value()?, &(6.0 * v).value()?);
    tape.check()
}

#[test]
fn a_batch_of_several_results_is_a_loop() -> Result<()> {
    let (x, w) = (random(&[3, 5, 4], 1)?, random(&[4], 2)?);
    let all = vmap_several(f, [&x, &w], [Some(1), None], [-1, 1, 0])?;
    for (i, out) in [-1, 1, 0].into_iter().enumerate() {
        close(&all[i], &vmap_axes(|v| f(v)[i], [&x, &w], [Some(1), None], out)?);
        for k in 0..5 {
            let tape = Tape::new();
            let one = f([tape.input(&x.select_axis(1, k)?), tape.input(&w)])[i].value()?;
            close(&all[i].select_axis(out, k)?, &one);
        }
    }
    // Values and per-example gradients together, and nested.
    let rows = random(&[5, 4], 3)?;
    let [values, slopes] = vmap_several(|x| [x.exp().sum(), grad(|x| x.exp().sum(), x)], &rows, Some(0), [0, 0])?;
    close(&slopes, &rows.exp()?);
    close(&values, &rows.exp()?.sum_axes(1)?);
    let [twice] = vmap_several(|m| [vmap(|r| r.softmax(0), m)], &x, Some(2), [2])?;
    close(&twice, &vmap_axes(|m| m.softmax(1), &x, [2].map(Some)[0], 2)?);
    Ok(())
}

#[test]
fn what_is_lost_or_wrong_is_said() -> Result<()> {
    let x = Tensor::from([0.5, -1.0]);
    let says = |error: wengert_tensor::Error, sentence: &str| {
        let text = error.to_string();
        assert!(text.contains(sentence) && text.contains("several.rs:"), "{text}");
    };
    says(
        jvp_several(|x| [x * x, x.floor()], &x, &x).unwrap_err(),
        "jvp: the result depends on the arguments only through floor",
    );
    says(
        jvp_several(|x| [x * x, x.full_like(1.0)], &x, &x).unwrap_err(),
        "jvp: the result does not depend on the arguments",
    );
    says(jacobian_several(|x| [x * x, x.detach()], &x).unwrap_err(), "only through detach");
    says(jacobian_several(|[x, _]| [x * x, x], [&x, &x]).unwrap_err(), "does not depend on argument 1");
    says(jacobian_several(|x| [x, x.cast(DType::I64)], &x).unwrap_err(), "only floats have derivatives");
    says(linearize_several(|x| [x, x.sign()], &x).unwrap_err(), "only through sign");
    says(vmap_several(|x| [x, x], &x, Some(0), [0, 3]).unwrap_err(), "axis 3");
    says(vmap_several(|x| [x, x], &x, Some(4), [0, 0]).unwrap_err(), "vmap: axis 4");
    let (_, map) = linearize_several(|x| [x, x.sum()], &x)?;
    assert!(map.apply(&x).is_err() && map.transpose(&x).is_err() && map.apply_all([&x, &x]).is_err());
    assert_eq!(linearize(|x| x.sin(), &x)?.1.apply_all(&x)?.len(), 1);
    Ok(())
}
