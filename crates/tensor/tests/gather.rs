//! Gather, select, pad, concat and windows, each against its adjoint: <f x, y> = <x, f' y>.

mod common;

use common::{indices, inner, relaid, tensor};
use proptest::prelude::*;
use wengert_tensor::kernel::pad::bind_rows;
use wengert_tensor::{DType, ErrorKind, Pad, Result, Shape, Tensor};

fn zeros(shape: impl Into<Shape>) -> Tensor {
    Tensor::zeros(shape, DType::F64).unwrap()
}

fn shapes() -> impl Strategy<Value = (Vec<usize>, usize)> {
    prop::collection::vec(1..5usize, 1..4).prop_flat_map(|shape| {
        let rank = shape.len();
        (Just(shape), 0..rank)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scatter_add_is_the_adjoint_of_gather((shape, axis) in shapes(), len in 0..6usize, less in 0..2usize, kinds: (u8, u8)) {
        let mut picked: Vec<usize> = shape.iter().map(|&n| n.saturating_sub(less).max(1)).collect();
        picked[axis] = len;
        let index = relaid(&indices(&picked[..], shape[axis], 1), kinds.0);
        let x = tensor(&shape[..], 2);
        let at = axis as isize;
        let y = relaid(&x, kinds.1).gather(at, &index).unwrap();
        prop_assert_eq!(&y, &x.gather(at, &index.contiguous().unwrap()).unwrap());
        let ybar = relaid(&tensor(&picked[..], 3), kinds.1);
        prop_assert_eq!(inner(&y, &ybar), inner(&x, &zeros(&shape[..]).scatter_add(at, &index, &ybar).unwrap()));
    }

    #[test]
    fn index_add_is_the_adjoint_of_index_select(
        (shape, axis) in shapes(), picked in prop::collection::vec(0..4usize, 0..3), kinds: (u8, u8),
    ) {
        let index = relaid(&indices(&picked[..], shape[axis], 1), kinds.0);
        let x = relaid(&tensor(&shape[..], 2), kinds.1);
        let at = axis as isize;
        let y = x.index_select(at, &index).unwrap();
        let flat = index.flatten().unwrap();
        let slices: Vec<Tensor> =
            flat.iter::<i64>().unwrap().map(|i| x.narrow(at, i as usize, 1).unwrap()).collect();
        if !slices.is_empty() {
            let joined = Tensor::concat(&slices.iter().collect::<Vec<_>>(), at).unwrap();
            prop_assert_eq!(&y, &joined.reshape(y.shape()).unwrap());
        }
        let ybar = relaid(&tensor(y.shape(), 3), kinds.1);
        prop_assert_eq!(inner(&y, &ybar), inner(&x, &zeros(&shape[..]).index_add(at, &index, &ybar).unwrap()));
    }

    #[test]
    fn a_slice_is_the_adjoint_of_padding(
        (shape, axis) in shapes(), lo in 0..3usize, hi in 0..3usize, interior in 0..3usize, kind: u8,
    ) {
        let x = relaid(&tensor(&shape[..], 1), kind);
        let mut pads = vec![Pad::default(); shape.len()];
        pads[axis] = Pad { lo, hi, interior };
        let y = x.pad(&pads, 0.0).unwrap();
        let ybar = tensor(y.shape(), 2);
        let reach = (shape[axis] - 1) * (interior + 1) + 1;
        let back = |t: &Tensor| t.narrow(axis as isize, lo, reach).unwrap().slice(axis as isize, .., interior as isize + 1).unwrap();
        prop_assert_eq!(&back(&y), &x);
        prop_assert_eq!(inner(&y, &ybar), inner(&x, &back(&ybar)));
        let filled = x.pad(&pads, 2.5).unwrap();
        let sum = |t: &Tensor| inner(t, &Tensor::ones(t.shape(), DType::F64).unwrap());
        prop_assert_eq!(sum(&filled) - sum(&x), 2.5 * (y.numel() - x.numel()) as f64);
    }

    #[test]
    fn narrowing_takes_a_join_apart((shape, axis) in shapes(), sizes in prop::collection::vec(0..4usize, 1..4), kind: u8) {
        let parts: Vec<Tensor> = sizes.iter().zip(1..).map(|(&n, seed)| {
            let mut shape = shape.clone();
            shape[axis] = n;
            relaid(&tensor(shape, seed), kind)
        }).collect();
        let joined = Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis as isize).unwrap();
        let mut start = 0;
        for (part, &n) in parts.iter().zip(&sizes) {
            prop_assert_eq!(&joined.narrow(axis as isize, start, n).unwrap(), part);
            start += n;
        }
        prop_assert_eq!(joined.shape()[axis], start);
    }

    #[test]
    fn fold_is_the_adjoint_of_windows(
        axes in prop::collection::vec((1..4usize, 1..4usize, 1..3usize, 0..4usize), 0..3), lead in 0..3usize, kind: u8,
    ) {
        let sizes: Vec<usize> = axes.iter().map(|a| a.0).collect();
        let strides: Vec<usize> = axes.iter().map(|a| a.1).collect();
        let dilations: Vec<usize> = axes.iter().map(|a| a.2).collect();
        let full: Vec<usize> = axes.iter().map(|a| (a.0 - 1) * a.2 + 1 + a.3).collect();
        let shape: Shape = [lead].into_iter().chain(full.iter().copied()).collect();
        let x = relaid(&tensor(shape, 1), kind);
        let y = x.windows(&sizes, &strides, &dilations).unwrap();
        let ybar = relaid(&tensor(y.shape(), 2), kind);
        prop_assert_eq!(inner(&y, &ybar), inner(&x, &ybar.fold(&full, &strides, &dilations).unwrap()));
    }
}

#[test]
fn indices_out_of_range_are_named_and_nothing_wraps() {
    let x = tensor([2, 3], 1);
    let err = x.gather(1, &Tensor::from([[0, 3]])).unwrap_err();
    assert_eq!(err.to_string(), "gather: index 3 is out of range for axis 1 of size 3");
    let err = x.index_select(0, &Tensor::from([-1])).unwrap_err();
    assert_eq!(
        (err.kind(), err.sentence()),
        (ErrorKind::Index, "index_select: index -1 is out of range for axis 0 of size 2")
    );
    assert!(zeros([2]).scatter_add(0, &Tensor::from([2]), &tensor([1], 1)).is_err());
    assert!(zeros([2]).index_add(0, &Tensor::from([i64::MAX]), &tensor([1], 1)).is_err());
    assert!(tensor([0, 3], 1).index_select(0, &Tensor::from([0])).is_err());
    assert_eq!(x.gather(0, &tensor([1, 3], 1)).unwrap_err().kind(), ErrorKind::DType);
    assert_eq!(x.gather(2, &Tensor::from([[0]])).unwrap_err().kind(), ErrorKind::Index);
    assert_eq!(x.gather(1, &Tensor::from([0])).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(x.gather(1, &indices([3, 1], 1, 1)).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(tensor([], 1).gather(0, &indices([], 1, 1)).unwrap_err().kind(), ErrorKind::Index);
}

#[test]
fn a_kernel_that_fails_has_written_nothing() {
    use wengert_tensor::kernel::gather::scatter_add;
    use wengert_tensor::view::{DataMut, ViewMut};
    let (index, src) = (Tensor::from([0, 1, 9]), tensor([3], 1));
    let mut out = [7.0; 2];
    let shape = Shape::from([2]);
    let view = ViewMut::new(DataMut::F64(&mut out), &shape).unwrap();
    assert!(scatter_add(0, index.view(), src.view(), view).is_err());
    assert_eq!(out, [7.0; 2]);
}

#[test]
fn joins_pads_and_windows_that_do_not_fit_are_errors() {
    assert!(Tensor::concat(&[], 0).is_err());
    assert!(Tensor::stack(&[], 0).is_err());
    let (a, b) = (tensor([2, 3], 1), tensor([2, 2], 2));
    assert_eq!(Tensor::concat(&[&a, &b], 0).unwrap_err().sentence(), "concat: [2, 3] and [2, 2] differ outside axis 0");
    assert!(Tensor::concat(&[&a, &tensor([2], 1)], 1).is_err());
    assert!(Tensor::concat(&[&a, &a.cast(DType::F32).unwrap()], 0).is_err());
    assert!(Tensor::stack(&[&a, &b], 0).is_err());
    assert_eq!(Tensor::stack(&[&a, &a], 3).unwrap_err().kind(), ErrorKind::Index);
    assert!(a.pad(&[(1, 1)], 0.0).is_err());
    assert_eq!(a.pad(&[(usize::MAX, 1), (0, 0)], 0.0).unwrap_err().kind(), ErrorKind::Memory);
    assert_eq!(zeros([0]).pad(&[(2, 1)], 1.0).unwrap(), Tensor::ones([3], DType::F64).unwrap());
    let far = Pad { interior: usize::MAX, ..Pad::default() };
    assert_eq!(tensor([1], 1).pad(&[far], 0.0).unwrap(), tensor([1], 1));
    assert_eq!(a.windows(&[0], &[1], &[1]).unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(a.windows(&[4], &[1], &[1]).unwrap_err().kind(), ErrorKind::Shape);
    assert!(a.windows(&[1], &[1], &[]).is_err());
    assert!(a.windows(&[1, 1, 1], &[1; 3], &[1; 3]).is_err());
    assert_eq!(a.windows(&[3], &[usize::MAX], &[1]).unwrap().shape()[..], [2, 1, 3]);
    assert!(a.fold(&[9], &[1], &[1]).is_err());
    assert!(a.fold(&[3], &[1, 1], &[1]).is_err());
}

#[test]
fn rows_are_padded_as_tensors_are() -> Result<()> {
    for (rows, cols, lo, hi) in [(3, 5, 1, 2), (4, 99, 0, 1), (2, 600, 3, 0), (1, 1, 0, 0), (7, 4, 17, 0), (0, 3, 1, 1)]
    {
        let x = tensor([rows, cols], 1);
        let kernel = bind_rows(cols, [lo, hi], (-0.5).into());
        for dtype in [DType::F32, DType::F64, DType::BF16] {
            let x = x.cast(dtype)?;
            let padded = Tensor::build(dtype, [rows, cols + lo + hi], |out| kernel.call(&[x.data()], out.into_data()))?;
            assert_eq!(padded, x.pad(&[(0, 0), (lo, hi)], -0.5)?);
        }
        let misfit = |len: usize| Tensor::build(DType::F64, [len], |out| kernel.call(&[x.data()], out.into_data()));
        assert_eq!(misfit(rows * (cols + lo + hi) + 1).unwrap_err().kind(), ErrorKind::Shape);
    }
    Ok(())
}
