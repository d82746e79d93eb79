//! Matrix products against three loops, and their algebra, for every path and layout.

mod common;

use common::{inner, relaid, tensor};
use proptest::prelude::*;
use wengert_tensor::{DType, ErrorKind, Shape, Tensor};

/// [.., m, k] x [.., k, n], leading axes equal, by the definition.
fn naive(x: &Tensor, y: &Tensor) -> Tensor {
    let (m, k) = (x.shape()[x.rank() - 2], x.shape()[x.rank() - 1]);
    let n = y.shape()[y.rank() - 1];
    let shape: Shape = x.shape()[..x.rank() - 1].iter().copied().chain([n]).collect();
    let (x, y) = (x.to_vec::<f64>().unwrap(), y.to_vec::<f64>().unwrap());
    let batches = shape.numel() / (m * n).max(1);
    let mut out: Vec<f64> = Vec::new();
    for b in 0..batches {
        for i in 0..m {
            for j in 0..n {
                out.push((0..k).map(|p| x[(b * m + i) * k + p] * y[(b * k + p) * n + j]).sum());
            }
        }
    }
    Tensor::from_vec(out, shape).unwrap()
}

fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    let bits = |x: &Tensor| x.to_vec::<f64>().unwrap().into_iter().map(f64::to_bits).collect::<Vec<_>>();
    a.shape() == b.shape() && bits(a) == bits(b)
}

/// Sizes on all paths: tiny, a vector on either side, blocked.
fn sizes() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        (0..6usize, 0..6usize, 0..6usize),
        (1..3usize, 60..90usize, 60..90usize),
        (60..90usize, 60..90usize, 1..3usize),
        (16..40usize, 16..40usize, 16..40usize),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn matmul_is_the_sum_of_products_in_every_layout(
        (m, k, n) in sizes(), batch in prop::collection::vec(0..3usize, 0..3), kinds: (u8, u8),
    ) {
        let with = |tail: [usize; 2]| batch.iter().copied().chain(tail).collect::<Shape>();
        let (x, y) = (tensor(with([m, k]), 1), tensor(with([k, n]), 2));
        let product = x.matmul(&y).unwrap();
        // Values lie on a coarse grid, so sums of products are exact in any order.
        prop_assert_eq!(&product, &naive(&x, &y));
        prop_assert_eq!(&relaid(&x, kinds.0).matmul(&relaid(&y, kinds.1)).unwrap(), &product);
        let single = |x: &Tensor| x.cast(DType::F32).unwrap();
        prop_assert_eq!(single(&x).matmul(&single(&y)).unwrap(), single(&product));
    }

    #[test]
    fn layouts_give_the_same_bits((m, k, n) in sizes(), kinds: (u8, u8)) {
        let third = Tensor::full([], 3.0).unwrap();
        let rough = |x: Tensor| {
            let thirds = x.to_vec::<f64>().unwrap().into_iter().map(|v| v / third.item().unwrap());
            Tensor::from_vec(thirds.collect::<Vec<_>>(), x.shape()).unwrap()
        };
        let (x, y) = (rough(tensor([3, m, k], 1)), rough(tensor([k, n], 2)));
        let shared = y.broadcast_to([3, k, n]).unwrap();
        let copied = shared.contiguous().unwrap();
        let product = x.matmul(&copied).unwrap();
        prop_assert!(same_bits(&relaid(&x, kinds.0).matmul(&shared).unwrap(), &product));
        prop_assert!(same_bits(&x.matmul(&relaid(&copied, kinds.1)).unwrap(), &product));
    }

    #[test]
    fn a_transposed_product_is_the_product_of_transposes((m, k, n) in sizes()) {
        let (x, y) = (tensor([m, k], 3), tensor([k, n], 4));
        prop_assert_eq!(x.matmul(&y).unwrap().t(), y.t().matmul(&x.t()).unwrap());
    }

    #[test]
    fn the_adjoint_of_a_product_is_a_product_with_the_transpose((m, k, n) in sizes()) {
        let (x, y, z) = (tensor([m, k], 5), tensor([k, n], 6), tensor([m, n], 7));
        let left = inner(&x.matmul(&y).unwrap(), &z);
        prop_assert_eq!(left, inner(&x, &z.matmul(&y.t()).unwrap()));
        prop_assert_eq!(left, inner(&y, &x.t().matmul(&z).unwrap()));
    }

    #[test]
    fn products_associate((m, k, n) in sizes(), p in 0..5usize) {
        let (x, y, z) = (tensor([m, k], 8), tensor([k, n], 9), tensor([n, p], 10));
        let left = x.matmul(&y).unwrap().matmul(&z).unwrap();
        prop_assert!(left.allclose(&x.matmul(&y.matmul(&z).unwrap()).unwrap(), 0.0, 1e-9).unwrap());
    }
}

#[test]
fn integers_wrap_and_the_identity_changes_nothing() {
    let x = Tensor::from([[i64::MAX, 1], [2, 3]]);
    assert_eq!(x.matmul(&Tensor::eye(2, DType::I64).unwrap()).unwrap(), x);
    assert_eq!(x.matmul(&Tensor::from([2, 0])).unwrap(), Tensor::from([-2, 4]));
}

#[test]
fn ranks_and_batches_follow_numpy() {
    let shape = |x: &[usize], y: &[usize]| tensor(x, 1).matmul(&tensor(y, 2)).unwrap().shape().to_vec();
    assert_eq!(shape(&[3], &[3]), []);
    assert_eq!(shape(&[3], &[3, 2]), [2]);
    assert_eq!(shape(&[2, 3], &[3]), [2]);
    assert_eq!(shape(&[5, 2, 3], &[3]), [5, 2]);
    assert_eq!(shape(&[3], &[5, 3, 2]), [5, 2]);
    assert_eq!(shape(&[7, 1, 2, 3], &[5, 3, 4]), [7, 5, 2, 4]);
    assert_eq!(shape(&[2, 3], &[6, 0, 3, 4]), [6, 0, 2, 4]);
    assert_eq!(shape(&[4, 2, 0], &[0, 3]), [4, 2, 3]);
    let zeros = tensor([2, 0], 1).matmul(&tensor([0, 3], 1)).unwrap();
    assert_eq!(zeros, Tensor::zeros([2, 3], DType::F64).unwrap());
    // One matrix against a batch is the batch of the products.
    let (x, y) = (tensor([4, 3, 5], 3), tensor([5, 2], 4));
    assert_eq!(x.matmul(&y).unwrap(), naive(&x, &y.broadcast_to([4, 5, 2]).unwrap()));
}

#[test]
fn misfits_are_named() {
    let wrong = |x: &[usize], y: &[usize]| tensor(x, 1).matmul(&tensor(y, 2)).unwrap_err();
    assert_eq!(wrong(&[4, 2], &[3, 4]).to_string(), "matmul: [4, 2] x [3, 4]: inner dimensions 2 and 3 differ");
    assert_eq!(wrong(&[], &[3]).to_string(), "matmul: [] x [3]: a scalar is not a matrix");
    let batches = wrong(&[2, 4, 3], &[3, 3, 4]);
    assert_eq!(batches.to_string(), "matmul: [2, 4, 3] x [3, 3, 4]: leading axes [2] and [3] do not broadcast");
    let mixed = tensor([2, 2], 1).matmul(&tensor([2, 2], 1).cast(DType::F32).unwrap()).unwrap_err();
    assert_eq!((mixed.kind(), mixed.sentence()), (ErrorKind::DType, "matmul: dtypes f64 and f32 differ"));
    assert!(tensor([2], 1).dot(&tensor([1, 2], 1)).is_err());
    assert!(tensor([2], 1).dot(&tensor([3], 1)).unwrap_err().sentence().contains("dot: "));
}

#[test]
fn a_broadcast_vector_too_long_to_write_out_is_an_error() {
    // Longer than any address space, so that no system grants it.
    let long = Tensor::from(1.0).broadcast_to([1 << 58]).unwrap();
    assert_eq!(long.dot(&long).unwrap_err().kind(), ErrorKind::Memory);
}
