//! Sums of products over named axes, and images at computed places: against other ways to the same, and mistakes.

use proptest::prelude::*;
use wengert_autograd::{GridSample, Interpolation, Outside, Tape, Var, gradcheck, gradgradcheck};
use wengert_tensor::{DType, Result, Rng, Shape, Tensor};

fn random(shape: impl Into<Shape>, seed: u64) -> Tensor {
    Tensor::randn(shape, DType::F64, &mut Rng::seed(seed)).unwrap()
}

fn value(x: &[&Tensor], f: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>) -> Result<Tensor> {
    let tape = Tape::new();
    f(&x.iter().map(|x| tape.input(x)).collect::<Vec<_>>()).value()
}

/// Two ways to one result.
fn assert_same(x: &[&Tensor], f: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>, g: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>) {
    let (a, b) = (value(x, f).unwrap(), value(x, g).unwrap());
    assert_eq!(a.shape(), b.shape());
    assert!(a.allclose(&b, 1e-12, 1e-12).unwrap(), "{a}\nand\n{b}\ndiffer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn einsum_is_a_product_and_a_sum(i in 0usize..4, j in 0usize..4, k in 0usize..4, b in 1usize..3) {
        let (x, y, z) = (random([b, i, j], 1), random([b, j, k], 2), random([k, i], 3));
        assert_same(&[&x, &y], |v| v[0].einsum("bij,bjk->bik", &v[1..]), |v| v[0].matmul(v[1]));
        assert_same(&[&x, &y], |v| v[0].einsum("...ij,...jk", &v[1..]), |v| v[0].matmul(v[1]));
        assert_same(&[&x, &z], |v| v[0].einsum("bij,ki->kb", &v[1..]), |v| v[1].matmul(v[0].sum_axes(-1).t()));
        assert_same(&[&x], |v| v[0].einsum("bij->ji", &[]), |v| v[0].sum_axes(0).t());
        assert_same(&[&x, &y, &z], |v| v[0].einsum("bij,bjk,ki->", &v[1..]), |v| {
            v[0].matmul(v[1]).matmul(v[2]).trace().sum()
        });
        assert_same(&[&x, &y], |v| v[0].tensordot(v[1], &[0, -1], &[0, 1]), |v| v[0].matmul(v[1]).sum_axes(0));
        assert_same(&[&z], |v| v[0].tensordot(v[0], &[], &[]), |v| v[0].unsqueeze(-1).unsqueeze(-1) * v[0]);
    }
}

#[test]
fn repeated_letters_are_diagonals_and_single_elements_stretch() {
    let (x, y) = (random([3, 3], 1), random([1, 2], 2));
    assert_same(&[&x], |v| v[0].einsum("ii->i", &[]), |v| v[0].diagonal(0));
    assert_same(&[&x], |v| v[0].einsum("ii", &[]), |v| v[0].trace());
    assert_same(&[&x, &y], |v| v[0].einsum("ij,jk->ik", &v[1..]), |v| v[0].sum_keep(1).matmul(v[1]));
    assert_same(
        &[&x, &y],
        |v| v[0].einsum("i..., ...k -> k...i", &v[1..]),
        |v| v[0].t().unsqueeze(0) * v[1].t().unsqueeze(-1),
    );
}

#[test]
fn contractions_have_derivatives() -> Result<()> {
    let (x, y) = (random([2, 3, 3], 1), random([3, 4], 2));
    gradcheck(|[x, y]| x.einsum("bii,ik->kb", &[y]), [&x, &y])?;
    gradgradcheck(|[x, y]| x.einsum("bij,jk,bik->", &[y, x.einsum("bij,jk->bik", &[y])]), [&x, &y])?;
    gradcheck(|[x, y]| x.tensordot(y, &[-1], &[0]), [&x, &y])?;
    Ok(())
}

#[test]
fn a_wrong_equation_is_a_sentence() {
    let (x, y) = (random([2, 3], 1), random([4], 2));
    let sentence =
        |equation: &str| value(&[&x, &y], |v| v[0].einsum(equation, &v[1..])).unwrap_err().sentence().to_string();
    assert_eq!(sentence("ij"), "einsum: \"ij\": 1 terms for 2 operands");
    assert_eq!(sentence("ij,jk"), "einsum: \"ij,jk\": the term \"jk\" does not fit [4]");
    assert_eq!(sentence("ij,j"), "einsum: \"ij,j\": the axes j have sizes 3 and 4");
    assert_eq!(sentence("ij,k->il"), "einsum: \"ij,k->il\": no operand has the result's l");
    assert_eq!(sentence("ij,k->ii"), "einsum: \"ij,k->ii\": the result has i twice");
    assert_eq!(sentence("i1,k"), "einsum: \"i1,k\": '1' is not a letter");
    for odd in ["", "->", "...,......", "ij,k->->", "ij,k,", "é,k", "ij->k,k", "......ij,k"] {
        assert!(value(&[&x, &y], |v| v[0].einsum(odd, &v[1..])).is_err(), "{odd:?}");
    }
    let dot =
        |i: &[isize], j: &[isize]| value(&[&x, &y], |v| v[0].tensordot(v[1], i, j)).unwrap_err().sentence().to_string();
    assert_eq!(dot(&[0], &[0]), "tensordot: axes of sizes [2] and [4] do not fit");
    assert!(dot(&[2], &[0]).starts_with("tensordot: axis 2 is out of range"), "{}", dot(&[2], &[0]));
    assert!(dot(&[0, 0], &[0, 0]).starts_with("tensordot: "));
}

fn how(interpolation: Interpolation, outside: Outside) -> GridSample {
    GridSample { interpolation, outside, align_corners: true }
}

#[test]
fn an_image_read_at_its_own_places_is_itself() {
    let x = random([2, 3, 4, 5], 1);
    let rows = Tensor::linspace(-1.0, 1.0, 4).unwrap().unsqueeze(1).unwrap().broadcast_to([2, 4, 5]).unwrap();
    let columns = Tensor::linspace(-1.0, 1.0, 5).unwrap().broadcast_to([2, 4, 5]).unwrap();
    let grid = Tensor::stack(&[&columns, &rows], -1).unwrap();
    for interpolation in [Interpolation::Nearest, Interpolation::Linear, Interpolation::Cubic] {
        for outside in [Outside::Border, Outside::Reflection] {
            assert_same(&[&x, &grid], |v| v[0].grid_sample(v[1], how(interpolation, outside)), |v| v[0]);
        }
    }
}

#[test]
fn images_at_places_have_derivatives_and_mistakes_are_sentences() -> Result<()> {
    let (x, grid) = (random([1, 2, 4, 3], 1), Tensor::uniform([1, 3, 2, 2], -0.6, 0.6, DType::F64, &mut Rng::seed(2))?);
    for interpolation in [Interpolation::Linear, Interpolation::Cubic] {
        gradcheck(|[x, g]| x.grid_sample(g, how(interpolation, Outside::Zeros)), [&x, &grid])?;
    }
    let far = Tensor::from([[[f64::NAN], [f64::INFINITY], [-1e300], [7.0]]]);
    let line = random([1, 1, 3], 3);
    for outside in [Outside::Zeros, Outside::Border, Outside::Reflection] {
        let read = value(&[&line, &far], |v| v[0].grid_sample(v[1], how(Interpolation::Linear, outside)))?;
        assert!(read.get::<f64>(&[0, 0, 3])?.is_finite());
    }
    let wrong = value(&[&x, &far], |v| v[0].grid_sample(v[1], how(Interpolation::Nearest, Outside::Border)));
    let sentence = wrong.unwrap_err().sentence().to_string();
    assert_eq!(sentence, "grid_sample: a grid of [1, 4, 1] does not fit images of [1, 2, 4, 3]");
    Ok(())
}
