//! Losses against PyTorch 2's in f64, their reductions, their extremes, and what they refuse.

use wengert_autograd::{Tape, Var, grad};
use wengert_nn::Reduction;
use wengert_nn::loss::*;
use wengert_tensor::{DType, ErrorKind, Result, Tensor};

type Loss = for<'t> fn(Var<'t>, Var<'t>, Reduction) -> Var<'t>;

const HUBER: Loss = |x, y, reduction| huber_with(x, y, 0.75, reduction);

fn at(loss: Loss, x: &Tensor, y: &Tensor, reduction: Reduction) -> Result<Tensor> {
    let tape = Tape::new();
    loss(tape.input(x), tape.input(y), reduction).value()
}

fn gradient(loss: Loss, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    grad(|x| loss(x, x.tape().input(y), Reduction::Sum), x)
}

#[test]
fn elementwise_losses_are_pytorchs() -> Result<()> {
    let x = Tensor::from([[0.25, 0.5], [0.9, 0.1]]);
    let y = Tensor::from([[0.0, 0.5], [1.0, 1.0]]);
    #[rustfmt::skip]
    let cases: [(&str, Loss, f64, [[f64; 2]; 2]); 5] = [
        ("mse", mse_with, 0.22062500000000002, [[0.5, 0.0], [-0.19999999999999996, -1.8]]),
        ("l1", l1_with, 0.3125, [[1.0, 0.0], [-1.0, -1.0]]),
        ("huber", HUBER, 0.10750000000000001, [[0.25, 0.0], [-0.09999999999999998, -0.75]]),
        ("bce", bce_with, 0.8471937154158995, [[1.3333333333333333, 0.0], [-1.1111111111111112, -9.999999999999998]]),
        ("bce_with_logits", bce_with_logits_with, 0.6338917347161522, [[0.5621765008857981, 0.1224593312018546], [-0.2890504973749961, -0.47502081252106]]),
    ];
    for (name, loss, mean, gradients) in cases {
        let value = at(loss, &x, &y, Reduction::Mean)?.item()?;
        assert!((value - mean).abs() < 1e-14, "{name}: {value}, not {mean}");
        let gradients = Tensor::from(gradients);
        let found = gradient(loss, &x, &y)?;
        assert!(found.allclose(&gradients, 1e-13, 0.0)?, "{name}: {found}, not {gradients}");
    }
    Ok(())
}

#[test]
fn losses_of_classes_are_pytorchs() -> Result<()> {
    let x = Tensor::from([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]);
    let labels = Tensor::from([2, 1]);
    let p = Tensor::from([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]);
    type Case<'a> = (&'a str, Loss, &'a Tensor, f64, [[f64; 3]; 2]);
    #[rustfmt::skip]
    let cases: [Case; 3] = [
        ("labels", cross_entropy_with, &labels, 0.9109919530321906, [[0.1752903921400367, 0.03911257327068745, -0.21440296541072412], [0.7184403411510649, -0.7941633960023484, 0.07572305485128351]]),
        ("probabilities", cross_entropy_with, &p, 0.8859919530321906, [[-0.024709607859963317, -0.26088742672931253, 0.2855970345892759], [-0.2815596588489351, 0.20583660399765155, 0.07572305485128351]]),
        ("nll", nll_with, &labels, -1.125, [[0.0, 0.0, -1.0], [0.0, -1.0, 0.0]]),
    ];
    for (name, loss, y, mean, gradients) in cases {
        let value = at(loss, &x, y, Reduction::Mean)?.item()?;
        assert!((value - mean).abs() < 1e-14, "{name}: {value}, not {mean}");
        assert!(gradient(loss, &x, y)?.allclose(&Tensor::from(gradients), 1e-13, 1e-16)?, "{name}");
    }
    Ok(())
}

#[test]
fn reductions_agree() -> Result<()> {
    let x = Tensor::from([[0.25, 0.5, 0.75], [0.9, 0.1, 0.2]]);
    let y = Tensor::from([[0.0, 0.5, 1.0], [1.0, 1.0, 0.0]]);
    let labels = Tensor::from([2, 0]);
    let elementwise: [Loss; 5] = [mse_with, l1_with, HUBER, bce_with, bce_with_logits_with];
    let classes: [Loss; 2] = [cross_entropy_with, nll_with];
    let all = elementwise.map(|loss| (loss, &y, 6.0)).into_iter().chain(classes.map(|loss| (loss, &labels, 2.0)));
    for (loss, y, n) in all {
        let each = at(loss, &x, y, Reduction::None)?;
        let sum = each.iter::<f64>()?.sum::<f64>();
        assert_eq!(each.numel() as f64, n);
        assert!((at(loss, &x, y, Reduction::Sum)?.item()? - sum).abs() < 1e-14);
        assert!((at(loss, &x, y, Reduction::Mean)?.item()? - sum / n).abs() < 1e-14);
    }
    Ok(())
}

#[test]
fn labels_are_certain_probabilities() -> Result<()> {
    let x = Tensor::from([[[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]]);
    let labels = Tensor::from([[2, 0]]);
    let p = Tensor::one_hot(&labels, 3, DType::F64)?;
    let a = at(cross_entropy_with, &x, &labels, Reduction::None)?;
    let b = at(cross_entropy_with, &x, &p, Reduction::None)?;
    assert_eq!(a.shape()[..], [1, 2]);
    assert!(a.allclose(&b, 1e-15, 0.0)?);
    Ok(())
}

#[test]
fn extremes_are_finite_and_so_are_their_gradients() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let p = Tensor::from([0.0, 1.0, 0.0, 1.0]).cast(dtype)?;
        let y = Tensor::from([0.0, 1.0, 1.0, 0.0]).cast(dtype)?;
        let each = at(bce_with, &p, &y, Reduction::None)?;
        assert_eq!(each, Tensor::from([0.0, 0.0, 100.0, 100.0]).cast(dtype)?);
        let bar = gradient(bce_with, &p, &y)?.cast(DType::F64)?;
        assert!(bar.iter::<f64>()?.all(f64::is_finite), "{bar}");

        let x = Tensor::from([1e4, -1e4, 1e4, -1e4]).cast(dtype)?;
        let each = at(bce_with_logits_with, &x, &y, Reduction::None)?;
        assert_eq!(each, Tensor::from([1e4, 1e4, 0.0, 0.0]).cast(dtype)?);
        assert_eq!(gradient(bce_with_logits_with, &x, &y)?, Tensor::from([1.0, -1.0, 0.0, 0.0]).cast(dtype)?);
    }
    let nan = Tensor::from([f64::NAN]);
    assert!(at(bce_with, &nan, &Tensor::from([0.0]), Reduction::Mean)?.item()?.is_nan());
    let empty = Tensor::zeros([0, 3], DType::F64)?;
    assert!(at(mse_with, &empty, &empty, Reduction::Mean)?.item()?.is_nan());
    assert_eq!(at(mse_with, &empty, &empty, Reduction::Sum)?.item()?, 0.0);
    Ok(())
}

#[test]
fn small_losses_keep_their_digits() -> Result<()> {
    let x = Tensor::from([40.0]);
    let loss = at(bce_with_logits_with, &x, &Tensor::from([1.0]), Reduction::Mean)?.item()?;
    assert!((loss / (-40f64).exp() - 1.0).abs() < 1e-14);
    let loss = at(bce_with, &Tensor::from([1e-20]), &Tensor::from([0.0]), Reduction::Mean)?.item()?;
    assert!((loss / 1e-20 - 1.0).abs() < 1e-14);
    Ok(())
}

#[test]
fn mistakes_are_sentences_at_the_callers_line() {
    let float = |shape: &[usize]| Tensor::zeros(shape, DType::F64).unwrap();
    let labels = |shape: &[usize]| Tensor::zeros(shape, DType::I64).unwrap();
    let huber_zero: Loss = |x, y, reduction| huber_with(x, y, 0.0, reduction);
    #[rustfmt::skip]
    let cases: [(Loss, Tensor, Tensor, &str); 10] = [
        (mse_with, float(&[4, 1]), float(&[4]), "mse: prediction [4, 1] and target [4] differ"),
        (l1_with, float(&[4, 1]), float(&[1, 4]), "l1: prediction [4, 1] and target [1, 4] differ"),
        (bce_with, float(&[2]), float(&[]), "bce: prediction [2] and target [] differ"),
        (mse_with, float(&[2]), labels(&[2]), "mse: prediction f64[2] and target i64[2] differ in dtype"),
        (mse_with, labels(&[2]), labels(&[2]), "mse: takes a float dtype, got i64[2]"),
        (huber_zero, float(&[2]), float(&[2]), "huber: delta 0 must be finite and above 0"),
        (cross_entropy_with, float(&[4, 3]), labels(&[4, 1]),
            "cross_entropy: prediction [4, 3] and labels [4, 1] differ: it takes [.., classes] and [..]"),
        (cross_entropy_with, float(&[]), float(&[]), "cross_entropy: logits have an axis of classes, [] has none"),
        (nll_with, float(&[]), labels(&[]), "nll: prediction [] and labels [] differ: it takes [.., classes] and [..]"),
        (nll_with, float(&[4, 3]), float(&[4]), "nll: takes labels of dtype i64, got f64[4]"),
    ];
    for (loss, x, y, sentence) in cases {
        assert_eq!(at(loss, &x, &y, Reduction::Mean).unwrap_err().sentence(), sentence);
    }
    let tape = Tape::new();
    let err = mse(tape.input(&float(&[2])), tape.input(&float(&[3]))).item().unwrap_err();
    assert_eq!(err.location().map(|at| (at.file(), at.line())), Some((file!(), line!() - 1)));
    for label in [-1, 3] {
        let err = at(cross_entropy_with, &float(&[1, 3]), &Tensor::from([label]), Reduction::Mean).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Index);
    }
}
