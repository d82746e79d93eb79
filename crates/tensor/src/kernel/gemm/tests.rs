//! Every level against the order of additions that is promised, bit by bit, and against another product.

use proptest::prelude::*;

use super::blocked::{Cuts, DEPTH};
use super::vector::LANES;
use super::*;

/// A matrix laid out somehow in a larger piece of storage full of NaN.
#[derive(Debug, Clone)]
struct Laid<T> {
    data: Vec<T>,
    start: usize,
    sizes: [usize; 2],
    strides: [isize; 2],
}

impl<T: Float> Laid<T> {
    /// `at(i, j)` in one of six layouts: by rows, by columns, with gaps, backwards, and with all rows or columns the same.
    fn new([m, n]: [usize; 2], layout: u8, nan: T, at: impl Fn(usize, usize) -> T) -> Self {
        let (m1, n1) = (m.max(1) as isize, n.max(1) as isize);
        let (start, strides) = match layout % 6 {
            0 => (3, [n1, 1]),
            1 => (2, [1, m1]),
            2 => (1, [2 * n1 + 1, 2]),
            3 => ((m1 * n1 - 1) as usize, [-n1, -1]),
            4 => (0, [0, 1]),
            _ => (5, [1, 0]),
        };
        let mut laid = Self { data: vec![nan; 2 * (m + 1) * (n + 1) + 8], start, sizes: [m, n], strides };
        for i in 0..m {
            for j in 0..n {
                let place = laid.matrix().place(i, j);
                laid.data[place] = at(i, j);
            }
        }
        laid
    }

    fn matrix(&self) -> Matrix<'_, T> {
        Matrix::new(&self.data, self.start, self.sizes, self.strides).unwrap()
    }
}

/// What the tests need of both types.
trait Tested: Float + Into<f64> + From<f32> {
    const UNIT: f64;
    fn fused(self, a: Self, b: Self) -> Self;
    fn bits(self) -> u64;
    /// The oracle: a product by a crate that has nothing in common with this one.
    fn oracle(x: &Matrix<Self>, y: &Matrix<Self>) -> Vec<Self>;
}

macro_rules! tested {
    ($($t:ty: $gemm:path;)*) => {$(
        impl Tested for $t {
            const UNIT: f64 = <$t>::EPSILON as f64 / 2.0;

            fn fused(self, a: Self, b: Self) -> Self {
                self.mul_add(a, b)
            }

            fn bits(self) -> u64 {
                if self.is_nan() { u64::MAX } else { f64::from(self).to_bits() }
            }

            fn oracle(x: &Matrix<Self>, y: &Matrix<Self>) -> Vec<Self> {
                let ([m, k], n) = (x.sizes, y.sizes[1]);
                let mut out = vec![0.0; m * n];
                let ([rx, cx], [ry, cy]) = (x.strides, y.strides);
                // SAFETY: a matrix reaches only into its data, and the result has `m` rows of `n`.
                unsafe { $gemm(m, k, n, 1.0, x.first(), rx, cx, y.first(), ry, cy, 0.0, out.as_mut_ptr(), n as isize, 1) };
                out
            }
        }
    )*};
}

tested! {
    f32: matrixmultiply::sgemm;
    f64: matrixmultiply::dgemm;
}

/// What an element is, in the order that its path promises, where it was `start` and is added to.
fn promised<T: Tested>(path: Path, level: Level, start: Option<T>, terms: &[(T, T)]) -> T {
    let step = |sum: T, &(a, b): &(T, T)| match level {
        Level::Portable if !cfg!(any(target_feature = "fma", target_arch = "aarch64")) => a.times(b).plus(sum),
        _ => a.fused(b, sum),
    };
    let blocks = |terms: &[(T, T)]| match path {
        Path::Blocked => terms.chunks(DEPTH).map(|block| block.iter().fold(T::ZERO, step)).collect::<Vec<_>>(),
        Path::Vector => {
            vec![pairwise(std::array::from_fn(|l| terms.iter().skip(l).step_by(LANES).fold(T::ZERO, step)))]
        }
    };
    start.into_iter().chain(blocks(terms)).reduce(T::plus).unwrap_or(T::ZERO)
}

/// `rows` of `n` elements in rows of `n + 2`, before a product was added.
fn before<T: Tested>(m: usize, n: usize) -> Vec<T> {
    (0..m * (n + 2)).map(|i| T::from((i % 13) as f32 - 6.0)).collect()
}

fn check<T: Tested>([m, k, n]: [usize; 3], layouts: [u8; 2], seed: u32, special: Option<f32>) {
    let nan = T::from(f32::NAN);
    let number = |i: usize, j: usize, s: u32| {
        let hash = (i as u32).wrapping_mul(0x9e37_79b9) ^ (j as u32).wrapping_mul(0x85eb_ca6b) ^ s;
        let hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
        match special {
            Some(special) if hash.is_multiple_of(61) => T::from(special),
            _ => T::from((hash >> 8) as f32 / (1 << 23) as f32 - 1.0),
        }
    };
    // A layout of one row or column repeated has that many values only.
    let entry = |layout: u8, s: u32| {
        move |i, j| number(if layout % 6 == 4 { 0 } else { i }, if layout % 6 == 5 { 0 } else { j }, s)
    };
    let x = Laid::new([m, k], layouts[0], nan, entry(layouts[0], seed));
    let y = Laid::new([k, n], layouts[1], nan, entry(layouts[1], !seed));
    let (x, y) = (x.matrix(), y.matrix());
    let path = Path::of(m, k, n);
    let oracle = T::oracle(&x, &y);
    for &level in Level::available() {
        for add in [false, true] {
            let start = before::<T>(m, n);
            let mut out = start.clone();
            if m * n * k > 0 {
                product(path, T::kernel(level), &x, &y, &mut out, n + 2, add).unwrap();
            } else {
                path.compute(x, y, &mut out, n + 2, add).unwrap();
            }
            for i in 0..m {
                for j in 0..n + 2 {
                    let at = i * (n + 2) + j;
                    if j >= n {
                        assert_eq!(out[at], start[at], "outside the result at {i}, {j}");
                        continue;
                    }
                    let terms: Vec<_> = (0..k).map(|p| (x.at(i, p), y.at(p, j))).collect();
                    let (got, expected) = (out[at], promised(path, level, add.then_some(start[at]), &terms));
                    assert_eq!(got.bits(), expected.bits(), "{level:?} {i}, {j}: {got:?} for {expected:?}");
                    if !add && special.is_none() {
                        let wide = |x: T| -> f64 { x.into() };
                        let size: f64 = terms.iter().map(|&(a, b)| (wide(a) * wide(b)).abs()).sum();
                        let other = oracle[i * n + j];
                        let most = 2.0 * (k.min(DEPTH) + k / DEPTH + 1) as f64 * T::UNIT * size;
                        assert!((wide(got) - wide(other)).abs() <= most, "{got:?} against {other:?}");
                    }
                }
            }
        }
    }
}

/// Sizes about the edges of tiles, registers and blocks.
fn sizes() -> impl Strategy<Value = [usize; 3]> {
    let edge = || prop_oneof![0..10usize, 14..19usize, 31..35usize, 47..50usize, 64..67usize];
    prop_oneof![
        6 => [edge(), edge(), edge()],
        1 => (1..4usize, 250..520usize, 1..40usize).prop_map(<[usize; 3]>::from),
        2 => (Just(1), edge(), edge()).prop_map(<[usize; 3]>::from),
        2 => (edge(), edge(), Just(1)).prop_map(<[usize; 3]>::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_element_is_the_promised_sum(sizes in sizes(), layouts: [u8; 2], seed: u32) {
        check::<f32>(sizes, layouts, seed, None);
        check::<f64>(sizes, layouts, seed, None);
    }

    #[test]
    fn what_is_not_finite_reaches_just_its_rows_and_columns(sizes in sizes(), layouts: [u8; 2], seed: u32, nan: bool) {
        let special = if nan { f32::NAN } else { f32::INFINITY };
        check::<f32>(sizes, layouts, seed, Some(special));
        check::<f64>(sizes, layouts, seed, Some(special));
    }
}

#[test]
fn blocks_have_no_seams() {
    for (sizes, layouts) in [
        ([200, 300, 40], [0, 0]),
        ([33, 260, 80], [1, 1]),
        ([5, 3, 1100], [0, 0]),
        ([40, 9, 1030], [1, 1]),
        ([400, 8, 33], [2, 3]),
        ([1100, 45, 1], [1, 0]),
        ([1, 37, 530], [2, 0]),
        ([1, 33, 20], [0, 0]),
    ] {
        check::<f32>(sizes, layouts, 1, None);
        check::<f64>(sizes, layouts, 2, None);
    }
}

#[test]
fn matrices_stay_in_their_data() {
    let data = [0.0f32; 12];
    let new = |start, sizes, strides| Matrix::new(&data, start, sizes, strides).is_ok();
    assert!(new(0, [3, 4], [4, 1]) && new(11, [3, 4], [-4, -1]) && new(11, [9, 9], [0, 0]) && new(99, [0, 5], [9, 9]));
    assert!(!new(1, [3, 4], [4, 1]) && !new(10, [3, 4], [-4, -1]) && !new(12, [1, 1], [0, 0]));
    assert!(!new(0, [2, 2], [isize::MAX, 1]) && !new(0, [2, 2], [isize::MIN, 1]) && !new(usize::MAX, [1, 1], [1, 1]));
    assert!(!new(0, [usize::MAX, 2], [isize::MAX, isize::MIN]));
}

/// Whatever the sizes and the number of threads: every element is in one piece, and pieces are of whole tiles but the last.
#[test]
fn pieces_are_the_whole() {
    for [m, n] in [[1, 1], [1, 4000], [4000, 1], [8, 32], [9, 33], [200, 300], [31, 1000]] {
        for tile in [[8, 32], [4, 16], [5, 8]] {
            for threads in [1, 2, 3, 7, 64, 256] {
                let cuts = Cuts::new([m, n], tile, threads);
                let mut count = vec![0; m * n];
                for [rows, columns] in (0..cuts.count()).map(|i| cuts.piece(i)) {
                    assert!(!rows.is_empty() && (rows.end == m || rows.end.is_multiple_of(tile[0])));
                    assert!(!columns.is_empty() && (columns.end == n || columns.end.is_multiple_of(tile[1])));
                    rows.for_each(|i| count[i * n..][columns.clone()].iter_mut().for_each(|count| *count += 1));
                }
                assert!(count.iter().all(|&count| count == 1), "[{m}, {n}] {tile:?} {threads}");
            }
        }
    }
}
