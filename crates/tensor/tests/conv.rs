//! Convolution against its definition, and what makes it one: linearity, translation, its adjoint.

mod common;

use common::{inner, relaid, tensor};
use proptest::prelude::*;
use wengert_tensor::{Conv, DType, ErrorKind, Shape, Tensor};

/// Every index of a shape, in row-major order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |all, &n| {
        all.into_iter().flat_map(|index| (0..n).map(move |i| [&index[..], &[i]].concat())).collect()
    })
}

/// The definition, one element after another.
fn naive(x: &Tensor, w: &Tensor, conv: &Conv) -> Tensor {
    let axes = conv.strides.len();
    let (sx, sw) = (x.shape(), w.shape());
    let positions = (0..axes).map(|a| {
        let padded = sx[a + 2] as isize + conv.padding[a].0 + conv.padding[a].1;
        (padded as usize - (sw[a + 2] - 1) * conv.dilations[a] - 1) / conv.strides[a] + 1
    });
    let shape: Shape = [sx[0], sw[0]].into_iter().chain(positions).collect();
    let element = |at: Vec<usize>| -> f64 {
        let group = at[1] / (sw[0] / conv.groups);
        let terms = indices(&sw[1..]).into_iter().map(|k| {
            let mut from = vec![at[0], group * sw[1] + k[0]];
            for a in 0..axes {
                let i = (at[a + 2] * conv.strides[a] + k[a + 1] * conv.dilations[a]) as isize - conv.padding[a].0;
                if i < 0 || i >= sx[a + 2] as isize {
                    return 0.0;
                }
                from.push(i as usize);
            }
            x.get::<f64>(&from).unwrap() * w.get::<f64>(&[&[at[1]], &k[..]].concat()).unwrap()
        });
        terms.sum()
    };
    Tensor::from_vec(indices(&shape).into_iter().map(element).collect::<Vec<f64>>(), shape).unwrap()
}

/// One spatial axis: what is left beyond the window, window, stride, dilation, padding.
type AxisCase = (usize, usize, usize, usize, (isize, isize));

fn axis() -> impl Strategy<Value = AxisCase> {
    (0..4usize, 1..4usize, 1..4usize, 1..3usize, (-1..3isize, -1..3isize))
}

fn case(axes: &[AxisCase], groups: usize) -> (Vec<usize>, Vec<usize>, Conv) {
    let conv = Conv {
        strides: axes.iter().map(|a| a.2).collect(),
        dilations: axes.iter().map(|a| a.3).collect(),
        padding: axes.iter().map(|a| a.4).collect(),
        groups,
    };
    let size = |a: &AxisCase| ((a.1 - 1) * a.3 + 1 + a.0) as isize - a.4.0 - a.4.1;
    (axes.iter().map(|a| size(a).max(0) as usize).collect(), axes.iter().map(|a| a.1).collect(), conv)
}

fn operands(n: usize, i: usize, o: usize, axes: &[AxisCase], groups: usize) -> (Tensor, Tensor, Conv) {
    let (sizes, windows, conv) = case(axes, groups);
    let x = tensor([&[n, groups * i], &sizes[..]].concat(), 1);
    (x, tensor([&[groups * o, i], &windows[..]].concat(), 2), conv)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn conv_is_its_definition_in_every_layout(
        axes in prop::collection::vec(axis(), 1..4), n in 0..4usize, i in 0..3usize, o in 0..4usize,
        groups in 1..3usize, kinds: (u8, u8),
    ) {
        let (x, w, conv) = operands(n, i, o, &axes, groups);
        let y = x.conv(&w, &conv).unwrap();
        prop_assert_eq!(&y, &naive(&x, &w, &conv));
        prop_assert_eq!(&relaid(&x, kinds.0).conv(&relaid(&w, kinds.1), &conv).unwrap(), &y);
        let single = |x: &Tensor| x.cast(DType::F32).unwrap();
        prop_assert_eq!(single(&x).conv(&single(&w), &conv).unwrap(), single(&y));
    }

    #[test]
    fn long_rows_are_no_different(
        axes in prop::collection::vec((0..24usize, 1..4usize, 1..4usize, 1..3usize, (-1..3isize, -1..3isize)), 1..3),
        n in 1..3usize, i in 1..3usize, o in 1..6usize, groups in 1..3usize, kind: u8,
    ) {
        let (x, w, conv) = operands(n, i, o, &axes, groups);
        let single = |x: &Tensor| x.cast(DType::F32).unwrap();
        let y = relaid(&x, kind).conv(&w, &conv).unwrap();
        prop_assert_eq!(&y, &naive(&x, &w, &conv));
        prop_assert_eq!(single(&x).conv(&single(&w), &conv).unwrap(), single(&y));
    }

    /// xbar: ybar, with strides - 1 zeros between, convolved with the flipped kernel, channels swapped.
    /// wbar: x convolved with ybar, samples as channels, strides and dilations swapped.
    #[test]
    fn derivatives_of_a_conv_are_convs(
        axes in prop::collection::vec(axis(), 1..3), n in 1..4usize, i in 1..3usize, o in 1..4usize,
    ) {
        let (x, w, conv) = operands(n, i, o, &axes, 1);
        // A convolution has at least one position, so it cannot give an empty xbar.
        prop_assume!(x.numel() > 0);
        let y = x.conv(&w, &conv).unwrap();
        let ybar = tensor(y.shape(), 3);
        let rank = axes.len();
        let reach = |a: usize| ((w.shape()[a + 2] - 1) * conv.dilations[a]) as isize;
        let rest = |a: usize| {
            let (lo, hi) = conv.padding[a];
            let used = ((y.shape()[a + 2] - 1) * conv.strides[a]) as isize + reach(a) + 1;
            x.shape()[a + 2] as isize + lo + hi - used
        };

        let spread: Vec<wengert_tensor::Pad> = (0..rank + 2)
            .map(|a| wengert_tensor::Pad { interior: if a < 2 { 0 } else { conv.strides[a - 2] - 1 }, ..Default::default() })
            .collect();
        let back = Conv {
            strides: vec![1; rank],
            padding: (0..rank).map(|a| {
                let (lo, hi) = conv.padding[a];
                (reach(a) - lo, reach(a) - hi + rest(a))
            }).collect(),
            ..conv.clone()
        };
        let flipped = w.transpose(0, 1).unwrap().flip(&(2..rank + 2).collect::<Vec<_>>()[..]).unwrap();
        let xbar = ybar.pad(&spread, 0.0).unwrap().conv(&flipped, &back).unwrap();
        prop_assert_eq!(inner(&y, &ybar), inner(&x, &xbar));

        let swapped = Conv {
            strides: conv.dilations.clone(),
            dilations: conv.strides.clone(),
            padding: (0..rank).map(|a| (conv.padding[a].0, conv.padding[a].1 - rest(a))).collect(),
            groups: 1,
        };
        let t = |x: &Tensor| x.transpose(0, 1).unwrap();
        let wbar = t(&t(&x).conv(&t(&ybar), &swapped).unwrap());
        prop_assert_eq!(inner(&y, &ybar), inner(&w, &wbar));
    }
}

#[test]
fn large_convolutions_are_cut_without_a_seam() {
    // Huge windows at few positions of several samples; many positions; deep single elements.
    for (x, w) in [([5, 3, 60, 50], [7, 3, 59, 48]), ([1, 2, 90, 95], [3, 2, 5, 5]), ([2, 300, 30, 31], [4, 300, 1, 1])]
    {
        let (x, w) = (tensor(x, 1), tensor(w, 2));
        let y = x.conv(&w, &Conv::new(2)).unwrap();
        let windows = x.windows(&w.shape()[2..], &[1, 1], &[1, 1]).unwrap();
        let [n, c, h, v] = [0, 1, 2, 3].map(|a| windows.shape()[a]);
        let k = c * w.shape()[2] * w.shape()[3];
        let columns = windows.permute([0, 2, 3, 1, 4, 5]).unwrap().reshape([n * h * v, k]).unwrap();
        let product = columns.matmul(&w.reshape([w.shape()[0], k]).unwrap().t()).unwrap();
        let expected = product.reshape([n, h, v, w.shape()[0]]).unwrap().permute([0, 3, 1, 2]).unwrap();
        assert_eq!(y, expected);
        assert_eq!(relaid(&x, 1).conv(&w, &Conv::new(2)).unwrap(), y);
    }
}

#[test]
fn misfits_are_named() {
    let wrong = |x: &[usize], w: &[usize], conv: &Conv| tensor(x, 1).conv(&tensor(w, 1), conv).unwrap_err();
    let err = wrong(&[1, 4, 5], &[3, 2, 2], &Conv::new(1).groups(2));
    assert_eq!(err.to_string(), "conv: [1, 4, 5] with kernel [3, 2, 2]: 2 groups do not divide 3 output channels");
    let err = wrong(&[1, 4, 5], &[3, 2, 2], &Conv::new(1));
    assert_eq!(
        err.to_string(),
        "conv: [1, 4, 5] with kernel [3, 2, 2]: 1 groups of 2 channels are not the 4 there are"
    );
    assert!(wrong(&[1, 1, 3], &[1, 1, 4], &Conv::new(1)).sentence().contains("axis 2"));
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(1).stride(0)).kind(), ErrorKind::Value);
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(1).dilation(0)).kind(), ErrorKind::Value);
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(1).groups(0)).kind(), ErrorKind::Shape);
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(2)).kind(), ErrorKind::Shape);
    assert_eq!(wrong(&[1, 1], &[1, 1], &Conv::new(0)).kind(), ErrorKind::Shape);
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(1).padding(isize::MAX)).kind(), ErrorKind::Memory);
    assert_eq!(wrong(&[1, 1, 3], &[1, 1, 2], &Conv::new(1).padding(-2)).kind(), ErrorKind::Shape);
    assert!(
        wrong(&[1, 1, 3], &[1, 1, 2], &Conv { dilations: vec![], ..Conv::new(1) })
            .sentence()
            .contains("numbers of axes")
    );
    let x = tensor([1, 1, 3], 1);
    assert_eq!(x.conv(&x.cast(DType::F32).unwrap(), &Conv::new(1)).unwrap_err().kind(), ErrorKind::DType);
    let ints = Tensor::from([[[1, 2]]]);
    assert_eq!(ints.conv(&ints, &Conv::new(1)).unwrap_err().kind(), ErrorKind::DType);
}

#[test]
fn far_numbers_and_empty_axes_are_harmless() {
    let (x, w) = (tensor([1, 1, 3], 1), tensor([1, 1, 2], 2));
    let far = isize::MAX / 32;
    let sparse = Conv::new(1).padding(far).dilation(2 * far as usize + 1).stride(usize::MAX);
    assert_eq!(x.conv(&w, &sparse).unwrap(), Tensor::zeros([1, 1, 1], DType::F64).unwrap());
    // Windows whose elements are far apart, at many positions.
    let wide = Conv::new(1).padding(far).dilation(2 * far as usize - 40);
    let y = tensor([1, 1, 20], 1).conv(&w, &wide).unwrap();
    assert_eq!(y, Tensor::zeros([1, 1, 60], DType::F64).unwrap());
    let y = tensor([1, 1, 0], 1).conv(&w, &Conv::new(1).padding(2)).unwrap();
    assert_eq!(y, Tensor::zeros([1, 1, 3], DType::F64).unwrap());
    let y = tensor([2, 0, 3], 1).conv(&tensor([4, 0, 2], 1), &Conv::new(1)).unwrap();
    assert_eq!(y, Tensor::zeros([2, 4, 2], DType::F64).unwrap());
}

/// Values with full mantissas, so that rounding shows.
fn rough(shape: &[usize], seed: u64) -> Tensor {
    let x = tensor(shape, seed);
    x.add(&tensor(shape, seed + 10).mul(&Tensor::from(1.0 / 97.0)).unwrap()).unwrap()
}

#[test]
fn fewer_products_are_about_as_exact() {
    // [samples, inputs, outputs, rows, columns, window, padding, groups]; tiles that fit, that are cut off, that are few.
    for [n, i, o, h, v, r, padding, groups] in [
        [2, 16, 32, 24, 28, 3, 1, 1],
        [3, 17, 18, 13, 19, 3, 1, 1],
        [1, 16, 70, 25, 33, 3, 0, 1],
        [5, 20, 16, 11, 14, 5, 2, 1],
        [2, 16, 16, 17, 40, 5, 4, 1],
        [2, 18, 17, 21, 19, 3, 2, 2],
    ] {
        let (x, w) = (rough(&[n, groups * i, h, v], 1), rough(&[groups * o, i, r, r], 2));
        let how = Conv::new(2).padding(padding as isize).groups(groups);
        let single = |x: &Tensor| x.cast(DType::F32).unwrap();
        let check = |x: &Tensor, w: &Tensor, how: &Conv| {
            let (x, w) = (single(x), single(w));
            let y = x.conv(&w, how).unwrap();
            let exact = x.cast(DType::F64).unwrap().conv(&w.cast(DType::F64).unwrap(), how).unwrap();
            let far = exact.sub(&y.cast(DType::F64).unwrap()).unwrap().abs().unwrap();
            let far = far.max().unwrap().item().unwrap();
            let usual = (inner(&exact, &exact) / exact.numel() as f64).sqrt();
            assert!(far < 2e-5 * usual, "{how:?} of {} by {}: {far} of {usual}", x.shape(), w.shape());
            for kind in 1..4 {
                assert_eq!(relaid(&x, kind).conv(&relaid(&w, kind + 1), how).unwrap(), y);
            }
        };
        check(&x, &w, &how);
        if groups == 1 {
            let t = |x: &Tensor| x.transpose(0, 1).unwrap();
            let ybar = rough(&[n, o, h + 2 * padding - r + 1, v + 2 * padding - r + 1], 3);
            check(&t(&x), &t(&ybar), &how);
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    let single = |x: Tensor| x.cast(DType::F32).unwrap();
    // By fewer products, by channels in lanes, by positions in lanes; each with what is derived for the kernel.
    for (channels, outputs, r) in [(32, 32, 3), (24, 40, 4), (40, 3, 3)] {
        let x = single(rough(&[4, channels, 40, 40], 1));
        let (w, ybar) = (single(rough(&[outputs, channels, r, r], 2)), single(rough(&[4, outputs, 41 - r, 41 - r], 3)));
        let results = [1, 2, 3, 0].map(|threads| {
            wengert_tensor::set_threads(threads);
            let t = |x: &Tensor| x.transpose(0, 1).unwrap();
            (x.conv(&w, &Conv::new(2)).unwrap(), t(&x).conv(&t(&ybar), &Conv::new(2)).unwrap())
        });
        assert!(results.iter().all(|result| *result == results[0]));
    }
}
