//! Bound kernels: what a program calls gives the bits of what a rule's `eval` gives.

use wengert_autograd::Type;
use wengert_autograd::op::{Example, Op};
use wengert_tensor::{DType, Data, DataMut, Layout, Result, Scalar, Storage, Tensor, View, ViewMut};

fn type_of(example: &Example) -> Result<Type> {
    let types: Vec<Type> = example.x.iter().map(|x| Type::new(x.dtype(), x.shape())).collect();
    example.op.rule().infer(&types.iter().collect::<Vec<_>>())
}

/// The result of `kernel`, element by element, in a form that tells all bits apart.
fn elements(ty: &Type, n: usize, kernel: impl FnOnce(DataMut) -> Result<()>) -> Result<Vec<Scalar>> {
    let mut out = Storage::zeros(ty.dtype, n)?;
    kernel(out.data_mut())?;
    let all = Tensor::from_storage(out, Layout::contiguous([n].into()))?;
    (0..n as isize).map(|i| all.slice(0, i..i + 1, 1)?.scalar()).collect()
}

fn by_eval(example: &Example, ty: &Type) -> Result<Vec<Scalar>> {
    let views: Vec<View> = example.x.iter().map(Tensor::view).collect();
    elements(ty, ty.shape.numel(), |out| example.op.rule().eval(&views, ViewMut::new(out, &ty.shape)?))
}

fn by_bound(example: &Example, ty: &Type) -> Result<Vec<Scalar>> {
    let laid: Vec<(DType, &Layout)> = example.x.iter().map(|x| (x.dtype(), x.layout())).collect();
    let bound = example.op.bind(&laid, ty);
    let data: Vec<Data> = example.x.iter().map(Tensor::data).collect();
    elements(ty, ty.shape.numel(), |out| bound.call(&data, out))
}

/// The same values at the other end of larger storage, backwards and far apart.
fn elsewhere(x: &Tensor) -> Result<Tensor> {
    let axes: Vec<isize> = (0..x.rank() as isize).collect();
    let apart = x.unsqueeze(-1)?.broadcast_to([&x.shape()[..], &[2]].concat())?.contiguous()?;
    let apart = apart.flip(&axes[..])?.contiguous()?.flip(&axes[..])?;
    apart.select_axis(-1, 1)
}

fn examples() -> impl Iterator<Item = Example> {
    let all = Op::table().into_iter().flat_map(|(_, examples)| examples);
    all.flat_map(|example| {
        let single = example.x.iter().map(|x| if x.dtype() == DType::F64 { x.cast(DType::F32) } else { Ok(x.clone()) });
        let single = Example::new(example.op.clone(), single.collect::<Result<Vec<_>>>().unwrap());
        [example, single]
    })
}

#[test]
fn a_bound_kernel_gives_the_bits_of_eval_on_every_layout() {
    for example in examples() {
        let Ok(ty) = type_of(&example) else { continue };
        let want = by_eval(&example, &ty).unwrap();
        assert_eq!(by_bound(&example, &ty).unwrap(), want, "{:?}", example.op);
        let moved: Vec<Tensor> = example.x.iter().map(|x| elsewhere(x).unwrap()).collect();
        let moved = Example::new(example.op, moved);
        assert_eq!(by_bound(&moved, &ty).unwrap(), want, "{:?} of strided operands", moved.op);
    }
}

#[test]
fn a_bound_elementwise_kernel_takes_any_length() {
    for Example { op, x } in examples().filter(|example| example.op.rule().is_elementwise()) {
        let many: Vec<Tensor> = x.iter().map(|x| Tensor::concat(&[x; 40], 0).unwrap()).collect();
        let example = Example::new(op, many);
        let ty = type_of(&example).unwrap();
        let want = by_eval(&example, &ty).unwrap();
        let layout = Layout::contiguous([1].into());
        let laid: Vec<(DType, &Layout)> = example.x.iter().map(|x| (x.dtype(), &layout)).collect();
        let bound = example.op.bind(&laid, &ty.with_shape([1]));
        for n in [0, 1, 2, 3, 7, 15, 16, 17, 33, 64, 65, 78] {
            for start in 0..3 {
                let data: Vec<Data> = example.x.iter().map(|x| x.data().range(start..start + n)).collect();
                let got = elements(&ty, n, |out| bound.call(&data, out)).unwrap();
                assert_eq!(got, want[start..start + n], "{:?} of {n} elements", example.op);
            }
        }
    }
}

#[test]
fn operands_that_do_not_fit_a_bound_kernel_are_errors() {
    for example in examples().filter(|example| example.op.rule().is_elementwise()) {
        let (op, ty) = (&example.op, type_of(&example).unwrap());
        let laid: Vec<(DType, &Layout)> = example.x.iter().map(|x| (x.dtype(), x.layout())).collect();
        let bound = op.bind(&laid, &ty);
        let data: Vec<Data> = example.x.iter().map(|x| x.data().range(0..1)).collect();
        assert!(elements(&ty, 2, |out| bound.call(&data, out)).is_err(), "{op:?} into a longer result");
        assert!(elements(&ty, 1, |out| bound.call(&[], out)).is_err(), "{op:?} of nothing");
        let bound_cast = matches!(op, Op::Cast(_));
        let other = ty.with_dtype(if ty.dtype == DType::I64 { DType::Bool } else { DType::I64 });
        assert!(bound_cast || elements(&other, 1, |out| bound.call(&data, out)).is_err(), "{op:?} into another dtype");
    }
}
