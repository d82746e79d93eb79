//! Programs of tiny values run as code for a machine: with the bits of one equation after another.

use proptest::prelude::*;
use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Result, Rng, Tensor};

/// An operation on one of the variables so far, or on two, chosen by numbers.
fn grow<'t>(vars: &mut Vec<Var<'t>>, choice: usize, i: usize, j: usize) {
    let (x, y) = (vars[i % vars.len()], vars[j % vars.len()]);
    let (rank, axis) = (x.rank(), (j % x.rank().max(1)) as isize);
    let last = |x: Var<'t>, k: usize| x.shape().iter().rev().nth(k).copied().unwrap_or(1);
    let fits = x.with_common(y);
    let z = match choice {
        0 if fits => x + y,
        1 if fits => x - y,
        2 if fits => x * y,
        3 if fits => x / y,
        4 if fits => x.maximum(y),
        5 if fits => x.less(y).where_(x.broadcast_like(y), y.broadcast_like(x)),
        6 if fits => x.greater_equal(y).logical_and(x.equal(x).broadcast_like(y)).cast(x.dtype()) * 0.5,
        7 if rank > 0 => x.sum_axes(axis),
        8 if rank > 0 => x.max_axes(axis) - x.min_axes(axis),
        9 => x.sum() * 0.25,
        10 if rank == 2 && y.rank() == 2 && last(x, 0) == last(y, 1) => x.matmul(y),
        11 if rank == 2 => x.matmul(x.t()),
        12 if rank == 2 => x.t().matmul(x) * 0.125,
        13 if rank == 2 => x.t().reshape([x.shape().iter().product::<usize>() as isize]),
        14 if rank > 0 => x.narrow(axis, x.shape()[axis as usize] / 2, 1),
        15 if rank > 0 => x.flip(axis),
        16 => x.sin() + x.cos(),
        17 => x.tanh() * x.sigmoid(),
        18 => x.abs().ln_1p().exp_m1().sqrt(),
        19 => x.erf() - x.erfc() + x.softplus(),
        20 => x.atan() + x.powi(3),
        21 => -(x * -x) - (-x.square()),
        22 => x.sign() * x.exp2().recip(),
        _ => x.abs().log2() + 1.0,
    };
    let small = z.shape().iter().product::<usize>() <= 100;
    if small {
        vars.push(z);
    }
}

trait Likeness<'t> {
    fn with_common(self, other: Self) -> bool;
    fn broadcast_like(self, other: Self) -> Self;
}

impl<'t> Likeness<'t> for Var<'t> {
    fn with_common(self, other: Self) -> bool {
        self.shape().broadcast(&other.shape()).is_some_and(|shape| shape.iter().product::<usize>() <= 100)
    }

    fn broadcast_like(self, other: Self) -> Self {
        match self.shape().broadcast(&other.shape()) {
            Some(shape) => self.broadcast_to(shape),
            None => self,
        }
    }
}

fn bits(x: &Tensor) -> Vec<u64> {
    let wide = x.cast(DType::F64).unwrap();
    wide.iter::<f64>().unwrap().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
}

/// Values with a few that are not ordinary.
fn values(shape: &[usize], dtype: DType, seed: u64) -> Result<Tensor> {
    let mut x = Tensor::uniform(shape, -2.0, 2.0, DType::F64, &mut Rng::seed(seed))?.to_vec::<f64>()?;
    let odd = [0.0, -0.0, f64::NAN, f64::INFINITY, 1e5, -1e-30];
    if seed.is_multiple_of(3) {
        let n = x.len();
        x[seed as usize % n] = odd[seed as usize / 3 % odd.len()];
    }
    Tensor::from_vec(x, shape)?.cast(dtype)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_program_has_the_bits_of_one_equation_after_another(
        shapes in prop::collection::vec(prop::collection::vec(1usize..9, 0..3), 1..4),
        steps in prop::collection::vec((0usize..24, 0usize..64, 0usize..64), 1..40),
        double in any::<bool>(),
        seed in 0u64..1000,
    ) {
        let dtype = if double { DType::F64 } else { DType::F32 };
        let inputs: Vec<Tensor> =
            shapes.iter().zip(seed..).map(|(shape, seed)| values(shape, dtype, seed).unwrap()).collect();
        let tape = Tape::new();
        let mut vars: Vec<Var<'_>> = inputs.iter().map(|x| tape.input(x)).collect();
        let arguments = vars.clone();
        for &(choice, i, j) in &steps {
            grow(&mut vars, choice, i, j);
        }
        // Only some are kept, so that the others' places are used again.
        let wanted: Vec<Var<'_>> = vars.iter().copied().enumerate().filter(|(k, _)| k % 3 != 1).map(|(_, x)| x).collect();
        let mut program = tape.compile(&arguments, &wanted).unwrap();
        let given: Vec<&Tensor> = inputs.iter().collect();
        let mut planned = program.run(&given).unwrap();
        let expected = tape.evaluate(&wanted).unwrap();
        for _ in 0..2 {
            for ((a, b), var) in planned.iter().zip(&expected).zip(&wanted) {
                prop_assert_eq!(bits(a), bits(b), "{:?} of\n{}\n{}", var, &tape, &program);
            }
            program.run_into(&given, &mut planned).unwrap();
        }
    }
}

/// Reductions and products at the edges of their orders, with all strides that views give them.
#[test]
fn orders_are_those_of_the_kernels() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        for [m, n] in
            [[1, 64], [64, 1], [2, 32], [32, 2], [17, 3], [3, 17], [33, 1], [1, 33], [8, 8], [7, 9], [1, 1], [16, 4]]
        {
            let x = values(&[m, n], dtype, (100 * m + n) as u64)?;
            let tape = Tape::new();
            let v = tape.input(&x);
            let flipped = v.flip(0).t();
            let mut wanted = vec![v.sum(), v.t().sum(), flipped.max()];
            for x in [v, v.t(), flipped] {
                wanted.extend([x.sum_axes(0), x.sum_axes(1), x.min_axes(0), x.max_axes(1)]);
            }
            if m * m <= 64 {
                wanted.extend([v.matmul(v.t()), flipped.t().matmul(v.t()), v.matmul(flipped)]);
            }
            if n * n <= 64 {
                wanted.extend([v.t().matmul(v), flipped.matmul(v), flipped.matmul(flipped.t())]);
            }
            let planned = tape.compile(&[v], &wanted)?.run(&[&x])?;
            let expected = tape.evaluate(&wanted)?;
            for (k, (a, b)) in planned.iter().zip(&expected).enumerate() {
                assert_eq!(bits(a), bits(b), "{k} of {m} x {n}");
            }
        }
    }
    Ok(())
}

/// A product of one column and one row is one of numbers, however large, in programs and outside.
#[test]
fn outer_products_keep_zeros() -> Result<()> {
    for n in [2, 40] {
        let (x, y) = (values(&[n, 1], DType::F32, 12)?, Tensor::zeros([1, n], DType::F32)?);
        let tape = Tape::new();
        let (v, w) = (tape.input(&x), tape.input(&y));
        let wanted = [v.matmul(w), v * w, v.matmul(w) - v];
        let planned = tape.compile(&[v, w], &wanted)?.run(&[&x, &y])?;
        let expected = tape.evaluate(&wanted)?;
        assert_eq!(bits(&expected[0]), bits(&expected[1]));
        planned.iter().zip(&expected).for_each(|(a, b)| assert_eq!(bits(a), bits(b)));
    }
    Ok(())
}
