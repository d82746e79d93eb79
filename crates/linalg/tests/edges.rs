//! What is at the edges: matrices that have no answer, no elements, or equal eigenvalues; arguments that do not fit.

use wengert_autograd::{Tape, grad, hessian, vmap};
use wengert_linalg::{LinearAlgebra, MatrixNorm, Triangle};
use wengert_tensor::{DType, Result, Rng, Tensor};

fn sentence<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    outcome.expect_err("an error").sentence().to_string()
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F64).unwrap()
}

#[test]
fn what_has_no_answer_is_an_error_with_its_place() {
    let singular = Tensor::from([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [0.5, 1.0]]]);
    let b = Tensor::from([1.0, 2.0]);
    assert_eq!(sentence(singular.solve(&b)), "solve: matrix 1 of the batch is singular");
    assert_eq!(sentence(zeros(&[2, 2]).inverse()), "solve: the matrix is singular");
    let lower = zeros(&[2, 2]).solve_triangular(&b, Triangle::Lower);
    assert_eq!(sentence(lower), "solve_triangular: the matrix has a zero on its diagonal");
    let negative = Tensor::from([[1.0, 2.0], [2.0, 1.0]]);
    assert_eq!(sentence(negative.cholesky()), "cholesky: the matrix is not positive definite");
    let nan = Tensor::from([[f64::NAN, 0.0], [0.0, 1.0]]);
    assert_eq!(sentence(nan.svd()), "svd: the matrix has NaN or infinity in it");
    assert_eq!(sentence(nan.eigh()), "eigh: the matrix has NaN or infinity in it");
    assert_eq!(sentence(nan.qr()), "qr: the matrix has NaN or infinity in it");
    assert_eq!(sentence(nan.cholesky()), "cholesky: the matrix has NaN or infinity in it");
    assert!(nan.solve(&b).unwrap().to_vec::<f64>().unwrap().iter().any(|x| x.is_nan()));
    assert!(nan.det().unwrap().item().unwrap().is_nan());
}

#[test]
fn arguments_that_do_not_fit_are_errors_at_once() {
    let (a, b) = (zeros(&[2, 3]), zeros(&[4]));
    assert_eq!(sentence(a.solve(&b)), "solve: the matrices of [2, 3] are not square");
    assert_eq!(sentence(zeros(&[2, 2]).solve(&b)), "solve: [2, 2] and [4, 1]: 2 and 4 rows");
    assert_eq!(sentence(zeros(&[2, 3, 3]).solve(&zeros(&[4, 3, 1]))), "solve: leading axes [4] and [2] do not fit");
    assert_eq!(sentence(b.svd()), "svd: [4] are no matrices");
    assert_eq!(sentence(Tensor::zeros([2, 2], DType::I64).unwrap().det()), "det: expected a float dtype, got i64");
    assert_eq!(
        sentence(zeros(&[2, 2]).solve(&Tensor::zeros([2, 1], DType::F32).unwrap())),
        "solve: dtypes f64 and f32 differ"
    );
    for rank in 0..2 {
        let x = zeros(&[2; 2][..rank]);
        assert!(x.cholesky().is_err() && x.inverse().is_err() && x.qr().is_err() && x.eigh().is_err());
        assert!(x.pinv().is_err() && x.matrix_power(2).is_err() && x.matrix_norm(MatrixNorm::Frobenius).is_err());
        assert!(x.matrix_rank().is_err() && x.matrix_norm_axes(MatrixNorm::Spectral, [0, 1]).is_err());
        assert!(x.slogdet().is_err() && x.singular_values().is_err() && x.eigenvalues_symmetric().is_err());
        assert!(x.lstsq(&x).is_err() && x.solve_triangular(&x, Triangle::Upper).is_err() && x.logdet().is_err());
    }
    for axes in [[0, 0], [1, -1], [0, 2], [isize::MIN, 0]] {
        assert!(a.matrix_norm_axes(MatrixNorm::Frobenius, axes).is_err());
    }
    let tape = Tape::new();
    let x = tape.input(&a);
    let error = x.det().value().unwrap_err();
    assert!(error.location().unwrap().file().ends_with("edges.rs"), "{error}");
}

#[test]
fn matrices_without_elements_have_answers() {
    let empty = zeros(&[0, 0]);
    assert_eq!(empty.det().unwrap(), Tensor::from(1.0));
    assert_eq!(empty.logdet().unwrap(), Tensor::from(0.0));
    assert_eq!(zeros(&[3, 0, 0]).slogdet().unwrap().0, Tensor::ones([3], DType::F64).unwrap());
    assert_eq!(empty.inverse().unwrap(), empty);
    assert_eq!(empty.cholesky().unwrap(), empty);
    for (shape, k) in [([0, 3], 0), ([3, 0], 0)] {
        let (u, s, vt) = zeros(&shape).svd().unwrap();
        assert_eq!(
            (&u.shape()[..], &s.shape()[..], &vt.shape()[..]),
            (&[shape[0], k][..], &[k][..], &[k, shape[1]][..])
        );
        let (q, r) = zeros(&shape).qr().unwrap();
        assert_eq!((&q.shape()[..], &r.shape()[..]), (&[shape[0], k][..], &[k, shape[1]][..]));
    }
    assert_eq!(zeros(&[0, 4, 4]).eigh().unwrap().1.shape()[..], [0, 4, 4]);
    assert_eq!(zeros(&[0, 2]).lstsq(&zeros(&[0, 3])).unwrap(), zeros(&[2, 3]));
    assert_eq!(zeros(&[2, 0]).lstsq(&zeros(&[2, 3])).unwrap().shape()[..], [0, 3]);
    assert_eq!(grad(|x| x.det().sum() + x.sum(), &zeros(&[2, 0, 0])).unwrap(), zeros(&[2, 0, 0]));
}

#[test]
fn ranks_are_counted_and_any_two_axes_are_matrices() {
    let mut rng = Rng::seed(5);
    for (m, n, rank) in [(5, 4, 2), (3, 6, 3), (4, 4, 0), (0, 3, 0)] {
        let draw = |shape: [usize; 3], rng: &mut Rng| Tensor::randn(shape, DType::F64, rng).unwrap();
        let (x, y) = (draw([2, m, rank], &mut rng), draw([2, rank, n], &mut rng));
        let product = x.matmul(&y).unwrap();
        assert_eq!(product.matrix_rank().unwrap(), Tensor::from([rank as i64; 2]));
        let single = product.cast(DType::F32).unwrap();
        assert_eq!(single.matrix_rank().unwrap(), Tensor::from([rank as i64; 2]));
    }
    let x = Tensor::randn([3, 2, 4], DType::F64, &mut rng).unwrap();
    let (rows, columns) = (MatrixNorm::LargestRow, MatrixNorm::LargestColumn);
    let moved = x.permute([1, 2, 0]).unwrap();
    assert_eq!(x.matrix_norm_axes(rows, [2, 0]).unwrap(), moved.matrix_norm(rows).unwrap());
    assert_eq!(x.matrix_norm_axes(columns, [0, -1]).unwrap(), moved.matrix_norm(rows).unwrap());
}

#[test]
fn factors_multiply_to_what_they_are_of() {
    let mut rng = Rng::seed(3);
    for shape in [[5, 5], [7, 3], [3, 7], [1, 4], [40, 33]] {
        let a = Tensor::randn([2, shape[0], shape[1]], DType::F64, &mut rng).unwrap();
        let (q, r) = a.qr().unwrap();
        assert!(q.matmul(&r).unwrap().allclose(&a, 1e-12, 1e-12).unwrap());
        let (u, s, vt) = a.svd().unwrap();
        let scaled = vmap(|[u, s]| u * s, [&u, &s.unsqueeze(1).unwrap()]).unwrap();
        assert!(scaled.matmul(&vt).unwrap().allclose(&a, 1e-12, 1e-12).unwrap());
        assert!(s.allclose(&a.singular_values().unwrap(), 1e-12, 1e-12).unwrap());
        let gram = a.matmul(&a.t()).unwrap();
        let (values, v) = gram.eigh().unwrap();
        let scaled = vmap(|[v, values]| v * values, [&v, &values.unsqueeze(1).unwrap()]).unwrap();
        assert!(scaled.matmul(&v.t()).unwrap().allclose(&gram, 1e-11, 1e-11).unwrap());
        assert!(values.allclose(&gram.eigenvalues_symmetric().unwrap(), 1e-11, 1e-11).unwrap());
        // The residual of least squares is orthogonal to the columns.
        let x = a.lstsq(&a).unwrap();
        assert!(a.matmul(&x).unwrap().allclose(&a, 1e-11, 1e-11).unwrap());
    }
}

#[test]
fn the_gradient_of_a_determinant_exists_where_it_is_zero() {
    let g = grad(|x| x.det(), &Tensor::from([[1.0, 2.0], [2.0, 4.0]])).unwrap();
    assert!(g.allclose(&Tensor::from([[4.0, -2.0], [-2.0, 1.0]]), 1e-12, 1e-12).unwrap());
    assert_eq!(grad(|x| x.det(), &zeros(&[3, 3])).unwrap(), zeros(&[3, 3]));
    let odd = Tensor::from([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    assert_eq!(odd.det().unwrap().item().unwrap(), 1.0);
    assert_eq!(Tensor::from([[0.0, 1.0], [1.0, 0.0]]).slogdet().unwrap(), (Tensor::from(-1.0), Tensor::from(0.0)));
    assert_eq!(zeros(&[2, 2]).slogdet().unwrap(), (Tensor::from(0.0), Tensor::from(f64::NEG_INFINITY)));
    assert!(Tensor::from([[-1.0]]).logdet().unwrap().item().unwrap().is_nan());
}

#[test]
fn equal_values_have_derivatives_where_they_exist() {
    let eye = Tensor::eye(3, DType::F64).unwrap();
    assert!(grad(|x| x.matrix_norm(MatrixNorm::Nuclear), &eye).unwrap().allclose(&eye, 1e-12, 1e-12).unwrap());
    let g = grad(|x| x.eigenvalues_symmetric().square().sum(), &eye).unwrap();
    assert!(
        g.allclose(
            &eye.matrix_power(0)
                .unwrap()
                .matmul(&Tensor::from([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]))
                .unwrap(),
            1e-12,
            1e-12
        )
        .unwrap()
    );
}

#[test]
fn the_hessian_of_log_det_is_known() {
    // The second derivative of log det along dA is -tr(A⁻¹ dA A⁻¹ dA).
    let a = Tensor::from([[2.0, 0.5], [-0.25, 1.0]]);
    let h = hessian(|x| x.logdet(), &a).unwrap().reshape([4, 4]).unwrap();
    let w = a.inverse().unwrap();
    for (p, (i, j)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        for (q, (k, l)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
            let expected = -w.get::<f64>(&[l, i]).unwrap() * w.get::<f64>(&[j, k]).unwrap();
            assert!((h.get::<f64>(&[p, q]).unwrap() - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn one_factorisation_serves_all_derivatives() {
    let tape = Tape::new();
    let a = tape.input(&Tensor::from([[2.0, 0.5], [-0.25, 1.0]]));
    let b = tape.input(&Tensor::from([1.0, 2.0]));
    let [ga, gb] = a.solve(&b).square().sum().grads(&[a, b])[..] else { panic!("two gradients") };
    let _second = (ga.sum() + gb.sum()).grads(&[a, b]);
    assert_eq!(tape.to_string().matches("= lu").count(), 1, "{tape}");
}
