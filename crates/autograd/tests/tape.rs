//! What the tape promises: mistakes kept with their line, values computed once and only where needed,
//! no recursion however long it is.

use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, ErrorKind, Result, Tensor};

#[test]
fn the_first_mistake_is_kept_with_its_line_and_poisons_what_follows() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([[1.0, 2.0]]));
    let bad = x.matmul(x);
    let line = line!() - 1;
    let worse = (bad + 1.0).reshape([7]).sum_axes(9).exp().permute([3, 1]).broadcast_to([2]);
    assert!(worse.is_poisoned());
    let error = worse.value().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Shape);
    assert_eq!(error.location().map(|at| (at.file(), at.line())), Some((file!(), line)));
    assert_eq!(tape.first_error(), Some(error.clone()));
    // Gradients of what is poisoned are poisoned by the same mistake; the rest of the tape is sound.
    assert_eq!(worse.sum().grad(x).value().unwrap_err(), error);
    assert_eq!((x + x).sum().item().unwrap(), 6.0);
}

/// A way to make a mistake, and what its sentence says.
type Mistake = (fn(Var<'_>) -> Var<'_>, &'static str);

#[test]
fn every_mistake_is_a_sentence_with_a_place() {
    let mistakes: [Mistake; 9] = [
        (|x| x + x.tape().input(&Tensor::from([1.0, 2.0, 3.0])), "add: shapes [2] and [3] do not broadcast"),
        (|x| x + x.tape().input(&Tensor::from([1f32, 2.0])), "add: dtypes f64 and f32 differ"),
        (|x| x.tape().input(&Tensor::from([1i64, 2])).exp(), "exp: takes a float dtype, got i64[2]"),
        (|x| x.tape().input(&Tensor::from([1i64, 2])) * 0.5, "0.5 is not of dtype i64"),
        (|x| x.sum_axes(1), "sum: axis 1 is out of range for shape [2] of rank 1"),
        (|x| x.reshape([3]), "reshape: [2] has 2 elements and [3] has 3"),
        (|x| x.permute([0, 0]), "permute: "),
        (|x| x.broadcast_to([3]), "broadcast_to: [2] does not stretch to [3]"),
        (|x| x.reshape([1, 2]).broadcast_to([usize::MAX, 2]), "more elements than memory can address"),
    ];
    for (make, sentence) in mistakes {
        let tape = Tape::new();
        let error = make(tape.input(&Tensor::from([1.0, 2.0]))).value().unwrap_err().to_string();
        assert!(error.contains(sentence) && error.contains("tape.rs:"), "{error}");
    }
}

#[test]
fn variables_of_two_tapes_do_not_mix() {
    let (here, there) = (Tape::new(), Tape::new());
    let (x, foreign) = (here.input(&Tensor::from(1.0)), there.input(&Tensor::from(1.0)));
    assert!((x + foreign).is_poisoned());
    assert!(here.first_error().unwrap().to_string().contains("on different tapes"));
    assert_eq!(here.evaluate(&[foreign]).unwrap_err().kind(), ErrorKind::Tape);
}

#[test]
fn a_million_equations_record_differentiate_run_and_drop() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from(1.0));
    let mut y = x;
    for _ in 0..500_000 {
        y = (y * 1.000001).sin();
    }
    let g = y.grad(x);
    assert!(tape.len() > 1_000_000);
    let (y, g) = (y.item()?, g.item()?);
    // The same recurrence, and its derivative, in plain numbers.
    let (mut z, mut dz) = (1.0f64, 1.0f64);
    for _ in 0..500_000 {
        dz *= 1.000001 * (z * 1.000001).cos();
        z = (z * 1.000001).sin();
    }
    assert!((y - z).abs() < 1e-12 && (g - dz).abs() < 1e-12 * dz.abs(), "{y} {z} {g} {dz}");
    Ok(())
}

#[test]
fn eager_tapes_name_the_line_of_the_first_number_that_is_not_finite() -> Result<()> {
    let tape = Tape::eager();
    let x = tape.input(&Tensor::from([4.0, 0.0]));
    let y = x.sqrt();
    let line = line!() - 1;
    assert_eq!(y.value()?, Tensor::from([2.0, 0.0]));
    // The value is fine, its derivative at zero is not: the line is that of the forward equation.
    let g = y.sum().grad(x);
    let error = g.value().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NonFinite);
    assert!(error.to_string().contains("div: made the first infinity, in a result of f64[2]"), "{error}");
    assert_eq!(error.location().map(|at| at.line()), Some(line));

    let nan = Tape::eager();
    let input = nan.input(&Tensor::from([1.0, f64::NAN]));
    assert!(input.value().unwrap_err().to_string().contains("input: made the first NaN"));

    // An infinity that is a constant is meant; a NaN made of it is not.
    let masked = Tape::eager();
    let minus_infinity = masked.full([2], f64::NEG_INFINITY);
    assert_eq!(minus_infinity.exp().value()?, Tensor::from([0.0, 0.0]));
    let error = (minus_infinity - minus_infinity).value().unwrap_err();
    assert!(error.to_string().contains("sub: made the first NaN"), "{error}");
    Ok(())
}

#[test]
fn eager_and_lazy_tapes_agree_to_the_bit() -> Result<()> {
    let run = |tape: &Tape| -> Result<Vec<Tensor>> {
        let x = tape.input(&Tensor::from([[0.5, -1.0], [2.0, 0.25]]));
        let y = (x.matmul(x.t()).tanh() * x.exp()).sum();
        tape.evaluate(&[y, y.grad(x), y.grad(x).sum().grad(x)])
    };
    assert_eq!(run(&Tape::new())?, run(&Tape::eager())?);
    Ok(())
}

#[test]
fn a_key_is_one_variable() -> Result<()> {
    let tape = Tape::new();
    let w = Tensor::from([2.0]);
    let (a, b) = (tape.keyed_input(7, &w), tape.keyed_input(7, &w));
    assert_eq!(a.id(), b.id());
    assert_eq!((a * b).sum().grad(a).value()?, Tensor::from([4.0]));
    assert_eq!(tape.keyed(7).map(|v| v.id()), Some(a.id()));
    assert!(tape.keyed(8).is_none());
    Ok(())
}

#[test]
fn a_tape_prints_one_line_an_equation_and_draws_what_is_needed() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0, 2.0]));
    let y = (x * x).sum();
    let unused = x.exp();
    let text = tape.to_string();
    assert_eq!(text.lines().count(), tape.len());
    assert!(text.contains("%1: f64[2] = mul %0 %0") && text.contains("tape.rs:"), "{text}");
    assert!(text.contains("%2: f64[] = sum { axes: [0] } %1"), "{text}");
    let dot = tape.to_dot(&[y]);
    assert!(dot.contains("0 -> 1") && dot.contains("1 -> 2") && !dot.contains("exp"), "{dot}");
    assert!(tape.to_dot(&[unused]).contains("exp"));
}

#[test]
fn zero_size_and_rank_zero() -> Result<()> {
    let tape = Tape::new();
    let empty = tape.input(&Tensor::zeros([0, 3], DType::F64)?);
    let y = (empty.exp() * 2.0).sum();
    assert_eq!(y.item()?, 0.0);
    assert_eq!(y.grad(empty).value()?.shape()[..], [0, 3]);
    assert_eq!(empty.t().matmul(empty).value()?, Tensor::zeros([3, 3], DType::F64)?);
    let scalar = tape.input(&Tensor::from(3.0));
    assert_eq!((scalar * scalar).grad(scalar).item()?, 6.0);
    assert_eq!(scalar.sum_axes(..).reshape([1, 1]).squeeze(0).squeeze(-1).item()?, 3.0);
    Ok(())
}

#[test]
fn a_program_is_used_again_for_the_same_structure_only() -> Result<()> {
    let (a, b) = (Tensor::from([5.0, 7.0]), Tensor::from([2.0, 3.0]));
    let run = |f: for<'t> fn(Var<'t>, Var<'t>) -> Vec<Var<'t>>, a: &Tensor, b: &Tensor| -> Result<Vec<Tensor>> {
        let tape = Tape::new();
        tape.finish(&f(tape.input(a), tape.input(b)))
    };
    for _ in 0..2 {
        assert_eq!(run(|a, b| vec![a - b], &a, &b)?[0], Tensor::from([3.0, 4.0]));
        assert_eq!(run(|a, b| vec![b - a], &a, &b)?[0], Tensor::from([-3.0, -4.0]));
        assert_eq!(run(|a, b| vec![b - a], &b, &a)?[0], Tensor::from([3.0, 4.0]));
        assert_eq!(run(|a, b| vec![a - b, a * b], &a, &b)?[1], Tensor::from([10.0, 21.0]));
        assert_eq!(run(|a, b| vec![(a - b) * 2.0], &a, &b)?[0], Tensor::from([6.0, 8.0]));
        assert_eq!(run(|a, b| vec![(a - b) * 3.0], &a, &b)?[0], Tensor::from([9.0, 12.0]));
        // Answers that are inputs, constants, views of one value, or the same twice.
        let answers = run(|a, b| vec![a, a.full_like(1.0), (a + b).reshape([2, 1]), a + b, b + 0.0, a + b], &a, &b)?;
        let sum = Tensor::from([7.0, 10.0]);
        assert_eq!(answers, [a.clone(), Tensor::from([1.0, 1.0]), sum.reshape([2, 1])?, sum.clone(), b.clone(), sum]);
    }
    // Inputs that lie otherwise in memory, and another size of the same program.
    let wide = Tensor::from([[5.0, 0.0], [7.0, 0.0]]).select_axis(1, 0)?;
    assert_eq!(run(|a, b| vec![a - b], &wide, &b)?[0], Tensor::from([3.0, 4.0]));
    let long = Tensor::ones([3000], DType::F64)?;
    assert_eq!(run(|a, b| vec![a - b], &long, &long)?[0], Tensor::zeros([3000], DType::F64)?);
    Ok(())
}

#[test]
fn a_tape_can_be_finished_again_and_go_on() -> Result<()> {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([1.0, 2.0]));
    let y = (x * 3.0).exp().sum();
    let first = tape.finish(&[y])?;
    assert_eq!(tape.finish(&[y])?, first);
    let kept = tape.evaluate(&[y])?;
    assert_eq!(kept, first);
    assert_eq!(tape.finish(&[y + 1.0, y])?[1], first[0]);
    Ok(())
}

#[test]
fn a_compiled_program_takes_other_arguments_of_the_same_types() -> Result<()> {
    let tape = Tape::new();
    let (x, w) = (tape.input(&Tensor::from([[1.0, 2.0]])), tape.input(&Tensor::from([[0.5], [-1.0]])));
    let y = (x.matmul(w).tanh() + tape.full((), 1.0)).sum();
    let mut program = tape.compile(&[w], &[y, y.grad(w)])?;
    for w in [[[0.5], [-1.0]], [[2.0], [0.25]]] {
        let w = Tensor::from(w);
        let fresh = Tape::new();
        let (x, v) = (fresh.input(&Tensor::from([[1.0, 2.0]])), fresh.input(&w));
        let y = (x.matmul(v).tanh() + fresh.full((), 1.0)).sum();
        assert_eq!(program.run(&[&w])?, fresh.evaluate(&[y, y.grad(v)])?);
    }
    assert!(program.run(&[]).unwrap_err().to_string().contains("0 arguments for a program of 1"));
    let wrong = program.run(&[&Tensor::from([1.0])]).unwrap_err().to_string();
    assert!(wrong.contains("argument 0 is f64[1], and was f64[2, 1]"), "{wrong}");
    assert!(tape.compile(&[y], &[y]).unwrap_err().to_string().contains("no input but the result of sum"));
    assert!(program.to_string().contains("matmul"));
    Ok(())
}
