//! Tensors of random shapes and values, and other layouts of the same values.
#![allow(dead_code, reason = "not every test uses every part")]

use proptest::collection::vec;
use proptest::prelude::*;
use wengert_tensor::{DType, Shape, Tensor};

/// Few cases, so that the suite stays quick, and no files written beside the tests.
pub fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) }
}

/// `f64` tensors of rank 0 to 3, some empty, mostly of small sizes that broadcast now and then.
pub fn tensors() -> impl Strategy<Value = Tensor> {
    let size = prop_oneof![1 => Just(0usize), 6 => Just(1), 6 => Just(2), 6 => Just(3), 2 => 16..40usize];
    vec(size, 0..=3).prop_flat_map(|sizes| {
        let shape = Shape::from(sizes);
        let value = prop_oneof![6 => -3.0..3.0f64, 2 => (-2..3i64).prop_map(|n| n as f64), 1 => Just(f64::NAN)];
        vec(value, shape.numel()).prop_map(move |values| Tensor::from_vec(values, &shape).unwrap())
    })
}

/// The same values laid out otherwise: with axes reversed in storage, backwards, with gaps, and
/// where they repeat along an axis, with stride 0.
pub fn with_same_values(x: &Tensor) -> Vec<Tensor> {
    let reversed: Vec<usize> = (0..x.rank()).rev().collect();
    let transposed = x.permute(&reversed[..]).unwrap().contiguous().unwrap().permute(&reversed[..]).unwrap();
    let flipped = x.flip(..).unwrap().contiguous().unwrap().flip(..).unwrap();
    let mut out = vec![x.clone(), transposed, flipped];
    if let Some(&n) = x.shape().last() {
        // Every second element of a tensor twice as wide.
        let twice = x.unsqueeze(-1).unwrap().broadcast_to(x.shape().with_axis(x.rank(), 2)).unwrap();
        let wide = twice.reshape(x.shape().with_size(x.rank() - 1, 2 * n)).unwrap();
        out.push(wide.slice(-1, .., 2).unwrap());
    }
    for axis in 0..x.rank() {
        let first = x.narrow(axis as isize, 0, x.shape()[axis].min(1)).unwrap();
        let repeated = if x.shape()[axis] == 0 { first } else { first.broadcast_to(x.shape()).unwrap() };
        if bits(&repeated) == bits(x) {
            out.push(repeated);
        }
    }
    out
}

/// The shape, and the bits of every element in row-major order; all NaN are alike.
pub fn bits(x: &Tensor) -> (Vec<usize>, Vec<u64>) {
    let bits = match x.dtype() {
        DType::F64 => x.iter::<f64>().unwrap().map(|x| if x.is_nan() { 1 } else { x.to_bits() }).collect(),
        DType::F32 => x.iter::<f32>().unwrap().map(|x| if x.is_nan() { 1 } else { x.to_bits() as u64 }).collect(),
        DType::I64 => x.iter::<i64>().unwrap().map(|x| x as u64).collect(),
        _ => x.iter::<bool>().unwrap().map(u64::from).collect(),
    };
    (x.shape().to_vec(), bits)
}

/// Every index within a shape, in row-major order.
pub fn places(shape: &Shape) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |places, &n| {
        let longer = |place: &Vec<usize>| (0..n).map(|i| [&place[..], &[i]].concat()).collect::<Vec<_>>();
        places.iter().flat_map(longer).collect()
    })
}
