//! Views against a naive model: a plain `Vec` of elements, and index arithmetic element by element.

use proptest::prelude::*;
use wengert_tensor::kernel::cursor::Walker;
use wengert_tensor::{Axes, DType, ErrorKind, Layout, Result, Shape, SliceRange, Tensor};

/// A tensor as a list of elements in row-major order.
#[derive(Debug, Clone)]
struct Model {
    shape: Vec<usize>,
    elements: Vec<i64>,
}

impl Model {
    /// The elements of `shape` that `source` finds in this one: from an index to an index.
    fn map(&self, shape: Vec<usize>, source: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let element = |index: &[usize]| {
            let place = source(index).iter().zip(&self.shape).fold(0, |place, (i, size)| place * size + i);
            self.elements[place]
        };
        let elements = indices(&shape).iter().map(|index| element(index)).collect();
        Self { shape, elements }
    }
}

fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    shape.iter().fold(vec![vec![]], |all, &size| {
        all.iter().flat_map(|index| (0..size).map(|i| [&index[..], &[i]].concat())).collect()
    })
}

/// A view operation; its numbers are made to fit the shape that it meets.
#[derive(Debug, Clone, Copy)]
enum View {
    Permute(u64),
    Slice { axis: usize, start: isize, stop: isize, step: isize },
    Flip(usize),
    Select { axis: usize, index: usize },
    Unsqueeze(usize),
    Squeeze,
    Stretch { lead: usize, size: usize },
    Reshape(u64),
}

fn view() -> impl Strategy<Value = View> {
    prop_oneof![
        any::<u64>().prop_map(View::Permute),
        (0..8usize, -6..6isize, -6..6isize, 1..4isize).prop_map(|(axis, start, stop, step)| View::Slice {
            axis,
            start,
            stop,
            step
        }),
        any::<usize>().prop_map(View::Flip),
        (0..8usize, 0..8usize).prop_map(|(axis, index)| View::Select { axis, index }),
        (0..8usize).prop_map(View::Unsqueeze),
        Just(View::Squeeze),
        (0..2usize, 0..3usize).prop_map(|(lead, size)| View::Stretch { lead, size }),
        any::<u64>().prop_map(View::Reshape),
    ]
}

fn python_index(i: isize, size: usize) -> usize {
    (if i < 0 { i + size as isize } else { i }).clamp(0, size as isize) as usize
}

/// A shape of as many elements: factors of the sizes, cut out as `choice` says.
fn reshaped(shape: &[usize], mut choice: u64) -> Vec<usize> {
    let mut left = shape.iter().product::<usize>();
    let mut sizes = vec![];
    while sizes.len() < 3 && left > 1 {
        let divisors: Vec<usize> = (1..=left).filter(|d| left.is_multiple_of(*d)).collect();
        let size = divisors[(choice % 97) as usize % divisors.len()];
        choice /= 97;
        sizes.push(size);
        left /= size;
    }
    sizes.push(left);
    sizes
}

fn apply(x: &Tensor, model: &Model, view: View) -> Result<(Tensor, Model)> {
    let (shape, rank) = (model.shape.clone(), model.shape.len());
    Ok(match view {
        View::Permute(choice) => {
            let mut order: Vec<usize> = (0..rank).collect();
            (1..rank).for_each(|i| order.swap(i, (choice >> (8 * (i % 8))) as usize % (i + 1)));
            let sizes = order.iter().map(|&axis| shape[axis]).collect();
            let source =
                |index: &[usize]| (0..rank).map(|axis| index[order.iter().position(|&o| o == axis).unwrap()]).collect();
            (x.permute(&order[..])?, model.map(sizes, source))
        }
        View::Slice { axis, start, stop, step } if rank > 0 => {
            let axis = axis % rank;
            let (from, to) = (python_index(start, shape[axis]), python_index(stop, shape[axis]));
            let mut sizes = shape;
            sizes[axis] = (from..to).step_by(step as usize).count();
            let source = |index: &[usize]| {
                let mut index = index.to_vec();
                index[axis] = from + index[axis] * step as usize;
                index
            };
            (x.slice(axis as isize - rank as isize, start..stop, step)?, model.map(sizes, source))
        }
        View::Flip(choice) => {
            let axes: Vec<usize> = (0..rank).filter(|axis| choice >> axis & 1 == 1).collect();
            let source = |index: &[usize]| {
                (0..rank).map(|i| if axes.contains(&i) { shape[i] - 1 - index[i] } else { index[i] }).collect()
            };
            (x.flip(&axes[..])?, model.map(shape.clone(), source))
        }
        View::Select { axis, index } if rank > 0 && shape[axis % rank] > 0 => {
            let axis = axis % rank;
            let at = index % shape[axis];
            let mut sizes = shape;
            sizes.remove(axis);
            let source = |index: &[usize]| {
                let mut index = index.to_vec();
                index.insert(axis, at);
                index
            };
            (x.select_axis(axis as isize, at as isize)?, model.map(sizes, source))
        }
        View::Unsqueeze(axis) if rank < 6 => {
            let mut sizes = shape;
            sizes.insert(axis % (rank + 1), 1);
            (x.unsqueeze((axis % (rank + 1)) as isize)?, Model { shape: sizes, ..model.clone() })
        }
        View::Squeeze if shape.contains(&1) => {
            let axis = shape.iter().position(|&size| size == 1).unwrap();
            let mut sizes = shape;
            sizes.remove(axis);
            (x.squeeze(axis as isize)?, Model { shape: sizes, ..model.clone() })
        }
        View::Stretch { lead, size } if model.elements.len() < 200 && rank < 6 => {
            let mut sizes = vec![2; lead];
            sizes.extend(shape.iter().map(|&n| if n == 1 { size } else { n }));
            let source =
                |index: &[usize]| index[lead..].iter().zip(&shape).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
            (x.broadcast_to(sizes.clone())?, model.map(sizes, source))
        }
        View::Reshape(choice) => {
            let sizes = reshaped(&shape, choice);
            (x.reshape(Shape::from(sizes.clone()))?, Model { shape: sizes, ..model.clone() })
        }
        _ => (x.clone(), model.clone()),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn chains_of_views_are_index_arithmetic(
        sizes in prop::collection::vec(0..5usize, 0..4),
        views in prop::collection::vec(view(), 0..8),
    ) {
        let elements: Vec<i64> = (0..sizes.iter().product::<usize>() as i64).collect();
        let mut x = Tensor::from_vec(elements.clone(), sizes.clone()).unwrap();
        let mut model = Model { shape: sizes, elements };
        for view in views {
            let (y, next) = apply(&x, &model, view).unwrap();
            prop_assert_eq!(&y.shape()[..], &next.shape[..], "{:?}", view);
            prop_assert_eq!(y.to_vec::<i64>().unwrap(), &next.elements[..], "{:?}", view);
            prop_assert!(y.iter::<i64>().unwrap().eq(next.elements.iter().copied()));
            for (index, &element) in indices(&next.shape).iter().zip(&next.elements) {
                prop_assert_eq!(y.get::<i64>(index).unwrap(), element);
            }
            prop_assert!(matches!(view, View::Reshape(_)) || y.shares_storage(&x), "{:?} copied", view);
            prop_assert_eq!(&y.contiguous().unwrap(), &y);
            (x, model) = (y, next);
        }
    }

    #[test]
    fn reshaping_back_is_the_identity(sizes in prop::collection::vec(0..5usize, 0..5), choice: u64) {
        let n = sizes.iter().product::<usize>() as i64;
        let x = Tensor::arange(0, n, 1).unwrap().reshape(Shape::from(sizes.clone())).unwrap();
        let y = x.reshape(Shape::from(reshaped(&sizes, choice))).unwrap();
        prop_assert!(y.shares_storage(&x));
        prop_assert_eq!(&y.reshape(x.shape()).unwrap(), &x);
        prop_assert_eq!(x.flatten().unwrap().rank(), 1);
        // A transpose may have to be copied, and still has its own order.
        let z = x.t();
        let flat = z.flatten().unwrap().to_vec::<i64>().unwrap();
        prop_assert_eq!(flat, z.to_vec::<i64>().unwrap());
    }

    #[test]
    fn slices_are_pythons(size in 0..6usize, start in -9..9isize, stop in -9..9isize, step in 1..4isize) {
        let x = Tensor::arange(0, size as i64, 1).unwrap();
        let (from, to) = (python_index(start, size), python_index(stop, size));
        let expected: Vec<i64> = (from..to).step_by(step as usize).map(|i| i as i64).collect();
        prop_assert_eq!(x.slice(0, start..stop, step).unwrap().to_vec::<i64>().unwrap(), expected);
    }
}

#[test]
#[allow(clippy::reversed_empty_ranges)]
fn ranges_of_every_kind() {
    let x = Tensor::arange(0, 6, 1).unwrap();
    let elements = |y: Result<Tensor>| y.unwrap().to_vec::<i64>().unwrap();
    assert_eq!(elements(x.slice(0, .., 1)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(elements(x.slice(0, -2.., 1)), [4, 5]);
    assert_eq!(elements(x.slice(0, ..=-2, 2)), [0, 2, 4]);
    assert_eq!(elements(x.slice(0, ..=-1, 1)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(elements(x.slice(0, 1..isize::MAX, isize::MAX)), [1]);
    assert_eq!(elements(x.slice(0, isize::MIN..=isize::MAX, 5)), [0, 5]);
    assert!(x.slice(0, 4..2, 1).unwrap().slice(0, 1.., 1).unwrap().shape().contains(&0));
    assert_eq!(SliceRange::resolve(5, 4..2, 1).unwrap().len(), 0);
    assert_eq!(elements(x.narrow(0, 2, 3)), [2, 3, 4]);
    assert_eq!(elements(x.narrow(-1, 6, 0)), []);
}

#[test]
fn transposes() {
    let x = Tensor::arange(0, 24, 1).unwrap().reshape([2, 3, 4]).unwrap();
    assert_eq!(x.t(), x.permute([0, 2, 1]).unwrap());
    assert_eq!(x.t().t(), x);
    assert_eq!(x.transpose(0, -1).unwrap(), x.permute([-1, 1, 0]).unwrap());
    assert!(x.t().shares_storage(&x));
    let row = Tensor::from([1, 2]);
    assert_eq!(row.t(), row);
    assert_eq!(Axes::from([1, 0]).permutation(&Shape::from([5, 6])).unwrap()[..], [1, 0]);
}

#[test]
fn mistakes_are_sentences() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let says = |result: Result<Tensor>, sentence: &str| assert_eq!(result.unwrap_err().to_string(), sentence);
    says(x.reshape([4, 2]), "reshape: [2, 3] has 6 elements and [4, 2] has 8");
    says(x.reshape([4, -1]), "reshape: [2, 3] to [4, -1]: no size fits in place of -1");
    says(x.permute([0]), "permute: [0] is not a permutation of the axes of [2, 3]");
    says(x.permute([0, -2]), "permute: [0, 0] is not a permutation of the axes of [2, 3]");
    says(x.permute([0, 2]), "permute: axis 2 is out of range for shape [2, 3] of rank 2");
    says(x.transpose(0, 2), "transpose: axis 2 is out of range for shape [2, 3] of rank 2");
    says(x.slice(0, .., -1), "slice: a step of -1 is below 1; to go backwards, flip the axis");
    says(x.slice(2, .., 1), "slice: axis 2 is out of range for shape [2, 3] of rank 2");
    says(x.narrow(1, 2, 2), "narrow: 2 from 2 reach outside an axis of 3");
    says(x.narrow(1, usize::MAX, 2), "narrow: 2 from 18446744073709551615 reach outside an axis of 3");
    says(x.select_axis(1, 3), "select_axis: index 3 is outside axis 1 of [2, 3]");
    says(x.select_axis(0, isize::MIN), "select_axis: index -9223372036854775808 is outside axis 0 of [2, 3]");
    says(x.flip([0, -2]), "flip: axes [0, -2] of shape [2, 3] repeat an axis");
    says(x.broadcast_to([4, 3]), "broadcast_to: [2, 3] does not stretch to [4, 3]");
    says(x.broadcast_to([3]), "broadcast_to: [2, 3] does not stretch to [3]");
    says(x.unsqueeze(3), "unsqueeze: axis 3 is out of range for shape [2, 3] and one axis more");
    says(x.squeeze(0), "squeeze: axis 0 of [2, 3] has size 2, not 1");
    let kind = Tensor::from(1.0).broadcast_to([usize::MAX, 2]).unwrap_err().kind();
    assert_eq!(kind, ErrorKind::Memory);
}

/// Shapes of no elements may have sizes whose product, without the 0, no memory would hold.
#[test]
fn huge_empty_shapes() {
    let x = Tensor::zeros([0, 1 << 28, 1 << 28], DType::F32).unwrap();
    for y in [
        x.t(),
        x.permute([2, 0, 1]).unwrap(),
        x.flip(..).unwrap(),
        x.slice(1, 7.., 3).unwrap(),
        x.unsqueeze(-1).unwrap(),
        x.broadcast_to([5, 0, 1 << 28, 1 << 28]).unwrap(),
        Tensor::zeros([0, 1 << 59], DType::F32).unwrap().flip(1).unwrap(),
    ] {
        assert_eq!(y.numel(), 0);
        assert_eq!(y.flatten().unwrap().shape()[..], [0]);
        assert_eq!(y.contiguous().unwrap(), y);
        assert_eq!(y.to_vec::<f32>().unwrap(), []);
    }
    assert_eq!(x.select_axis(1, -1).unwrap().shape()[..], [0, 1 << 28]);
}

#[test]
fn numbers_that_do_not_fit_are_errors_and_not_others() {
    let x = Tensor::from([[1, 2], [3, 4]]);
    for axis in [usize::MAX, isize::MAX as usize + 1] {
        assert!(x.sum_axes(axis).is_err() && x.flip([axis]).is_err() && x.permute([0, axis]).is_err());
    }
    // A size of 0 does not hide sizes that no program could count through.
    for shape in [vec![usize::MAX, 0], vec![1 << 40, 0, 1 << 40]] {
        assert_eq!(Tensor::zeros(&shape[..], DType::F64).unwrap_err().kind(), ErrorKind::Memory);
        assert!(Tensor::from_slice(&[0.0; 0], &shape[..]).is_err());
        assert!(Tensor::zeros([0], DType::I64).unwrap().reshape(&shape[..]).is_err());
    }
    let many = Tensor::zeros([1 << 59, 0], DType::F64).unwrap();
    assert!(Tensor::concat(&[&many, &many, &many], 0).is_err());
    assert!(many.select_axis(0, isize::MIN).is_err());
    // Steps beyond the end, forwards and backwards.
    let y = Tensor::arange(0, 6, 1).unwrap().reshape([3, 2]).unwrap().flip(0).unwrap();
    assert_eq!(y.slice(0, .., isize::MAX).unwrap().flip(0).unwrap(), Tensor::from([[4, 5]]));
}

#[test]
fn layouts_of_other_tensors_are_checked() {
    let x = Tensor::from([1.0, 2.0]);
    let huge = [1 << 40, 1 << 40, 3];
    let wide = Layout::contiguous([1].into()).broadcast(&huge.into()).unwrap();
    for layout in [Layout::contiguous(huge.into()), wide, Layout::contiguous([usize::MAX, 2].into())] {
        assert!(x.with_layout(layout.clone()).is_err(), "{layout:?}");
        assert!(layout.span() > 0 && layout.is_contiguous() == (layout.strides()[0] != 0));
    }
    let end = Tensor::from([1.0; 9]).narrow(0, 7, 2).unwrap();
    let nothing = end.narrow(0, 0, 0).unwrap();
    assert_eq!(nothing.as_slice::<f64>(), Some(&[][..]));
    assert!(x.with_layout(end.layout().clone()).is_err() && x.with_layout(nothing.layout().clone()).is_err());
}

#[test]
fn lines_of_any_length_are_read_from_any_place() -> Result<()> {
    for n in [1, 2, 3, 4, 5, 15, 16, 17, 33, 99, 512, 700] {
        let x = Tensor::arange(0, 3 * (n as i64 + 2), 1)?.reshape([3, n + 2])?;
        let (line, lines) = (x.narrow(0, 1, 1)?.narrow(1, 1, n)?, x.narrow(1, 2, n)?);
        let views = [
            lines.clone(),
            lines.flip([0])?,
            lines.flip([1])?,
            line.broadcast_to([4, n])?,
            lines.unsqueeze(1)?.broadcast_to([3, 5, n])?,
            lines.t().unsqueeze(2)?.broadcast_to([n, 3, 6])?,
            x.narrow(1, 0, 1)?.broadcast_to([3, n])?,
            x.flip([0])?.narrow(1, 0, 1)?.unsqueeze(0)?.broadcast_to([2, 3, n])?,
            x.slice(0, .., 2)?.slice(1, .., 2)?,
        ];
        for (view, dtype) in
            views.iter().flat_map(|x| [DType::F32, DType::F64, DType::Bool, DType::BF16].map(|d| (x, d)))
        {
            // Each layout over a storage of the dtype.
            let (cast, all) = (x.cast(dtype)?, view.to_vec::<i64>()?);
            let (walker, all) = (Walker::new(view.layout()), Tensor::from_vec(all, [view.numel()])?.cast(dtype)?);
            for start in [0, 1, n - 1, n, n + 1, 2 * n].into_iter().filter(|&start| start <= all.numel()) {
                let rest = all.numel() - start;
                for len in [rest, rest / 2, n.min(rest), 1.min(rest)] {
                    let read =
                        Tensor::build(dtype, [len], |out| walker.read_from(start, cast.data(), out.into_data()))?;
                    assert_eq!(read, all.narrow(0, start, len)?, "{n} {:?} from {start}", view.layout());
                }
            }
        }
    }
    Ok(())
}
