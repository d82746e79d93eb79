//! Half precision: rounding, conversions, and tensors whose elements are stored in it.

use proptest::prelude::*;
use wengert_tensor::{Bf16, Conv, DType, F16, Pad, Pool, Result, Rng, Scalar, Tensor};

/// The value of bits with so many for the exponent and the fraction, by the definition of IEEE 754.
fn value(bits: u16, exponent: u32, fraction: u32) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (e, f) = ((bits & 0x7FFF) >> fraction, bits & ((1 << fraction) - 1));
    let (bias, part) = ((1 << (exponent - 1)) - 1, f64::from(f) / f64::from(1u32 << fraction));
    match e {
        0 => sign * part * 2f64.powi(1 - bias),
        e if e == (1 << exponent) - 1 && f == 0 => sign * f64::INFINITY,
        e if e == (1 << exponent) - 1 => f64::NAN,
        e => sign * (1.0 + part) * 2f64.powi(i32::from(e) - bias),
    }
}

fn bf16(bits: u16) -> f64 {
    value(bits, 8, 7)
}

fn f16(bits: u16) -> f64 {
    value(bits, 5, 10)
}

#[test]
fn all_patterns_are_their_values_and_round_trip() {
    for bits in 0..=u16::MAX {
        let (a, b) = (Bf16::from_bits(bits), F16::from_bits(bits));
        for (x, exact, back) in [
            (a.to_f32(), bf16(bits), Bf16::from_f32(a.to_f32()).to_bits()),
            (b.to_f32(), f16(bits), F16::from_f32(b.to_f32()).to_bits()),
        ] {
            assert!(f64::from(x) == exact || x.is_nan() && exact.is_nan(), "{bits:#06x}: {x} and {exact}");
            assert_eq!(x.is_sign_negative(), bits >> 15 == 1);
            assert!(back == bits || x.is_nan(), "{bits:#06x} comes back as {back:#06x}");
        }
        assert_eq!(a.to_f32().is_nan(), Bf16::from_f32(a.to_f32()).to_f32().is_nan());
        assert_eq!(b.to_f32().is_nan(), F16::from_f32(b.to_f32()).to_f32().is_nan());
        assert_eq!(Bf16::from_f64(a.to_f64()).to_f32().to_bits(), Bf16::from_f32(a.to_f32()).to_f32().to_bits());
    }
}

/// Between every two neighbours the middle goes to the even one, and what is beside the middle to the nearer.
#[test]
fn the_middle_of_neighbours_goes_to_the_even_one() {
    let check = |value: fn(u16) -> f64, round: fn(f64) -> u16, round32: fn(f32) -> u16, last: u16| {
        for low in 0..=last {
            // Beyond the largest value comes the one that would be next, were there no infinity.
            let next = if low == last { 2.0 * value(low) - value(low - 1) } else { value(low + 1) };
            let middle = (value(low) + next) / 2.0;
            for sign in [0, 0x8000] {
                let signed = |x: f64| if sign == 0 { x } else { -x };
                assert_eq!(round(signed(middle)), sign | (low + low % 2), "{low:#06x}");
                assert_eq!(round(signed(middle.next_down())), sign | low);
                assert_eq!(round(signed(middle.next_up())), sign | (low + 1));
                assert_eq!(round32(signed(middle) as f32), sign | (low + low % 2));
                assert_eq!(round32((signed(middle) as f32).next_up()), sign | (low + u16::from(sign == 0)));
                assert_eq!(round32((signed(middle) as f32).next_down()), sign | (low + u16::from(sign != 0)));
            }
        }
    };
    check(f16, |x| F16::from_f64(x).to_bits(), |x| F16::from_f32(x).to_bits(), 0x7BFF);
    // The least bf16 are so small that the middle is no f32.
    check(bf16, |x| Bf16::from_f64(x).to_bits(), |x| Bf16::from_f32(x).to_bits(), 0x7F7F);
}

#[test]
fn known_values() {
    let bits = |x: f32| (F16::from_f32(x).to_bits(), Bf16::from_f32(x).to_bits());
    assert_eq!(bits(1.0), (0x3C00, 0x3F80));
    assert_eq!(bits(-2.0), (0xC000, 0xC000));
    assert_eq!(bits(65504.0), (0x7BFF, 0x4780));
    assert_eq!(bits(65519.9), (0x7BFF, 0x4780));
    assert_eq!(bits(65520.0), (0x7C00, 0x4780));
    assert_eq!(bits(0.1), (0x2E66, 0x3DCD));
    assert_eq!(bits(f32::MAX), (0x7C00, 0x7F80));
    assert_eq!(bits(2f32.powi(-24)), (0x0001, 0x3380));
    assert_eq!(bits(2f32.powi(-25)), (0x0000, 0x3300));
    assert_eq!(bits(-0.0), (0x8000, 0x8000));
    for nan in [0x7F80_0001, 0x7FC0_0000, 0xFFFF_FFFF, 0x7F80_1000] {
        let nan = f32::from_bits(nan);
        assert!(F16::from_f32(nan).to_f32().is_nan() && Bf16::from_f32(nan).to_f32().is_nan());
    }
    assert_eq!(Scalar::from(i64::MAX).cast(DType::F16).to_f64(), f64::INFINITY);
    assert_eq!(Scalar::from(-1e300).cast(DType::BF16).to_f64(), f64::NEG_INFINITY);
}

/// Numbers that two roundings, to f32 and from there, would round otherwise.
#[test]
fn conversions_round_once() {
    let x = 1.0 + 2f64.powi(-8);
    assert_eq!(Bf16::from_f64(x).to_f64(), 1.0);
    assert_eq!(Bf16::from_f64(x + 1e-14).to_f64(), 1.0 + 2f64.powi(-7));
    let x = Tensor::from([(1i64 << 55) + (1 << 47) + 1, -((1 << 62) + (1 << 54) + 1), 3, i64::MIN]);
    let expected = [2f64.powi(55) + 2f64.powi(48), -2f64.powi(62) - 2f64.powi(55), 3.0, -2f64.powi(63)];
    assert_eq!(x.cast(DType::BF16).unwrap().cast(DType::F64).unwrap().to_vec::<f64>().unwrap(), expected);
}

proptest! {
    /// The nearest of all values, found by looking at them all.
    #[test]
    fn rounding_finds_the_nearest(x in prop_oneof![-70000f64..70000.0, -1e-4f64..1e-4, -1e-7f64..1e-7]) {
        let near = F16::from_f64(x).to_f64();
        let distance = |v: f64| (v - x).abs();
        let best = (0..0x7C00u16).flat_map(|b| [f16(b), -f16(b)]).map(distance).fold(f64::INFINITY, f64::min);
        prop_assert!(distance(near) == best || x.abs() >= 65520.0 && near.is_infinite());
        let tensor = Tensor::from(x).cast(DType::F16).unwrap();
        prop_assert_eq!(tensor.item().unwrap(), near);
    }

    /// A cast of a tensor is the cast of its elements, between any two dtypes, in any layout.
    #[test]
    fn casts_are_those_of_elements(x in proptest::collection::vec(-300f64..300.0, 600), from in 0..6usize, to in 0..6usize) {
        let dtypes = [DType::F32, DType::F64, DType::I64, DType::Bool, DType::BF16, DType::F16];
        let x = Tensor::from_vec(x, [20, 30]).unwrap().cast(dtypes[from]).unwrap().t();
        let y = x.cast(dtypes[to]).unwrap();
        prop_assert_eq!(y.dtype(), dtypes[to]);
        for at in [[0, 0], [29, 19], [7, 13]] {
            let one = |x: &Tensor| x.slice(0, at[0]..at[0] + 1, 1).unwrap().slice(1, at[1]..at[1] + 1, 1).unwrap().scalar().unwrap();
            prop_assert_eq!(one(&x).cast(dtypes[to]), one(&y));
        }
    }
}

fn each_half(f: impl Fn(DType) -> Result<()>) {
    [DType::BF16, DType::F16].into_iter().for_each(|dtype| f(dtype).unwrap());
}

#[test]
fn elements_are_read_and_printed() -> Result<()> {
    let x = Tensor::from_vec(vec![Bf16::from_f32(1.5), Bf16::from_f32(-0.1)], [2])?;
    assert_eq!((x.dtype(), x.shape().numel()), (DType::BF16, 2));
    assert_eq!(x.to_vec::<Bf16>()?[0].to_f32(), 1.5);
    assert_eq!(x.to_string(), "[ 1.5        -0.10009766]");
    assert_eq!(format!("{x:.2?}"), "[ 1.50 -0.10] bf16[2]");
    assert_eq!(Tensor::from(F16::from_f32(0.5)).item()?, 0.5);
    assert_eq!(Tensor::from(F16::from_f32(0.5)).to_string(), "0.5");
    assert!(x.to_vec::<f32>().is_err() && x.to_vec::<F16>().is_err());
    assert_eq!(std::mem::size_of::<F16>(), DType::F16.size());
    let nan = Tensor::from([Bf16::from_f32(f32::NAN)]);
    assert!(nan != nan.clone() && x == x.clone());
    Ok(())
}

/// What moves elements moves their bits, NaNs of any kind included.
#[test]
fn moving_keeps_bits() {
    each_half(|dtype| {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let x = match dtype {
            DType::F16 => Tensor::from(all.iter().map(|&b| F16::from_bits(b)).collect::<Vec<_>>()),
            _ => Tensor::from(all.iter().map(|&b| Bf16::from_bits(b)).collect::<Vec<_>>()),
        };
        let bits = |x: &Tensor| -> Vec<u16> {
            match dtype {
                DType::F16 => x.to_vec::<F16>().unwrap().iter().map(|x| x.to_bits()).collect(),
                _ => x.to_vec::<Bf16>().unwrap().iter().map(|x| x.to_bits()).collect(),
            }
        };
        let square = x.reshape([256, 256])?;
        assert_eq!(bits(&square.t().contiguous()?.t()), all);
        let halves = [square.slice(0, 0..100, 1)?, square.slice(0, 100..256, 1)?];
        assert_eq!(bits(&Tensor::concat(&[&halves[0], &halves[1]], 0)?), all);
        let back = Tensor::arange(65535i64, -1, -1)?;
        assert_eq!(bits(&x.index_select(0, &back)?.gather(0, &back)?), all);
        let padded = x.pad(&[Pad { lo: 1, hi: 1, interior: 1 }], 1.0)?;
        assert_eq!(padded.slice(0, 0..1, 1)?.item()?, 1.0);
        assert_eq!(bits(&padded.slice(0, 1..131072, 2)?), all);
        let cond = Tensor::full([65536], true)?;
        assert_eq!(bits(&cond.where_(&x, &x.flip(0)?)?), all);
        Ok(())
    });
}

/// What computes is computed in f32 and rounded once.
#[test]
fn computing_is_done_in_f32() {
    each_half(|dtype| {
        let mut rng = Rng::seed(3);
        let x = Tensor::uniform([2, 3, 8, 8], 0.1, 0.9, dtype, &mut rng)?;
        let y = Tensor::uniform([2, 3, 8, 8], 0.1, 0.9, dtype, &mut rng)?;
        let wide = |x: &Tensor| x.cast(DType::F32).unwrap();
        let (a, b) = (wide(&x), wide(&y));
        let pool = Pool::new(&[2, 2]);
        let index = Tensor::full([2, 3, 8, 8], 1i64)?;
        let (conv, windows) = (Conv::new(2), |x: &Tensor| x.windows(&[2, 2], &[1, 1], &[1, 1]));
        for (half, full) in [
            (x.add(&y)?, a.add(&b)?),
            (x.pow(&y)?, a.pow(&b)?),
            (x.ln()?, a.ln()?),
            (x.polygamma(1)?, a.polygamma(1)?),
            (x.matmul(&y)?, a.matmul(&b)?),
            (x.conv(&y, &conv)?, a.conv(&b, &conv)?),
            (x.sum()?, a.sum()?),
            (x.sum_axes([0, 1])?, a.sum_axes([0, 1])?),
            (x.mean_keep(1)?, a.mean_keep(1)?),
            (x.var(1.0)?, a.var(1.0)?),
            (x.std_keep(2, 1.0)?, a.std_keep(2, 1.0)?),
            (x.max_axes(0)?, a.max_axes(0)?),
            (x.cumsum(3)?, a.cumsum(3)?),
            (x.cummax(3)?, a.cummax(3)?),
            (x.sort(2, true)?, a.sort(2, true)?),
            (x.max_pool(&pool)?, a.max_pool(&pool)?),
            (x.avg_pool(&pool, true)?, a.avg_pool(&pool, true)?),
            (x.scatter_add(0, &index, &y)?, a.scatter_add(0, &index, &b)?),
            (windows(&x)?.fold(&[8, 8], &[1, 1], &[1, 1])?, windows(&a)?.fold(&[8, 8], &[1, 1], &[1, 1])?),
        ] {
            assert_eq!(half.dtype(), dtype);
            assert_eq!(half, full.cast(dtype)?);
        }
        assert_eq!(x.less(&y)?, a.less(&b)?);
        assert_eq!(x.is_finite()?, a.is_finite()?);
        assert_eq!(x.argmax(1)?, a.argmax(1)?);
        assert!(x.allclose(&x, 0.0, 0.0)?);
        // f16 has no number for the sum of squares, but one for their mean.
        let large = Tensor::full([100], 200.0)?.cast(DType::F16)?;
        assert_eq!(large.square()?.sum()?.item()?, f64::INFINITY);
        assert_eq!((large.mean()?.item()?, large.var(0.0)?.item()?), (200.0, 0.0));
        Ok(())
    });
}

#[test]
fn constants_and_random_numbers() {
    each_half(|dtype| {
        assert_eq!(Tensor::zeros([3], dtype)?.sum()?.item()?, 0.0);
        assert_eq!(Tensor::ones([3], dtype)?.sum()?.item()?, 3.0);
        assert_eq!(Tensor::eye(3, dtype)?.sum()?.item()?, 3.0);
        assert_eq!(Tensor::one_hot(&Tensor::from([1i64]), 3, dtype)?.argmax(1)?.item()?, 1.0);
        let ends = [0.0, 1.0].map(|x| Scalar::from(x).cast(dtype));
        assert_eq!(Tensor::linspace(ends[0], ends[1], 5)?.sum()?.item()?, 2.5);
        let seed = || Rng::seed(5);
        let x = Tensor::randn([10], DType::F64, &mut seed())?.cast(dtype)?;
        assert_eq!(Tensor::randn([10], dtype, &mut seed())?, x);
        assert_eq!((x.dtype(), ends[0].dtype()), (dtype, dtype));
        Ok(())
    });
}

#[test]
fn dtypes_do_not_mix() -> Result<()> {
    let [a, b, c] = [DType::BF16, DType::F16, DType::F32].map(|dtype| Tensor::ones([2], dtype).unwrap());
    for (x, y) in [(&a, &b), (&b, &a), (&a, &c), (&c, &b)] {
        let cond = Tensor::from([true, false]);
        let index = Tensor::from([0i64, 1]);
        for (what, outcome) in [
            ("add", x.add(y)),
            ("less", x.less(y)),
            ("matmul", x.matmul(y)),
            ("where", cond.where_(x, y)),
            ("concat", Tensor::concat(&[x, y], 0)),
            ("index_add", x.index_add(0, &index, y)),
        ] {
            assert!(outcome.is_err(), "{what} of {} and {}", x.dtype(), y.dtype());
        }
        assert!(x.allclose(y, 0.1, 0.1).is_err() && x != y);
    }
    assert!(a.logical_and(&a).is_err() && a.any().is_err());
    Ok(())
}
