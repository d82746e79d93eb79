//! The number of threads changes no bit. One test, because that number is the process's.

use wengert_tensor::{DType, Tensor, set_threads};

/// Numbers whose products are rounded.
fn numbers(shape: &[usize], dtype: DType) -> Tensor {
    let numbers = (0..shape.iter().product::<usize>()).map(|i| (i * 31 % 101) as f64 / 7.0 - 6.0);
    Tensor::from_vec(numbers.collect::<Vec<_>>(), shape).unwrap().cast(dtype).unwrap()
}

#[test]
fn results_are_the_same_with_any_number_of_threads() {
    for dtype in [DType::F32, DType::F64] {
        let matmul = |x: &[usize], y: &[usize]| (numbers(x, dtype), numbers(y, dtype));
        let products = [
            matmul(&[300, 260], &[260, 230]),
            matmul(&[64, 128], &[128, 64]),
            matmul(&[63, 128], &[128, 65]),
            matmul(&[65, 129], &[129, 63]),
            matmul(&[32, 128], &[128, 512]),
            matmul(&[7, 513], &[513, 161]),
            matmul(&[1031, 257], &[257, 33]),
            matmul(&[2, 300], &[300, 900]),
            matmul(&[230, 260], &[260, 300]),
            matmul(&[9, 400], &[400, 3000]),
            matmul(&[3000, 400], &[400, 9]),
            matmul(&[1500, 900], &[900, 1]),
            matmul(&[1, 900], &[900, 1500]),
            matmul(&[6, 2, 90, 64], &[6, 1, 64, 100]),
            matmul(&[3, 300, 200], &[3, 200, 300]),
        ];
        for (x, y) in &products {
            // Read in place, a transpose is cut as well.
            for y in [y.clone(), y.t().contiguous().unwrap().t()] {
                let [one, others @ ..] = [1, 2, 3, 7].map(|n| {
                    set_threads(n);
                    x.matmul(&y).unwrap()
                });
                assert!(others.iter().all(|other| *other == one), "{} x {}", x.shape(), y.shape());
            }
        }
    }
    for axis in 0..3 {
        // Cut along the outermost axis, or not at all where the index picks places of that.
        let (x, full) = (numbers(&[37, 40, 50], DType::F32), [37, 40, 50]);
        let size = full[axis] as i64;
        let picks = (0..37 * 40 * 50).map(|i| (i * 7919 + i / 13) % size).collect::<Vec<i64>>();
        let index = Tensor::from_vec(picks, full).unwrap();
        let few = index.narrow(0, 0, 36).unwrap();
        let results = || {
            let added = x.scatter_add(axis as isize, &index, &x).unwrap();
            let some = x.scatter_add(axis as isize, &few, &x.narrow(0, 0, 36).unwrap()).unwrap();
            [x.gather(axis as isize, &index).unwrap(), x.gather(axis as isize, &few).unwrap(), added, some]
        };
        let wrong = || {
            x.narrow(axis as isize, 1, full[axis] - 1).unwrap().gather(axis as isize, &index).unwrap_err().to_string()
        };
        let [one, others @ ..] = [1, 2, 7].map(|n| {
            set_threads(n);
            (results(), wrong())
        });
        assert!(others.iter().all(|other| *other == one), "axis {axis}");
    }
    set_threads(0);
}
