//! What a tape records does not depend on the tapes before it, which it follows where it repeats them.

use proptest::prelude::*;
use wengert_autograd::{Tape, Type, Var, clear_program_cache, grad, hessian, op, program_cache, vmap};
use wengert_tensor::{Result, Tensor, View, ViewMut};

/// Records what the letters of `program` say, always from the same lines; the results that are asked for.
fn record<'t>(tape: &'t Tape, program: &[u8], data: f64) -> Vec<Var<'t>> {
    let x = tape.input(&Tensor::from([0.5 + data, -1.0, 2.0]));
    let mut vars = vec![x];
    for letter in program {
        let (last, other) = (vars[vars.len() - 1], vars[usize::from(letter / 8) % vars.len()]);
        vars.push(match letter % 8 {
            0 => last + other,
            1 => last * other.sin(),
            2 => f64::from(*letter) * last,
            3 => last.slice(0, 1.., 1).pad(&[(0, 1)], 0.0) - other,
            4 => tape.input(&Tensor::from([data, 1.0, -0.5])) * last,
            5 => tape.keyed_input(7, &Tensor::from([data, 0.25, 3.0])) + last,
            6 => (last * x).sum().grad(x),
            _ => (last * x).sum().grads(&[x, other])[0],
        });
    }
    vec![vars[vars.len() - 1], vars[vars.len() / 2]]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tapes_say_what_they_would_without_others_before_them(
        programs in proptest::collection::vec(proptest::collection::vec(0u8..64, 1..10), 2..4),
        order in proptest::collection::vec((0usize..4, 0usize..10, 0u8..64), 4..16),
    ) {
        for (round, (k, at, letter)) in order.into_iter().enumerate() {
            let mut program = programs[k % programs.len()].clone();
            if round % 3 == 2 {
                // A program that begins as another did.
                let at = at % program.len();
                program[at] = letter;
            }
            let data = 0.1 * round as f64;
            // An eager tape follows none.
            let (tape, alone) = (Tape::new(), Tape::eager());
            let (asked, expected) = (record(&tape, &program, data), record(&alone, &program, data));
            prop_assert_eq!(tape.to_string(), alone.to_string());
            tape.check().unwrap();
            if round % 4 == 1 && !asked[1].is_poisoned() {
                // What has a value already is an input of the program to come.
                asked[1].value().unwrap();
            }
            match (tape.finish(&asked), alone.evaluate(&expected)) {
                (Ok(answers), Ok(expected)) => prop_assert_eq!(answers, expected),
                (answers, expected) => prop_assert_eq!(answers.unwrap_err(), expected.unwrap_err()),
            }
        }
    }
}

#[test]
fn programs_that_take_turns_are_made_once() -> Result<()> {
    clear_program_cache();
    fn f(x: Var<'_>, deep: bool) -> Var<'_> {
        if deep { (x.sin() * x).sum() } else { x.sin().sum() }
    }
    for i in 0..20 {
        for deep in [true, false] {
            let x = Tensor::from([i as f64, 1.0]);
            let g = grad(|x| f(x, deep), &x)?;
            let by_hand = if deep { x.cos()?.mul(&x)?.add(&x.sin()?)? } else { x.cos()? };
            assert!(g.allclose(&by_hand, 1e-15, 0.0)?);
        }
    }
    let cache = program_cache();
    assert_eq!((cache.programs, cache.hits, cache.misses), (2, 38, 2));
    assert!(cache.bytes > 0);
    clear_program_cache();
    assert_eq!((program_cache().programs, program_cache().hits), (0, 0));
    Ok(())
}

/// An operation whose rules say what they like.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Scaled(u8);

impl op::Rule for Scaled {
    fn name(&self) -> &'static str {
        "scaled"
    }

    fn infer(&self, x: &[&Type]) -> Result<Type> {
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[View], out: ViewMut) -> Result<()> {
        wengert_tensor::kernel::copy::copy(x[0], out)
    }

    fn jvp<'t>(&self, _: &[Var<'t>], _: Var<'t>, _: &[Option<Var<'t>>]) -> Option<Var<'t>> {
        None
    }

    fn vjp<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, ybar: Var<'t>) -> Option<Var<'t>> {
        Some(f64::from(self.0) * ybar)
    }

    fn batch<'t>(&self, x: &[Var<'t>], _: &[bool], _: usize) -> Var<'t> {
        x[0]
    }
}

#[test]
fn operations_of_the_users_own_are_told_apart() -> Result<()> {
    for k in [3, 3, 5, 3, 7, 5] {
        let g = grad(|x| x.tape().record(op::Custom::new(Scaled(k)), &[x]).sum(), &Tensor::from([1.0]))?;
        assert_eq!(g, Tensor::from([f64::from(k)]));
    }
    Ok(())
}

#[test]
fn a_tape_may_end_on_another_thread() -> Result<()> {
    for _ in 0..3 {
        let tape = Tape::new();
        let x = tape.input(&Tensor::from(2.0)).id();
        let tape = std::thread::spawn(move || tape).join().expect("the thread returns it");
        let y = tape.full((), 3.0) * tape.full((), 2.0);
        assert_eq!((x.index(), tape.finish(&[y])?[0].item()?), (0, 6.0));
        std::thread::spawn(move || drop(tape)).join().expect("the thread drops it");
    }
    Ok(())
}

/// The sum of squares of each part of x, times the part's number.
fn parts<'t>(x: Var<'t>, cuts: &[(usize, usize)]) -> Var<'t> {
    let square = |(k, &(start, n)): (usize, &(usize, usize))| (k + 1) as f64 * x.narrow(0, start, n).square().sum();
    cuts.iter().enumerate().map(square).reduce(|a, b| a + b).expect("there are parts")
}

#[test]
fn cotangents_of_slices_are_joined() -> Result<()> {
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let cuts: [&[(usize, usize)]; 7] = [
        &[(0, 3), (3, 4)],
        &[(5, 2), (0, 2)],
        &[(1, 2), (4, 1)],
        &[(2, 3)],
        &[(0, 5), (1, 5), (2, 5), (0, 1)],
        &[(3, 0), (1, 1)],
        &[(0, 7), (2, 2)],
    ];
    for cuts in cuts {
        let slope = |i: usize| {
            let within = cuts.iter().enumerate().filter(|(_, (start, n))| (*start..start + n).contains(&i));
            within.map(|(k, _)| 2.0 * (k + 1) as f64).sum::<f64>()
        };
        let slopes = Tensor::from([0, 1, 2, 3, 4, 5, 6].map(slope));
        assert_eq!(grad(|x| parts(x, cuts), &x)?, slopes.mul(&x)?, "{cuts:?}");
        assert_eq!(hessian(|x| parts(x, cuts), &x)?, Tensor::eye(7, x.dtype())?.mul(&slopes)?, "{cuts:?}");
        let rows = Tensor::stack(&[&x, &x.neg()?], 0)?;
        assert_eq!(vmap(|x| grad(|x| parts(x, cuts), x), &rows)?, rows.mul(&slopes)?, "{cuts:?}");
    }
    Ok(())
}

#[test]
fn a_loop_over_the_steps_of_a_sequence_adds_nothing_of_its_whole_size() {
    let tape = Tape::new();
    let x = tape.input(&Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]));
    let y = (0..4).fold(tape.full([2], 0.0), |state, i| (state + x.select_axis(0, i)).tanh());
    let g = y.sum().grad(x);
    let text = tape.to_string();
    assert!(text.contains("concat") && !text.contains("pad") && !text.contains("f64[4, 2] = add"), "{text}");
    assert_eq!(g.shape()[..], [4, 2]);
}
