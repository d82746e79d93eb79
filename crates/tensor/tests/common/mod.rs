//! Tensors for tests: reproducible values in any layout.
#![allow(dead_code)]

use wengert_tensor::{DType, Shape, Tensor};

/// Reproducible values in [-1, 1), on a grid of 1/64 so that short sums of products are exact.
pub fn values(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..n).map(|_| ((next() >> 20) % 128) as f64 / 64.0 - 1.0).collect()
}

/// A contiguous f64 tensor of such values.
pub fn tensor(shape: impl Into<Shape>, seed: u64) -> Tensor {
    let shape = shape.into();
    Tensor::from_vec(values(shape.numel(), seed), shape).unwrap()
}

/// A contiguous i64 tensor of indices below `below`.
pub fn indices(shape: impl Into<Shape>, below: usize, seed: u64) -> Tensor {
    let shape = shape.into();
    let picks = values(shape.numel(), seed).into_iter().map(|x| (x * 64.0 + 64.0) as i64 % below.max(1) as i64);
    Tensor::from_vec(picks.collect::<Vec<_>>(), shape).unwrap()
}

/// The same values in another layout: transposed, flipped, or every second of a larger storage.
pub fn relaid(x: &Tensor, kind: u8) -> Tensor {
    let rank = x.rank();
    if rank == 0 {
        return x.clone();
    }
    match kind % 4 {
        0 => x.clone(),
        1 => x.transpose(0, -1).unwrap().contiguous().unwrap().transpose(0, -1).unwrap(),
        2 => x.flip(..).unwrap().contiguous().unwrap().flip(..).unwrap(),
        _ => {
            let twice = Tensor::stack(&[x, x], rank as isize).unwrap();
            twice.select_axis(-1, 0).unwrap()
        }
    }
}

/// The inner product of two tensors' elements.
pub fn inner(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let (a, b) = (a.cast(DType::F64).unwrap(), b.cast(DType::F64).unwrap());
    a.iter::<f64>().unwrap().zip(b.iter::<f64>().unwrap()).map(|(a, b)| a * b).sum()
}
