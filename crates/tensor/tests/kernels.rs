//! Kernels trust nobody: operands, results and axes that do not fit are errors.

use wengert_tensor::kernel::each::map;
use wengert_tensor::kernel::{argreduce, binary, compare, reduce, scan, select, sort, unary};
use wengert_tensor::{DType, ErrorKind, Result, Tensor, ViewMut};

/// The kind of error of a kernel writing a result of a shape and dtype.
fn fails<const N: usize>(shape: [usize; N], dtype: DType, kernel: impl FnOnce(ViewMut) -> Result<()>) -> ErrorKind {
    Tensor::build(dtype, shape, kernel).unwrap_err().kind()
}

#[test]
fn results_of_another_size_or_dtype_are_errors() {
    use DType::{Bool, F32, F64, I64};
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let (v, cond) = (x.view(), x.greater(&x).unwrap());
    let row = x.select_axis(0, 0).unwrap();
    for shape in [[2, 2], [0, 3], [4, 4]] {
        assert_eq!(fails(shape, F64, |out| map("exp", &[v], out, &unary::exp)), ErrorKind::Shape);
        assert_eq!(fails(shape, F64, |out| map("add", &[v, v], out, &binary::add)), ErrorKind::Shape);
        assert_eq!(fails(shape, Bool, |out| map("less", &[v, v], out, &compare::less)), ErrorKind::Shape);
        assert_eq!(fails(shape, F64, |out| map("where", &[cond.view(), v, v], out, &select::select)), ErrorKind::Shape);
        assert_eq!(fails(shape, F64, |out| reduce::sum(v, &[0], out)), ErrorKind::Shape);
        assert_eq!(fails(shape, I64, |out| argreduce::argmax(v, 0, out)), ErrorKind::Shape);
        assert_eq!(fails(shape, F64, |out| scan::cumsum(v, 0, out)), ErrorKind::Shape);
        assert_eq!(fails(shape, I64, |out| sort::argsort(v, 0, false, out)), ErrorKind::Shape);
    }
    assert_eq!(fails([2, 3], F64, |out| map("add", &[v, row.view()], out, &binary::add)), ErrorKind::Shape);
    assert_eq!(fails([2, 3], F32, |out| map("exp", &[v], out, &unary::exp)), ErrorKind::DType);
    assert_eq!(fails([2, 3], F64, |out| map("less", &[v, v], out, &compare::less)), ErrorKind::DType);
    assert_eq!(fails([3], F64, |out| argreduce::argmin(v, 0, out)), ErrorKind::DType);
    assert_eq!(fails([2, 3], F64, |out| sort::argsort(v, 0, false, out)), ErrorKind::DType);
}

#[test]
fn axes_that_do_not_exist_repeat_or_are_out_of_order_are_errors() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let v = x.view();
    for axes in [&[2][..], &[0, 0], &[1, 0], &[0, 1, 7]] {
        assert_eq!(fails([3], DType::F64, |out| reduce::sum(v, axes, out)), ErrorKind::Index);
        assert_eq!(fails([3], DType::F64, |out| reduce::max(v, axes, out)), ErrorKind::Index);
    }
    assert_eq!(fails([3], DType::I64, |out| argreduce::argmax(v, 2, out)), ErrorKind::Index);
    assert_eq!(fails([2, 3], DType::F64, |out| scan::cumsum(v, 2, out)), ErrorKind::Index);
    assert_eq!(fails([2, 3], DType::I64, |out| sort::argsort(v, 2, true, out)), ErrorKind::Index);
}

#[test]
fn huge_axes_beside_an_empty_one_cost_nothing() {
    let n = 1usize << 56;
    for shape in [[0, n, 8], [n, 0, 8], [n, 8, 0]] {
        let x = Tensor::zeros(shape.map(|size| size.min(1)), DType::F64).unwrap().broadcast_to(shape).unwrap();
        assert_eq!(x.add(&x).unwrap().shape(), x.shape());
        assert_eq!(x.sum().unwrap(), Tensor::from(0.0));
        assert!(x.mean().unwrap().item().unwrap().is_nan());
        for axis in 0..3 {
            // The result is as empty, or too large.
            let kinds = [x.sum_axes(axis).err(), x.var_axes(axis, 0).err(), x.prod_keep(axis).err()];
            assert!(kinds.iter().flatten().all(|e| e.kind() == ErrorKind::Memory), "{kinds:?}");
            assert_eq!(x.cumsum(axis).unwrap().shape(), x.shape());
            assert_eq!(x.argsort(axis, true).unwrap().shape(), x.shape());
        }
    }
}
